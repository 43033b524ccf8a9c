import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Policy, Provenance } from "@holdfast/core"
import { alone, chat, exact, held, nothing } from "../Chat.ts"
import { interruptedAt } from "../Interruption.ts"
import { recorder } from "../Recorder.ts"
import { after, failing, hanging, pause, playing, part, finish, replying, scripted, text } from "../Scripted.ts"

const times = (count: number) => Array.from({ length: count })
const now = TestClock.testClockWith((clock) => clock.currentTimeMillis)

/** After two seconds, whatever the lane's answers take. */
const hedging = exact.pipe(Policy.hedge({ delay: "2 seconds" }), Policy.retry({ maxRetries: 0 }))

/** Ten answers after 100 ms, and then something slow. */
const usually = (slow: Parameters<typeof scripted>[1]) => [
  ...times(20).map(() => after("100 millis", replying("hello"))),
  ...slow
]
const learning = exact.pipe(Policy.hedge({ minimumDelay: "1 millis" }))
const teach = Effect.fnUntraced(function* (ask: Effect.Effect<string, unknown>) {
  const calls = yield* Effect.forEach(times(20), () => Effect.forkChild(ask))
  yield* TestClock.adjust("100 millis")
  yield* Effect.forEach(calls, Fiber.join)
})

describe("a slow attempt", () => {
  it.effect("gets company on the next lane, whose answer is taken while the first is called off", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [hanging])
      const b = yield* scripted("b/y", [after("1 second", replying("hello from b"))])
      const { ask } = yield* chat([a, b], hedging)
      const fiber = yield* Effect.forkChild(Provenance.of(ask))
      yield* TestClock.adjust("1999 millis")
      assert.strictEqual(yield* b.calls, 0)
      yield* TestClock.adjust("1001 millis")
      const [answer, provenance] = yield* Fiber.join(fiber)
      assert.strictEqual(answer, "hello from b")
      assert.deepInclude(provenance, { lane: "b/y", degraded: true, sent: 2 })
      assert.deepStrictEqual(provenance?.attempts, [
        { lane: "b/y", result: "Success", durationMillis: 1000, waitMillis: 0, hedge: true },
        { lane: "a/x", result: "Cancelled", durationMillis: 3000, waitMillis: 0 }
      ])
      assert.deepStrictEqual(
        (yield* events.of("AttemptEnded")).map(({ hedge, lane, result }) => [lane, result, hedge]),
        [
          ["b/y", "Success", true],
          ["a/x", "Cancelled", undefined]
        ]
      )
      assert.deepStrictEqual(
        (yield* events.of("Hedged")).map(({ delayMillis, from, to }) => [from, to, delayMillis]),
        [["a/x", "b/y", 2000]]
      )
      assert.strictEqual(yield* a.open, 0)
      assert.deepStrictEqual(yield* held(a, b), nothing)
    }).pipe(alone)
  )

  it.effect("answers itself when it is the first, and the other is called off", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [after("3 seconds", replying("hello from a"))])
      const b = yield* scripted("b/y", [hanging])
      const { ask } = yield* chat([a, b], hedging)
      const fiber = yield* Effect.forkChild(Provenance.of(ask))
      yield* TestClock.adjust("3 seconds")
      const [answer, provenance] = yield* Fiber.join(fiber)
      assert.strictEqual(answer, "hello from a")
      assert.deepInclude(provenance, { lane: "a/x", degraded: false })
      assert.strictEqual(yield* b.open, 0)
      assert.deepStrictEqual(yield* held(a, b), nothing)
    }).pipe(alone)
  )

  it.effect("is asked again on its own lane where there is no other that takes it", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [hanging, replying("hello again")])
      const fiber = yield* Effect.forkChild((yield* chat([a], hedging)).ask)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "hello again")
      assert.deepStrictEqual(yield* held(a), nothing)
    }).pipe(alone)
  )

  it.effect("waits for its company when it fails meanwhile, and the other way round", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [after("3 seconds", failing("ServiceUnavailable"))])
      const b = yield* scripted("b/y", [after("5 seconds", replying("hello from b"))])
      const { ask } = yield* chat([a, b], hedging)
      const fiber = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("7 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "hello from b")

      const c = yield* scripted("c/x", [after("6 seconds", replying("hello from c"))])
      const d = yield* scripted("d/y", [failing("ServiceUnavailable")])
      const other = yield* Effect.forkChild((yield* chat([c, d], hedging)).ask)
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(yield* Fiber.join(other), "hello from c")
    }).pipe(alone)
  )

  it.effect("goes on as if alone when both have failed: the lane that failed beside it is not asked twice", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [after("3 seconds", failing("ServiceUnavailable")), failing("Network")])
      const b = yield* scripted("b/y", [after("3 seconds", failing("ModelOverloaded"))])
      const c = yield* scripted("c/z", [failing("ServiceUnavailable")])
      const policy = hedging.pipe(Policy.retry({ maxRetries: 1 }))
      const fiber = yield* Effect.forkChild(Effect.flip((yield* chat([a, b, c], policy)).ask))
      yield* TestClock.adjust("10 seconds")
      const error = yield* Fiber.join(fiber)
      assert.deepStrictEqual([yield* a.calls, yield* b.calls, yield* c.calls], [2, 1, 2])
      assert.deepStrictEqual(
        error._tag === "AllLanesFailed" && error.trail.map(({ attempts, error, lane }) => [lane, attempts, error._tag]),
        [
          ["a/x", 2, "Network"],
          ["b/y", 1, "ModelOverloaded"],
          ["c/z", 2, "ServiceUnavailable"]
        ]
      )
    }).pipe(alone)
  )

  it.effect("takes its company with it when the request itself is at fault", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [after("3 seconds", failing("InvalidRequest"))])
      const b = yield* scripted("b/y", [hanging])
      const fiber = yield* Effect.forkChild(Effect.flip((yield* chat([a, b], hedging)).ask))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "InvalidRequest")
      assert.strictEqual(yield* b.open, 0)
    }).pipe(alone)
  )

  it.effect("gets none where the budget of the operation or of the lane is spent", () =>
    Effect.gen(function* () {
      for (const policy of [
        hedging.pipe(Policy.budget({ maxAttempts: 1 })),
        hedging.pipe(Policy.retryBudget({ ratio: 0, reservePerSecond: 0 }))
      ]) {
        const a = yield* scripted("a/x", [after("10 seconds", replying("hello from a"))])
        const b = yield* scripted("b/y", [replying("never asked")])
        const fiber = yield* Effect.forkChild((yield* chat([a, b], policy)).ask)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* Fiber.join(fiber), "hello from a")
        assert.strictEqual(yield* b.calls, 0)
      }
    }).pipe(alone)
  )

  it.effect("gets none on a lane that would refuse it or make it wait", () =>
    Effect.gen(function* () {
      const policy = hedging.pipe(Policy.bulkhead({ maxConcurrent: 1 }))
      const a = yield* scripted("a/x", [after("10 seconds", replying("hello from a"))])
      const b = yield* scripted("b/y", [hanging])
      yield* Effect.forkChild((yield* chat([b], policy)).ask)
      const fiber = yield* Effect.forkChild((yield* chat([a, b], policy)).ask)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "hello from a")
      assert.isAtMost(yield* b.calls, 2)
    }).pipe(alone)
  )

  it.effect("gets none where the policy has no hedge", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [after("20 seconds", replying("hello"))])
      const b = yield* scripted("b/y", [replying("never asked")])
      const fiber = yield* Effect.forkChild((yield* chat([a, b])).ask)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "hello")
      assert.strictEqual(yield* b.calls, 0)
    }).pipe(alone)
  )
})

describe("what is slow for a lane", () => {
  it.effect("is known from its recent answers, and nobody is hedged before there are enough", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", usually([hanging]))
      const b = yield* scripted("b/y", [replying("hello from b")])
      const { ask } = yield* chat([a, b], learning)
      const calls = yield* Effect.forEach(times(20), () => Effect.forkChild(ask))
      yield* TestClock.adjust("100 millis")
      yield* Effect.forEach(calls, Fiber.join)
      assert.strictEqual(yield* b.calls, 0, "the first twenty are not hedged, though they take as long")
      const slow = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("90 millis")
      assert.strictEqual(yield* b.calls, 0)
      yield* TestClock.adjust("20 millis")
      assert.strictEqual(yield* Fiber.join(slow), "hello from b")
    }).pipe(alone)
  )

  it.effect("is never less than the policy's least delay", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", usually([hanging]))
      const b = yield* scripted("b/y", [replying("hello from b")])
      const { ask } = yield* chat([a, b], learning.pipe(Policy.hedge({ minimumDelay: "3 seconds" })))
      yield* teach(ask)
      const slow = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("2999 millis")
      assert.strictEqual(yield* b.calls, 0)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(slow), "hello from b")
    }).pipe(alone)
  )

  it.effect("is the time to the first content, for streams, and none is hedged once it has begun", () =>
    Effect.gen(function* () {
      const quick = playing(pause("100 millis"), text("hello"), pause("30 seconds"), part(finish))
      const a = yield* scripted("a/x", [
        ...times(20).map(() => playing(pause("100 millis"), text("hello"), pause("5 seconds"), part(finish))),
        playing(pause("50 millis"), text("long "), pause("15 seconds"), text("answer"), part(finish)),
        hanging
      ])
      const b = yield* scripted("b/y", [quick])
      const { listen } = yield* chat([a, b], learning)
      const calls = yield* Effect.forEach(times(20), () => Effect.forkChild(listen))
      yield* TestClock.adjust("6 seconds")
      yield* Effect.forEach(calls, Fiber.join)
      const long = yield* Effect.forkChild(listen)
      yield* TestClock.adjust("16 seconds")
      assert.strictEqual(yield* Fiber.join(long), "long answer")
      assert.strictEqual(yield* b.calls, 0)
      const slow = yield* Effect.forkChild(listen)
      yield* TestClock.adjust("110 millis")
      assert.strictEqual(yield* b.calls, 1)
      assert.strictEqual(yield* a.open, 1)
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(yield* a.open, 0, "the one without content is called off")
      yield* Fiber.interrupt(slow)
      assert.deepStrictEqual(yield* held(a, b), nothing)
    }).pipe(alone)
  )
})

describe("an operation that is hedged", () => {
  it.effect("leaves nothing behind when it is interrupted, at whatever step", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      for (const isStream of [false, true]) {
        for (let step = 1; ; step++) {
          const a = yield* scripted(`a${isStream}/${step}`, [after("3 seconds", replying("hello from a"))])
          const b = yield* scripted(`b${isStream}/${step}`, [after("1 second", replying("hello from b"))])
          const { ask, listen } = yield* chat([a, b], hedging)
          const fiber = yield* Effect.forkChild(interruptedAt(step, isStream ? listen : ask), {
            startImmediately: true
          })
          yield* TestClock.adjust("1 minute")
          const { isOver } = yield* Fiber.join(fiber)
          assert.deepStrictEqual(yield* held(a, b), nothing, `at step ${step}`)
          assert.deepStrictEqual([yield* a.open, yield* b.open], [0, 0], `at step ${step}`)
          const ended = (yield* events.of("AttemptEnded")).filter(({ lane }) => lane === a.id || lane === b.id)
          assert.isAtMost((yield* a.calls) + (yield* b.calls), ended.length)
          if (isOver) {
            assert.isAbove(step, 30)
            break
          }
        }
      }
    }).pipe(alone)
  )

  it.effect("ends by its deadline, with both of its attempts", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [hanging])
      const b = yield* scripted("b/y", [hanging])
      const policy = hedging.pipe(
        Policy.clocks({ total: "40 seconds", attempt: "40 seconds", plainAttempt: "40 seconds" })
      )
      const fiber = yield* Effect.forkChild(Effect.exit((yield* chat([a, b], policy)).ask))
      yield* TestClock.adjust("40 seconds")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
      assert.strictEqual(yield* now, 40_000)
      assert.deepStrictEqual([yield* a.open, yield* b.open], [0, 0])
      assert.deepStrictEqual(yield* held(a, b), nothing)
    }).pipe(alone)
  )
})
