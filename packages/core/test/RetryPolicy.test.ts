import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Random, Ref, Schedule, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Disposition, Failure, RetryPolicy } from "@holdfast/core"
import { classes, everything } from "./Failures.ts"

const { lane, model, provider, rule } = everything
const failure = (class_: Failure.Class, retryAfter?: Duration.Duration) =>
  Failure.make(class_, { lane, model, provider, rule, scope: "provider", retryAfter })

/** The delays, in milliseconds, that a schedule asks for while the same failure repeats. */
const delays = Effect.fnUntraced(function* (
  schedule: Schedule.Schedule<number, Failure.Failure>,
  error: Failure.Failure,
  most = 200
) {
  const step = yield* Schedule.toStep(schedule)
  const all: Array<number> = []
  while (all.length < most) {
    const exit = yield* Effect.exit(step(0, error))
    if (Exit.isFailure(exit)) break
    all.push(Duration.toMillis(exit.value[1]))
  }
  return all
})

const exact = { jitter: "none-unsafe" } as const

describe("the retry schedule", () => {
  it.effect("doubles from one second, three times", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* delays(RetryPolicy.make(exact), failure("ServiceUnavailable")), [1000, 2000, 4000])
    })
  )

  it.effect("waits twice as long for a rate limit", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* delays(RetryPolicy.make(exact), failure("RateLimit")), [2000, 4000, 8000])
    })
  )

  it.effect("never waits longer on its own than the ceiling, however often it retries", () =>
    Effect.gen(function* () {
      const schedule = RetryPolicy.make({ ...exact, maxRetries: 100 })
      const all = yield* delays(schedule, failure("RateLimit"))
      assert.strictEqual(all.length, 100)
      assert.deepStrictEqual(all.slice(0, 7), [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
      assert.isTrue(all.slice(5).every((millis) => millis === 60_000))
    })
  )

  it.effect.each(classes)("retries %s as often as its class allows and the policy bounds", (class_) =>
    Effect.gen(function* () {
      const { length } = yield* delays(RetryPolicy.make({ maxRetries: 5 }), failure(class_))
      assert.strictEqual(length, Math.min(5, Disposition.table[class_].maxRetries))
      assert.strictEqual((yield* delays(RetryPolicy.make({ maxRetries: 0 }), failure(class_))).length, 0)
    })
  )

  it.effect("retries a spent quota once, and a refused key, request or content never", () =>
    Effect.gen(function* () {
      const count = (class_: Failure.Class) =>
        Effect.map(delays(RetryPolicy.make({ maxRetries: 100 }), failure(class_)), (all) => all.length)
      assert.strictEqual(yield* count("QuotaExceeded"), 1)
      for (const class_ of [
        "Authentication",
        "PermissionDenied",
        "ContentPolicy",
        "InvalidRequest",
        "ContextLengthExceeded",
        "ModelNotFound",
        "Cancelled",
        "Unknown"
      ] as const) {
        assert.strictEqual(yield* count(class_), 0, class_)
      }
    })
  )

  it.effect("waits for the hint when it is longer than the backoff, for the backoff when that is longer", () =>
    Effect.gen(function* () {
      const told = (seconds: number) => delays(RetryPolicy.make(exact), failure("RateLimit", Duration.seconds(seconds)))
      assert.deepStrictEqual(yield* told(5), [5000, 5000, 8000])
      assert.deepStrictEqual(yield* told(300), [300_000, 300_000, 300_000])
      assert.deepStrictEqual(yield* told(0), [2000, 4000, 8000])
      assert.deepStrictEqual(yield* told(-30), [2000, 4000, 8000])
    })
  )

  it.effect("waits as long as the provider asks before it calls again", () =>
    Effect.gen(function* () {
      const calls = yield* Ref.make(0)
      const call = Ref.updateAndGet(calls, (n) => n + 1).pipe(
        Effect.flatMap((n): Effect.Effect<string, Failure.Failure> =>
          n === 1 ? Effect.fail(failure("RateLimit", Duration.seconds(30))) : Effect.succeed("hello")
        )
      )
      const fiber = yield* call.pipe(Effect.retry(RetryPolicy.make()), Effect.forkChild)
      yield* TestClock.adjust("29999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(fiber), "hello")
    })
  )

  it.effect("ends a wait at once when it is interrupted, and calls no more", () =>
    Effect.gen(function* () {
      const calls = yield* Ref.make(0)
      const call = Effect.andThen(
        Ref.update(calls, (n) => n + 1),
        Effect.fail(failure("ServiceUnavailable"))
      )
      const fiber = yield* call.pipe(Effect.retry(RetryPolicy.make(exact)), Effect.forkChild)
      yield* TestClock.adjust("500 millis")
      // Without time passing: an interrupted wait that went on would hang here.
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* Ref.get(calls), 1)
    })
  )

  it.effect("shares nothing between two uses of one value", () =>
    Effect.gen(function* () {
      const schedule = RetryPolicy.make(exact)
      const one = yield* Schedule.toStep(schedule)
      const other = yield* Schedule.toStep(schedule)
      const next = (step: typeof one) => Effect.map(step(0, failure("Network")), ([, wait]) => Duration.toMillis(wait))
      assert.deepStrictEqual([yield* next(one), yield* next(one), yield* next(one)], [1000, 2000, 4000])
      assert.deepStrictEqual([yield* next(other), yield* next(other)], [1000, 2000])
      assert.deepStrictEqual(yield* delays(schedule, failure("Network")), [1000, 2000, 4000])
    })
  )

  it.effect("counts its retries over failures of different classes", () =>
    Effect.gen(function* () {
      const step = yield* Schedule.toStep(RetryPolicy.make({ ...exact, maxRetries: 3 }))
      const next = (class_: Failure.Class) =>
        Effect.map(step(0, failure(class_)), ([, wait]) => Duration.toMillis(wait))
      assert.strictEqual(yield* next("Network"), 1000)
      assert.strictEqual(yield* next("RateLimit"), 4000)
      // The one retry that a spent quota is worth would be the third of this operation.
      assert.isTrue(Exit.isFailure(yield* Effect.exit(step(0, failure("QuotaExceeded")))))
    })
  )

  it.effect("draws the same delays from the same seed, and others from another", () =>
    Effect.gen(function* () {
      const drawn = (seed: string) => delays(RetryPolicy.make(), failure("Network")).pipe(Random.withSeed(seed))
      assert.deepStrictEqual(yield* drawn("kelp"), yield* drawn("kelp"))
      assert.notDeepEqual(yield* drawn("kelp"), yield* drawn("eel"))
    })
  )
})

describe("a delay", () => {
  const Unit = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 - Number.EPSILON }))
  const inputs = [
    RetryPolicy.Jitter,
    // Base and ceiling over eight orders of magnitude, below a millisecond as well.
    Schema.Finite.check(Schema.isBetween({ minimum: -3, maximum: 5 })),
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
    Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 10 })),
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2048 })),
    Schema.Literals([1, 2]),
    Unit,
    Unit
  ] as const

  it.prop(
    "is finite, never negative and never above its ceiling, whatever the numbers and up to retry 2048",
    [...inputs],
    ([jitter, baseExponent, capExponent, factor, retry, baseFactor, random, before]) => {
      const base = 10 ** baseExponent
      const maxDelay = base * 10 ** capExponent
      const settings: RetryPolicy.Settings = {
        ...RetryPolicy.defaults,
        jitter,
        factor,
        base: Duration.millis(base),
        maxDelay: Duration.millis(maxDelay)
      }
      const cap = Duration.toMillis(settings.maxDelay)
      const first = Math.min(cap, Duration.toMillis(settings.base) * baseFactor)
      const delay = RetryPolicy.delayMillis(settings, retry, baseFactor, before * cap, random)
      const backoff = Math.min(cap, first * factor ** (retry - 1))
      assert.isTrue(Number.isFinite(delay))
      assert.isTrue(delay >= 0 && delay <= cap, `${delay} of at most ${cap}`)
      const tolerance = 1e-9 * cap
      const [least, most] = {
        equal: [backoff / 2, backoff],
        full: [0, backoff],
        decorrelated: [first, 3 * Math.max(cap * before, first)],
        proportional: [backoff * 0.8, backoff * 1.2],
        "none-unsafe": [backoff, backoff]
      }[jitter] as [number, number]
      assert.isTrue(delay >= least - tolerance, `${delay} of at least ${least}`)
      assert.isTrue(delay <= most + tolerance, `${delay} of at most ${most}`)
    },
    { arbitrary: { runs: 10_000 } }
  )

  it("is spread as each kind of jitter says", () => {
    const at = (jitter: RetryPolicy.Jitter, random: number, previous = 0) =>
      RetryPolicy.delayMillis({ ...RetryPolicy.defaults, jitter }, 3, 1, previous, random)
    assert.deepStrictEqual([at("equal", 0), at("equal", 0.5)], [2000, 3000])
    assert.deepStrictEqual([at("full", 0), at("full", 0.5)], [0, 2000])
    assert.deepStrictEqual([at("proportional", 0), at("proportional", 0.5)], [3200, 4000])
    assert.deepStrictEqual([at("decorrelated", 0, 5000), at("decorrelated", 0.5, 5000)], [1000, 8000])
    assert.deepStrictEqual([at("decorrelated", 0, 0), at("decorrelated", 0.5, 0)], [1000, 2000])
    assert.deepStrictEqual([at("none-unsafe", 0), at("none-unsafe", 0.9)], [4000, 4000])
  })
})

describe("impossible options", () => {
  const cases: ReadonlyArray<readonly [Parameters<typeof RetryPolicy.make>[0], option: string, value: string]> = [
    [{ maxRetries: -1 }, "maxRetries", "-1"],
    [{ maxRetries: 1.5 }, "maxRetries", "1.5"],
    [{ maxRetries: Number.NaN }, "maxRetries", "NaN"],
    [{ base: 0 }, "base", "0"],
    [{ base: Number.NaN }, "base", "0"],
    [{ base: "-2 seconds" }, "base", "-2s"],
    [{ base: "2 minutes" }, "base", "2m"],
    [{ maxDelay: Duration.infinity }, "maxDelay", "Infinity"],
    [{ factor: 0.5 }, "factor", "0.5"],
    [{ factor: Number.POSITIVE_INFINITY }, "factor", "Infinity"],
    [{ patience: 0 }, "patience", "0"]
  ]
  it.each(cases)("%o are refused when the schedule is made, by name and value", (options, option, value) => {
    assert.throws(() => RetryPolicy.make(options), RangeError)
    assert.throws(() => RetryPolicy.make(options), option)
    assert.throws(() => RetryPolicy.make(options), value)
  })

  it("that are no options at all are refused too", () => {
    // @ts-expect-error -- not a duration
    assert.throws(() => RetryPolicy.make({ base: "soon" }), /base.*soon/)
    // @ts-expect-error -- not a kind of jitter
    assert.throws(() => RetryPolicy.make({ jitter: "some" }), /some[^]*jitter/)
    // @ts-expect-error -- not an option
    assert.throws(() => RetryPolicy.make({ retries: 3 }), RangeError, "retries")
  })
})
