import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Policy, Provenance } from "@holdfast/core"
import { alone, chat, exact } from "./Chat.ts"
import { after, failing, finish, replying, scripted } from "./Scripted.ts"

describe("the provenance of an answer", () => {
  it.effect("names the lane and every attempt, with its wait and its duration", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.retry({ maxRetries: 1 }))
      const a = yield* scripted("a/x", [
        after("3 seconds", failing("RateLimit", { retryAfter: Duration.seconds(20) })),
        after("2 seconds", failing("Network"))
      ])
      const b = yield* scripted("b/y", [after("4 seconds", replying("hello"))])
      const fiber = yield* Effect.forkChild(Provenance.of((yield* chat([a, b], policy)).ask))
      yield* TestClock.adjust("1 minute")
      const [answer, provenance] = yield* Fiber.join(fiber)
      assert.strictEqual(answer, "hello")
      assert.deepStrictEqual(provenance, {
        operation: provenance?.operation ?? "",
        route: "chat",
        lane: "b/y",
        model: "y",
        sent: 3,
        degraded: true,
        cached: false,
        stale: false,
        coalesced: false,
        attempts: [
          { lane: "a/x", result: "RateLimit", durationMillis: 3000, waitMillis: 0 },
          { lane: "a/x", result: "Network", durationMillis: 2000, waitMillis: 20_000 },
          { lane: "b/y", result: "Success", durationMillis: 4000, waitMillis: 0 }
        ]
      })
      assert.isNotEmpty(provenance?.operation)
    }).pipe(alone)
  )

  it.effect("is not degraded when the route's first lane answers, retried or not", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("Network"), replying("hello")])
      const b = yield* scripted("b/y", [replying("never asked")])
      const fiber = yield* Effect.forkChild(Provenance.of((yield* chat([a, b])).ask))
      yield* TestClock.adjust("1 second")
      const [, provenance] = yield* Fiber.join(fiber)
      assert.deepInclude(provenance, { lane: "a/x", degraded: false })
    }).pipe(alone)
  )

  it.effect("counts the wait for a lane to reopen", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("hello")])
      yield* CircuitBreaker.CircuitBreaker.use((breaker) => breaker.trip("a/x", exact.breaker, { reason: "test" }))
      const fiber = yield* Effect.forkChild(Provenance.of((yield* chat([a])).ask))
      yield* TestClock.adjust("60 seconds")
      const [, provenance] = yield* Fiber.join(fiber)
      assert.deepStrictEqual(provenance?.attempts, [
        { lane: "a/x", result: "Success", durationMillis: 0, waitMillis: 60_000 }
      ])
    }).pipe(alone)
  )

  it.effect("of several operations is the last one's, of none is nothing", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("one")])
      const b = yield* scripted("b/y", [replying("two")])
      const [one, two] = [yield* chat([a]), yield* chat([b])]
      const [, last] = yield* Provenance.of(Effect.andThen(one.ask, two.ask))
      assert.strictEqual(last?.lane, "b/y")
      assert.deepStrictEqual(yield* Provenance.of(Effect.succeed(1)), [1, undefined])
    }).pipe(alone)
  )

  it.effect("of one question is not another's, even at the same time", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [after("2 seconds", replying("one"))])
      const b = yield* scripted("b/y", [after("1 second", replying("two"))])
      const [one, two] = [yield* chat([a]), yield* chat([b])]
      const fiber = yield* Effect.forkChild(
        Effect.all([Provenance.of(one.ask), Provenance.of(two.ask)], { concurrency: 2 })
      )
      yield* TestClock.adjust("2 seconds")
      const both = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        both.map(([answer, provenance]) => [answer, provenance?.lane]),
        [
          ["one", "a/x"],
          ["two", "b/y"]
        ]
      )
    }).pipe(alone)
  )

  it.effect("can be read after a failure too, where a collector was given", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("InvalidRequest")])
      const sink = Provenance.collector()
      yield* Effect.ignore((yield* chat([a])).ask).pipe(Effect.provideService(Provenance.Sink, sink))
      assert.deepInclude(sink.provenance, { lane: undefined, degraded: false })
      assert.deepStrictEqual(
        sink.provenance?.attempts.map(({ result }) => result),
        ["InvalidRequest"]
      )
    }).pipe(alone)
  )

  it.effect("comes behind the last element of a stream, for each run its own, and not behind a failure", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("ContentPolicy"), failing("Network"), replying("hello")])
      const b = yield* scripted("b/y", [replying("hi")])
      const { parts } = yield* chat([a, b], exact.pipe(Policy.retry({ maxRetries: 0 })))
      const told = Provenance.ofStream(parts, (provenance) => provenance?.lane)
      const run = Effect.map(Stream.runCollect(told), (all) => all.slice(-2))
      assert.strictEqual((yield* Effect.flip(run))._tag, "ContentPolicy")
      assert.deepStrictEqual(yield* run, [finish, "b/y"])
      assert.deepStrictEqual(yield* run, [finish, "a/x"])
    }).pipe(alone)
  )
})
