import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, type Layer, Stream } from "effect"
import { FetchHttpClient, type HttpClient } from "effect/http"
import type { IncomingMessage, ServerResponse } from "node:http"
import * as Claude from "./anthropic/claude.ts"
import { events } from "./MemoryHost.ts"
import { canary, collect, hello, lane } from "./requests.ts"
import * as SocketHost from "./SocketHost.ts"

const clients: ReadonlyArray<[string, Layer.Layer<HttpClient.HttpClient>]> = [
  ["undici", NodeHttpClient.layerUndici],
  ["fetch", FetchHttpClient.layer]
]

const sse = (response: ServerResponse) => response.writeHead(200, { "content-type": "text/event-stream" })
const asksForStream = (request: IncomingMessage, body: string) =>
  /stream[A-Z]|"stream":true/.test(`${body}${request.url}`)

/** What one provider's answers look like, and the header its key is in. */
interface Wire {
  readonly name: string
  readonly lane: (baseUrl: string) => ReturnType<typeof lane>
  readonly begun: string
  readonly ended: string
  readonly broken: string
  readonly whole: string
  readonly keyHeader: string
}

const error = events({ error: { code: 500, message: "x", status: "INTERNAL" } })
const claude = (auth: "bearer" | "x-api-key"): Wire => ({
  name: `anthropic (${auth})`,
  lane: (baseUrl) => Claude.lane({ baseUrl, auth }),
  begun: Claude.events(Claude.messageStart(), Claude.blockStart(0, { type: "text", text: "" }), Claude.text(0, "Hel")),
  ended: Claude.events(Claude.text(0, "lo"), Claude.blockStop(0), Claude.messageDelta("end_turn"), Claude.messageStop),
  broken: 'event: error\ndata: {"type":"error","error":{"type":"api_error"}}\n\n',
  whole: JSON.stringify({
    type: "message",
    content: [{ type: "text", text: "Hello" }],
    stop_reason: "end_turn",
    usage: { input_tokens: 1, output_tokens: 1 }
  }),
  keyHeader: auth === "bearer" ? "authorization" : "x-api-key"
})
const wires: ReadonlyArray<Wire> = [
  {
    name: "openai",
    lane: (baseUrl) => lane("openai", { baseUrl }),
    begun: events({ choices: [{ delta: { content: "Hel" }, finish_reason: null }] }),
    ended: events({ choices: [{ delta: { content: "lo" }, finish_reason: "stop" }] }, "[DONE]"),
    broken: error,
    whole: JSON.stringify({ choices: [{ message: { content: "Hello" }, finish_reason: "stop" }] }),
    keyHeader: "authorization"
  },
  {
    name: "gemini",
    lane: (baseUrl) => lane("gemini", { baseUrl }),
    begun: events({ candidates: [{ content: { parts: [{ text: "Hel" }] } }] }),
    ended: events({ candidates: [{ content: { parts: [{ text: "lo" }] }, finishReason: "STOP" }] }),
    broken: error,
    whole: JSON.stringify({ candidates: [{ content: { parts: [{ text: "Hello" }] }, finishReason: "STOP" }] }),
    keyHeader: "x-goog-api-key"
  },
  claude("bearer"),
  claude("x-api-key")
]

for (const [name, client] of clients) {
  for (const wire of wires) {
    describe(`${wire.name} over ${name}`, () => {
      const hosted = <A, E>(
        answer: Parameters<typeof SocketHost.make>[0],
        test: (
          host: SocketHost.SocketHost,
          text: NonNullable<Effect.Success<ReturnType<typeof lane>>["text"]>
        ) => Effect.Effect<A, E>
      ) =>
        Effect.gen(function* () {
          const host = yield* SocketHost.make(answer)
          const { text } = yield* wire.lane(host.url)
          return yield* test(host, text!)
        }).pipe(Effect.provide(client), Effect.timeout("5 seconds"), Effect.scoped)

      /** How long the host still sees the connection of a call that is left as soon as it is `ready`. */
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
            response.write(wire.whole.slice(0, 12))
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
          (response) => sse(response).write(wire.begun),
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
          (response) => sse(response).write(wire.begun),
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
          (response) => sse(response).write(wire.begun + wire.broken),
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
            asksForStream(request, body)
              ? sse(response).end(wire.begun + wire.ended)
              : response.writeHead(200, { "content-type": "application/json" }).end(wire.whole),
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
          (response) => response.writeHead(200).end(wire.whole),
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
                [wire.keyHeader]
              )
              assert.isFalse(`${request.url}${body}`.includes(canary))
            })
        )
      )

      it.live("calls a cut answer and a cut stream failures of the network", () =>
        hosted(
          (response, request, body) => {
            if (asksForStream(request, body)) {
              sse(response).write(wire.begun, () => response.destroy())
            } else {
              response.writeHead(200, { "content-length": "1000" })
              response.write(wire.whole.slice(0, 12), () => response.destroy())
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
          (response) => sse(response).write(wire.begun + wire.ended, () => response.destroy()),
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
              const nobody = yield* wire.lane(gone.url)
              const refused = yield* Effect.flip(nobody.text!.generate(hello))
              assert.strictEqual(refused._tag, "Network")
              assert.strictEqual(refused.providerCode, "ECONNREFUSED")
            }).pipe(Effect.provide(client))
        )
      )
    })
  }
}
