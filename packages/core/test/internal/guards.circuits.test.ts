import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, type Failure, Policy, type Refusal } from "@holdfast/core"
import { alone, chat, exact, held, nothing } from "../Chat.ts"
import { recorder } from "../Recorder.ts"
import { after, failing, pause, playing, replying, scripted, text } from "../Scripted.ts"

const circuitOf = (circuit: string) => Effect.map(CircuitBreaker.state(circuit), ({ state }) => state)
const hold = (...[circuit, mode, reason]: Parameters<CircuitBreaker.CircuitBreaker["Service"]["hold"]>) =>
  CircuitBreaker.CircuitBreaker.use((breaker) => breaker.hold(circuit, mode, reason))
const once = exact.pipe(Policy.retry({ maxRetries: 0 }), Policy.fallback({ waitForReopening: false }))
const times = <A, E, R>(count: number, effect: Effect.Effect<A, E, R>) =>
  Effect.forEach(Array.from({ length: count }), () => effect)
/** What one-lane operations that have nobody else to ask end with. */
const answers = <R>(count: number, ask: Effect.Effect<string, Failure.Failure | Refusal.Refusal, R>) =>
  times(count, Effect.match(ask, { onSuccess: (answer) => answer, onFailure: (error): string => error._tag }))

describe("an overloaded model", () => {
  it.effect("is left alone on every credential, and says nothing about the credential or the provider's others", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [failing("ModelOverloaded")])
      yield* answers(5, (yield* chat([a], once)).ask)
      assert.deepStrictEqual(
        [yield* circuitOf("model:acme/x"), yield* circuitOf("acme/x"), yield* circuitOf("credential:acme")],
        ["open", "closed", "closed"]
      )
      const spare = yield* scripted("acme/x", [replying("never asked")], { credential: "spare" })
      const other = yield* scripted("acme/y", [replying("hello from y")])
      assert.strictEqual(yield* (yield* chat([spare, other], once)).ask, "hello from y")
      assert.strictEqual(yield* spare.calls, 0)
      const refusal = yield* Effect.flip((yield* chat([spare], once)).ask)
      assert.deepInclude(refusal, { _tag: "CircuitOpen", circuit: "model:acme/x", lane: spare.id })
    }).pipe(alone)
  )

  it.effect("is not overloaded because lanes of it fail in other ways", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [failing("ServiceUnavailable")])
      yield* answers(5, (yield* chat([a], once)).ask)
      assert.deepStrictEqual([yield* circuitOf("acme/x"), yield* circuitOf("model:acme/x")], ["open", "closed"])
      const spare = yield* scripted("acme/x", [replying("hello")], { credential: "spare" })
      assert.strictEqual(yield* (yield* chat([spare], once)).ask, "hello")
    }).pipe(alone)
  )

  it.effect("counts over all its lanes together, and any of them may prove that it is well again", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [failing("ModelOverloaded")])
      const spare = yield* scripted("acme/x", [failing("ModelOverloaded"), replying("hello")], { credential: "spare" })
      yield* answers(4, (yield* chat([a], once)).ask)
      const { ask } = yield* chat([spare], once)
      yield* answers(1, ask)
      assert.strictEqual(yield* circuitOf("model:acme/x"), "open")
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(yield* ask, "hello")
      assert.strictEqual(yield* circuitOf("model:acme/x"), "closed")
    }).pipe(alone)
  )

  it.effect("is not proved well by a probe that fails for the credential's sake: its slot is free again", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [
        ...Array.from({ length: 5 }, () => failing("ModelOverloaded")),
        failing("Authentication")
      ])
      const spare = yield* scripted("acme/x", [replying("hello")], { credential: "spare" })
      const { ask } = yield* chat([a], once)
      yield* answers(5, ask)
      yield* TestClock.adjust("60 seconds")
      yield* answers(1, ask)
      assert.deepStrictEqual(
        [yield* circuitOf("model:acme/x"), yield* circuitOf("credential:acme")],
        ["half-open", "open"]
      )
      assert.strictEqual(yield* (yield* chat([spare], once)).ask, "hello")
      assert.strictEqual(yield* circuitOf("model:acme/x"), "closed")
    }).pipe(alone)
  )
})

describe("a lane that has become slow", () => {
  const slow = once.pipe(
    Policy.breaker({ slowCall: Duration.seconds(5), slowRate: 0.5, minimumCalls: 2, window: "5 minutes" })
  )

  it.effect("is left alone, though every answer came: whole answers by their time", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("acme/x", [
        after("5 seconds", replying("as ever")),
        after("6 seconds", replying("late"))
      ])
      const { ask } = yield* chat([a], slow)
      for (const expected of [["as ever"], ["late"], ["CircuitOpen"]]) {
        const fiber = yield* Effect.forkChild(answers(1, ask))
        yield* TestClock.adjust("6 seconds")
        assert.deepStrictEqual(yield* Fiber.join(fiber), expected)
      }
      const opened = (yield* events.of("CircuitChanged")).find(({ circuit }) => circuit === "acme/x")
      assert.deepInclude(opened, { to: "open", reason: "slow calls, last: Success", failures: 0 })
      assert.deepStrictEqual(yield* held(a), nothing)
    }).pipe(alone)
  )

  it.effect("is not slow because it streams for long, but because it lets one wait for the first content", () =>
    Effect.gen(function* () {
      const steadily = playing(...["a", "b", "c"].flatMap((piece) => [text(piece), pause("4 seconds")]))
      const a = yield* scripted("acme/x", [steadily, steadily, playing(pause("6 seconds"), text("late"))])
      const { listen } = yield* chat([a], slow)
      for (const expected of ["abc", "abc", "late", "late"]) {
        const fiber = yield* Effect.forkChild(listen)
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual(yield* Fiber.join(fiber), expected)
      }
      assert.deepInclude(yield* CircuitBreaker.state("acme/x"), { state: "open", reason: "slow" })
      assert.deepInclude(yield* CircuitBreaker.state("acme/x"), { window: { calls: 4, failures: 0, slow: 2 } })
    }).pipe(alone)
  )

  it.effect("is slow too when it falls silent in the middle", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [playing(text("a"), pause("6 seconds"), text("b"))])
      const { listen } = yield* chat([a], slow)
      for (let n = 0; n < 2; n++) {
        const fiber = yield* Effect.forkChild(listen)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* Fiber.join(fiber), "ab")
      }
      assert.deepInclude(yield* CircuitBreaker.state("acme/x"), { state: "open", reason: "slow" })
    }).pipe(alone)
  )

  it.effect("says nothing about its credential, which other lanes use", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [after("6 seconds", replying("late"))])
      const sister = yield* scripted("acme/y", [replying("hello")])
      const { ask } = yield* chat([a], slow)
      for (let n = 0; n < 2; n++) {
        yield* Effect.forkChild(ask)
        yield* TestClock.adjust("6 seconds")
      }
      assert.deepStrictEqual([yield* circuitOf("acme/x"), yield* circuitOf("credential:acme")], ["open", "closed"])
      assert.strictEqual(yield* (yield* chat([sister], slow)).ask, "hello")
    }).pipe(alone)
  )
})

describe("a lane that a person holds", () => {
  it.effect("open is passed over for the next one, with the reason in the trail and no time to wait for", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("acme/x", [replying("never asked")])
      const b = yield* scripted("zeta/z", [replying("hello from b"), failing("InvalidRequest")])
      const release = yield* hold("acme/x", "force-open", "the bill is unpaid")
      const { ask } = yield* chat([a, b])
      assert.strictEqual(yield* ask, "hello from b")
      const [refused] = yield* events.of("LaneRefused")
      assert.deepInclude(refused, { lane: "acme/x", reason: "CircuitOpen", retryAfterMillis: undefined })
      yield* release
      assert.strictEqual(yield* ask, "never asked")
    }).pipe(alone)
  )

  it.effect("open is not waited for: nobody knows when it ends", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [replying("never asked")])
      const b = yield* scripted("zeta/z", [replying("never asked")])
      yield* Effect.asVoid(hold("acme/x", "force-open", "maintenance"))
      yield* Effect.asVoid(hold("credential:zeta", "force-open", "stolen"))
      const { ask } = yield* chat([a, b])
      const error = yield* Effect.flip(ask)
      if (error._tag !== "AllLanesFailed") return assert.fail(error._tag)
      assert.isUndefined(error.retryAfter)
      assert.deepStrictEqual(
        error.trail.map(({ error }) => (error._tag === "CircuitOpen" ? [error.circuit, error.held] : error._tag)),
        [
          ["acme/x", "maintenance"],
          ["credential:zeta", "stolen"]
        ]
      )
    }).pipe(alone)
  )

  it.effect("closed is called whatever it answers", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [failing("ServiceUnavailable")])
      const { ask } = yield* chat([a], once)
      yield* Effect.asVoid(hold("acme/x", "force-closed", "we know"))
      assert.deepStrictEqual(new Set(yield* answers(20, ask)), new Set(["ServiceUnavailable"]))
      assert.strictEqual(yield* a.calls, 20)
    }).pipe(alone)
  )

  it.effect("under observation is called on, and says once that it would have opened", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("acme/x", [failing("ServiceUnavailable")])
      const { ask } = yield* chat([a], once)
      yield* Effect.asVoid(hold("acme/x", "observe", "a trial"))
      yield* answers(20, ask)
      assert.strictEqual(yield* a.calls, 20)
      assert.deepStrictEqual(
        (yield* events.of("CircuitChanged")).map(({ observed, to }) => [to, observed]),
        [["open", true]]
      )
    }).pipe(alone)
  )
})

describe("a lane that comes back", () => {
  it.effect("is probed by as many of a thousand operations as may probe", () =>
    Effect.gen(function* () {
      const policy = once.pipe(
        Policy.bulkhead({ maxConcurrent: 1000 }),
        Policy.breaker({ consecutiveFailures: 1, probes: 5, probeSuccesses: 3 })
      )
      const a = yield* scripted("acme/x", [failing("ServiceUnavailable"), after("5 seconds", replying("hello"))])
      const { ask } = yield* chat([a], policy)
      yield* answers(1, ask)
      yield* TestClock.adjust("60 seconds")
      const callers = yield* times(1000, Effect.forkChild(answers(1, ask)))
      yield* TestClock.adjust("5 seconds")
      const all = (yield* Effect.forEach(callers, Fiber.join)).flat()
      assert.strictEqual(all.filter((answer) => answer === "hello").length, 5)
      assert.strictEqual(all.filter((answer) => answer === "CircuitOpen").length, 995)
      assert.strictEqual(yield* circuitOf("acme/x"), "closed")
    }).pipe(alone)
  )

  it.effect("gets a tenth of its callers at first, then more, then all, where it ramps", () =>
    Effect.gen(function* () {
      const policy = once.pipe(Policy.breaker({ consecutiveFailures: 1, ramp: Duration.seconds(100) }))
      const a = yield* scripted("acme/x", [failing("ServiceUnavailable"), replying("hello")])
      const { ask } = yield* chat([a], policy)
      yield* answers(1, ask)
      yield* TestClock.adjust("60 seconds")
      yield* ask
      const through = Effect.map(answers(100, ask), (all) => all.filter((answer) => answer === "hello").length)
      assert.strictEqual(yield* through, 10)
      yield* TestClock.adjust("50 seconds")
      assert.strictEqual(yield* through, 55)
      yield* TestClock.adjust("50 seconds")
      assert.strictEqual(yield* through, 100)
    }).pipe(alone)
  )
})
