import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Result, Stream } from "effect"
import { CircuitBreaker as Theirs } from "effect/persistence"
import { TestClock } from "effect/testing"
import { CircuitBreaker, EffectCircuitBreaker, EventBus, Failure, Refusal } from "@holdfast/core"
import { everything } from "./Failures.ts"
import { interruptedAt } from "./Interruption.ts"

const circuits = CircuitBreaker.layer.pipe(Layer.provideMerge(EventBus.layer))
const exact = { consecutiveFailures: 2, open: "30 seconds", openMax: "1 hour", openJitter: 0 } as const
const ours = (options: Parameters<typeof EffectCircuitBreaker.layer>[0] = {}) =>
  EffectCircuitBreaker.layer({ ...exact, openGrowth: 1, ...options }).pipe(Layer.provideMerge(circuits))

const alone = Effect.provide(ours())
const breakers = [
  {
    whose: "ours",
    layer: ours()
  },
  {
    whose: "Effect's",
    layer: Theirs.layer({ tripPolicy: Theirs.consecutive(2), openDuration: "30 seconds" }).pipe(
      Layer.provide(Theirs.layerStoreMemory())
    )
  }
]

const key = "acme"
const guarded = <A, E>(
  self: Effect.Effect<A, E>,
  classify?: (exit: Exit.Exit<A, E>) => Theirs.Outcome | Effect.Effect<Theirs.Outcome>
) => Theirs.CircuitBreaker.use((breaker) => breaker.execute(self, { key, classify }))
const state = Theirs.CircuitBreaker.use((breaker) => Effect.orDie(breaker.state(key)))
const tag = Effect.map(state, (now) => now._tag)
const bad = Effect.ignore(guarded(Effect.fail("down")))
const good = guarded(Effect.succeed("hello"))
const open = Effect.andThen(bad, bad)

/** Why a call was refused. */
const refusal = Effect.map(Effect.flip(good), ({ reason }) => reason)
const half = Effect.andThen(open, TestClock.adjust("30 seconds"))

describe.each(breakers)("$whose breaker under Effect's interface", ({ layer }) => {
  it.effect("refuses without calling, says for how long, and closes when a probe succeeds", () =>
    Effect.gen(function* () {
      yield* open
      const reason = yield* refusal
      assert.deepInclude(reason, { _tag: "CircuitOpen", key, retryAfter: Duration.seconds(30) })
      assert.deepStrictEqual(yield* state, {
        _tag: "Open",
        key,
        retryAfter: Duration.seconds(30),
        consecutiveOpenings: 1
      })
      yield* TestClock.adjust("29999 millis")
      assert.deepInclude(yield* refusal, { _tag: "CircuitOpen", retryAfter: Duration.millis(1) })
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* state, { _tag: "Open", retryAfter: Duration.zero })
      assert.strictEqual(yield* good, "hello")
      assert.deepStrictEqual(yield* state, { _tag: "Closed", key })
    }).pipe(Effect.provide(layer))
  )

  it.effect("may be piped into, and keeps keys apart", () =>
    Effect.gen(function* () {
      const breaker = yield* Theirs.CircuitBreaker
      yield* open
      assert.strictEqual(yield* Effect.succeed(1).pipe(breaker.execute({ key: "other" })), 1)
      assert.deepStrictEqual(yield* breaker.state("nobody's"), { _tag: "Closed", key: "nobody's" })
    }).pipe(Effect.provide(layer))
  )

  it.effect("refuses the others while the probe is out, and reopens when it fails", () =>
    Effect.gen(function* () {
      yield* half
      const answer = yield* Deferred.make<string, string>()
      const probe = yield* Effect.forkChild(Effect.exit(guarded(Deferred.await(answer))))
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(yield* state, { _tag: "HalfOpen", key, probing: true, consecutiveOpenings: 1 })
      assert.deepInclude(yield* refusal, { _tag: "CircuitHalfOpen", key })
      yield* Deferred.fail(answer, "still down")
      yield* Fiber.join(probe)
      assert.deepInclude(yield* state, { _tag: "Open", consecutiveOpenings: 2, retryAfter: Duration.seconds(30) })
    }).pipe(Effect.provide(layer))
  )

  it.effect("takes interruption for no verdict and frees the probe's slot", () =>
    Effect.gen(function* () {
      yield* half
      const probe = yield* Effect.forkChild(guarded(Effect.never, () => Theirs.failure()))
      yield* TestClock.adjust(0)
      yield* Fiber.interrupt(probe)
      assert.deepInclude(yield* state, { _tag: "HalfOpen", probing: false })
      assert.strictEqual(yield* good, "hello")
      assert.strictEqual(yield* tag, "Closed")
    }).pipe(Effect.provide(layer))
  )

  it.effect("counts what the classifier says, and a hint lengthens the open time", () =>
    Effect.gen(function* () {
      const answered = guarded(Effect.succeed(503), () => Theirs.failure({ retryAfter: "90 seconds" }))
      for (let n = 0; n < 5; n++) yield* Effect.ignore(guarded(Effect.fail("mine"), () => Theirs.ignored))
      yield* answered
      yield* Effect.exit(guarded(Effect.fail("not found"), () => Effect.succeed(Theirs.success)))
      yield* answered
      assert.strictEqual(yield* tag, "Closed", "a success in between begins the count anew")
      yield* answered
      assert.deepInclude(yield* refusal, { _tag: "CircuitOpen", retryAfter: Duration.seconds(90) })
    }).pipe(Effect.provide(layer))
  )

  it.effect("counts defects as failures where nobody classifies", () =>
    Effect.gen(function* () {
      for (let n = 0; n < 2; n++) yield* Effect.exit(guarded(Effect.die("bug")))
      assert.strictEqual(yield* tag, "Open")
    }).pipe(Effect.provide(layer))
  )

  it.effect("lets the call die with a classifier that does, and learns nothing", () =>
    Effect.gen(function* () {
      yield* half
      const exit = yield* Effect.exit(
        guarded(Effect.fail("down"), () => {
          throw new Error("bug")
        })
      )
      assert.isTrue(Exit.hasDies(exit) && Exit.hasFails(exit))
      assert.deepInclude(yield* state, { _tag: "HalfOpen", probing: false })
    }).pipe(Effect.provide(layer))
  )

  it.effect("may be interrupted while it classifies", () =>
    Effect.gen(function* () {
      yield* half
      const probe = yield* Effect.forkChild(guarded(Effect.succeed("hello"), () => Effect.never))
      yield* TestClock.adjust(0)
      yield* Fiber.interrupt(probe)
      assert.deepInclude(yield* state, { _tag: "HalfOpen", probing: false })
    }).pipe(Effect.provide(layer))
  )

  it.effect("changes nothing for the result of a call from before it opened", () =>
    Effect.gen(function* () {
      const answer = yield* Deferred.make<string, string>()
      const late = yield* Effect.forkChild(Effect.exit(guarded(Deferred.await(answer))))
      yield* TestClock.adjust(0)
      yield* half
      const probe = yield* Effect.forkChild(guarded(Effect.never))
      yield* TestClock.adjust(0)
      yield* Deferred.fail(answer, "late")
      yield* Fiber.join(late)
      assert.deepInclude(yield* state, { _tag: "HalfOpen", probing: true })
      yield* Fiber.interrupt(probe)
    }).pipe(Effect.provide(layer))
  )

  it.effect("tells its transitions until its scope ends", () =>
    Effect.gen(function* () {
      const seen: Array<Theirs.Transition> = []
      const watcher = yield* Effect.gen(function* () {
        const breaker = yield* Theirs.CircuitBreaker
        const fiber = yield* Effect.forkDetach(
          Stream.runForEach(breaker.transitions, (transition) => Effect.sync(() => seen.push(transition))),
          { startImmediately: true }
        )
        yield* half
        yield* bad
        yield* TestClock.adjust("30 seconds")
        yield* good
        yield* TestClock.adjust(0)
        return fiber
      }).pipe(Effect.provide(layer, { local: true }))
      yield* Fiber.join(watcher)
      const opened = { key, to: "Open", retryAfter: Duration.seconds(30) }
      assert.deepStrictEqual<ReadonlyArray<unknown>>(seen, [
        { ...opened, from: "Closed", consecutiveOpenings: 1 },
        { key, from: "Open", to: "HalfOpen" },
        { ...opened, from: "HalfOpen", consecutiveOpenings: 2 },
        { key, from: "Open", to: "HalfOpen" },
        { key, from: "HalfOpen", to: "Closed" }
      ])
    })
  )
})

describe("our breaker under Effect's interface", () => {
  const { lane, model, provider, rule } = everything
  const failure = (class_: Failure.Class) =>
    Effect.fail(Failure.make(class_, { lane, model, provider, rule, scope: "provider" }))

  it.effect("judges the failures of this library by their disposition", () =>
    Effect.gen(function* () {
      for (const class_ of ["InvalidRequest", "ContentPolicy", "RateLimit", "Cancelled"] as const) {
        for (let n = 0; n < 3; n++) yield* Effect.exit(guarded(failure(class_)))
        assert.strictEqual(yield* tag, "Closed", class_)
      }
      const inner = new Refusal.BudgetExhausted({ budget: "attempts", limit: 6 })
      for (let n = 0; n < 3; n++) yield* Effect.exit(guarded(Effect.fail(inner)))
      assert.strictEqual(yield* tag, "Closed")
      yield* Effect.exit(guarded(failure("Authentication")))
      assert.strictEqual(yield* tag, "Open")
    }).pipe(alone)
  )

  it.effect("obeys holds, and its circuits are listed with all others", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.CircuitBreaker
      yield* good
      const release = yield* breaker.hold(key, "force-open", "maintenance")
      assert.deepInclude(yield* refusal, { _tag: "CircuitOpen", retryAfter: Duration.seconds(30) })
      assert.deepInclude(yield* state, { _tag: "Open", retryAfter: Duration.seconds(30) })
      yield* release
      const observing = yield* breaker.hold(key, "observe", "a trial")
      yield* open
      assert.strictEqual(yield* good, "hello")
      assert.strictEqual(yield* tag, "Closed")
      yield* observing
      assert.strictEqual(yield* tag, "Open")
      assert.deepStrictEqual(
        (yield* breaker.list).map(({ circuit, state }) => [circuit, state]),
        [[key, "open"]]
      )
    }).pipe(alone)
  )

  it.effect("lets as many probes out as it is told, and takes the slot of one that hangs", () =>
    Effect.gen(function* () {
      yield* half
      const probes = yield* Effect.forEach([1, 2], () => Effect.forkChild(Effect.ignore(guarded(Effect.never))))
      yield* TestClock.adjust(0)
      assert.deepInclude(yield* state, { _tag: "HalfOpen", probing: true })
      assert.deepInclude(yield* refusal, { _tag: "CircuitHalfOpen" })
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* state, { _tag: "HalfOpen", probing: false })
      assert.strictEqual(yield* good, "hello")
      assert.strictEqual(yield* good, "hello")
      assert.strictEqual(yield* tag, "Closed")
      yield* Fiber.interruptAll(probes)
      assert.strictEqual(yield* tag, "Closed")
    }).pipe(Effect.provide(ours({ probes: 2, probeSuccesses: 2, probeLease: "10 seconds" })))
  )

  it.effect("opens for calls that are slow", () =>
    Effect.gen(function* () {
      for (let n = 0; n < 4; n++) {
        const call = yield* Effect.forkChild(guarded(Effect.sleep("3 seconds")))
        yield* TestClock.adjust("3 seconds")
        yield* Fiber.join(call)
      }
      assert.strictEqual(yield* tag, "Open")
    }).pipe(Effect.provide(ours({ slowCall: "2 seconds", slowRate: 0.5, minimumCalls: 4 })))
  )

  it.effect("refuses with the time to the next turn while it lets traffic grow again", () =>
    Effect.gen(function* () {
      yield* half
      yield* good
      assert.strictEqual(yield* tag, "Closed")
      const answers = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.result(good))
      const refused = answers.flatMap((answer) => (Result.isFailure(answer) ? [answer.failure.reason] : []))
      assert.isAtLeast(refused.length, 15)
      for (const reason of refused) {
        assert.ok(reason._tag === "CircuitOpen")
        assert.isAtMost(Duration.toMillis(reason.retryAfter), 1_000)
      }
    }).pipe(Effect.provide(ours({ ramp: "1 minute" })))
  )

  it.effect("leaves nothing taken when it is interrupted at any step", () =>
    Effect.gen(function* () {
      const interrupt = Effect.fnUntraced(function* (step: number) {
        yield* half
        const call = guarded(Effect.andThen(Effect.yieldNow, Effect.yieldNow), () =>
          Effect.as(Effect.yieldNow, Theirs.success)
        )
        const { isOver } = yield* interruptedAt(step, call)
        const after = yield* state
        assert.isTrue(after._tag !== "HalfOpen" || !after.probing, `the slot is taken after step ${step}`)
        assert.strictEqual(yield* good, "hello")
        assert.strictEqual(yield* tag, "Closed")
        return isOver
      })
      let step = 1
      while (!(yield* Effect.provide(interrupt(step), ours(), { local: true }))) step += 1
      assert.isAbove(step, 20)
    })
  )

  it("refuses impossible settings by name and value", () => {
    assert.throws(
      () => Effect.runSync(Effect.scoped(EffectCircuitBreaker.make({ probes: 0 })).pipe(Effect.provide(circuits))),
      /EffectCircuitBreaker[^]*got 0[^]*probes/
    )
  })
})
