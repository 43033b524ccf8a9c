import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, type Layer, Stream } from "effect"
import { FetchHttpClient, type HttpClient } from "effect/http"
import type { ServerResponse } from "node:http"
import { canary, collect, hello } from "../requests.ts"
import * as SocketHost from "../SocketHost.ts"
import { blockStart, blockStop, events, lane, messageDelta, messageStart, messageStop, text } from "./claude.ts"

const clients: ReadonlyArray<[string, Layer.Layer<HttpClient.HttpClient>]> = [
  ["undici", NodeHttpClient.layerUndici],
  ["fetch", FetchHttpClient.layer]
]

const begun = events(messageStart(), blockStart(0, { type: "text", text: "" }), text(0, "Hel"))
const ended = events(text(0, "lo"), blockStop(0), messageDelta("end_turn"), messageStop)
const whole = JSON.stringify({
  type: "message",
  content: [{ type: "text", text: "Hello" }],
  stop_reason: "end_turn",
  usage: { input_tokens: 1, output_tokens: 1 }
})
const sse = (response: ServerResponse) => response.writeHead(200, { "content-type": "text/event-stream" })
const isStream = (body: string) => body.includes('"stream":true')

for (const [name, client] of clients) {
  describe(`anthropic over ${name}`, () => {
    const hosted = <A, E>(
      answer: Parameters<typeof SocketHost.make>[0],
      test: (
        host: SocketHost.SocketHost,
        text: NonNullable<Effect.Success<ReturnType<typeof lane>>["text"]>
      ) => Effect.Effect<A, E>,
      auth: "bearer" | "x-api-key" = "bearer"
    ) =>
      Effect.gen(function* () {
        const host = yield* SocketHost.make(answer)
        const { text } = yield* lane({ baseUrl: host.url, auth })
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

    it.live("lets go of the socket when it is left in mid-stream", () =>
      hosted(
        (response) => sse(response).write(begun),
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
        (response) => sse(response).write(begun),
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

    it.live("lets go of the socket when an error comes in the stream", () =>
      hosted(
        (response) =>
          sse(response).write(`${begun}event: error\ndata: {"type":"error","error":{"type":"api_error"}}\n\n`),
        (host, text) =>
          Effect.gen(function* () {
            const next = yield* Effect.forkChild(host.next, { startImmediately: true })
            assert.isDefined((yield* collect(text.stream(hello))).failure)
            yield* Deferred.await((yield* Fiber.join(next)).closed)
          })
      )
    )

    it.live("keeps its connections for the next calls", () =>
      hosted(
        (response, _request, body) =>
          isStream(body)
            ? sse(response).end(begun + ended)
            : response.writeHead(200, { "content-type": "application/json" }).end(whole),
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

    for (const auth of ["bearer", "x-api-key"] as const) {
      it.live(`tells the provider nothing of the trace, and the key in one header only: ${auth}`, () =>
        hosted(
          (response) => response.writeHead(200).end(whole),
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
                [auth === "bearer" ? "authorization" : "x-api-key"]
              )
              assert.isFalse(`${request.url}${body}`.includes(canary))
            }),
          auth
        )
      )
    }

    it.live("calls a cut answer and a cut stream failures of the network", () =>
      hosted(
        (response, _request, body) => {
          if (isStream(body)) {
            sse(response).write(begun, () => response.destroy())
          } else {
            response.writeHead(200, { "content-length": "1000" })
            response.write('{"content"', () => response.destroy())
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
        (response) => sse(response).write(begun + ended, () => response.destroy()),
        (_host, text) =>
          Effect.gen(function* () {
            assert.strictEqual((yield* Stream.runCollect(text.stream(hello))).at(-1)?.type, "finish")
          })
      )
    )
  })
}
