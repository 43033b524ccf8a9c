import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Policy, Throttle } from "@holdfast/core"
import { alone, chat, exact, held, nothing } from "../Chat.ts"
import { recorder } from "../Recorder.ts"
import { failing, replying, scripted } from "../Scripted.ts"

/** The breaker would not let so much through. */
const throttling = exact.pipe(
  Policy.throttle(),
  Policy.retry({ maxRetries: 0 }),
  Policy.breaker({ consecutiveFailures: 10_000, rate: 0 })
)
const probability = (lane: string) =>
  Effect.map(
    Throttle.Throttle.use((throttle) => throttle.snapshot(lane)),
    (snapshot) => snapshot.probability
  )
const asked = <R>(count: number, ask: Effect.Effect<string, { readonly _tag: string }, R>) =>
  Effect.forEach(Array.from({ length: count }), () =>
    Effect.match(ask, { onSuccess: () => "answer", onFailure: (error) => error._tag })
  )

describe("a lane that takes nothing", () => {
  it.effect("is sent a tenth of its calls; the others are refused here", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [failing("ModelOverloaded")])
      yield* asked(1000, (yield* chat([a], throttling)).ask)
      assert.strictEqual(yield* probability("a/x"), 0.9)
      assert.isAtLeast(yield* a.calls, 60)
      assert.isAtMost(yield* a.calls, 200)
      const refused = yield* events.of("LaneRefused")
      assert.strictEqual(refused.length, 1000 - (yield* a.calls))
      assert.deepInclude(refused[0], { reason: "LimitReached", limit: "throttle" })
    }).pipe(Random.withSeed("throttle"), alone)
  )

  it.effect("loses them to the next lane at once", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("ModelOverloaded")])
      const b = yield* scripted("b/y", [replying("hello from b")])
      assert.deepStrictEqual([...new Set(yield* asked(200, (yield* chat([a, b], throttling)).ask))], ["answer"])
      assert.strictEqual(yield* b.calls, 200)
      assert.strictEqual(yield* probability("b/y"), 0)
    }).pipe(Random.withSeed("throttle"), alone)
  )

  it.effect("is refused at once where it is the only one: nobody waits for chance", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("Timeout")])
      const { ask } = yield* chat([a], throttling)
      const seen = new Set(yield* asked(100, ask))
      assert.deepStrictEqual([...seen].toSorted(), ["LimitReached", "Timeout"])
      assert.deepStrictEqual(yield* held(a), nothing)
    }).pipe(Random.withSeed("throttle"), alone)
  )

  it.effect("is sent everything again when its refusals are out of the window", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [
        ...Array.from({ length: 10 }, () => failing("ServiceUnavailable")),
        replying("hello")
      ])
      const { ask } = yield* chat([a], throttling.pipe(Policy.throttle({ maxProbability: 0.01 })))
      yield* asked(10, ask)
      assert.isAbove(yield* probability("a/x"), 0)
      yield* TestClock.adjust("121 seconds")
      assert.strictEqual(yield* probability("a/x"), 0)
      assert.deepStrictEqual([...new Set(yield* asked(50, ask))], ["answer"])
    }).pipe(Random.withSeed("throttle"), alone)
  )

  it.effect("is not kept from its probe by chance", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [
        ...Array.from({ length: 200 }, () => failing("ServiceUnavailable")),
        replying("hello")
      ])
      const policy = throttling.pipe(Policy.throttle({ window: "1 hour" }))
      const { ask } = yield* chat([a], policy)
      while ((yield* a.calls) < 200) yield* Effect.ignore(ask)
      assert.strictEqual(yield* probability("a/x"), 0.9)
      yield* CircuitBreaker.CircuitBreaker.use((breaker) => breaker.trip("a/x", policy.breaker, { reason: "test" }))
      const probe = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(probe), "hello")
    }).pipe(Random.withSeed("throttle"), alone)
  )
})

it.effect("a lane whose answers are taken, and mistakes of callers, throttle nothing", () =>
  Effect.gen(function* () {
    for (const step of [
      replying("hello"),
      failing("InvalidRequest"),
      failing("ContentPolicy"),
      failing("StreamTruncated")
    ]) {
      const a = yield* scripted("a/x", [step])
      yield* asked(100, (yield* chat([a], throttling)).ask)
      assert.strictEqual(yield* probability("a/x"), 0)
      assert.strictEqual(yield* a.calls, 100)
    }
  }).pipe(alone)
)
