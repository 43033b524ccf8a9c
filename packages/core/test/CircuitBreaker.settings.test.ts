import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer, Random, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, EventBus } from "@holdfast/core"
import { recorder } from "./Recorder.ts"

const alone = Effect.provide(CircuitBreaker.layer.pipe(Layer.provideMerge(EventBus.layer)))
const id = "acme/anvil"
const state = CircuitBreaker.state(id)

type Options = Parameters<typeof CircuitBreaker.guard>[1]

/** Calls through a guard with these settings and without chance. */
const through = (options: Options) => {
  const guard = CircuitBreaker.guard(id, { openJitter: 0, ...options })
  const taking = (duration: Duration.Input) => guard(Effect.as(Effect.sleep(duration), "hello"))
  return {
    guard,
    good: guard(Effect.succeed("hello")),
    bad: guard(Effect.fail("no")),
    taking,
    /** Calls that run side by side, and end when their time is over. */
    together: Effect.fnUntraced(function* (...durations: ReadonlyArray<Duration.Input>) {
      const fibers = yield* Effect.forEach(durations, (duration) => Effect.forkChild(Effect.exit(taking(duration))))
      yield* TestClock.adjust("20 seconds")
      return (yield* Effect.forEach(fibers, Fiber.join)).map(Exit.isSuccess)
    })
  }
}

const times = (count: number, call: Effect.Effect<unknown, unknown, CircuitBreaker.CircuitBreaker>) =>
  Effect.forEach(Array.from({ length: count }), () => Effect.ignore(call), { discard: true })

describe("a window", () => {
  it.effect("of time: half of twenty calls in a minute that fail are too many, by default", () =>
    Effect.gen(function* () {
      const { bad, good } = through({})
      for (let n = 0; n < 9; n++) yield* Effect.andThen(times(1, good), times(1, bad))
      yield* times(1, good)
      assert.deepInclude(yield* state, { state: "closed", window: { calls: 19, failures: 9, slow: 0 } })
      yield* times(1, bad)
      assert.deepInclude(yield* state, { state: "open", reason: "rate", failureRate: 0.5 })
    }).pipe(alone)
  )

  it.effect("of time: forgets a tenth at a time, and everything after a window without calls", () =>
    Effect.gen(function* () {
      const { bad, good } = through({ consecutiveFailures: 0, minimumCalls: 4, window: "10 seconds" })
      yield* times(2, bad)
      yield* TestClock.adjust("5 seconds")
      yield* times(1, good)
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude(yield* state, { window: { calls: 1, failures: 0, slow: 0 }, failureRate: 0 })
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* state).window.calls, 0)
      assert.isUndefined((yield* state).failureRate)
      yield* times(3, bad)
      assert.strictEqual((yield* state).state, "closed")
    }).pipe(alone)
  )

  it.effect("of calls: however old they are, and no more than so many", () =>
    Effect.gen(function* () {
      const { bad, good } = through({ consecutiveFailures: 0, windowCalls: 4, minimumCalls: 4 })
      yield* Effect.andThen(times(1, bad), times(3, good))
      yield* times(1, bad)
      assert.deepInclude(yield* state, { state: "closed", window: { calls: 4, failures: 1, slow: 0 } })
      yield* TestClock.adjust("50 minutes")
      yield* times(1, bad)
      assert.deepInclude(yield* state, { state: "open", reason: "rate" })
    }).pipe(alone)
  )

  it.effect("is the one of whoever uses the circuit first, whatever held or awaited it before", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.CircuitBreaker
      yield* Effect.asVoid(breaker.nextChange(id))
      yield* yield* breaker.hold(id, "observe", "a look before the start")
      const { bad } = through({ consecutiveFailures: 0, windowCalls: 2, minimumCalls: 2 })
      yield* TestClock.adjust("50 minutes")
      yield* times(1, bad)
      yield* TestClock.adjust("50 minutes")
      yield* times(1, bad)
      assert.strictEqual((yield* state).state, "open")
    }).pipe(alone)
  )

  it.effect("is kept by a guard that is built anew for each call", () =>
    Effect.gen(function* () {
      for (let n = 0; n < 3; n++) yield* times(1, through({ consecutiveFailures: 3 }).bad)
      assert.strictEqual((yield* state).state, "open")
    }).pipe(alone)
  )
})

describe("slow calls", () => {
  const slow = { slowCall: Duration.seconds(10), slowRate: 0.5, minimumCalls: 4 } as const

  it.effect("open the circuit at their rate, though all succeed, and say so (behaviour 8)", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const { together } = through(slow)
      yield* together("1 second", "2 seconds", "11 seconds", "12 seconds")
      assert.deepInclude(yield* state, { state: "open", reason: "slow", failures: 0 })
      assert.deepInclude(yield* state, { window: { calls: 4, failures: 0, slow: 2 } })
      const [opened] = yield* events.of("CircuitChanged")
      assert.strictEqual(opened?.reason, "slow calls, last: Success")
    }).pipe(alone)
  )

  it.effect("are those that take longer than the threshold, not as long (behaviour 9)", () =>
    Effect.gen(function* () {
      yield* through(slow).together("10 seconds", "10 seconds", "10 seconds", "10 seconds", "10001 millis")
      assert.deepInclude(yield* state, { state: "closed", window: { calls: 5, failures: 0, slow: 1 } })
    }).pipe(alone)
  )

  it.effect("say nothing when their callers leave them", () =>
    Effect.gen(function* () {
      const { taking } = through(slow)
      const fibers = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.forkChild(taking("1 minute")))
      yield* TestClock.adjust("59 seconds")
      yield* Effect.forEach(fibers, Fiber.interrupt)
      assert.deepInclude(yield* state, { state: "closed", window: { calls: 0, failures: 0, slow: 0 } })
    }).pipe(alone)
  )

  it.effect("are no proof of recovery: a slow probe keeps the circuit open", () =>
    Effect.gen(function* () {
      const { good, together } = through({ ...slow, minimumCalls: 1, open: "30 seconds", openGrowth: 1 })
      yield* together("11 seconds")
      assert.strictEqual((yield* state).state, "open")
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* together("11 seconds"), [true])
      assert.deepInclude(yield* state, { state: "open", reason: "slow", openings: 2 })
      yield* TestClock.adjust("30 seconds")
      yield* good
      assert.strictEqual((yield* state).state, "closed")
    }).pipe(alone)
  )
})

describe("several probes", () => {
  const several = { consecutiveFailures: 1, probes: 4, probeSuccesses: 3, probeLease: "30 seconds" } as const
  const opened = (options: Options = several) =>
    Effect.gen(function* () {
      const calls = through(options)
      yield* times(1, calls.bad)
      yield* TestClock.adjust("60 seconds")
      return calls
    })

  it.effect("are all that a thousand concurrent callers get through; the others are refused and counted", () =>
    Effect.gen(function* () {
      const { taking } = yield* opened()
      const callers = yield* Effect.forEach(Array.from({ length: 1000 }), () =>
        Effect.forkChild(Effect.exit(taking("1 second")))
      )
      yield* TestClock.adjust(0)
      assert.strictEqual(callers.filter((fiber) => fiber.pollUnsafe() === undefined).length, 4)
      assert.deepInclude(yield* state, { state: "half-open", refused: 996 })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Effect.forEach(callers, Fiber.join)).filter(Exit.isSuccess).length, 4)
      assert.strictEqual((yield* state).state, "closed")
    }).pipe(alone)
  )

  it.effect("close it when as many of them succeed as must (behaviour 13)", () =>
    Effect.gen(function* () {
      const { bad, good } = yield* opened()
      yield* Effect.andThen(times(2, good), times(1, bad))
      assert.strictEqual((yield* state).state, "half-open")
      yield* good
      assert.deepInclude(yield* state, { state: "closed", failures: 0, window: { calls: 0, failures: 0, slow: 0 } })
    }).pipe(alone)
  )

  it.effect("open it as soon as too few can succeed (behaviour 14)", () =>
    Effect.gen(function* () {
      const { bad, good } = yield* opened()
      yield* Effect.andThen(times(2, good), times(2, bad))
      assert.deepInclude(yield* state, { state: "open", reason: "probe", openings: 2 })
    }).pipe(alone)
  )

  it.effect("are replaced one by one when they hang", () =>
    Effect.gen(function* () {
      const { good, guard } = yield* opened()
      for (let n = 0; n < 4; n++) {
        yield* Effect.forkChild(guard(Effect.never))
        yield* TestClock.adjust("5 seconds")
      }
      assert.strictEqual(Duration.toSeconds((yield* state).retryAfter), 10)
      yield* TestClock.adjust("10 seconds")
      yield* good
      assert.strictEqual((yield* Effect.flip(good))._tag, "CircuitOpen")
      yield* TestClock.adjust("10 seconds")
      yield* Effect.andThen(good, good)
      assert.strictEqual((yield* state).state, "closed")
    }).pipe(alone)
  )

  it.effect("that refused callers wait for are named with the time of the next free slot", () =>
    Effect.gen(function* () {
      const { guard, good } = yield* opened({ ...several, probes: 1, probeSuccesses: 1 })
      yield* Effect.forkChild(guard(Effect.never))
      yield* TestClock.adjust("7 seconds")
      const refusal = yield* Effect.flip(good)
      assert.strictEqual(refusal.retryAfter && Duration.toSeconds(refusal.retryAfter), 23)
    }).pipe(alone)
  )
})

describe("a ramp", () => {
  const ramp = { consecutiveFailures: 1, ramp: Duration.seconds(100) } as const

  it.effect("lets more and more calls through after closing, those evenly spread, then all", () =>
    Effect.gen(function* () {
      const { bad, good } = through(ramp)
      yield* times(1, bad)
      yield* TestClock.adjust("60 seconds")
      yield* good
      const admitted = Effect.map(
        Effect.forEach(Array.from({ length: 100 }), () => Effect.exit(good)),
        (exits) => exits.map(Exit.isSuccess).flatMap((isThrough, n) => (isThrough ? [n] : []))
      )
      assert.deepStrictEqual(yield* admitted, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90])
      assert.deepInclude(yield* state, { state: "closed", openings: 1, refused: 90 })
      assert.strictEqual(Duration.toMillis((yield* state).retryAfter), 0)
      yield* good
      assert.strictEqual(Duration.toMillis((yield* state).retryAfter), 1000)
      yield* TestClock.adjust("50 seconds")
      assert.strictEqual((yield* admitted).length, 55)
      yield* TestClock.adjust("50 seconds")
      assert.strictEqual((yield* state).openings, 0)
      assert.strictEqual((yield* admitted).length, 100)
    }).pipe(alone)
  )

  it.effect("refuses with a wait after which a patient caller gets through", () =>
    Effect.gen(function* () {
      const { bad, good } = through(ramp)
      yield* times(1, bad)
      yield* TestClock.adjust("60 seconds")
      yield* Effect.andThen(good, good)
      const patient = good.pipe(
        Effect.retry(
          Schedule.recurs(50).pipe(
            Schedule.setInputType<string | { readonly retryAfter?: Duration.Duration | undefined }>(),
            Schedule.modifyDelay(({ input }) =>
              Effect.succeed(typeof input === "string" ? Duration.zero : (input.retryAfter ?? Duration.zero))
            )
          )
        )
      )
      const fiber = yield* Effect.forkChild(patient)
      yield* TestClock.adjust("12 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "hello")
    }).pipe(alone)
  )

  it.effect("that does not hold opens the circuit for the next longer time", () =>
    Effect.gen(function* () {
      const { bad, good } = through(ramp)
      yield* times(1, bad)
      yield* TestClock.adjust("60 seconds")
      yield* good
      yield* TestClock.adjust("99 seconds")
      yield* times(1, bad)
      assert.deepInclude(yield* state, { state: "open", openings: 2 })
      assert.strictEqual(Duration.toSeconds((yield* state).retryAfter), 120)
    }).pipe(alone)
  )
})

describe("open times", () => {
  const seconds = (all: ReadonlyArray<Duration.Duration>) => all.map(Duration.toSeconds)

  it.effect("are the delays of a schedule, up to sixty-four of them", () =>
    Effect.gen(function* () {
      const { openTimes } = CircuitBreaker
      const exponential = Schedule.exponential("1 second").pipe(Schedule.upTo({ times: 4 }))
      assert.deepStrictEqual(seconds(yield* openTimes(exponential)), [1, 2, 4, 8])
      assert.deepStrictEqual(seconds(yield* openTimes(Schedule.fibonacci("1 second"))).slice(0, 6), [1, 1, 2, 3, 5, 8])
      const forever = seconds(yield* openTimes(Schedule.spaced("5 seconds")))
      assert.deepStrictEqual([forever.length, new Set(forever)], [64, new Set([5])])
      const within = Schedule.spaced("5 seconds").pipe(Schedule.upTo({ duration: "20 seconds" }))
      assert.isBelow((yield* openTimes(within)).length, 6)
    })
  )

  it.effect("of a schedule with chance are drawn once, repeatably", () =>
    Effect.gen(function* () {
      const jittered = CircuitBreaker.openTimes(Schedule.jittered(Schedule.spaced("10 seconds")))
      const [one, same, other] = [
        yield* jittered.pipe(Random.withSeed(1)),
        yield* jittered.pipe(Random.withSeed(1)),
        yield* jittered.pipe(Random.withSeed(2))
      ]
      assert.deepStrictEqual(one, same)
      assert.notDeepEqual(one, other)
    })
  )

  it.effect("of a schedule without delays are a mistake", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(CircuitBreaker.openTimes(Schedule.recurs(0)))
      assert.match(String(exit), /at least one delay/)
    })
  )

  it.effect("replace growth, and the last one holds for all further", () =>
    Effect.gen(function* () {
      const openTimes = yield* CircuitBreaker.openTimes(
        Schedule.exponential("10 seconds", 3).pipe(Schedule.upTo({ times: 3 }))
      )
      const { bad } = through({ consecutiveFailures: 1, openTimes })
      const waits: Array<number> = []
      for (let n = 0; n < 5; n++) {
        yield* Effect.ignore(bad)
        const { retryAfter } = yield* state
        waits.push(Duration.toSeconds(retryAfter))
        yield* TestClock.adjust(retryAfter)
      }
      assert.deepStrictEqual(waits, [10, 30, 90, 90, 90])
    }).pipe(alone)
  )
})
