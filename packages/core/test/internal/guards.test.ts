import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, References, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Health, Policy } from "@holdfast/core"
import { alone, chat, exact, held, nothing } from "../Chat.ts"
import { recorder } from "../Recorder.ts"
import { after, failing, hanging, pause, playing, replying, scripted, silence, type Step, text } from "../Scripted.ts"

const circuitOf = (circuit: string) => Effect.map(CircuitBreaker.state(circuit), ({ state }) => state)
const seconds = Duration.seconds
const once = exact.pipe(Policy.retry({ maxRetries: 0 }))

describe("a refused credential", () => {
  it.effect("is left for another, closes its other lanes to everybody, and calls a person", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("acme/x", [failing("Authentication", { status: 401 })])
      const sister = yield* scripted("acme/y", [replying("never asked")])
      const b = yield* scripted("zeta/z", [replying("hello")])
      assert.strictEqual(yield* (yield* chat([a, sister, b])).ask, "hello")
      assert.deepStrictEqual([yield* a.calls, yield* sister.calls], [1, 0])
      assert.strictEqual(yield* circuitOf("credential:acme"), "open")
      assert.strictEqual(yield* circuitOf("acme/x"), "closed")
      const refused = yield* events.of("LaneRefused")
      assert.deepStrictEqual(
        refused.map(({ lane, reason, retryAfterMillis }) => [lane, reason, retryAfterMillis]),
        [["acme/y", "CircuitOpen", 60_000]]
      )
      const [attention, ...more] = yield* events.of("AttentionNeeded")
      assert.deepStrictEqual(more, [])
      assert.deepInclude(attention, { lane: "acme/x", reason: "Authentication", rule: "test", route: "chat" })

      assert.strictEqual(yield* (yield* chat([sister, b])).ask, "hello")
      assert.strictEqual(yield* sister.calls, 0)
    }).pipe(alone)
  )

  it.effect(
    "says nothing about a credential of the same name at another provider, or another of the same provider",
    () =>
      Effect.gen(function* () {
        const a = yield* scripted("acme/x", [failing("Authentication")], { credential: "team" })
        const b = yield* scripted("zeta/z", [replying("hello")], { credential: "team" })
        assert.strictEqual(yield* (yield* chat([a, b])).ask, "hello")
        const spare = yield* scripted("acme/x", [replying("hello from the spare key")], { credential: "spare" })
        assert.strictEqual(yield* (yield* chat([a, spare])).ask, "hello from the spare key")
        assert.strictEqual(yield* a.calls, 1)
      }).pipe(alone)
  )

  it.effect("is tried again by one call when its time comes, and serves all its lanes again", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [failing("Authentication"), replying("hello")])
      const sister = yield* scripted("acme/y", [replying("hello too")])
      yield* Effect.ignore((yield* chat([a])).ask)
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(yield* (yield* chat([a])).ask, "hello")
      assert.strictEqual(yield* circuitOf("credential:acme"), "closed")
      assert.strictEqual(yield* (yield* chat([sister])).ask, "hello too")
    }).pipe(alone)
  )

  it.effect("does not open the lane's own circuit, nor an ordinary failure the credential's", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [failing("ServiceUnavailable")])
      const { ask } = yield* chat([a], once)
      for (let n = 0; n < 5; n++) yield* Effect.ignore(ask)
      assert.deepStrictEqual([yield* circuitOf("acme/x"), yield* circuitOf("credential:acme")], ["open", "closed"])
    }).pipe(alone)
  )
})

describe("a rate limit", () => {
  const limited = failing("RateLimit", { retryAfter: seconds(20) })

  it.effect("is waited out on its lane by the operation that was told; another goes to the next lane at once", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("acme/x", [limited, replying("hello from a")])
      const b = yield* scripted("zeta/z", [replying("hello from b")])
      const { ask } = yield* chat([a, b])
      const told = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* ask, "hello from b")
      assert.deepStrictEqual(
        (yield* events.of("LaneRefused")).map(({ lane, reason, retryAfterMillis }) => [lane, reason, retryAfterMillis]),
        [["acme/x", "LimitReached", 19_000]]
      )
      yield* TestClock.adjust("19 seconds")
      assert.strictEqual(yield* Fiber.join(told), "hello from a")
      assert.deepStrictEqual(yield* a.times, [0, 20_000])
      const [cooling] = yield* events.of("LaneCooling")
      assert.deepInclude(cooling, { lane: "acme/x", reason: "RateLimit", untilMillis: 20_000, credential: "acme" })
      assert.strictEqual(yield* circuitOf("acme/x"), "closed")
    }).pipe(alone)
  )

  it.effect("cools every lane of the same credential and model, and no other", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [failing("RateLimit", { retryAfter: seconds(90) })])
      yield* Effect.ignore((yield* chat([a])).ask)
      const same = yield* scripted("acme/x", [replying("never asked")])
      const model = yield* scripted("acme/y", [replying("another model")])
      const credential = yield* scripted("acme/x", [replying("another key")], { credential: "spare" })
      assert.strictEqual(yield* (yield* chat([same, model])).ask, "another model")
      assert.strictEqual(yield* (yield* chat([same, credential])).ask, "another key")
      assert.strictEqual(yield* same.calls, 0)
    }).pipe(alone)
  )

  it.effect(
    "without a stated wait cools for the first backoff step; a spent quota, for as long as an open circuit",
    () =>
      Effect.gen(function* () {
        const events = yield* recorder
        const a = yield* scripted("acme/x", [failing("RateLimit")])
        const b = yield* scripted("zeta/z", [failing("QuotaExceeded")])
        yield* Effect.ignore((yield* chat([a], once)).ask)
        yield* Effect.ignore((yield* chat([b], once)).ask)
        assert.deepStrictEqual(
          (yield* events.of("LaneCooling")).map(({ lane, untilMillis }) => [lane, untilMillis]),
          [
            ["acme/x", 2000],
            ["zeta/z", 60_000]
          ]
        )
      }).pipe(alone)
  )

  it.effect("of no time, or of a time without end, does not close the lane for good", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [failing("RateLimit", { retryAfter: Duration.zero }), replying("hello")])
      const { ask } = yield* chat([a], once)
      yield* Effect.ignore(ask)
      assert.strictEqual(yield* ask, "hello")
      const b = yield* scripted("zeta/z", [failing("RateLimit", { retryAfter: Duration.infinity }), replying("hello")])
      const other = yield* chat([b], once)
      yield* Effect.ignore(other.ask)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* other.ask, "hello")
    }).pipe(alone)
  )

  it.effect("that comes while others stand in the lane's queue sends them to another lane", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.bulkhead({ maxConcurrent: 1 }))
      const a = yield* scripted("acme/x", [after("2 seconds", limited), replying("hello from a")])
      const b = yield* scripted("zeta/z", [replying("hello from b")])
      const { ask } = yield* chat([a, b], policy)
      const told = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      const queued = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(queued), "hello from b")
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* Fiber.join(told), "hello from a")
      assert.deepStrictEqual(yield* a.times, [0, 22_000])
      assert.deepStrictEqual(yield* held(a, b), nothing)
    }).pipe(alone)
  )
})

describe("a lane without a free slot", () => {
  it.effect("is passed over for the next one", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const policy = exact.pipe(Policy.bulkhead({ maxConcurrent: 1, maxQueue: 0 }))
      const a = yield* scripted("acme/x", [after("10 seconds", replying("hello from a"))])
      const b = yield* scripted("zeta/z", [replying("hello from b")])
      const { ask } = yield* chat([a, b], policy)
      const first = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* ask, "hello from b")
      assert.deepStrictEqual(
        (yield* events.of("LaneRefused")).map(({ reason }) => reason),
        ["BulkheadFull"]
      )
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* Fiber.join(first), "hello from a")
    }).pipe(alone)
  )

  it.effect("refuses after the queue's time, and is not asked again in place", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.bulkhead({ maxConcurrent: 1, maxQueue: 5, queueTimeout: "3 seconds" }))
      const a = yield* scripted("acme/x", [hanging])
      const { ask } = yield* chat([a], policy)
      yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      const second = yield* Effect.forkChild(Effect.flip(ask))
      yield* TestClock.adjust("3 seconds")
      assert.deepInclude(yield* Fiber.join(second), { _tag: "BulkheadFull", reason: "queue-timeout", lane: "acme/x" })
      assert.strictEqual(yield* a.calls, 1)
    }).pipe(alone)
  )

  it.effect("counts for no circuit and no health (behaviour 30)", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.bulkhead({ maxConcurrent: 1, maxQueue: 0 }))
      const a = yield* scripted("acme/x", [hanging])
      const { ask } = yield* chat([a], policy)
      yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      for (let n = 0; n < 50; n++) yield* Effect.ignore(ask)
      assert.deepInclude(yield* CircuitBreaker.state("acme/x"), { state: "closed", failures: 0 })
      const [snapshot] = yield* Health.Health.use((health) => health.snapshots)
      assert.strictEqual(snapshot?.calls, 0)
    }).pipe(alone)
  )

  it.effect("peeks at the circuit before it queues: nobody waits for a slot that would be refused", () =>
    Effect.gen(function* () {
      const policy = once.pipe(Policy.bulkhead({ maxConcurrent: 1 }), Policy.fallback({ waitForReopening: false }))
      const a = yield* scripted("acme/x", [hanging])
      const { ask } = yield* chat([a], policy)
      yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      yield* CircuitBreaker.CircuitBreaker.use((breaker) => breaker.trip("acme/x", policy.breaker, { reason: "test" }))
      assert.strictEqual((yield* Effect.flip(ask))._tag, "CircuitOpen")
    }).pipe(alone)
  )

  it.effect("lets a caller of high priority go first", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.bulkhead({ maxConcurrent: 1 }))
      const a = yield* scripted("acme/x", [after("1 second", replying("hello"))])
      const { ask } = yield* chat([a], policy)
      const order: Array<string> = []
      const as = (name: string) =>
        Effect.andThen(
          ask,
          Effect.sync(() => order.push(name))
        )
      yield* Effect.forkChild(as("first"))
      yield* TestClock.adjust(0)
      yield* Effect.forkChild(as("normal"))
      yield* TestClock.adjust(0)
      yield* Effect.forkChild(Effect.provideService(as("high"), Bulkhead.Priority, "high"))
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(order, ["first", "high", "normal"])
    }).pipe(alone)
  )
})

describe("a circuit that opens", () => {
  it.effect("lets nobody through who already stood in the lane's queue", () =>
    Effect.gen(function* () {
      const policy = once.pipe(Policy.bulkhead({ maxConcurrent: 1 }), Policy.breaker({ consecutiveFailures: 1 }))
      const a = yield* scripted("acme/x", [after("2 seconds", failing("ServiceUnavailable"))])
      const b = yield* scripted("zeta/z", [replying("hello from b")])
      const { ask } = yield* chat([a, b], policy)
      const callers = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.forkChild(ask))
      yield* TestClock.adjust("2 seconds")
      const answers = yield* Effect.forEach(callers, Fiber.join)
      assert.isTrue(answers.every((answer) => answer === "hello from b"))
      assert.strictEqual(yield* a.calls, 1)
      assert.deepStrictEqual(yield* held(a, b), nothing)
    }).pipe(alone)
  )

  it.effect("probes with exactly one of a thousand operations that come at that instant", () =>
    Effect.gen(function* () {
      const policy = once.pipe(
        Policy.bulkhead({ maxConcurrent: 1000, maxQueue: 1000 }),
        Policy.breaker({ consecutiveFailures: 1 })
      )
      const a = yield* scripted("acme/x", [failing("ServiceUnavailable"), after("5 seconds", replying("hello from a"))])
      const b = yield* scripted("zeta/z", [replying("hello from b")])
      const { ask } = yield* chat([a, b], policy)
      yield* ask
      yield* TestClock.adjust("60 seconds")
      const callers = yield* Effect.forEach(Array.from({ length: 1000 }), () => Effect.forkChild(ask))
      yield* TestClock.adjust("5 seconds")
      const answers = yield* Effect.forEach(callers, Fiber.join)
      assert.strictEqual(answers.filter((answer) => answer === "hello from a").length, 1)
      assert.strictEqual(yield* a.calls, 2)
      assert.strictEqual(yield* circuitOf("acme/x"), "closed")
    }).pipe(alone)
  )
})

describe("an attempt that one circuit admits and the other does not", () => {
  it.effect("gives the first one's probe back", () =>
    Effect.gen(function* () {
      const policy = once.pipe(Policy.bulkhead({ maxConcurrent: 1 }), Policy.fallback({ waitForReopening: false }))
      const breaker = yield* CircuitBreaker.CircuitBreaker
      const a = yield* scripted("acme/x", [hanging, replying("hello")])
      const { ask } = yield* chat([a], policy)
      const first = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      yield* breaker.trip("acme/x", { ...policy.breaker, open: seconds(1), openMax: seconds(1) }, { reason: "test" })
      yield* TestClock.adjust("1 second")
      // Both circuits would let it through when it joins the queue; one has opened when its turn comes.
      const queued = yield* Effect.forkChild(Effect.flip(ask))
      yield* TestClock.adjust("1 second")
      yield* breaker.trip("credential:acme", policy.breaker, { reason: "test" })
      yield* Fiber.interrupt(first)
      assert.deepInclude(yield* Fiber.join(queued), { _tag: "CircuitOpen", circuit: "credential:acme" })
      assert.strictEqual(yield* breaker.waitMillis("acme/x"), 0)
      assert.deepStrictEqual(yield* held(a), nothing)
    }).pipe(alone)
  )
})

describe("an operation that is interrupted", () => {
  const policy = exact.pipe(Policy.bulkhead({ maxConcurrent: 1 }))
  const ended = Effect.fnUntraced(function* (events: Effect.Success<typeof recorder>) {
    return {
      attempts: (yield* events.of("AttemptEnded")).map(({ result }) => result),
      operations: (yield* events.of("OperationEnded")).map(({ result }) => result)
    }
  })

  it.effect("in its attempt closes the call, frees the slot, and says nothing about the lane", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("acme/x", [hanging])
      const fiber = yield* Effect.forkChild((yield* chat([a], policy)).ask)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* held(a), nothing)
      assert.strictEqual(yield* a.open, 0)
      assert.deepInclude(yield* CircuitBreaker.state("acme/x"), { state: "closed", failures: 0 })
      assert.strictEqual((yield* Health.Health.use((health) => health.snapshots))[0]?.calls, 0)
      assert.deepStrictEqual(yield* ended(events), { attempts: ["Cancelled"], operations: ["Cancelled"] })
      const [attempt] = yield* events.of("AttemptEnded")
      assert.deepInclude(attempt, { durationMillis: 5000, attempt: 1 })
    }).pipe(alone)
  )

  it.effect("in the queue leaves it at once, having sent nothing", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [hanging])
      const { ask } = yield* chat([a], policy)
      const first = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      const events = yield* recorder
      const queued = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* held(a), { running: 1, waiting: 1 })
      yield* Fiber.interrupt(queued)
      assert.deepStrictEqual(yield* held(a), { running: 1, waiting: 0 })
      assert.deepStrictEqual(yield* ended(events), { attempts: [], operations: ["Cancelled"] })
      yield* Fiber.interrupt(first)
      assert.strictEqual(yield* a.calls, 1)
    }).pipe(alone)
  )

  it.effect("in a backoff asks no more", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("acme/x", [failing("ServiceUnavailable")])
      const fiber = yield* Effect.forkChild((yield* chat([a], policy)).ask)
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* a.calls, 1)
      assert.deepStrictEqual(yield* held(a), nothing)
      assert.deepStrictEqual(yield* ended(events), { attempts: ["ServiceUnavailable"], operations: ["Cancelled"] })
    }).pipe(alone)
  )

  it.effect("while it waits for a lane to reopen asks no more", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [replying("never asked")])
      yield* CircuitBreaker.CircuitBreaker.use((breaker) => breaker.trip("acme/x", policy.breaker, { reason: "test" }))
      const events = yield* recorder
      const fiber = yield* Effect.forkChild((yield* chat([a], policy)).ask)
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* events.of("WaitingForLane")).length, 1)
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* a.calls, 0)
      assert.deepStrictEqual(yield* ended(events), { attempts: [], operations: ["Cancelled"] })
    }).pipe(alone)
  )

  it.effect("as the probe of a half-open circuit gives the probe back: the next caller may try", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [hanging, replying("hello")])
      yield* CircuitBreaker.CircuitBreaker.use((breaker) => breaker.trip("acme/x", policy.breaker, { reason: "test" }))
      yield* TestClock.adjust("60 seconds")
      const { ask } = yield* chat([a], policy)
      const probe = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* circuitOf("acme/x"), "half-open")
      yield* Fiber.interrupt(probe)
      assert.strictEqual(yield* ask, "hello")
      assert.strictEqual(yield* circuitOf("acme/x"), "closed")
    }).pipe(alone)
  )

  it.effect.each(["before the first content", "after it"] as const)(
    "in a stream, %s, closes it and frees the slot",
    (when) =>
      Effect.gen(function* () {
        const events = yield* recorder
        const a = yield* scripted("acme/x", [
          when === "after it" ? playing(text("hel"), silence) : playing(silence),
          replying("hello")
        ])
        const { listen } = yield* chat([a], policy)
        const fiber = yield* Effect.forkChild(listen)
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(yield* a.open, 1)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(yield* a.open, 0)
        assert.deepStrictEqual(yield* held(a), nothing)
        assert.deepStrictEqual(yield* ended(events), { attempts: ["Cancelled"], operations: ["Cancelled"] })
        assert.deepInclude(yield* CircuitBreaker.state("acme/x"), { state: "closed", failures: 0 })
        assert.strictEqual(yield* listen, "hello")
      }).pipe(alone)
  )

  it.effect("between two parts of a stream leaves nothing behind", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("acme/x", [playing(text("a"), pause("1 second"), text("b"), pause("1 second"))])
      const { parts } = yield* chat([a], policy)
      const fiber = yield* Effect.forkChild(Stream.runForEach(parts, () => Effect.never))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* held(a), nothing)
      assert.strictEqual(yield* a.open, 0)
      assert.deepStrictEqual(yield* ended(events), { attempts: ["Cancelled"], operations: ["Cancelled"] })
    }).pipe(alone)
  )
})

describe("operations that take their steps in any order", () => {
  const Caller = Schema.Struct({
    /** How many steps it takes before another has its turn. */
    steps: Schema.Int.check(Schema.isBetween({ minimum: 4, maximum: 60 })),
    isStream: Schema.Boolean,
    /** It is interrupted after so many turns of the others, or not at all. */
    leavesAfter: Schema.UndefinedOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 })))
  })
  const slowly = (step: Step): Step => {
    const turns = Effect.forEach([1, 2, 3], () => Effect.yieldNow)
    return (target) => {
      const { generate, stream } = step(target)
      return { generate: Effect.andThen(turns, generate), stream: Stream.unwrap(Effect.as(turns, stream)) }
    }
  }

  it.effect("come to the end of a stream, after however many steps its consumer makes way", () =>
    Effect.forEach(
      Array.from({ length: 60 }, (_, index) => index + 4),
      (steps) =>
        Effect.gen(function* () {
          const a = yield* scripted("acme/x", [slowly(replying("hello"))])
          const { listen } = yield* chat([a], once)
          assert.strictEqual(yield* Effect.provideService(listen, References.MaxOpsBeforeYield, steps), "hello")
          assert.deepStrictEqual(yield* held(a), nothing)
        }).pipe(alone)
    )
  )

  it.effect.prop(
    "leave nothing taken and nothing uncounted, also when some of them leave",
    [
      Schema.Array(Caller).check(Schema.isMinLength(1), Schema.isMaxLength(12)),
      Schema.Array(Schema.Literals(["reply", "ServiceUnavailable", "Authentication", "InvalidRequest"])).check(
        Schema.isMinLength(1),
        Schema.isMaxLength(5)
      ),
      Schema.Boolean
    ],
    ([callers, script, isProbing]) =>
      Effect.gen(function* () {
        const events = yield* recorder
        const policy = once.pipe(
          Policy.bulkhead({ maxConcurrent: 2, maxQueue: 3 }),
          Policy.breaker({ consecutiveFailures: 2 }),
          Policy.fallback({ waitForReopening: false })
        )
        const steps = script.map((step) => slowly(step === "reply" ? replying("hello") : failing(step)))
        const a = yield* scripted("acme/x", steps)
        const b = yield* scripted("zeta/z", steps.toReversed())
        const { ask, listen } = yield* chat([a, b], policy)
        const breaker = yield* CircuitBreaker.CircuitBreaker
        if (isProbing) {
          yield* Effect.forEach([a, b], ({ id }) => breaker.trip(id, policy.breaker, { reason: "test" }))
          yield* TestClock.adjust("60 seconds")
        }
        const running = yield* Effect.forEach(callers, ({ isStream, leavesAfter, steps }) => {
          const call = Effect.forkChild(
            Effect.provideService(isStream ? listen : ask, References.MaxOpsBeforeYield, steps)
          )
          if (leavesAfter === undefined) return call
          return Effect.tap(call, (fiber) =>
            Effect.forEach(Array.from({ length: leavesAfter }), () => Effect.yieldNow).pipe(
              Effect.andThen(Fiber.interrupt(fiber)),
              Effect.forkChild
            )
          )
        })
        yield* Effect.forEach(running, Fiber.await)
        assert.deepStrictEqual(yield* held(a, b), nothing)
        assert.deepStrictEqual([yield* a.open, yield* b.open], [0, 0])
        const attempts = yield* events.of("AttemptEnded")
        const ended = yield* events.of("OperationEnded")
        assert.strictEqual(
          ended.reduce((sum, { attempts }) => sum + attempts, 0),
          attempts.length
        )
        assert.isAtMost((yield* a.calls) + (yield* b.calls), attempts.length)
        assert.strictEqual(new Set(ended.map(({ operation }) => operation)).size, ended.length)
        for (const { circuit, retryAfter, state } of yield* breaker.list) {
          if (state === "half-open")
            assert.isTrue(Duration.isZero(retryAfter), `${circuit} waits for a probe that is over`)
        }
      }).pipe(alone, Effect.scoped),
    { arbitrary: { runs: 150, size: 12 } }
  )
})

describe("what an attempt teaches", () => {
  it.effect("is told once, with everything a person may want to know and nothing they may not", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("acme/x", [
        after(
          "2 seconds",
          failing("RateLimit", {
            status: 429,
            providerCode: "slow_down",
            requestId: "req_1",
            retryAfter: seconds(90),
            detail: "the prompt about kelp",
            cause: new Error("kelp")
          })
        )
      ])
      const fiber = yield* Effect.forkChild(Effect.ignore((yield* chat([a])).ask))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(fiber)
      const [attempt, ...more] = yield* events.of("AttemptEnded")
      assert.deepStrictEqual(more, [])
      assert.deepInclude(attempt, {
        lane: "acme/x",
        provider: "acme",
        model: "x",
        credential: "acme",
        kind: "text",
        attempt: 1,
        startedAt: 0,
        durationMillis: 2000,
        result: "RateLimit",
        rule: "test",
        status: 429,
        providerCode: "slow_down",
        requestId: "req_1",
        retryAfterMillis: 90_000
      })
      assert.notInclude(JSON.stringify(yield* events.all), "kelp")
    }).pipe(alone)
  )

  it.effect("includes the tokens that the answer used", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("acme/x", [replying("hello")])
      const { ask, listen } = yield* chat([a])
      yield* ask
      yield* listen
      assert.deepStrictEqual(
        (yield* events.of("AttemptEnded")).map(({ inputTokens, kind, outputTokens }) => [
          kind,
          inputTokens,
          outputTokens
        ]),
        [
          ["text", 3, 2],
          ["stream", 3, 2]
        ]
      )
    }).pipe(alone)
  )

  it.effect("counts for the lane's health unless it is about the caller", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [
        failing("InvalidRequest"),
        failing("ContentPolicy"),
        failing("ModelNotFound"),
        failing("ServiceUnavailable"),
        replying("hello")
      ])
      const { ask } = yield* chat([a], once)
      for (let n = 0; n < 5; n++) yield* Effect.ignore(ask)
      const [snapshot] = yield* Health.Health.use((health) => health.snapshots)
      assert.deepInclude(snapshot, {
        calls: 3,
        successes: 1,
        errors: { ModelNotFound: 1, ServiceUnavailable: 1 }
      })
    }).pipe(alone)
  )

  it.effect("is forgotten by the lane's health once its circuit has closed", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [...Array.from({ length: 5 }, () => failing("Network")), replying("hello")])
      const { ask } = yield* chat([a], once)
      for (let n = 0; n < 5; n++) yield* Effect.ignore(ask)
      yield* TestClock.adjust("60 seconds")
      yield* ask
      const [snapshot] = yield* Health.Health.use((health) => health.snapshots)
      assert.deepInclude(snapshot, { calls: 1, successes: 1, errors: {} })
    }).pipe(alone)
  )

  it.effect("keeps the circuit open as long as the provider asked", () =>
    Effect.gen(function* () {
      const policy = once.pipe(Policy.breaker({ consecutiveFailures: 1 }))
      const a = yield* scripted("acme/x", [failing("ServiceUnavailable", { retryAfter: seconds(90) })])
      yield* Effect.ignore((yield* chat([a], policy)).ask)
      assert.strictEqual(Duration.toSeconds((yield* CircuitBreaker.state("acme/x")).retryAfter), 90)
    }).pipe(alone)
  )
})

describe("an attempt that the operation's deadline cuts off", () => {
  /** The second attempt begins at 11 seconds and has nine of its ten. */
  const short = exact.pipe(
    Policy.clocks({
      attempt: "10 seconds",
      firstContent: "10 seconds",
      chunkGap: "5 seconds",
      plainAttempt: "10 seconds",
      total: "20 seconds"
    }),
    Policy.retry({ maxRetries: 1 }),
    Policy.breaker({ consecutiveFailures: 2, rate: 0 })
  )

  it.effect.each(["ask", "listen"] as const)("counts against a lane that hangs: %s", (how) =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [hanging])
      const model = yield* chat([a], short)
      const fiber = yield* Effect.forkChild(Effect.exit(model[how]))
      yield* TestClock.adjust("19999 millis")
      assert.strictEqual(yield* circuitOf("a/x"), "closed")
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(fiber)
      assert.strictEqual(yield* a.calls, 2)
      assert.strictEqual(yield* circuitOf("a/x"), "open")
    }).pipe(alone)
  )

  it.effect("says nothing when it had less than half of its clock", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [
        after("6 seconds", failing("Network")),
        after("9 seconds", failing("Network")),
        hanging
      ])
      const { ask } = yield* chat(
        [a],
        short.pipe(Policy.retry({ maxRetries: 2 }), Policy.breaker({ consecutiveFailures: 3 }))
      )
      const fiber = yield* Effect.forkChild(Effect.exit(ask))
      yield* TestClock.adjust("20 seconds")
      yield* Fiber.join(fiber)
      assert.strictEqual(yield* a.calls, 3)
      assert.strictEqual(yield* circuitOf("a/x"), "closed")
    }).pipe(alone)
  )

  it.effect("says nothing when the lane usually takes as long", () =>
    Effect.gen(function* () {
      const usual = after("9500 millis", replying("hello"))
      const a = yield* scripted("a/x", [...Array.from({ length: 20 }, () => usual), failing("Network"), hanging])
      const { ask } = yield* chat([a], short)
      const calls = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.forkChild(ask))
      yield* TestClock.adjust("10 seconds")
      yield* Effect.forEach(calls, Fiber.join)
      const policy = short.pipe(Policy.clocks({ total: "10 seconds" }))
      const fiber = yield* Effect.forkChild(Effect.exit((yield* chat([a], policy)).ask))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(fiber)
      assert.strictEqual(yield* a.calls, 22)
      assert.strictEqual(yield* circuitOf("a/x"), "closed")
    }).pipe(alone)
  )
})
