import { assert, it } from "@effect/vitest"
import { Effect, Redacted, Stream } from "effect"
import { LanguageModel } from "effect/ai"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { AiErrors, Policy, Route } from "@holdfast/core"
import { OpenAi } from "@holdfast/providers"
import * as ProviderHttp from "../src/ProviderHttp.ts"

/** Takes connections and says nothing: over `https` none ever stands, over `http` it does. */
const mute = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
    const sockets = new Set<{ destroy(): void }>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on("error", () => undefined)
    })
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      const close = () => {
        for (const socket of sockets) socket.destroy()
        server.close()
      }
      resume(Effect.succeed({ port, close }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const policy = Policy.standard.pipe(
  Policy.retry({ maxRetries: 0 }),
  Policy.clocks({ connect: "150 millis", firstContent: "600 millis", plainAttempt: "600 millis" })
)

const asking = {
  "a whole answer": LanguageModel.generateText({ prompt: "hi" }),
  "a stream": Stream.runDrain(LanguageModel.streamText({ prompt: "hi" }))
}

for (const [name, ask] of Object.entries(asking)) {
  it.live.each([
    ["https", "connect", "transport/connect-timeout"],
    ["http", name === "a stream" ? "first-content" : "attempt", undefined]
  ] as const)(`${name} over %s is ended by the clock of its phase: %s`, ([scheme, phase, rule]) =>
    Effect.gen(function* () {
      const { port } = yield* mute
      const lane = OpenAi.lane("gpt-mini", {
        apiKey: Redacted.make("sk-canary"),
        baseUrl: `${scheme}://127.0.0.1:${port}/v1`
      })
      const error = yield* ask.pipe(
        Effect.provide(Route.languageModel("chat", { lanes: [lane], policy })),
        AiErrors.typed,
        Effect.flip
      )
      assert.deepInclude(error, { _tag: "Timeout", phase, rule: rule ?? `clock/${phase}` })
    }).pipe(Effect.provide(ProviderHttp.layer), Effect.scoped)
  )
}
