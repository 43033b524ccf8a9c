import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { AiErrors, Event, EventBus, Policy, Route } from "@holdfast/core"
import { Effect, Schema, Stream } from "effect"
import { LanguageModel } from "effect/ai"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { Input } from "../../src/Fault.ts"
import { always } from "../support/clients.ts"
import { ask } from "./Scene.ts"
import * as EmulatorHosts from "./EmulatorHosts.ts"
import { assertNoCanary, canary } from "./matrix/canary.ts"
import * as Echo from "./matrix/Echo.ts"
import * as forms from "./matrix/forms.ts"
import * as Witness from "./matrix/Witness.ts"
import { subjects } from "./Subject.ts"

const { bearer, chat, responses, v1beta } = subjects

const encodeEvents = Schema.encodeUnknownSync(Schema.toCodecJson(Schema.Array(Event.Event)))

/** One lane for each provider, all with the same fault, and a proxy before each that repeats the key. */
const lanes = (fault: Input) =>
  Effect.all(
    [chat, v1beta, bearer].map((subject) =>
      Effect.gen(function* () {
        const emulator = yield* EmulatorHosts.make[subject.format]({ plan: always(fault) })
        const echo = yield* Echo.make(emulator.port, canary)
        return yield* subject.lane(echo.origin, canary)
      })
    )
  )

const modes = {
  whole: LanguageModel.generateText({ prompt: "What holds a kelp to its rock?" }),
  streamed: Stream.runDrain(LanguageModel.streamText({ prompt: "What holds a kelp to its rock?" }))
} as const

const faults: ReadonlyArray<Input> = [
  { _tag: "ServerError" },
  { _tag: "BadKey" },
  { _tag: "HtmlPage" },
  { _tag: "StreamError", after: 0, error: "Overloaded" },
  { _tag: "Truncate", after: 0 }
]

describe("a route all of whose lanes fail", () => {
  for (const fault of faults) {
    for (const mode of ["whole", "streamed"] as const) {
      it.live(
        `on ${JSON.stringify(fault)}, ${mode}, tells nobody the keys: no error, event, span or line of the log`,
        () =>
          Effect.gen(function* () {
            const able = yield* lanes(fault)
            const policy = Policy.standard.pipe(Policy.retry({ maxRetries: 0 }))
            const route = Route.languageModel("chat", { lanes: able.map((lane) => Effect.succeed(lane)), policy })
            const witness = Witness.make()
            const { error, events } = yield* Effect.gen(function* () {
              const bus = yield* EventBus.EventBus
              const subscription = yield* bus.subscribe()
              const error = yield* Effect.flip(witness.watch(modes[mode]))
              return { error, events: yield* subscription.take(1000) }
            }).pipe(Effect.provide(route))

            const typed = AiErrors.toTyped(error)
            assert.strictEqual(typed._tag, "AllLanesFailed")
            assertNoCanary(forms.of(typed))
            const ended = events.filter((event) => event._tag === "AttemptEnded")
            assert.strictEqual(ended.length, 3)
            assertNoCanary(JSON.stringify(encodeEvents(events)))
            assert.isAbove(witness.spans.length, 1)
            assert.include(witness.text(), "the call failed")
            assertNoCanary(witness.text())
          }).pipe(Effect.provide(NodeHttpClient.layerUndici), Effect.timeout("5 seconds"))
      )
    }
  }
})

describe("a redirect", () => {
  /** The origin of a server that sends whoever comes to the other origin. */
  const redirecting = (elsewhere: string) =>
    serving((_, response) => void response.writeHead(307, { location: `${elsewhere}/here` }).end())

  const serving = (answer: Parameters<typeof createServer>[1]) =>
    Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer(answer)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    ).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`))

  for (const [name, client] of [
    ["undici", NodeHttpClient.layerUndici],
    ["node:http", NodeHttpClient.layerNodeHttp]
  ] as const) {
    it.live(`carries neither key nor prompt to another server, over ${name}`, () =>
      Effect.gen(function* () {
        let visits = 0
        const elsewhere = yield* serving((_, response) => {
          visits += 1
          response.end()
        })
        const origin = yield* redirecting(elsewhere)
        for (const subject of [chat, responses, v1beta, bearer]) {
          const { text } = yield* subject.lane(origin, canary)
          assert.strictEqual((yield* Effect.flip(text!.generate(ask))).status, 307)
          assert.strictEqual((yield* Effect.flip(Stream.runDrain(text!.stream(ask)))).status, 307)
        }
        assert.strictEqual(visits, 0)
      }).pipe(Effect.provide(client))
    )
  }
})
