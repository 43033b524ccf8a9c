import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer, Redacted, Schema } from "effect"
import * as TestRedis from "@holdfast/core/test/TestRedis"
import { TestPostgres } from "@holdfast/store-sql/test/TestPostgres"
import type { OpenAI } from "openai"
import { embedded, primary, question, secondary, start } from "./Harness.ts"

const laneOf = (client: OpenAI) =>
  Effect.map(
    Effect.promise(() => client.chat.completions.create(question).withResponse()),
    ({ response }) => response.headers.get("x-holdfast-lane")
  )

const Report = Schema.Struct({
  lanes: Schema.Array(Schema.Struct({ lane: Schema.String, circuit: Schema.Struct({ state: Schema.String }) }))
})
const circuitOf = (url: string) =>
  Effect.promise(() => fetch(`${url}/api/health`).then((response) => response.json())).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Report)),
    Effect.map((report) => report.lanes.find(({ lane }) => lane === primary)?.circuit.state)
  )

const down = { rules: [{ fault: { _tag: "ServiceUnavailable" as const } }] }
const policy = { retry: { maxRetries: 0 }, breaker: { open: "5 minutes", openMax: "5 minutes" } }

/** One gateway's primary fails; the other's does too, but it never has to find out. */
const shares = (options: { readonly config: object; readonly env: { readonly [name: string]: string } }) =>
  Effect.gen(function* () {
    const [a, b] = [
      yield* start({ gemini: down, policy, ...options }),
      yield* start({ gemini: down, policy, ...options })
    ]
    for (let n = 1; n <= 5; n++) assert.strictEqual(yield* laneOf(a.client), secondary)
    assert.strictEqual(yield* circuitOf(a.url), "open")
    yield* Effect.repeat(Effect.delay(circuitOf(b.url), "10 millis"), { until: (state) => state === "open" }).pipe(
      Effect.timeout("20 seconds")
    )
    assert.strictEqual(yield* laneOf(b.client), secondary)
    assert.lengthOf(yield* b.gemini.journal, 0)
  })

layer(Layer.merge(embedded, TestPostgres.layer), { excludeTestServices: true, timeout: "60 seconds" })(
  "two gateways that share",
  (it) => {
    describe.skipIf(!TestRedis.isThere)("over Redis", () => {
      it.effect("open a circuit in both", () =>
        Effect.flatMap(TestRedis.make, ({ url }) =>
          shares({ config: { sharing: { redis: { env: "REDIS" }, prefix: "two-gateways" } }, env: { REDIS: url } })
        )
      )
    })

    it.effect("over PostgreSQL open a circuit in both", () =>
      Effect.gen(function* () {
        const url = Redacted.value(yield* TestPostgres.useSync(({ database }) => database).pipe(Effect.flatten))
        yield* shares({ config: { sharing: { postgres: true } }, env: { DATABASE_URL: url } })
      })
    )

    it.effect("serve while the store they are to share is away", () =>
      Effect.gen(function* () {
        const { client } = yield* start({
          config: { sharing: { redis: { env: "REDIS" } } },
          env: { REDIS: "redis://127.0.0.1:1" }
        })
        assert.strictEqual(yield* laneOf(client), primary)
      })
    )

    const refused = [
      ["a variable that is not set", { redis: { env: "REDIS" } }, {}, "REDIS is not set"],
      [
        "a URL of something else",
        { redis: { env: "REDIS" } },
        { REDIS: "http://me:canary@host" },
        "holds no URL such as"
      ],
      ["PostgreSQL without a server", { postgres: true }, {}, "store.url or DATABASE_URL"]
    ] as const
    for (const [what, sharing, env, says] of refused) {
      it.effect(`do not start with ${what}, and say why`, () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(start({ config: { sharing }, env }))
          assert.include(error.message, says)
          assert.notInclude(error.message, "canary")
        })
      )
    }
  }
)
