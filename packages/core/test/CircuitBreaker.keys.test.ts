import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, EventBus } from "@holdfast/core"
import { recorder } from "./Recorder.ts"

const layer = (options?: CircuitBreaker.MakeOptions) =>
  Layer.effect(CircuitBreaker.CircuitBreaker, CircuitBreaker.make(options)).pipe(Layer.provideMerge(EventBus.layer))
const alone = Effect.provide(layer())
const settings: CircuitBreaker.Settings = { ...CircuitBreaker.defaults, consecutiveFailures: 2, openJitter: 0 }
const guard = (id: string) => CircuitBreaker.guard(id, { consecutiveFailures: 2, openJitter: 0 })
const good = (id: string) => guard(id)(Effect.succeed("hello"))
const bad = (id: string) => Effect.ignore(guard(id)(Effect.fail("no")))
const open = (id: string) => Effect.andThen(bad(id), bad(id))
const { state } = CircuitBreaker
const breaker = CircuitBreaker.CircuitBreaker
const listed = Effect.map(
  breaker.use(({ list }) => list),
  (all) => all.map(({ circuit, state }) => [circuit, state])
)

describe("a snapshot", () => {
  it.effect("shows all that a person may want to know of a circuit", () =>
    Effect.gen(function* () {
      yield* good("a")
      yield* open("a")
      yield* TestClock.adjust("20 seconds")
      yield* Effect.ignore(good("a"))
      const { retryAfter, ...rest } = yield* state("a")
      assert.strictEqual(Duration.toSeconds(retryAfter), 40)
      assert.deepStrictEqual(rest, {
        circuit: "a",
        state: "open",
        failures: 2,
        openings: 1,
        reason: "consecutive",
        window: { calls: 3, failures: 2, slow: 0 },
        failureRate: 2 / 3,
        refused: 1,
        holds: []
      })
    }).pipe(alone)
  )

  it.effect("names the wait of a circuit that was never called: tripped or restored", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const { restore, trip } = yield* breaker
      yield* trip("tripped", settings, { reason: "Authentication" })
      yield* restore([{ circuit: "restored", failures: 5, openings: 2, until: 30_000, reason: "rate" }])
      assert.deepInclude(yield* state("tripped"), { state: "open", reason: "trip", failures: 1 })
      assert.strictEqual(Duration.toSeconds((yield* state("tripped")).retryAfter), 60)
      assert.deepInclude(yield* state("restored"), { state: "open", reason: "rate", failures: 5, openings: 2 })
      assert.strictEqual(Duration.toSeconds((yield* state("restored")).retryAfter), 30)
      assert.deepStrictEqual(
        (yield* events.of("CircuitChanged")).map(({ circuit, openMillis, reason }) => [circuit, reason, openMillis]),
        [
          ["tripped", "Authentication", 60_000],
          ["restored", "restored", 30_000]
        ]
      )
    }).pipe(alone)
  )

  it.effect("of a half-open circuit says when the next probe may go", () =>
    Effect.gen(function* () {
      yield* open("a")
      yield* TestClock.adjust("60 seconds")
      assert.deepInclude(yield* state("a"), { state: "open", retryAfter: Duration.millis(0) })
      const probe = yield* Effect.forkChild(guard("a")(Effect.never))
      yield* TestClock.adjust("20 seconds")
      const snapshot = yield* state("a")
      assert.isUndefined(snapshot.reason)
      assert.deepStrictEqual([snapshot.state, Duration.toSeconds(snapshot.retryAfter)], ["half-open", 100])
      yield* Fiber.interrupt(probe)
    }).pipe(alone)
  )
})

describe("the list", () => {
  it.effect("has every circuit that is known, in order, also those that are only held", () =>
    Effect.gen(function* () {
      yield* open("b")
      yield* good("c")
      const { hold, list } = yield* breaker
      yield* Effect.asVoid(hold("a", "force-open", "a test"))
      assert.deepStrictEqual(yield* listed, [
        ["a", "closed"],
        ["b", "open"],
        ["c", "closed"]
      ])
      const [held] = yield* list
      assert.deepStrictEqual(held?.holds, [{ mode: "force-open", reason: "a test", since: 0 }])
    }).pipe(alone)
  )
})

describe("transitions", () => {
  it.effect("come as a stream from now on, each once, and nothing else", () =>
    Effect.gen(function* () {
      yield* open("before")
      const { hold, transitions } = yield* breaker
      const seen: Array<CircuitBreaker.CircuitChanged> = []
      const watching = yield* Effect.forkChild(
        Stream.runForEach(transitions, (one) => Effect.sync(() => seen.push(one)))
      )
      yield* TestClock.adjust(0)
      yield* Effect.andThen(open("a"), good("b"))
      yield* Effect.asVoid(hold("b", "observe", "a test"))
      const bus = yield* EventBus.EventBus
      yield* bus.publish({ _tag: "WaitingForLane", operation: "1", route: "chat", lane: "a", delayMillis: 1 })
      yield* TestClock.adjust("60 seconds")
      yield* good("a")
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(
        seen.map(({ at, circuit, from, to }) => [at, circuit, from, to]),
        [
          [0, "a", "closed", "open"],
          [60_000, "a", "open", "half-open"],
          [60_000, "a", "half-open", "closed"]
        ]
      )
      yield* Fiber.interrupt(watching)
      assert.isFalse(bus.isHeard())
    }).pipe(alone)
  )
})

describe("a circuit that is tripped from outside", () => {
  it.effect("is left alone when it is open, probing, or held closed", () =>
    Effect.gen(function* () {
      const { hold, trip } = yield* breaker
      const events = yield* recorder
      const tripped = (id: string) => trip(id, settings, { reason: "Authentication", retryAfter: Duration.hours(1) })
      yield* open("a")
      yield* tripped("a")
      assert.strictEqual(Duration.toSeconds((yield* state("a")).retryAfter), 60)
      yield* TestClock.adjust("60 seconds")
      const probe = yield* Effect.forkChild(guard("a")(Effect.as(Effect.sleep("1 second"), "hello")))
      yield* TestClock.adjust(0)
      yield* tripped("a")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(probe)
      assert.strictEqual((yield* state("a")).state, "closed")
      yield* Effect.asVoid(hold("b", "force-closed", "a test"))
      yield* tripped("b")
      assert.strictEqual((yield* state("b")).state, "closed")
      assert.strictEqual((yield* events.of("CircuitChanged")).length, 3)
    }).pipe(alone)
  )

  it.effect("stays open as long as the provider asks, if that is longer", () =>
    Effect.gen(function* () {
      const { trip } = yield* breaker
      yield* trip("a", settings, { reason: "QuotaExceeded", retryAfter: Duration.minutes(10) })
      assert.strictEqual(Duration.toMinutes((yield* state("a")).retryAfter), 10)
      yield* trip("b", settings, { reason: "QuotaExceeded", retryAfter: Duration.infinity })
      assert.strictEqual(Duration.toMinutes((yield* state("b")).retryAfter), 1)
    }).pipe(alone)
  )

  it.effect("has refused the calls of before by then: what they say no longer counts", () =>
    Effect.gen(function* () {
      const { trip } = yield* breaker
      const early = yield* Effect.forkChild(guard("a")(Effect.as(Effect.sleep("1 second"), "hello")))
      yield* TestClock.adjust(0)
      yield* trip("a", settings, { reason: "Authentication" })
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(early)
      assert.strictEqual((yield* state("a")).state, "open")
    }).pipe(alone)
  )
})

describe("what is written down", () => {
  const Json = Schema.fromJsonString(Schema.toCodecJson(Schema.Array(CircuitBreaker.Persisted)))

  it.effect("is what is not simply closed, survives JSON, and goes on where it was", () =>
    Effect.gen(function* () {
      const written = yield* Effect.gen(function* () {
        yield* Effect.andThen(good("closed"), bad("failing"))
        yield* open("open")
        yield* open("half-open")
        yield* TestClock.adjust("60 seconds")
        yield* Effect.andThen(bad("open"), bad("half-open"))
        yield* TestClock.adjust("2 minutes")
        yield* Effect.forkChild(guard("half-open")(Effect.never))
        yield* TestClock.adjust("10 seconds")
        yield* bad("open")
        const { persisted } = yield* breaker
        return yield* Schema.encodeEffect(Json)(yield* persisted)
      }).pipe(alone)
      assert.deepStrictEqual(JSON.parse(written), [
        { circuit: "half-open", failures: 3, openings: 2, until: 190_000 },
        { circuit: "open", failures: 4, openings: 3, until: 310_000, reason: "probe" }
      ])
      yield* Effect.gen(function* () {
        const events = yield* recorder
        const { restore } = yield* breaker
        yield* restore(yield* Schema.decodeEffect(Json)(written))
        assert.deepStrictEqual(yield* listed, [
          ["half-open", "open"],
          ["open", "open"]
        ])
        assert.deepStrictEqual(
          (yield* events.of("CircuitChanged")).map(({ circuit, openMillis, reason, to }) => [
            circuit,
            to,
            reason,
            openMillis
          ]),
          [
            ["half-open", "open", "restored", 0],
            ["open", "open", "restored", 120_000]
          ]
        )
        // It was half-open: one probe goes at once, and if it fails the open time is the next one.
        const probe = yield* Effect.forkChild(
          guard("half-open")(Effect.andThen(Effect.sleep("1 second"), Effect.fail("no")))
        )
        yield* TestClock.adjust(0)
        assert.strictEqual((yield* Effect.flip(good("half-open")))._tag, "CircuitOpen")
        yield* TestClock.adjust("1 second")
        yield* Effect.exit(Fiber.join(probe))
        assert.deepInclude(yield* state("half-open"), { state: "open", openings: 3, failures: 4 })
        assert.strictEqual(Duration.toSeconds((yield* state("half-open")).retryAfter), 120)
        yield* TestClock.adjust("119 seconds")
        assert.strictEqual(yield* good("open"), "hello")
      }).pipe(alone)
    })
  )

  it.effect("is taken up by the settings of whoever uses the circuit first", () =>
    Effect.gen(function* () {
      const { restore } = yield* breaker
      yield* restore([{ circuit: "a", failures: 5, openings: 1, until: 1_000 }])
      yield* TestClock.adjust("1 second")
      const lastTwo = CircuitBreaker.guard("a", { consecutiveFailures: 0, windowCalls: 2, minimumCalls: 2 })
      yield* lastTwo(Effect.succeed("hello"))
      for (let n = 0; n < 2; n++) {
        yield* TestClock.adjust("30 minutes")
        yield* Effect.ignore(lastTwo(Effect.fail("no")))
      }
      assert.deepInclude(yield* state("a"), { state: "open", reason: "rate" })
    }).pipe(alone)
  )

  it.effect("of long ago probes at once", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 day")
      const events = yield* recorder
      const { restore, waitMillis } = yield* breaker
      yield* restore([{ circuit: "a", failures: 5, openings: 0, until: 5_000 }])
      assert.strictEqual((yield* events.of("CircuitChanged"))[0]?.openMillis, 0)
      assert.strictEqual(yield* waitMillis("a"), 0)
      yield* bad("a")
      assert.deepInclude(yield* state("a"), { state: "open", openings: 2 })
    }).pipe(alone)
  )
})

describe("keys", () => {
  it.effect("that nobody asks for expire; those that say something or are held do not", () =>
    Effect.gen(function* () {
      yield* Effect.andThen(bad("idle"), open("open"))
      const { circuitUnsafe, hold } = yield* breaker
      const release = yield* hold("held", "observe", "a test")
      circuitUnsafe("pinned", settings, true)
      circuitUnsafe("not pinned", settings)
      yield* TestClock.adjust("9 minutes")
      assert.strictEqual((yield* state("idle")).failures, 1)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* state("idle")).failures, 0)
      assert.deepStrictEqual(
        (yield* listed).map(([id]) => id),
        ["held", "open", "pinned"]
      )
      yield* release
      assert.deepStrictEqual(
        (yield* listed).map(([id]) => id),
        ["open", "pinned"]
      )
    }).pipe(Effect.provide(layer({ idleTimeToLive: "10 minutes" })))
  )

  it.effect("are never more than there may be: the longest unused go first, open and held ones stay", () =>
    Effect.gen(function* () {
      yield* open("open")
      yield* Effect.asVoid(breaker.use(({ hold }) => hold("held", "observe", "a test")))
      for (let n = 0; n < 100; n++) {
        yield* TestClock.adjust("1 second")
        yield* good(`user ${n}`)
        assert.isAtMost((yield* listed).length, 10)
      }
      const ids = (yield* listed).map(([id]) => id)
      assert.deepStrictEqual(ids.slice(0, 2), ["held", "open"])
      assert.include(ids, "user 99")
      assert.notInclude(ids, "user 90")
    }).pipe(Effect.provide(layer({ maxCircuits: 10 })))
  )

  it.effect("that are forgotten void the calls that are still under way", () =>
    Effect.gen(function* () {
      const slow = (id: string) => guard(id)(Effect.andThen(Effect.sleep("1 hour"), Effect.fail("no")))
      const stragglers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(Effect.exit(slow("a"))))
      yield* TestClock.adjust("10 minutes")
      yield* bad("a")
      yield* TestClock.adjust("50 minutes")
      yield* Effect.forEach(stragglers, Fiber.join)
      assert.deepInclude(yield* state("a"), { state: "closed", failures: 1 })
    }).pipe(Effect.provide(layer({ idleTimeToLive: "10 minutes" })))
  )

  it.effect("are not made by looking, waiting to be admitted or reporting late", () =>
    Effect.gen(function* () {
      const { settle, waitMillis } = yield* breaker
      yield* state("a")
      yield* waitMillis("a", settings)
      assert.strictEqual(yield* settle({ circuit: "a", permit: 1 }, "failure", settings, { reason: "no" }), "unchanged")
      assert.deepStrictEqual(yield* listed, [])
    }).pipe(alone)
  )

  it.effect("limits that make no sense are refused by name", () =>
    Effect.gen(function* () {
      const text = (options: CircuitBreaker.MakeOptions) =>
        Effect.map(Effect.exit(CircuitBreaker.make(options)), String).pipe(Effect.provide(EventBus.layer))
      assert.match(yield* text({ maxCircuits: 0 }), /maxCircuits .* got 0/)
      assert.match(yield* text({ maxCircuits: 1.5 }), /maxCircuits .* got 1.5/)
      assert.match(yield* text({ idleTimeToLive: 0 }), /idleTimeToLive .* got 0/)
    })
  )
})

describe("settling", () => {
  it.effect("says what it did to the circuit", () =>
    Effect.gen(function* () {
      const { admit, settle } = yield* breaker
      const call = (outcome: "success" | "failure" | "neutral") =>
        Effect.flatMap(admit("a", "a", settings), (permit) => settle(permit, outcome, settings, { reason: outcome }))
      assert.deepStrictEqual(
        [yield* call("success"), yield* call("failure"), yield* call("neutral"), yield* call("failure")],
        ["unchanged", "unchanged", "unchanged", "opened"]
      )
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual([yield* call("neutral"), yield* call("failure")], ["unchanged", "opened"])
      yield* TestClock.adjust("2 minutes")
      const late = yield* admit("a", "a", settings)
      assert.strictEqual(yield* settle(late, "success", settings, { reason: "success" }), "closed")
      assert.strictEqual(yield* settle(late, "failure", settings, { reason: "failure" }), "unchanged")
    }).pipe(alone)
  )

  it.effect("refusing counts, and says what an admission would", () =>
    Effect.gen(function* () {
      const { admit, refuse } = yield* breaker
      yield* open("a")
      const refusal = yield* Effect.flip(refuse("a", "acme/anvil", settings))
      assert.deepStrictEqual(refusal, yield* Effect.flip(admit("a", "acme/anvil", settings)))
      assert.deepInclude(refusal, { lane: "acme/anvil", circuit: "a" })
      assert.strictEqual((yield* state("a")).refused, 2)
    }).pipe(alone)
  )
})
