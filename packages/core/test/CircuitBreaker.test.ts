import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Random, Ref, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, EventBus, Failure, Refusal } from "@holdfast/core"
import { everything } from "./Failures.ts"
import { interruptedAt } from "./Interruption.ts"
import { recorder } from "./Recorder.ts"

const alone = Effect.provide(CircuitBreaker.layer.pipe(Layer.provideMerge(EventBus.layer)))

const exact = { consecutiveFailures: 3, open: "60 seconds", openMax: "2 minutes", openJitter: 0 } as const
const guard = CircuitBreaker.guard("acme/anvil", exact)
const settings: CircuitBreaker.Settings = { ...CircuitBreaker.defaults, consecutiveFailures: 3, openJitter: 0 }

const { lane, model, provider, rule } = everything
const failure = (class_: Failure.Class, retryAfter?: Duration.Input) =>
  Failure.make(class_, {
    lane,
    model,
    provider,
    rule,
    scope: "provider",
    retryAfter: retryAfter === undefined ? undefined : Duration.fromInputUnsafe(retryAfter)
  })

const bad = guard(Effect.fail(failure("ServiceUnavailable")))
const good = guard(Effect.succeed("hello"))
const open = Effect.repeat(Effect.ignore(bad), { times: 2 })
const state = CircuitBreaker.state("acme/anvil")
const waitOf = ({ retryAfter }: Refusal.CircuitOpen) => retryAfter && Duration.toMillis(retryAfter)

describe("a guard", () => {
  it.effect("opens on failures in a row, refuses without calling, and probes when the time has come", () =>
    Effect.gen(function* () {
      const calls = yield* Ref.make(0)
      const call = guard(Ref.updateAndGet(calls, (n) => n + 1))
      yield* open
      const refusal = yield* Effect.flip(call)
      assert.strictEqual(refusal._tag, "CircuitOpen")
      assert.strictEqual(waitOf(refusal), 60_000)
      assert.strictEqual(yield* Ref.get(calls), 0)
      yield* TestClock.adjust("59999 millis")
      assert.strictEqual(waitOf(yield* Effect.flip(call)), 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* call, 1)
      assert.strictEqual((yield* state).state, "closed")
    }).pipe(alone)
  )

  it.effect("lets exactly one of a thousand concurrent callers through at the half-open instant", () =>
    Effect.gen(function* () {
      yield* open
      yield* TestClock.adjust("60 seconds")
      const calls = yield* Ref.make(0)
      const answer = yield* Deferred.make<string>()
      const probe = guard(
        Effect.andThen(
          Ref.update(calls, (n) => n + 1),
          Deferred.await(answer)
        )
      )
      const callers = yield* Effect.forEach(Array.from({ length: 1000 }), () => Effect.forkChild(Effect.result(probe)))
      yield* TestClock.adjust(0)
      assert.strictEqual(yield* Ref.get(calls), 1)
      const refused = callers.filter((fiber) => fiber.pollUnsafe() !== undefined)
      assert.strictEqual(refused.length, 999)
      yield* Deferred.succeed(answer, "hello")
      const results = yield* Effect.forEach(callers, Fiber.join)
      assert.strictEqual(results.filter((result) => result._tag === "Success").length, 1)
      assert.isTrue(
        results.every((result) => result._tag === "Success" || result.failure._tag === "CircuitOpen"),
        "whoever is not the probe is refused, and does not wait for it"
      )
      assert.strictEqual((yield* state).state, "closed")
      assert.strictEqual(yield* good, "hello")
    }).pipe(alone)
  )

  it.effect("frees the probe's slot when the probe is interrupted, and takes it for no verdict", () =>
    Effect.gen(function* () {
      yield* open
      yield* TestClock.adjust("60 seconds")
      const probe = yield* Effect.forkChild(guard(Effect.never))
      yield* TestClock.adjust(0)
      assert.strictEqual((yield* Effect.flip(good))._tag, "CircuitOpen")
      yield* Fiber.interrupt(probe)
      assert.strictEqual((yield* state).state, "half-open")
      assert.strictEqual(yield* good, "hello")
      assert.strictEqual((yield* state).state, "closed")
    }).pipe(alone)
  )

  it.effect.each(["closed", "half-open"] as const)(
    "leaves nothing taken when it is interrupted at any step while %s",
    (when) =>
      Effect.gen(function* () {
        const interrupt = Effect.fnUntraced(function* (step: number) {
          if (when === "half-open") yield* Effect.andThen(open, TestClock.adjust("60 seconds"))
          let seen = "before the call"
          const call = guard(
            Effect.suspend(() => {
              seen = "in the call"
              return Effect.andThen(Effect.yieldNow, Effect.yieldNow)
            }).pipe(Effect.andThen(Effect.sync(() => (seen = "after the call"))))
          )
          const { isOver } = yield* interruptedAt(step, call)
          const snapshot = yield* state
          const isProbed = when === "half-open" && snapshot.state === "closed"
          assert.strictEqual(Duration.toMillis(snapshot.retryAfter), 0, `a slot is taken after step ${step}`)
          assert.strictEqual(snapshot.failures, when === "closed" || isProbed ? 0 : 3)
          assert.strictEqual(yield* good, "hello")
          assert.strictEqual((yield* state).state, "closed")
          return isOver ? "over" : seen
        })
        const seen: Array<string> = []
        while (seen.at(-1) !== "over") seen.push(yield* alone(interrupt(seen.length + 1)))
        assert.deepStrictEqual([...new Set(seen)], ["before the call", "in the call", "after the call", "over"])
        assert.isAbove(seen.length, 20)
      })
  )

  it.effect("does not count interrupted calls as failures", () =>
    Effect.gen(function* () {
      for (let n = 0; n < 10; n++) {
        const fiber = yield* Effect.forkChild(guard(Effect.never))
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(fiber)
      }
      assert.deepInclude(yield* state, { state: "closed", failures: 0 })
    }).pipe(alone)
  )

  it.effect("replaces a probe that never reports, and ignores what it says in the end", () =>
    Effect.gen(function* () {
      yield* open
      yield* TestClock.adjust("60 seconds")
      const answer = yield* Deferred.make<string, Failure.Failure>()
      const stuck = yield* Effect.forkChild(Effect.exit(guard(Deferred.await(answer))))
      yield* TestClock.adjust("119 seconds")
      assert.strictEqual((yield* Effect.flip(good))._tag, "CircuitOpen")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* good, "hello")
      yield* Deferred.fail(answer, failure("ServiceUnavailable"))
      assert.isTrue(Exit.isFailure(yield* Fiber.join(stuck)))
      assert.deepInclude(yield* state, { state: "closed", failures: 0 })
    }).pipe(alone)
  )

  it.effect("does not record our own refusals (behaviour 30)", () =>
    Effect.gen(function* () {
      const refusals: ReadonlyArray<Refusal.Refusal> = [
        new Refusal.CircuitOpen({ lane: "x", circuit: "x", retryAfter: Duration.seconds(1) }),
        new Refusal.BulkheadFull({ lane: "x", reason: "queue-full", maxConcurrent: 1, maxQueue: 0 }),
        new Refusal.LimitReached({ lane: "x", reason: "cooling", retryAfter: Duration.seconds(1) }),
        new Refusal.DeadlineExceeded({ total: Duration.seconds(1) }),
        new Refusal.BudgetExhausted({ budget: "attempts", limit: 1 }),
        new Refusal.AllLanesFailed({ route: "x", trail: [] })
      ]
      for (const refusal of refusals) {
        for (let n = 0; n < 5; n++) yield* Effect.ignore(guard(Effect.fail(refusal)))
      }
      assert.deepInclude(yield* state, { state: "closed", failures: 0 })
    }).pipe(alone)
  )

  it.effect("does not open for what the caller did wrong, nor for a limit", () =>
    Effect.gen(function* () {
      for (const class_ of ["InvalidRequest", "ContentPolicy", "ContextLengthExceeded", "ModelNotFound"] as const) {
        for (let n = 0; n < 5; n++) yield* Effect.ignore(guard(Effect.fail(failure(class_))))
      }
      for (let n = 0; n < 5; n++) yield* Effect.ignore(guard(Effect.fail(failure("RateLimit", "30 seconds"))))
      assert.deepInclude(yield* state, { state: "closed", failures: 0 })
    }).pipe(alone)
  )

  it.effect("opens at once for a refused credential", () =>
    Effect.gen(function* () {
      yield* Effect.ignore(guard(Effect.fail(failure("Authentication"))))
      assert.strictEqual((yield* state).state, "open")
    }).pipe(alone)
  )

  it.effect("counts errors of other kinds, and defects, as failures", () =>
    Effect.gen(function* () {
      yield* Effect.ignore(guard(Effect.fail("no")))
      yield* Effect.exit(guard(Effect.die("bug")))
      yield* Effect.ignore(guard(Effect.fail(failure("Network"))))
      assert.strictEqual((yield* state).state, "open")
    }).pipe(alone)
  )

  it.effect("believes the provider's wait no further than it is told", () =>
    Effect.gen(function* () {
      const short = CircuitBreaker.guard("acme/anvil", { consecutiveFailures: 1, openJitter: 0, hintMax: "5 minutes" })
      yield* Effect.ignore(short(Effect.fail(failure("ServiceUnavailable", "1 hour"))))
      assert.strictEqual(Duration.toMinutes((yield* state).retryAfter), 5)
      yield* TestClock.adjust("5 minutes")
      const usual = CircuitBreaker.guard("acme/anvil", { openJitter: 0 })
      yield* Effect.ignore(usual(Effect.fail(failure("ServiceUnavailable", "1 hour"))))
      assert.strictEqual(Duration.toMinutes((yield* state).retryAfter), 15)
    }).pipe(alone)
  )

  it.effect("stays open as long as the provider asks on the failure that opens it (behaviour 27)", () =>
    Effect.gen(function* () {
      yield* Effect.ignore(bad)
      yield* Effect.ignore(bad)
      yield* Effect.ignore(guard(Effect.fail(failure("ServiceUnavailable", "90 seconds"))))
      assert.strictEqual(Duration.toMillis((yield* state).retryAfter), 90_000)
    }).pipe(alone)
  )

  it.effect("keeps to its own time when the provider asks for a wait without end", () =>
    Effect.gen(function* () {
      yield* open.pipe(Effect.andThen(TestClock.adjust("60 seconds")))
      yield* Effect.ignore(guard(Effect.fail(failure("ServiceUnavailable", Duration.infinity))))
      assert.strictEqual(Duration.toMillis((yield* state).retryAfter), 120_000)
    }).pipe(alone)
  )

  it.effect("is spread by chance when it opens, within its bounds and repeatably", () =>
    Effect.gen(function* () {
      const spread = Effect.fnUntraced(function* (seed: number) {
        const circuit = `acme/${seed}`
        const shaky = CircuitBreaker.guard(circuit, { consecutiveFailures: 1, openJitter: 0.2 })
        yield* shaky(Effect.fail("no")).pipe(Effect.ignore, Random.withSeed(seed))
        return Duration.toMillis((yield* CircuitBreaker.state(circuit)).retryAfter)
      })
      const waits = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, seed) => seed),
        spread
      )
      assert.isTrue(waits.every((wait) => wait > 48_000 && wait <= 60_000))
      assert.isAbove(new Set(waits).size, 90)
    }).pipe(alone)
  )

  it("refuses impossible settings when it is made, by name and value", () => {
    const make = (options: Parameters<typeof CircuitBreaker.guard>[1]) => () => CircuitBreaker.guard("x", options)
    assert.throws(make({ consecutiveFailures: -1 }), RangeError)
    assert.throws(make({ consecutiveFailures: -1 }), /got -1[^]*consecutiveFailures/)
    assert.throws(make({ consecutiveFailures: 0, rate: 0 }), /it never opens[^]*consecutiveFailures/)
    assert.throws(make({ open: 0 }), /got 0[^]*open/)
    assert.throws(make({ openGrowth: 0.5 }), /got 0.5[^]*openGrowth/)
    assert.throws(make({ openJitter: 1.1 }), /got 1.1[^]*openJitter/)
    assert.throws(make({ open: "10 minutes" }), /at least open \(10m\), got 2m[^]*openMax/)
    assert.throws(make({ probeLease: Duration.infinity }), /got Infinity[^]*probeLease/)
    assert.throws(make({ probes: 2, probeSuccesses: 3 }), /at most probes \(2\), got 3[^]*probeSuccesses/)
    assert.throws(make({ windowCalls: 10 }), /at most windowCalls \(10\)[^]*got 20[^]*minimumCalls/)
    assert.throws(make({ slowRate: 0.5 }), /which calls are slow[^]*slowCall/)
    assert.throws(make({ rate: 1.5 }), /got 1.5[^]*rate/)
    assert.throws(make({ ramp: Duration.zero }), /got 0[^]*ramp/)
    assert.throws(make({ openTimes: [Duration.zero] }), /got 0[^]*openTimes/)
  })
})

describe("circuits", () => {
  it.effect("are independent of each other", () =>
    Effect.gen(function* () {
      yield* open
      assert.strictEqual(yield* CircuitBreaker.guard("acme/other", exact)(Effect.succeed(1)), 1)
      assert.deepStrictEqual(
        (yield* CircuitBreaker.CircuitBreaker.use((breaker) => breaker.list)).map(({ circuit, state }) => [
          circuit,
          state
        ]),
        [
          ["acme/anvil", "open"],
          ["acme/other", "closed"]
        ]
      )
    }).pipe(alone)
  )

  it.effect("that were never used are closed, and looking at them makes no entry", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.CircuitBreaker
      assert.deepInclude(yield* CircuitBreaker.state("nobody"), { circuit: "nobody", state: "closed", failures: 0 })
      assert.strictEqual(yield* breaker.waitMillis("nobody"), 0)
      assert.deepStrictEqual(yield* breaker.list, [])
    }).pipe(alone)
  )

  it.effect("publish every transition once, with the reason and the time", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const late = yield* Deferred.make<void, Failure.Failure>()
      const stragglers = yield* Effect.forEach([1, 2, 3], () =>
        Effect.forkChild(Effect.exit(guard(Deferred.await(late))))
      )
      yield* TestClock.adjust(0)
      yield* open
      yield* Deferred.fail(late, failure("Network"))
      yield* Effect.forEach(stragglers, Fiber.join)
      yield* Effect.ignore(good)
      yield* TestClock.adjust("60 seconds")
      yield* Effect.ignore(bad)
      yield* TestClock.adjust("2 minutes")
      yield* good
      const changes = yield* events.of("CircuitChanged")
      assert.deepStrictEqual(
        changes.map(({ at, from, openMillis, reason, to }) => [at, from, to, reason, openMillis]),
        [
          [0, "closed", "open", "ServiceUnavailable", 60_000],
          [60_000, "open", "half-open", "time to probe", undefined],
          [60_000, "half-open", "open", "ServiceUnavailable", 120_000],
          [180_000, "open", "half-open", "time to probe", undefined],
          [180_000, "half-open", "closed", "probe succeeded", undefined]
        ]
      )
      assert.strictEqual(changes[0]?.failures, 3)
      assert.strictEqual((yield* events.all).length, changes.length)
    }).pipe(alone)
  )

  it.effect("publish nothing when a probe gives its slot back, or loses it to another", () =>
    Effect.gen(function* () {
      yield* open
      yield* TestClock.adjust("60 seconds")
      const stuck = yield* Effect.forkChild(guard(Effect.never))
      yield* TestClock.adjust("2 minutes")
      const events = yield* recorder
      yield* Effect.ignore(guard(Effect.fail(failure("InvalidRequest"))))
      yield* Effect.ignore(guard(Effect.fail(failure("RateLimit"))))
      yield* Fiber.interrupt(stuck)
      assert.strictEqual((yield* state).state, "half-open")
      assert.deepStrictEqual(yield* events.all, [])
    }).pipe(alone)
  )

  it.effect("are tripped from outside at once; tripping twice is tripping once", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const breaker = yield* CircuitBreaker.CircuitBreaker
      yield* breaker.trip("credential:acme", settings, { reason: "Authentication" })
      yield* TestClock.adjust("10 seconds")
      yield* breaker.trip("credential:acme", settings, { reason: "Authentication" })
      assert.strictEqual(yield* breaker.waitMillis("credential:acme"), 50_000)
      assert.strictEqual((yield* events.of("CircuitChanged")).length, 1)
    }).pipe(alone)
  )

  it.effect("wake whoever waits for their next change, and nobody before", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.CircuitBreaker
      yield* open
      const change = yield* breaker.nextChange("acme/anvil")
      const waiter = yield* Effect.forkChild(change)
      yield* TestClock.adjust("60 seconds")
      yield* Effect.ignore(CircuitBreaker.guard("acme/other", exact)(Effect.fail("no")))
      yield* TestClock.adjust(0)
      assert.isUndefined(waiter.pollUnsafe())
      yield* good
      yield* TestClock.adjust(0)
      assert.isDefined(waiter.pollUnsafe())
      // A change that came between subscribing and waiting is not missed.
      yield* open
      const missed = yield* breaker.nextChange("acme/anvil")
      yield* TestClock.adjust("60 seconds")
      yield* good
      yield* missed
      // Each subscription is for the next change, not for one that has been.
      const next = yield* Effect.forkChild(yield* breaker.nextChange("acme/anvil"))
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(next.pollUnsafe())
    }).pipe(alone)
  )

  it.effect("belong to their layer: two builds do not know of each other", () =>
    Effect.gen(function* () {
      yield* open.pipe(alone)
      assert.strictEqual(yield* good.pipe(alone), "hello")
    })
  )

  it("settings survive JSON", () => {
    const Json = Schema.fromJsonString(Schema.toCodecJson(CircuitBreaker.Settings))
    const back = Schema.decodeSync(Json)(Schema.encodeSync(Json)(CircuitBreaker.defaults))
    assert.deepStrictEqual(back, CircuitBreaker.defaults)
  })
})
