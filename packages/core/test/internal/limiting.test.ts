import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Lane, Limits, Policy, Resilience } from "@holdfast/core"
import { alone, chat, exact, held, nothing } from "../Chat.ts"
import { interruptedAt } from "../Interruption.ts"
import { recorder } from "../Recorder.ts"
import { after, delta, failing, finish, replying, scripted, type Step } from "../Scripted.ts"

const seconds = Duration.seconds
const times = (count: number) => Array.from({ length: count })
const now = TestClock.testClockWith((clock) => clock.currentTimeMillis)
const snapshot = (lane: Effect.Effect<Lane.Lane>) =>
  Effect.flatMap(lane, (lane) => Limits.Limits.use((limits) => limits.snapshot(lane)))

/** The script's lane, with something more to it. */
const with_ = <A extends { readonly lane: Effect.Effect<Lane.Lane> }>(scripted: A, more: Partial<Lane.Lane>): A => ({
  ...scripted,
  lane: Effect.map(scripted.lane, (lane) => ({ ...lane, ...more }))
})

/** An answer whose headers say what is left, before anything else about it is known. */
const stating =
  (stated: Limits.Stated, step: Step): Step =>
  (target) => {
    const { generate, stream } = step(target)
    const tell = Effect.flatMap(Limits.Listener, (listen) => Effect.map(now, (at) => listen?.(stated, at)))
    return { generate: Effect.andThen(tell, generate), stream: Stream.unwrap(Effect.as(tell, stream)) }
  }

describe("a limit of requests", () => {
  const sixty = exact.pipe(Policy.limits({ requestsPerMinute: 60, requestsBurst: 2 }))

  it.effect("lets a burst go, then one after another at its rate, and nobody twice", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("hello")])
      const { ask } = yield* chat([a], sixty)
      const callers = yield* Effect.forEach(times(6), () => Effect.forkChild(ask))
      yield* TestClock.adjust("10 seconds")
      yield* Effect.forEach(callers, Fiber.join)
      assert.deepStrictEqual(yield* a.times, [0, 0, 1000, 2000, 3000, 4000])
      assert.strictEqual((yield* snapshot(a.lane)).waiting, 0)
    }).pipe(alone)
  )

  it.effect("sends the rest to another lane at once, and says which limit it was", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [replying("hello from a")])
      const b = yield* scripted("b/y", [replying("hello from b")])
      const { ask } = yield* chat([a, b], sixty)
      assert.deepStrictEqual(yield* Effect.forEach(times(3), () => ask), [
        "hello from a",
        "hello from a",
        "hello from b"
      ])
      assert.strictEqual(yield* now, 0)
      assert.deepStrictEqual(
        (yield* events.of("LaneRefused")).map(({ lane, limit, reason, retryAfterMillis }) => [
          lane,
          reason,
          limit,
          retryAfterMillis
        ]),
        [["a/x", "LimitReached", "requests", 1000]]
      )
    }).pipe(alone)
  )

  it.effect("is told at once, with the wait, where the policy does not wait", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("hello")])
      const { ask } = yield* chat([a], sixty.pipe(Policy.fallback({ waitForReopening: false })))
      yield* ask
      yield* ask
      const refusal = yield* Effect.flip(ask)
      assert.deepInclude(refusal, { _tag: "LimitReached", reason: "requests", lane: "a/x" })
      assert.strictEqual(refusal.message, "a/x has no requests left for another 1s")
    }).pipe(alone)
  )

  it.effect("is not waited for beyond the deadline, and who will not wait has no place in the line", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("hello")])
      const { ask } = yield* chat([a], sixty.pipe(Policy.limits({ requestsPerMinute: 0.4, requestsBurst: 1 })))
      yield* ask
      const callers = yield* Effect.forEach(times(3), () => Effect.forkChild(Effect.exit(ask)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Effect.flip(ask))._tag, "LimitReached")
      assert.strictEqual((yield* snapshot(a.lane)).waiting, 0, "150 seconds are more than it has")
      assert.isTrue((yield* Effect.forEach(callers, Fiber.join)).every(Exit.isFailure))
    }).pipe(alone)
  )

  it.effect("counts all lanes of one credential and model together", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("hello")])
      const same = yield* scripted("a/x", [replying("hello too")])
      const { ask } = yield* chat([a], sixty)
      yield* ask
      yield* ask
      const waiting = yield* Effect.forkChild((yield* chat([same], sixty)).ask)
      yield* TestClock.adjust("999 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(waiting), "hello too")
    }).pipe(alone)
  )

  it.effect("binds the policy that sets it and no other", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("hello")])
      const narrow = yield* chat([a], sixty.pipe(Policy.limits({ requestsBurst: 1 })))
      const free = yield* chat([a])
      yield* narrow.ask
      const waiting = yield* Effect.forkChild(narrow.ask)
      yield* TestClock.adjust(0)
      yield* Effect.forEach(times(50), () => free.ask)
      assert.strictEqual(yield* now, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(waiting), "hello")
    }).pipe(alone)
  )

  it.effect("holds nothing of an operation that is interrupted, at whatever step of its wait", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.limits({ requestsPerMinute: 60, requestsBurst: 1 }))
      let wasted = 0
      for (let step = 1; ; step++) {
        const a = yield* scripted(`a/${step}`, [replying("hello")])
        const { ask } = yield* chat([a], policy)
        yield* ask
        const fiber = yield* Effect.forkChild(interruptedAt(step, ask), { startImmediately: true })
        yield* TestClock.adjust("1 second")
        const { isOver } = yield* Fiber.join(fiber)
        assert.strictEqual((yield* snapshot(a.lane)).waiting, 0)
        assert.deepStrictEqual(yield* held(a), nothing)
        const calls = yield* a.calls
        const next = yield* Effect.forkChild(ask)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(next), "hello")
        const [start = 0, ...more] = yield* a.times
        // What was never sent has cost nothing, but for a call that was called off in the steps between the two.
        if (calls === 1 && more[0] !== start + 1000) wasted += 1
        if (isOver) {
          assert.isAtMost(wasted, 16)
          return assert.isAbove(step, 10 * wasted)
        }
      }
    }).pipe(alone)
  )
})

describe("a limit of tokens", () => {
  const limited = exact.pipe(Policy.limits({ tokensPerMinute: 60_000, tokensBurst: 1000 }))
  const estimating = (tokens: number) => ({ estimateTokens: () => tokens })

  it.effect("counts the estimate before, and what was really used after", () =>
    Effect.gen(function* () {
      // Every answer says that it used five.
      const a = with_(yield* scripted("a/x", [after("100 millis", replying("hello"))]), estimating(600))
      const { ask } = yield* chat([a], limited)
      const callers = yield* Effect.forEach(times(2), () => Effect.forkChild(ask))
      yield* TestClock.adjust("5 seconds")
      yield* Effect.forEach(callers, Fiber.join)
      const [, second = 0] = yield* a.times
      assert.isAbove(second, 100)
      assert.isAtMost(second, 200)
    }).pipe(alone)
  )

  it.effect("lets a request go that is larger than it can ever hold, and the others after what that owes", () =>
    Effect.gen(function* () {
      const a = with_(yield* scripted("a/x", [failing("Network"), replying("hello")]), estimating(5000))
      const { ask } = yield* chat([a], limited.pipe(Policy.retry({ maxRetries: 0 })))
      yield* Effect.flip(ask)
      const second = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(second), "hello")
      assert.deepStrictEqual(yield* a.times, [0, 5000])
    }).pipe(alone)
  )

  it.effect("asks nothing for what the provider refused", () =>
    Effect.gen(function* () {
      const a = with_(
        yield* scripted("a/x", [failing("ServiceUnavailable", { status: 503 }), replying("hello")]),
        estimating(1000)
      )
      const { ask } = yield* chat([a], limited.pipe(Policy.retry({ maxRetries: 0 })))
      yield* Effect.flip(ask)
      assert.strictEqual(yield* ask, "hello")
    }).pipe(alone)
  )

  it.effect("does not ask for an estimate where tokens are not limited", () =>
    Effect.gen(function* () {
      const a = with_(yield* scripted("a/x", [replying("hello")]), {
        estimateTokens: () => {
          throw new Error("asked")
        }
      })
      assert.strictEqual(yield* (yield* chat([a])).ask, "hello")
      assert.strictEqual(yield* (yield* chat([a], exact.pipe(Policy.limits({ requestsPerMinute: 100 })))).ask, "hello")
    }).pipe(alone)
  )
})

describe("what the headers of an answer say", () => {
  const none: Limits.Stated = { requests: { limit: 60, remaining: 0, resetAt: 60_000 } }
  const kinds = [
    ["an answer", (model: Asked) => Effect.asVoid(model.ask), replying("hello")],
    ["a failure", (model: Asked) => Effect.ignore(model.ask), failing("ContentPolicy", { status: 400 })],
    ["a stream", (model: Asked) => Effect.asVoid(model.listen), replying("hello")],
    ["a stream that fails", (model: Asked) => Effect.ignore(model.listen), failing("InvalidRequest", { status: 400 })]
  ] as const
  type Asked = Effect.Success<ReturnType<typeof chat>>

  it.effect.each(kinds)("holds back the next request, for the headers of %s", ([, first, step]) =>
    Effect.gen(function* () {
      const a = with_(yield* scripted("a/x", [stating(none, step), replying("hello")]), { statesLimits: true })
      const model = yield* chat([a])
      yield* first(model)
      const next = yield* Effect.forkChild(model.ask)
      yield* TestClock.adjust("999 millis")
      assert.isUndefined(next.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(next), "hello")
    }).pipe(alone)
  )

  it.effect("counts from the moment they are here, not from the end of the stream", () =>
    Effect.gen(function* () {
      const slow: Step = () => ({
        generate: Effect.never,
        stream: Stream.make(delta("hel")).pipe(
          Stream.concat(Stream.fromEffect(Effect.delay(Effect.succeed(delta("lo")), "3 seconds"))),
          Stream.concat(Stream.make(finish))
        )
      })
      const a = with_(yield* scripted("a/x", [stating(none, slow), replying("hello")]), { statesLimits: true })
      const model = yield* chat([a], exact.pipe(Policy.fallback({ waitForReopening: false })))
      const listening = yield* Effect.forkChild(model.listen)
      yield* TestClock.adjust("100 millis")
      assert.strictEqual((yield* Effect.flip(model.ask))._tag, "LimitReached")
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(listening), "hello")
    }).pipe(alone)
  )

  it.effect("is asked of nobody whose lane does not say that it knows", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [stating(none, replying("hello"))])
      const { ask } = yield* chat([a])
      yield* ask
      assert.strictEqual(yield* ask, "hello")
      assert.strictEqual(yield* now, 0)
    }).pipe(alone)
  )
})

describe("a cool-down", () => {
  const told = failing("RateLimit", { retryAfter: seconds(20), status: 429 })

  it.effect("lets those who were told to wait, and those who came later, go one after another", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [...times(5).map(() => after("10 millis", told)), replying("hello")])
      const { ask } = yield* chat([a])
      const first = yield* Effect.forEach(times(5), () => Effect.forkChild(ask))
      yield* TestClock.adjust("1 second")
      const later = yield* Effect.forEach(times(5), () => Effect.forkChild(ask))
      yield* TestClock.adjust("1 minute")
      yield* Effect.forEach([...first, ...later], Fiber.join)
      assert.deepStrictEqual(
        (yield* a.times).slice(5),
        times(10).map((_, n) => 20_010 + 25 * n)
      )
    }).pipe(alone)
  )

  it.effect("makes nobody wait for it longer than his patience on the lane, where another lane can answer", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [told])
      const b = yield* scripted("b/y", [replying("hello from b")])
      const { ask } = yield* chat([a, b], exact.pipe(Policy.retry({ patience: "19 seconds" })))
      assert.strictEqual(yield* ask, "hello from b")
      assert.strictEqual((yield* snapshot(a.lane)).waiting, 0)
    }).pipe(alone)
  )

  it.effect("leaves nobody in the line who is interrupted while he waits for the retry", () =>
    Effect.gen(function* () {
      for (let step = 1; ; step++) {
        const a = yield* scripted(`a/${step}`, [told, replying("hello")])
        const { ask } = yield* chat([a])
        const fiber = yield* Effect.forkChild(interruptedAt(step, ask), { startImmediately: true })
        yield* TestClock.adjust("20 seconds")
        const { isOver } = yield* Fiber.join(fiber)
        assert.deepInclude(yield* snapshot(a.lane), { waiting: 0 })
        assert.deepStrictEqual(yield* held(a), nothing)
        if (isOver) return assert.isAbove(step, 20)
      }
    }).pipe(alone)
  )

  it.effect("is spread by chance where the policy spreads its retries", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [...times(20).map(() => after("10 millis", told)), replying("hello")])
      const { ask } = yield* chat([a], Policy.standard)
      const callers = yield* Effect.forEach(times(20), () => Effect.forkChild(ask))
      yield* TestClock.adjust("1 minute")
      yield* Effect.forEach(callers, Fiber.join)
      const turns = (yield* a.times).slice(20)
      assert.isAbove(new Set(turns.map((turn) => turn % 25)).size, 5)
      assert.isAtMost(Math.max(...turns), 20_010 + 20 * 50)
    }).pipe(alone)
  )
})

it.effect("a caller of the pipeline itself says how many tokens its request takes", () =>
  Effect.gen(function* () {
    const resilience = yield* Resilience.Resilience
    const lane = Lane.make({ provider: "a", model: "x" })
    const ask = resilience.run({
      route: "r",
      kind: "effect",
      policy: exact.pipe(
        Policy.limits({ tokensPerMinute: 600, tokensBurst: 100 }),
        Policy.fallback({ waitForReopening: false })
      ),
      lanes: [lane],
      estimateTokens: () => 60,
      call: () => Effect.succeed("hello")
    })
    yield* ask
    assert.deepInclude(yield* Effect.flip(ask), { _tag: "LimitReached", reason: "tokens" })
  }).pipe(alone)
)
