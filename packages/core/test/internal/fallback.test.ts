import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Ref, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Disposition, Failure, Policy, type Refusal } from "@holdfast/core"
import { alone, chat, exact, held, nothing } from "../Chat.ts"
import { classes } from "../Failures.ts"
import { recorder } from "../Recorder.ts"
import { after, dying, failing, hanging, replying, scripted, type Step, throwing } from "../Scripted.ts"

const now = TestClock.testClockWith((clock) => clock.currentTimeMillis)
/** Runs to the end, however long that takes; the answer and the instant of it. */
const finished = Effect.fnUntraced(function* <A, E, R>(self: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(
    Effect.flatMap(Effect.result(self), (result) => Effect.map(now, (at) => ({ result, at })))
  )
  yield* TestClock.adjust("2 hours")
  return yield* Fiber.join(fiber)
})
const errorOf = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.map(finished(Effect.flip(self)), ({ result }) =>
    result._tag === "Success" ? result.success : assert.fail("it answered")
  )

describe("retrying on a lane", () => {
  it.effect("asks again after the backoff, until it answers", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [failing("ServiceUnavailable"), failing("Network"), replying("hello")])
      const b = yield* scripted("b/y", [replying("never asked")])
      const { ask } = yield* chat([a, b])
      const { at, result } = yield* finished(ask)
      assert.deepInclude(result, { _tag: "Success", success: "hello" })
      assert.strictEqual(at, 3000)
      assert.deepStrictEqual(yield* a.times, [0, 1000, 3000])
      assert.strictEqual(yield* b.calls, 0)
      assert.deepStrictEqual(
        (yield* events.of("RetryScheduled")).map(({ attempt, delayMillis, lane, reason }) => [
          lane,
          attempt,
          reason,
          delayMillis
        ]),
        [
          ["a/x", 2, "ServiceUnavailable", 1000],
          ["a/x", 3, "Network", 2000]
        ]
      )
    }).pipe(alone)
  )

  it.effect("goes on to the next lane once the retries are used up", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [failing("ServiceUnavailable")])
      const b = yield* scripted("b/y", [replying("hello")])
      const { ask } = yield* chat([a, b])
      const { at, result } = yield* finished(ask)
      assert.deepInclude(result, { _tag: "Success", success: "hello" })
      assert.strictEqual(at, 7000)
      assert.deepStrictEqual(yield* a.times, [0, 1000, 3000, 7000])
      assert.deepStrictEqual(
        (yield* events.of("FailedOver")).map(({ from, reason, to }) => [from, to, reason]),
        [["a/x", "b/y", "ServiceUnavailable"]]
      )
    }).pipe(alone)
  )

  it.effect.each(classes.filter((class_) => Disposition.table[class_].maxRetries === 0))(
    "never repeats %s on the same lane",
    (class_) =>
      Effect.gen(function* () {
        const a = yield* scripted("a/x", [failing(class_)])
        const { ask } = yield* chat([a])
        assert.strictEqual((yield* errorOf(ask))._tag, class_)
        assert.strictEqual(yield* a.calls, 1)
      }).pipe(alone)
  )

  it.effect("repeats a spent quota once", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("QuotaExceeded")])
      const { ask } = yield* chat([a])
      assert.strictEqual((yield* errorOf(ask))._tag, "QuotaExceeded")
      assert.deepStrictEqual(yield* a.times, [0, 1000])
    }).pipe(alone)
  )

  it.effect("waits twice as long for a rate limit, and as long as the lane asks", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [
        failing("RateLimit"),
        failing("RateLimit", { retryAfter: Duration.seconds(20) }),
        replying("hello")
      ])
      const { ask } = yield* chat([a])
      yield* finished(ask)
      assert.deepStrictEqual(yield* a.times, [0, 2000, 22_000])
    }).pipe(alone)
  )

  it.effect("does not sit out a wait beyond its patience: the next lane is asked at once", () =>
    Effect.gen(function* () {
      const patient = yield* scripted("a/x", [
        failing("RateLimit", { retryAfter: Duration.seconds(60) }),
        replying("after a minute")
      ])
      const impatient = yield* scripted("c/x", [failing("RateLimit", { retryAfter: Duration.millis(60_001) })])
      const b = yield* scripted("b/y", [replying("hello")])
      assert.deepInclude((yield* finished((yield* chat([impatient, b])).ask)).result, { success: "hello" })
      assert.deepStrictEqual(yield* b.times, [0])
      assert.strictEqual(yield* impatient.calls, 1)
      assert.deepInclude((yield* finished((yield* chat([patient])).ask)).result, { success: "after a minute" })
    }).pipe(alone)
  )

  it.effect("does not sit out a wait that passes its deadline: it fails now, with the last failure", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(
        Policy.clocks({
          firstContent: "5 seconds",
          chunkGap: "5 seconds",
          attempt: "5 seconds",
          plainAttempt: "5 seconds"
        }),
        Policy.clocks({ total: "10 seconds" })
      )
      const a = yield* scripted("a/x", [failing("RateLimit", { retryAfter: Duration.seconds(10) })])
      const { at, result } = yield* finished((yield* chat([a], policy)).ask)
      assert.strictEqual(at, 0)
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "RateLimit")
      const b = yield* scripted("b/x", [
        failing("RateLimit", { retryAfter: Duration.millis(9999) }),
        replying("in the nick of time")
      ])
      assert.deepInclude((yield* finished((yield* chat([b], policy)).ask)).result, { success: "in the nick of time" })
    }).pipe(alone)
  )

  it.effect("does not sit out a wait on a lane whose circuit has just opened", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.breaker({ consecutiveFailures: 1 }))
      const a = yield* scripted("a/x", [failing("ServiceUnavailable")])
      const b = yield* scripted("b/y", [replying("hello")])
      const { at, result } = yield* finished((yield* chat([a, b], policy)).ask)
      assert.deepInclude(result, { success: "hello" })
      assert.strictEqual(at, 0)
      assert.strictEqual(yield* a.calls, 1)
    }).pipe(alone)
  )

  it.effect("leaves alone a lane that another operation was told to leave alone meanwhile", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [
        failing("ServiceUnavailable"),
        failing("RateLimit", { retryAfter: Duration.seconds(30) }),
        replying("hello")
      ])
      const b = yield* scripted("b/y", [replying("hello from b")])
      const { ask } = yield* chat([a, b])
      const first = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("500 millis")
      const second = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(first), "hello from b")
      assert.strictEqual(yield* Fiber.join(second), "hello")
      assert.deepStrictEqual(yield* a.times, [0, 500, 30_500])
    }).pipe(alone)
  )

  it.effect("does not give a lane that hangs a second try while another is free", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [hanging])
      const b = yield* scripted("b/y", [replying("hello")])
      const { ask } = yield* chat([a, b])
      const { at, result } = yield* finished(ask)
      assert.deepInclude(result, { success: "hello" })
      assert.strictEqual(at, 30_000)
      assert.deepStrictEqual([yield* a.calls, yield* a.open], [1, 0])
    }).pipe(alone)
  )

  it.effect("gives a lane that reports a timeout of its own a second try, like after any other failure", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("Timeout"), replying("hello")])
      const b = yield* scripted("b/y", [replying("never asked")])
      assert.deepInclude((yield* finished((yield* chat([a, b])).ask)).result, { success: "hello" })
      assert.strictEqual(yield* b.calls, 0)
    }).pipe(alone)
  )

  it.effect("gives a lane that hangs a second try when there is no other", () =>
    Effect.gen(function* () {
      const alone_ = yield* scripted("a/x", [hanging, replying("hello")])
      assert.deepInclude((yield* finished((yield* chat([alone_])).ask)).result, { success: "hello" })
      assert.deepStrictEqual(yield* alone_.times, [0, 31_000])

      const a = yield* scripted("c/x", [hanging, replying("hello")])
      const b = yield* scripted("b/y", [replying("never asked")])
      const breaker = yield* CircuitBreaker.CircuitBreaker
      yield* breaker.trip(
        "b/y",
        { ...exact.breaker, open: Duration.hours(3), openMax: Duration.hours(3) },
        { reason: "test" }
      )
      assert.deepInclude((yield* finished((yield* chat([a, b])).ask)).result, { success: "hello" })
      assert.strictEqual(yield* a.calls, 2)
      assert.strictEqual(yield* b.calls, 0)
    }).pipe(alone)
  )
})

describe("going on to another lane", () => {
  it.effect.each(["InvalidRequest", "ContentPolicy", "Cancelled", "ContextLengthExceeded"] as const)(
    "does not happen for %s: the failure itself surfaces",
    (class_) =>
      Effect.gen(function* () {
        const a = yield* scripted("a/x", [failing(class_)])
        const b = yield* scripted("b/y", [replying("never asked")])
        const { ask } = yield* chat([a, b])
        assert.strictEqual((yield* errorOf(ask))._tag, class_)
        assert.strictEqual(yield* b.calls, 0)
      }).pipe(alone)
  )

  it.effect.each(classes.filter((class_) => Disposition.table[class_].failover === "yes"))("happens for %s", (class_) =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing(class_)])
      const b = yield* scripted("b/y", [replying("hello")])
      const { ask } = yield* chat([a, b])
      assert.deepInclude((yield* finished(ask)).result, { success: "hello" })
    }).pipe(alone)
  )

  it.effect("does not happen when the payload says that it would not help", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("ServiceUnavailable", { failover: false, retryable: false })])
      const b = yield* scripted("b/y", [replying("never asked")])
      const { ask } = yield* chat([a, b])
      assert.strictEqual((yield* errorOf(ask))._tag, "ServiceUnavailable")
      assert.deepStrictEqual([yield* a.calls, yield* b.calls], [1, 0])
    }).pipe(alone)
  )

  it.effect("happens for a filtered request only where the policy says so", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.fallback({ onContentPolicy: true }))
      const a = yield* scripted("a/x", [failing("ContentPolicy")])
      const b = yield* scripted("b/y", [replying("hello")])
      assert.deepInclude((yield* finished((yield* chat([a, b], policy)).ask)).result, { success: "hello" })
      const c = yield* scripted("c/y", [failing("ContentPolicy")])
      assert.strictEqual((yield* errorOf((yield* chat([a, c], policy)).ask))._tag, "ContentPolicy")
    }).pipe(alone)
  )

  const sized = (id: string, contextWindow: number | undefined, step: Step) =>
    scripted(id, [step], { capabilities: { contextWindow } })

  it.effect("happens for a request that is too long only to a window that is larger", () =>
    Effect.gen(function* () {
      const a = yield* sized("a/x", 8000, failing("ContextLengthExceeded"))
      const same = yield* sized("b/same", 8000, replying("never asked"))
      const unknown = yield* sized("c/unknown", undefined, replying("never asked"))
      const larger = yield* sized("d/larger", 32_000, failing("ContextLengthExceeded"))
      const largest = yield* sized("e/largest", 128_000, replying("hello"))
      const lanes = [a, same, unknown, larger, largest]
      assert.deepInclude((yield* finished((yield* chat(lanes)).ask)).result, { success: "hello" })
      assert.deepStrictEqual(yield* Effect.forEach(lanes, (lane) => lane.calls), [1, 0, 0, 1, 1])
      assert.strictEqual((yield* errorOf((yield* chat([a, larger])).ask))._tag, "ContextLengthExceeded")
    }).pipe(alone)
  )

  it.effect("that finds the request too long is no verdict on it where a larger one has failed for itself", () =>
    Effect.gen(function* () {
      const larger = yield* sized("a/larger", 32_000, failing("PermissionDenied"))
      const small = yield* sized("b/small", 8000, failing("ContextLengthExceeded"))
      assert.strictEqual((yield* errorOf((yield* chat([larger, small])).ask))._tag, "AllLanesFailed")
    }).pipe(alone)
  )

  it.effect("does not come back for a too long request to a small lane that was closed when it had its turn", () =>
    Effect.gen(function* () {
      const small = yield* sized("a/small", 4000, replying("never asked"))
      const a = yield* sized("b/x", 8000, failing("ContextLengthExceeded"))
      const larger = yield* sized("c/larger", 32_000, failing("PermissionDenied"))
      const breaker = yield* CircuitBreaker.CircuitBreaker
      yield* breaker.trip("a/small", exact.breaker, { reason: "test" })
      const { at, result } = yield* finished((yield* chat([small, a, larger])).ask)
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "AllLanesFailed")
      assert.strictEqual(at, 0)
      assert.strictEqual(yield* small.calls, 0)
    }).pipe(alone)
  )

  it.effect("waits for a larger window that is closed, when a smaller one found the request too long", () =>
    Effect.gen(function* () {
      const larger = yield* sized("a/larger", 32_000, replying("hello"))
      const small = yield* sized("b/small", 8000, failing("ContextLengthExceeded"))
      const breaker = yield* CircuitBreaker.CircuitBreaker
      yield* breaker.trip("a/larger", exact.breaker, { reason: "test" })
      const { at, result } = yield* finished((yield* chat([larger, small])).ask)
      assert.deepInclude(result, { success: "hello" })
      assert.strictEqual(at, 60_000)
      assert.strictEqual(yield* small.calls, 1)
    }).pipe(alone)
  )

  it.effect("visits each lane once, in order, and tells the whole trail when none answers", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.retry({ maxRetries: 1 }))
      const a = yield* scripted("a/x", [failing("ServiceUnavailable")])
      const b = yield* scripted("b/y", [failing("Authentication")])
      const c = yield* scripted("c/z", [failing("Network")])
      const error = yield* errorOf((yield* chat([a, b, c], policy)).ask)
      assert.strictEqual(error._tag, "AllLanesFailed")
      assert.deepStrictEqual(
        error._tag === "AllLanesFailed" && error.trail.map(({ attempts, error, lane }) => [lane, attempts, error._tag]),
        [
          ["a/x", 2, "ServiceUnavailable"],
          ["b/y", 1, "Authentication"],
          ["c/z", 2, "Network"]
        ]
      )
      assert.deepStrictEqual([yield* a.times, yield* b.times, yield* c.times], [[0, 1000], [1000], [1000, 2000]])
    }).pipe(alone)
  )

  it.effect("is not spoken of on a route with one lane: its failure is the answer", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("ModelOverloaded", { status: 529 })])
      const error = yield* errorOf((yield* chat([a])).ask)
      assert.deepInclude(error, { _tag: "ModelOverloaded", status: 529, lane: "a/x" })
    }).pipe(alone)
  )
})

describe("the budget of an operation", () => {
  it.effect("keeps an attempt for every lane that has not been asked", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.budget({ maxAttempts: 4 }))
      const a = yield* scripted("a/x", [failing("ServiceUnavailable")])
      const b = yield* scripted("b/y", [failing("ServiceUnavailable")])
      const c = yield* scripted("c/z", [replying("hello")])
      assert.deepInclude((yield* finished((yield* chat([a, b, c], policy)).ask)).result, { success: "hello" })
      assert.deepStrictEqual([yield* a.calls, yield* b.calls, yield* c.calls], [2, 1, 1])
    }).pipe(alone)
  )

  it.effect("ends an operation that has spent it, with a refusal in the trail and an event", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const policy = exact.pipe(Policy.budget({ maxAttempts: 1 }))
      const a = yield* scripted("a/x", [failing("ServiceUnavailable")])
      const b = yield* scripted("b/y", [replying("never asked")])
      const error = yield* errorOf((yield* chat([a, b], policy)).ask)
      assert.deepStrictEqual(
        error._tag === "AllLanesFailed" && error.trail.map(({ attempts, error, lane }) => [lane, attempts, error._tag]),
        [
          ["a/x", 1, "ServiceUnavailable"],
          ["b/y", 0, "BudgetExhausted"]
        ]
      )
      assert.strictEqual(yield* b.calls, 0)
      assert.deepStrictEqual(
        (yield* events.of("LaneRefused")).map(({ lane, reason }) => [lane, reason]),
        [["b/y", "BudgetExhausted"]]
      )
    }).pipe(alone)
  )

  it.effect("leaves nothing to wait for once it is spent", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.budget({ maxAttempts: 1 }))
      const a = yield* scripted("a/x", [replying("never asked")])
      const b = yield* scripted("b/y", [failing("ServiceUnavailable")])
      yield* CircuitBreaker.CircuitBreaker.use((breaker) => breaker.trip("a/x", policy.breaker, { reason: "test" }))
      const { at, result } = yield* finished((yield* chat([a, b], policy)).ask)
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "AllLanesFailed")
      assert.strictEqual(at, 0)
    }).pipe(alone)
  )

  const Lanes = Schema.Array(
    Schema.Array(Schema.Union([Failure.Class, Schema.Literals(["reply", "hang", "die"])])).check(
      Schema.isMinLength(1),
      Schema.isMaxLength(6)
    )
  ).check(Schema.isMinLength(1), Schema.isMaxLength(4))
  const Numbers = Schema.Struct({
    maxAttempts: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 8 })),
    maxRetries: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
    consecutiveFailures: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 })),
    maxConcurrent: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 })),
    onContentPolicy: Schema.Boolean,
    operations: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 }))
  })
  const stepOf = (step: (typeof Lanes.Type)[number][number]): Step =>
    step === "reply" ? replying("hello") : step === "hang" ? hanging : step === "die" ? dying : failing(step)

  it.effect.prop(
    "is never passed, whatever fails how; and nothing is left behind, counted wrongly or told twice",
    [Lanes, Numbers],
    ([scripts, numbers]) =>
      Effect.gen(function* () {
        const events = yield* recorder
        const policy = exact.pipe(
          Policy.budget({ maxAttempts: numbers.maxAttempts }),
          Policy.retry({ maxRetries: numbers.maxRetries }),
          Policy.breaker({ consecutiveFailures: numbers.consecutiveFailures }),
          Policy.bulkhead({ maxConcurrent: numbers.maxConcurrent, maxQueue: 1 }),
          Policy.fallback({ onContentPolicy: numbers.onContentPolicy })
        )
        const lanes = yield* Effect.forEach(scripts, (steps, index) => scripted(`p${index}/m`, steps.map(stepOf)))
        const { ask } = yield* chat(lanes, policy)
        const exits = yield* Ref.make<ReadonlyArray<Exit.Exit<string, Failure.Failure | Refusal.Refusal>>>([])
        for (let n = 0; n < numbers.operations; n++) {
          yield* Effect.forkChild(
            Effect.flatMap(Effect.exit(ask), (exit) => Ref.update(exits, (all) => [...all, exit]))
          )
          yield* TestClock.adjust("300 millis")
        }
        yield* TestClock.adjust("3 hours")
        const ended = yield* events.of("OperationEnded")
        const attempts = yield* events.of("AttemptEnded")
        const sent = (yield* Effect.forEach(lanes, (lane) => lane.calls)).reduce((sum, n) => sum + n, 0)
        assert.strictEqual((yield* Ref.get(exits)).length, numbers.operations, "every operation ends")
        assert.strictEqual(ended.length, numbers.operations, "and is reported once")
        assert.strictEqual(attempts.length, sent, "one record per request that was sent")
        assert.strictEqual(
          ended.reduce((sum, { attempts }) => sum + attempts, 0),
          sent,
          "the operations' counts add up to what the providers got"
        )
        for (const { attempts: count, durationMillis, operation, result } of ended) {
          assert.isAtMost(count, numbers.maxAttempts)
          assert.isAtMost(durationMillis, 120_000)
          const own = attempts.filter((attempt) => attempt.operation === operation)
          assert.deepStrictEqual(
            own.map(({ attempt }) => attempt),
            own.map((_, index) => index + 1)
          )
          assert.strictEqual(result === "Success", own.at(-1)?.result === "Success")
        }
        assert.deepStrictEqual(yield* held(...lanes), nothing)
        assert.deepStrictEqual(
          yield* Effect.forEach(lanes, (lane) => lane.open),
          lanes.map(() => 0)
        )
      }).pipe(alone, Effect.scoped),
    { arbitrary: { runs: 400, size: 6 } }
  )

  const transient = ["ServiceUnavailable", "Network", "ModelOverloaded", "InvalidResponse", "Unknown"] as const
  it.effect.prop(
    "never lets a retry take the attempt that a lane nobody has asked yet would need",
    [
      Schema.Array(Schema.Literals(transient)).check(Schema.isMinLength(1), Schema.isMaxLength(5)),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))
    ],
    ([failures, maxAttempts]) =>
      Effect.gen(function* () {
        const policy = exact.pipe(Policy.budget({ maxAttempts }), Policy.breaker({ consecutiveFailures: 1000 }))
        const lanes = yield* Effect.forEach(failures, (class_, index) => scripted(`p${index}/m`, [failing(class_)]))
        yield* finished((yield* chat(lanes, policy)).ask)
        const calls = yield* Effect.forEach(lanes, (lane) => lane.calls)
        const asked = calls.filter((n) => n > 0).length
        assert.strictEqual(asked, Math.min(lanes.length, maxAttempts), `asked ${calls.join()} of ${maxAttempts}`)
        assert.isAtMost(
          calls.reduce((sum, n) => sum + n, 0),
          maxAttempts
        )
      }).pipe(alone),
    { arbitrary: { runs: 200 } }
  )
})

describe("an operation that meets a bug", () => {
  it.effect.each([
    ["throws", throwing],
    ["dies", dying]
  ] as const)("in a call that %s dies of it, and leaves no slot taken", ([, step]) =>
    Effect.gen(function* () {
      const events = yield* recorder
      const policy = exact.pipe(Policy.bulkhead({ maxConcurrent: 1, maxQueue: 0 }))
      const a = yield* scripted("a/x", [step, replying("hello")])
      const { ask } = yield* chat([a], policy)
      const exit = yield* Effect.exit(ask)
      assert.isTrue(Exit.isFailure(exit) && exit.cause.reasons.some((reason) => reason._tag === "Die"))
      assert.deepStrictEqual(yield* held(a), nothing)
      assert.deepStrictEqual(
        (yield* events.of("AttemptEnded")).map(({ result }) => result),
        ["Defect"]
      )
      assert.deepStrictEqual(
        (yield* events.of("OperationEnded")).map(({ result }) => result),
        ["Defect"]
      )
      assert.strictEqual(yield* ask, "hello")
    }).pipe(alone)
  )
})

describe("a failure that has taken half of its clock", () => {
  const slow = after("15 seconds", failing("ServiceUnavailable"))
  const quick = after("14 seconds", failing("ServiceUnavailable"))

  it.effect("is not repeated on its lane while another one stands free", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [slow])
      const b = yield* scripted("b/y", [replying("hello from b")])
      const fiber = yield* Effect.forkChild((yield* chat([a, b])).ask)
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "hello from b")
      assert.strictEqual(yield* a.calls, 1)
    }).pipe(alone)
  )

  it.effect("is repeated where there is no other, and so is a quicker one where there is", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [slow, replying("hello again")])
      const fiber = yield* Effect.forkChild((yield* chat([a])).ask)
      yield* TestClock.adjust("16 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "hello again")

      const c = yield* scripted("c/x", [quick, replying("hello again from c")])
      const d = yield* scripted("d/y", [replying("never asked")])
      const other = yield* Effect.forkChild((yield* chat([c, d])).ask)
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(yield* Fiber.join(other), "hello again from c")
    }).pipe(alone)
  )
})
