import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Limits, Policy } from "@holdfast/core"
import { alone, chat, exact, held, nothing } from "../Chat.ts"
import { recorder } from "../Recorder.ts"
import { after, failing, hanging, replying, scripted } from "../Scripted.ts"

const trip = (circuit: string, open: Duration.Input) =>
  CircuitBreaker.CircuitBreaker.use((breaker) => {
    const length = Duration.fromInputUnsafe(open)
    return breaker.trip(circuit, { ...exact.breaker, open: length, openMax: length }, { reason: "test" })
  })
const now = TestClock.testClockWith((clock) => clock.currentTimeMillis)

describe("when every lane is closed to calls", () => {
  it.effect("an operation waits for the earliest to reopen and asks that one", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [replying("hello from a")])
      const b = yield* scripted("b/y", [replying("hello from b")])
      yield* trip("a/x", "90 seconds")
      yield* trip("b/y", "40 seconds")
      const fiber = yield* Effect.forkChild((yield* chat([a, b])).ask)
      yield* TestClock.adjust("39999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(fiber), "hello from b")
      assert.strictEqual(yield* a.calls, 0)
      assert.deepStrictEqual(
        (yield* events.of("WaitingForLane")).map(({ delayMillis, lane }) => [lane, delayMillis]),
        [["b/y", 40_000]]
      )
      // Both rounds go from the first to the second; coming back after the wait is not a failover.
      assert.deepStrictEqual(
        (yield* events.of("FailedOver")).map(({ from, to }) => [from, to]),
        [
          ["a/x", "b/y"],
          ["a/x", "b/y"]
        ]
      )
    }).pipe(alone)
  )

  it.effect("it waits for a cooling lane in the same way", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("hello")])
      const lane = yield* a.lane
      yield* Limits.Limits.use((limits) => limits.cool(lane, 25_000))
      const fiber = yield* Effect.forkChild((yield* chat([a])).ask)
      yield* TestClock.adjust("25 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "hello")
      assert.deepStrictEqual(yield* a.times, [25_000])
    }).pipe(alone)
  )

  it.effect("it waits whole milliseconds, so that no wait is too small to move the clock", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [replying("hello")])
      const lane = yield* a.lane
      yield* Limits.Limits.use((limits) => limits.cool(lane, 1_000 + 1e-3))
      yield* TestClock.adjust("1 second")
      const fiber = yield* Effect.forkChild((yield* chat([a])).ask)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(fiber), "hello")
      assert.deepStrictEqual(
        (yield* events.of("WaitingForLane")).map(({ delayMillis }) => delayMillis),
        [1]
      )
    }).pipe(alone)
  )

  it.effect("it waits for the later of a lane's two circuits", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("hello")])
      yield* trip("a/x", "20 seconds")
      yield* trip("credential:a", "50 seconds")
      const fiber = yield* Effect.forkChild((yield* chat([a])).ask)
      yield* TestClock.adjust("50 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "hello")
      assert.deepStrictEqual(yield* a.times, [50_000])
    }).pipe(alone)
  )

  it.effect("it fails at once when that would pass its deadline, and says when to come back", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("never asked")])
      const b = yield* scripted("b/y", [replying("never asked")])
      yield* trip("a/x", "1 hour")
      yield* trip("b/y", "120 seconds")
      const error = yield* Effect.flip((yield* chat([a, b])).ask)
      assert.strictEqual(yield* now, 0)
      assert.strictEqual(error._tag, "AllLanesFailed")
      if (error._tag !== "AllLanesFailed") return
      assert.strictEqual(Duration.toSeconds(error.retryAfter ?? 0), 120)
      assert.strictEqual(error.reopensAt?.epochMilliseconds, 120_000)
      assert.deepStrictEqual(
        error.trail.map(({ attempts, error, lane }) => [lane, attempts, error._tag]),
        [
          ["a/x", 0, "CircuitOpen"],
          ["b/y", 0, "CircuitOpen"]
        ]
      )
    }).pipe(alone)
  )

  it.effect("it fails at once when the policy says so", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("never asked")])
      yield* trip("a/x", "1 second")
      const error = yield* Effect.flip((yield* chat([a], exact.pipe(Policy.fallback({ waitForReopening: false })))).ask)
      assert.deepInclude(error, { _tag: "CircuitOpen", circuit: "a/x" })
    }).pipe(alone)
  )

  it.effect("it wakes early when the probe of another operation closes the circuit", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [after("3 seconds", replying("hello"))])
      yield* trip("a/x", "10 seconds")
      const { ask } = yield* chat([a])
      yield* TestClock.adjust("10 seconds")
      const probe = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      const waiting = yield* Effect.forkChild(Effect.andThen(ask, now))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(probe), "hello")
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(waiting), 16_000)
    }).pipe(alone)
  )

  it.effect("it waits on when that probe fails, for as long as the circuit is open then", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.retry({ maxRetries: 0 }))
      const a = yield* scripted("a/x", [after("3 seconds", failing("ServiceUnavailable")), replying("hello")])
      yield* trip("a/x", "10 seconds")
      const { ask } = yield* chat([a], policy)
      yield* TestClock.adjust("10 seconds")
      const probe = yield* Effect.forkChild(Effect.ignore(ask))
      yield* TestClock.adjust("1 second")
      const waiting = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(probe)
      yield* TestClock.adjust("119999 millis")
      assert.isDefined(waiting.pollUnsafe(), "reopening would pass the deadline by then")
      assert.strictEqual((yield* Effect.flip(Fiber.join(waiting)))._tag, "CircuitOpen")
    }).pipe(alone)
  )

  it.effect("it does not wait for the end of a probe's lease, only as long as its patience", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(
        Policy.retry({ patience: "5 seconds" }),
        Policy.breaker({ probeLease: "10 minutes" }),
        Policy.clocks({ total: "100 seconds" })
      )
      for (const circuit of ["a/x", "credential:a"]) {
        yield* trip(circuit, "10 seconds")
      }
      const a = yield* scripted("a/x", [hanging, replying("hello")])
      const { ask } = yield* chat([a], policy)
      yield* TestClock.adjust("10 seconds")
      const probe = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      const waiting = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("12 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      yield* Fiber.interrupt(probe)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(waiting), "hello")
    }).pipe(alone)
  )

  it.effect("a lane whose circuit it opened itself is asked again when it reopens, if no other answers", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.breaker({ consecutiveFailures: 2, open: "30 seconds" }))
      const a = yield* scripted("a/x", [failing("Network"), failing("Network"), replying("hello")])
      const fiber = yield* Effect.forkChild((yield* chat([a], policy)).ask)
      yield* TestClock.adjust("31 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "hello")
      assert.deepStrictEqual(yield* a.times, [0, 1000, 31_000])
    }).pipe(alone)
  )

  it.effect("and fails with that lane's own failure when it is too late for that", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.breaker({ consecutiveFailures: 2, open: "3 minutes", openMax: "3 minutes" }))
      const a = yield* scripted("a/x", [failing("Network")])
      const fiber = yield* Effect.forkChild(Effect.flip((yield* chat([a], policy)).ask))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Network")
    }).pipe(alone)
  )

  it.effect("and with that failure too when another circuit has closed the lane meanwhile", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.breaker({ consecutiveFailures: 1, open: "30 seconds" }))
      const a = yield* scripted("a/x", [failing("Network"), replying("never asked")])
      const fiber = yield* Effect.forkChild(Effect.flip((yield* chat([a], policy)).ask))
      yield* TestClock.adjust("10 seconds")
      yield* trip("credential:a", "1 hour")
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Network")
      assert.strictEqual(yield* a.calls, 1)
    }).pipe(alone)
  )

  it.effect(
    "has one entry per lane in the trail, however often it looked, with the provider's failure over our refusal",
    () =>
      Effect.gen(function* () {
        const policy = exact.pipe(Policy.breaker({ consecutiveFailures: 1 }), Policy.retry({ maxRetries: 3 }))
        const a = yield* scripted("a/x", [failing("Network")])
        const b = yield* scripted("b/y", [replying("never asked")])
        yield* trip("b/y", "1 hour")
        const fiber = yield* Effect.forkChild(Effect.flip((yield* chat([a, b], policy)).ask))
        yield* TestClock.adjust("2 minutes")
        const error = yield* Fiber.join(fiber)
        assert.deepStrictEqual(
          error._tag === "AllLanesFailed" &&
            error.trail.map(({ attempts, error, lane }) => [lane, attempts, error._tag]),
          [
            ["a/x", 2, "Network"],
            ["b/y", 0, "CircuitOpen"]
          ]
        )
      }).pipe(alone)
  )

  it.effect("operations that wait do not all call when the lane reopens, but as many as have slots", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.bulkhead({ maxConcurrent: 8, maxQueue: 2000, queueTimeout: "1 minute" }))
      const a = yield* scripted("a/x", [after("2 seconds", replying("hello"))])
      yield* trip("a/x", "30 seconds")
      const { ask } = yield* chat([a], policy)
      const callers = yield* Effect.forEach(Array.from({ length: 200 }), () => Effect.forkChild(ask))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* a.calls, 1)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* a.open, 8)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Effect.forEach(callers, Fiber.join)).length, 200)
      assert.deepStrictEqual(yield* held(a), nothing)
    }).pipe(alone)
  )

  it.effect("those who waited for a circuit leave each at an instant of its own, all within a second", () =>
    Effect.gen(function* () {
      const policy = Policy.standard.pipe(
        Policy.breaker({ openJitter: 0 }),
        Policy.bulkhead({ maxConcurrent: 100, maxQueue: 0 })
      )
      const a = yield* scripted("a/x", [after("2 seconds", replying("hello")), replying("hello")])
      yield* trip("a/x", "30 seconds")
      const { ask } = yield* chat([a], policy)
      const callers = yield* Effect.forEach(Array.from({ length: 300 }), () => Effect.forkChild(ask))
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual((yield* Effect.forEach(callers, Fiber.join)).length, 300)
      const [probe, ...rest] = yield* a.times
      assert.strictEqual(probe, 30_000)
      assert.isAtMost(Math.max(...rest), 33_000)
      assert.isAbove(new Set(rest).size, 150)
    }).pipe(alone)
  )

  it.effect("says once that it waits, however often the circuit changes meanwhile", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const policy = exact.pipe(
        Policy.breaker({ open: "5 seconds", openMax: "5 seconds" }),
        Policy.retry({ maxRetries: 0 })
      )
      const a = yield* scripted("a/x", [
        ...Array.from({ length: 3 }, () => after("1 second", failing("ServiceUnavailable"))),
        replying("hello")
      ])
      yield* trip("a/x", "5 seconds")
      const { ask } = yield* chat([a], policy)
      const probes = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 3 }), () => Effect.ignore(ask), { concurrency: 3 })
      )
      const waiting = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 20 }), () => ask, { concurrency: 20 })
      )
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(probes)
      assert.strictEqual((yield* Fiber.join(waiting)).length, 20)
      assert.isAtMost((yield* events.of("WaitingForLane")).length, 40)
    }).pipe(alone)
  )
})
