import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, type Layer, Stream } from "effect"
import { FetchHttpClient, type HttpClient } from "effect/http"
import type { ServerResponse } from "node:http"
import { events } from "./MemoryHost.ts"
import { canary, collect, hello, lane } from "./requests.ts"
import * as SocketHost from "./SocketHost.ts"

const clients: ReadonlyArray<[string, Layer.Layer<HttpClient.HttpClient>]> = [
  ["undici", NodeHttpClient.layerUndici],
  ["fetch", FetchHttpClient.layer]
]

const piece = {
  openai: { choices: [{ delta: { content: "Hel" }, finish_reason: null }] },
  gemini: { candidates: [{ content: { parts: [{ text: "Hel" }] } }] }
}
const last = {
  openai: { choices: [{ delta: { content: "lo" }, finish_reason: "stop" }] },
  gemini: { candidates: [{ content: { parts: [{ text: "lo" }] }, finishReason: "STOP" }] }
}
const whole = {
  openai: { choices: [{ message: { content: "Hello" }, finish_reason: "stop" }] },
  gemini: { candidates: [{ content: { parts: [{ text: "Hello" }] }, finishReason: "STOP" }] }
}
const sse = (response: ServerResponse) => response.writeHead(200, { "content-type": "text/event-stream" })

for (const [name, client] of clients) {
  for (const kind of ["openai", "gemini"] as const) {
    describe(`${kind} over ${name}`, () => {
      const hosted = <A, E>(
        answer: Parameters<typeof SocketHost.make>[0],
        test: (
          host: SocketHost.SocketHost,
          text: NonNullable<Effect.Success<ReturnType<typeof lane>>["text"]>
        ) => Effect.Effect<A, E>
      ) =>
        Effect.gen(function* () {
          const host = yield* SocketHost.make(answer)
          const { text } = yield* lane(kind, { baseUrl: host.url })
          return yield* test(host, text!)
        }).pipe(Effect.provide(client), Effect.timeout("5 seconds"), Effect.scoped)

      /** How long the host still sees the connection of a call that is left as soon as it has the request. */
      const left = <A, E>(
        host: SocketHost.SocketHost,
        call: Effect.Effect<A, E>,
        ready: Effect.Effect<unknown> = Effect.void
      ) =>
        Effect.gen(function* () {
          const next = yield* Effect.forkChild(host.next, { startImmediately: true })
          const fiber = yield* Effect.forkChild(call)
          const { closed } = yield* Fiber.join(next)
          yield* ready
          const start = performance.now()
          yield* Fiber.interrupt(fiber)
          return (yield* Deferred.await(closed)) - start
        })

      it.live("lets go of the socket when it is left before the headers", () =>
        hosted(
          () => undefined,
          (host, text) =>
            Effect.gen(function* () {
              assert.isBelow(yield* left(host, text.generate(hello)), 1_000)
              assert.isBelow(yield* left(host, Stream.runDrain(text.stream(hello))), 1_000)
            })
        )
      )

      it.live("lets go of the socket when it is left within the body", () =>
        hosted(
          (response) => {
            response.writeHead(200, { "content-type": "application/json" })
            response.write('{"choices":[')
          },
          (host, text) =>
            Effect.gen(function* () {
              assert.isBelow(yield* left(host, text.generate(hello), Effect.sleep("50 millis")), 1_000)
            })
        )
      )

      it.live("lets go of the socket when it is left within the body of an error", () =>
        hosted(
          (response) => {
            response.writeHead(503, { "content-type": "application/json" })
            response.write('{"error":')
          },
          (host, text) =>
            Effect.gen(function* () {
              assert.isBelow(yield* left(host, text.generate(hello), Effect.sleep("50 millis")), 1_000)
            })
        )
      )

      it.live("lets go of the socket when it is left in mid-stream", () =>
        hosted(
          (response) => sse(response).write(events(piece[kind])),
          (host, text) =>
            Effect.gen(function* () {
              const seen = Deferred.makeUnsafe<void>()
              const call = text.stream(hello).pipe(
                Stream.tap((part) => (part.type === "text-delta" ? Deferred.succeed(seen, undefined) : Effect.void)),
                Stream.runDrain
              )
              assert.isBelow(yield* left(host, call, Deferred.await(seen)), 1_000)
            })
        )
      )

      it.live("lets go of the socket when nobody wants the rest of a stream", () =>
        hosted(
          (response) => sse(response).write(events(piece[kind])),
          (host, text) =>
            Effect.gen(function* () {
              const next = yield* Effect.forkChild(host.next, { startImmediately: true })
              yield* Stream.runDrain(Stream.take(text.stream(hello), 1))
              const start = performance.now()
              const { closed } = yield* Fiber.join(next)
              assert.isBelow((yield* Deferred.await(closed)) - start, 1_000)
            })
        )
      )

      it.live("lets go of the socket when the stream fails inside", () =>
        hosted(
          (response) =>
            sse(response).write(events(piece[kind], { error: { code: 500, message: "x", status: "INTERNAL" } })),
          (host, text) =>
            Effect.gen(function* () {
              const next = yield* Effect.forkChild(host.next, { startImmediately: true })
              const { failure } = yield* collect(text.stream(hello))
              assert.isDefined(failure)
              yield* Deferred.await((yield* Fiber.join(next)).closed)
            })
        )
      )

      it.live("keeps its connections for the next calls", () =>
        hosted(
          (response, request, body) =>
            /stream/.test(`${body}${request.url}`)
              ? sse(response).end(events(piece[kind], last[kind], "[DONE]"))
              : response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(whole[kind])),
          (host, text) =>
            Effect.gen(function* () {
              for (let call = 0; call < 5; call++) {
                yield* text.generate(hello)
                yield* Stream.runDrain(text.stream(hello))
              }
              assert.strictEqual(host.exchanges.length, 10)
              // A connection is free a moment after its answer is complete, so calls alternate between two.
              assert.isAtMost(new Set(host.exchanges.map(({ socket }) => socket)).size, 2)
            })
        )
      )

      it.live("tells the provider nothing of the trace, and the key in one header only", () =>
        hosted(
          (response) => response.writeHead(200).end(JSON.stringify(whole[kind])),
          (host, text) =>
            Effect.gen(function* () {
              yield* text.generate(hello).pipe(Effect.withSpan("operation"))
              const { body, request } = host.exchanges[0]!
              for (const header of ["traceparent", "tracestate", "b3", "x-b3-traceid", "baggage"]) {
                assert.isUndefined(request.headers[header])
              }
              const keyed = Object.entries(request.headers).filter(([, value]) => String(value).includes(canary))
              assert.deepStrictEqual<unknown>(
                keyed.map(([header]) => header),
                [kind === "openai" ? "authorization" : "x-goog-api-key"]
              )
              assert.isFalse(`${request.url}${body}`.includes(canary))
            })
        )
      )

      it.live("calls a cut answer and a cut stream failures of the network", () =>
        hosted(
          (response, request, body) => {
            if (/stream/.test(`${body}${request.url}`)) {
              sse(response).write(events(piece[kind]), () => response.destroy())
            } else {
              response.writeHead(200, { "content-length": "1000" })
              response.write('{"choices"', () => response.destroy())
            }
          },
          (_host, text) =>
            Effect.gen(function* () {
              const failure = yield* Effect.flip(text.generate(hello))
              assert.strictEqual(failure._tag, "Network", failure.rule)
              const streamed = yield* collect(text.stream(hello))
              assert.isTrue(streamed.parts.some((part) => part.type === "text-delta"))
              assert.strictEqual(streamed.failure?._tag, "Network", streamed.failure?.rule)
            })
        )
      )

      it.live("has its answer, however the connection ends behind it", () =>
        hosted(
          (response) => sse(response).write(events(piece[kind], last[kind]), () => response.destroy()),
          (_host, text) =>
            Effect.gen(function* () {
              const parts = yield* Stream.runCollect(text.stream(hello))
              assert.strictEqual(parts.at(-1)?.type, "finish")
            })
        )
      )

      it.live("calls a host that hangs up, or is not there, a failure of the network", () =>
        hosted(
          (response) => response.destroy(),
          (_host, text) =>
            Effect.gen(function* () {
              assert.strictEqual((yield* Effect.flip(text.generate(hello)))._tag, "Network")
              assert.strictEqual((yield* collect(text.stream(hello))).failure?._tag, "Network")
              const gone = yield* Effect.scoped(SocketHost.make(() => undefined))
              const nobody = yield* lane(kind, { baseUrl: gone.url })
              const refused = yield* Effect.flip(nobody.text!.generate(hello))
              assert.strictEqual(refused._tag, "Network")
              assert.strictEqual(refused.providerCode, "ECONNREFUSED")
            }).pipe(Effect.provide(client))
        )
      )
    })
  }
}
