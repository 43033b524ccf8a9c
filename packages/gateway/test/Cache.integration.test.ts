import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Healthy } from "@holdfast/chaos"
import * as TestRedis from "@holdfast/core/test/TestRedis"
import { APIError, type OpenAI } from "openai"
import { embedded, primary, question, start } from "./Harness.ts"

const asked = (client: OpenAI, headers: { readonly [name: string]: string } = {}) =>
  Effect.promise(() => client.chat.completions.create(question, { headers }).withResponse()).pipe(
    Effect.map(({ data, response }) => ({
      text: data.choices[0]?.message.content,
      model: data.model,
      id: data.id,
      finish: data.choices[0]?.finish_reason,
      ...told(response.headers)
    }))
  )

const streamed = (client: OpenAI, headers: { readonly [name: string]: string } = {}) =>
  Effect.promise(async () => {
    const { data, response } = await client.chat.completions
      .create({ ...question, stream: true }, { headers })
      .withResponse()
    let text = ""
    let chunks = 0
    let model = ""
    for await (const chunk of data) {
      text += chunk.choices[0]?.delta.content ?? ""
      chunks += 1
      model = chunk.model
    }
    return { text, chunks, model, ...told(response.headers) }
  })

const told = (headers: Headers) => ({
  lane: headers.get("x-holdfast-lane"),
  attempts: headers.get("x-holdfast-attempts"),
  degraded: headers.get("x-holdfast-degraded"),
  cache: headers.get("x-holdfast-cache"),
  age: headers.get("age"),
  coalesced: headers.get("x-holdfast-coalesced"),
  operation: headers.get("x-holdfast-operation")
})

const hit = { text: Healthy.sixtyWords, lane: primary, attempts: "0", degraded: "false", cache: "hit", age: "0" }
const miss = { text: Healthy.sixtyWords, lane: primary, attempts: "1", degraded: "false", cache: null, age: null }
const keeping = { cache: { ttl: "1 hour" } }
const sorry = "I cannot answer right now. Please try again in a few minutes."

layer(embedded, { excludeTestServices: true })("a gateway, asked by the official SDK", (it) => {
  describe("that keeps answers", () => {
    it.effect("gives them again, plain and streamed, without asking the provider, and says how old they are", () =>
      Effect.gen(function* () {
        const { client, gemini } = yield* start({ policy: keeping })
        const first = yield* asked(client)
        assert.deepInclude(first, miss)
        const second = yield* asked(client)
        assert.deepInclude(second, { ...hit, model: first.model })
        assert.notStrictEqual(second.operation, first.operation)
        assert.notStrictEqual(second.id, first.id)
        const live = yield* streamed(client)
        assert.deepInclude(live, miss)
        const again = yield* streamed(client)
        assert.deepInclude(again, { ...hit, chunks: live.chunks, model: live.model })
        assert.strictEqual((yield* gemini.journal).length, 2)
      })
    )

    it.effect("keeps callers with different keys apart, and asks anew where a caller wants that", () =>
      Effect.gen(function* () {
        const { client, gemini, url } = yield* start({ policy: keeping })
        yield* asked(client)
        assert.deepInclude(yield* asked(client, { authorization: "Bearer somebody-else" }), miss)
        assert.deepInclude(yield* asked(client, { "x-holdfast-cache": "no-store" }), miss)
        assert.deepInclude(yield* streamed(client, { "x-holdfast-cache": "no-cache" }), miss)
        assert.deepInclude(yield* streamed(client), hit)
        assert.strictEqual((yield* gemini.journal).length, 4)
        const wrong = yield* Effect.promise(() =>
          fetch(`${url}/v1/chat/completions`, {
            method: "POST",
            headers: { "x-holdfast-cache": "please" },
            body: JSON.stringify(question)
          }).then(async (response) => [response.status, JSON.stringify(await response.json())] as const)
        )
        assert.strictEqual(wrong[0], 400)
        assert.include(wrong[1], 'expected no-cache or no-store, got \\"please\\"')
      })
    )

    it.effect("gives a stale one when all providers are down, and the last resort to who asks something new", () =>
      Effect.gen(function* () {
        const { client, gemini, openAi } = yield* start({
          policy: { cache: { staleIfError: "1 hour" }, retry: { maxRetries: 0 } },
          chat: { degraded: sorry }
        })
        yield* asked(client)
        yield* streamed(client)
        yield* gemini.takeDown
        yield* openAi.takeDown
        const stale = { ...hit, cache: "stale", degraded: "true", attempts: "2" }
        assert.deepInclude(yield* asked(client), stale)
        assert.deepInclude(yield* streamed(client), stale)

        const nobody = { text: sorry, lane: null, degraded: "true", cache: null, model: "holdfast/degraded" }
        const other = { "x-holdfast-cache": "no-store" }
        assert.deepInclude(yield* asked(client, other), { ...nobody, finish: "stop" })
        assert.deepInclude(yield* streamed(client, other), nobody)
        // What the caller has to change is said, not covered up.
        const bad = yield* Effect.promise(() =>
          client.chat.completions.create({ ...question, messages: [] }).then(
            () => undefined,
            (error: unknown) => error
          )
        )
        assert.instanceOf(bad, APIError)
        assert.strictEqual(bad.status, 400)
      })
    )
  })

  describe("that lets identical calls share", () => {
    it.effect("asks the provider once for all of them, streamed and plain", () =>
      Effect.gen(function* () {
        const { client, gemini } = yield* start({
          gemini: { healthy: { latency: "100 millis", chunkDelay: "5 millis" } },
          policy: { coalesce: { enabled: true } }
        })
        for (const way of [streamed(client), asked(client)]) {
          const answers = yield* Effect.all([way, way, way], { concurrency: "unbounded" })
          for (const { text } of answers) assert.strictEqual(text, Healthy.sixtyWords)
          assert.deepStrictEqual(answers.map(({ attempts, coalesced }) => `${attempts} ${coalesced}`).toSorted(), [
            "0 true",
            "0 true",
            "1 null"
          ])
          assert.strictEqual(new Set(answers.map(({ operation }) => operation)).size, 3)
        }
        assert.strictEqual((yield* gemini.journal).length, 2)
      })
    )

    it.effect("goes on with a stream when one of its readers leaves, and hangs up when all have", () =>
      Effect.gen(function* () {
        const { client, gemini } = yield* start({
          gemini: { healthy: { chunkDelay: "10 millis" } },
          policy: { coalesce: { enabled: true } }
        })
        const listening = (leaveAfter: number) =>
          Effect.promise(async () => {
            const stream = await client.chat.completions.create({ ...question, stream: true })
            let text = ""
            let chunks = 0
            for await (const chunk of stream) {
              text += chunk.choices[0]?.delta.content ?? ""
              chunks += 1
              if (chunks === leaveAfter) stream.controller.abort()
            }
            return text
          })
        const [left, stayed] = yield* Effect.all([listening(5), listening(1000)], { concurrency: "unbounded" })
        assert.isBelow(left.length, stayed.length)
        assert.strictEqual(stayed, Healthy.sixtyWords)
        assert.strictEqual((yield* gemini.journal).length, 1)

        yield* Effect.all([listening(5), listening(8)], { concurrency: "unbounded" })
        const { closedBy } = yield* gemini.awaitEntry(
          ({ closedAt, requestNumber }) => requestNumber === 2 && closedAt !== undefined
        )
        assert.strictEqual(closedBy, "client")
      })
    )
  })

  describe("that keeps answers in Redis", () => {
    const redis = (url: string) => ({
      policy: keeping,
      config: { cache: { redis: { env: "REDIS" } } },
      env: { REDIS: url }
    })
    const untilHit = (client: OpenAI) =>
      Effect.repeat(asked(client), { until: ({ cache }) => cache === "hit", times: 200 })

    describe.skipIf(!TestRedis.isThere)("that is there", () => {
      it.effect("finds in one instance what another one kept", () =>
        Effect.gen(function* () {
          const server = yield* TestRedis.make
          const a = yield* start(redis(server.url))
          const b = yield* start(redis(server.url))
          yield* untilHit(a.client)
          assert.deepInclude(yield* untilHit(b.client), { text: Healthy.sixtyWords, cache: "hit", attempts: "0" })
        })
      )
    })

    describe.skipIf(!TestRedis.isOwn)("that comes and goes", () => {
      it.effect("starts without it, answers without it, and finds it again", () =>
        Effect.gen(function* () {
          const server = yield* TestRedis.make
          yield* server.stop
          const { client, gemini } = yield* start(redis(server.url))
          assert.deepInclude(yield* asked(client), miss)
          yield* server.start
          yield* untilHit(client)
          yield* server.stop
          const before = (yield* gemini.journal).length
          for (let n = 0; n < 5; n++) assert.deepInclude(yield* asked(client), miss)
          assert.strictEqual((yield* gemini.journal).length, before + 5)
          yield* server.start
          yield* Effect.repeat(Effect.delay(asked(client), "50 millis"), {
            until: ({ cache }) => cache === "hit",
            times: 200
          })
        })
      )
    })
  })
})
