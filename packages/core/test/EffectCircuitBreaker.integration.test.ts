import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { CircuitBreaker as Theirs } from "effect/persistence"
import { TestClock } from "effect/testing"
import { CircuitBreaker, EffectCircuitBreaker, EventBus } from "@holdfast/core"
import { createServer } from "node:http"
import type { Socket } from "node:net"

/** A server on a socket of its own. It counts its requests and answers with `status`, or hangs up where that is 0. */
const server = Effect.acquireRelease(
  Effect.callback<{ url: string; status: number; requests: number; close: () => void }>((resume) => {
    const sockets = new Set<Socket>()
    const http = createServer((request, response) => {
      made.requests += 1
      if (made.status === 0) request.socket.destroy()
      else response.writeHead(made.status, made.status === 503 ? { "retry-after": "90" } : {}).end("{}")
    })
    http.on("connection", (socket) => sockets.add(socket))
    const close = () => {
      http.close()
      for (const socket of sockets) socket.destroy()
    }
    const made = { url: "", status: 200, requests: 0, close }
    http.listen(0, "127.0.0.1", () => {
      const address = http.address()
      made.url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
      resume(Effect.succeed(made))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const services = Layer.mergeAll(
  FetchHttpClient.layer,
  EffectCircuitBreaker.layer({ consecutiveFailures: 3, open: "60 seconds", openGrowth: 1, openJitter: 0 }).pipe(
    Layer.provideMerge(CircuitBreaker.layer),
    Layer.provide(EventBus.layer)
  )
)

it.effect("HttpClient.withCircuitBreaker stops asking a server that fails, and finds out when it has recovered", () =>
  Effect.gen(function* () {
    const provider = yield* server
    const breaker = yield* Theirs.CircuitBreaker
    const client = (yield* HttpClient.HttpClient).pipe(HttpClient.withCircuitBreaker({ breaker }))
    const ask = Effect.map(client.get(provider.url), ({ status }) => status)
    const refused = Effect.flatMap(Effect.flip(ask), (error) =>
      error._tag === "CircuitBreakerError" ? Effect.succeed(error.reason._tag) : Effect.die(error)
    )

    assert.strictEqual(yield* ask, 200)
    // What says nothing about the server's health does not open it.
    for (provider.status of [429, 404, 401, 429, 404]) assert.strictEqual(yield* ask, provider.status)

    provider.status = 503
    assert.strictEqual(yield* ask, 503)
    assert.strictEqual(yield* ask, 503)
    provider.status = 0
    assert.strictEqual((yield* Effect.flip(ask))._tag, "HttpClientError")
    const before = provider.requests
    assert.strictEqual(yield* refused, "CircuitOpen")
    assert.strictEqual(yield* refused, "CircuitOpen")
    assert.strictEqual(provider.requests, before, "a refused request does not reach the server")

    yield* TestClock.adjust("60 seconds")
    provider.status = 503
    assert.strictEqual(yield* ask, 503, "the probe goes through")
    assert.strictEqual(yield* refused, "CircuitOpen")
    yield* TestClock.adjust("89 seconds")
    assert.strictEqual(yield* refused, "CircuitOpen", "the server's own wait is longer, and counts")

    provider.status = 200
    yield* TestClock.adjust("1 second")
    assert.strictEqual(yield* ask, 200)
    assert.deepStrictEqual(yield* breaker.state(provider.url), { _tag: "Closed", key: provider.url })
    assert.deepStrictEqual(
      (yield* (yield* CircuitBreaker.CircuitBreaker).list).map(({ circuit, refused }) => [circuit, refused]),
      [[provider.url, 4]]
    )
  }).pipe(Effect.provide(services))
)
