import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, EventBus } from "@holdfast/core"
import { interruptedAt } from "./Interruption.ts"
import { recorder } from "./Recorder.ts"

const alone = Effect.provide(CircuitBreaker.layer.pipe(Layer.provideMerge(EventBus.layer)))
const id = "acme/anvil"
const state = CircuitBreaker.state(id)
const guard = CircuitBreaker.guard(id, { consecutiveFailures: 3, openJitter: 0 })
const good = guard(Effect.succeed("hello"))
const bad = Effect.ignore(guard(Effect.fail("no")))
const open = Effect.andThen(bad, Effect.andThen(bad, bad))
const hold = (
  ...[mode, reason = "a test"]: [Parameters<CircuitBreaker.CircuitBreaker["Service"]["hold"]>[1], string?]
) => CircuitBreaker.CircuitBreaker.use((breaker) => breaker.hold(id, mode, reason))

describe("a hold", () => {
  it.effect("keeps a circuit open whatever its traffic says, names its reason, and no time (behaviour 24)", () =>
    Effect.gen(function* () {
      const running = yield* Effect.forkChild(guard(Effect.as(Effect.sleep("1 second"), "hello")))
      yield* TestClock.adjust(0)
      const release = yield* hold("force-open", "the bill is unpaid")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(running), "hello")
      yield* TestClock.adjust("1 day")
      const refusal = yield* Effect.flip(good)
      assert.deepInclude(refusal, { _tag: "CircuitOpen", circuit: id, held: "the bill is unpaid" })
      assert.isUndefined(refusal.retryAfter)
      yield* release
      assert.strictEqual(yield* good, "hello")
    }).pipe(alone)
  )

  it.effect("counts: the circuit is free when the last of them is gone, and no sooner (behaviour 25)", () =>
    Effect.gen(function* () {
      const first = yield* hold("force-open", "same words")
      const second = yield* hold("force-open", "same words")
      yield* first
      yield* first
      assert.strictEqual((yield* Effect.flip(good))._tag, "CircuitOpen")
      yield* second
      assert.strictEqual(yield* good, "hello")
      yield* second
      assert.deepStrictEqual((yield* state).holds, [])
    }).pipe(alone)
  )

  it.effect("of the stronger kind decides: open over closed, closed over observing", () =>
    Effect.gen(function* () {
      yield* open
      const observing = yield* hold("observe")
      assert.strictEqual(yield* good, "hello")
      const closed = yield* hold("force-closed")
      assert.strictEqual(yield* good, "hello")
      const opened = yield* hold("force-open")
      assert.strictEqual((yield* Effect.flip(good)).held, "a test")
      yield* opened
      assert.strictEqual(yield* good, "hello")
      yield* Effect.andThen(closed, observing)
      assert.isUndefined((yield* Effect.flip(good)).held)
    }).pipe(alone)
  )

  it.effect("that forces closed lets everything through and learns nothing", () =>
    Effect.gen(function* () {
      yield* Effect.andThen(bad, bad)
      const release = yield* hold("force-closed")
      for (let n = 0; n < 20; n++) yield* bad
      assert.strictEqual(yield* good, "hello")
      yield* release
      assert.deepInclude(yield* state, { state: "closed", failures: 2 })
      yield* bad
      assert.strictEqual((yield* state).state, "open")
    }).pipe(alone)
  )

  it.effect("that observes refuses nothing and says once that it would have (behaviour 26)", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const release = yield* hold("observe", "a trial")
      for (let n = 0; n < 20; n++) yield* bad
      assert.strictEqual(yield* good, "hello")
      const changes = yield* events.of("CircuitChanged")
      assert.deepStrictEqual(
        changes.map(({ from, observed, to }) => [from, to, observed]),
        [["closed", "open", true]]
      )
      const snapshot = yield* state
      assert.deepInclude(snapshot, { state: "open", failures: 3, refused: 0 })
      assert.strictEqual(Duration.toSeconds(snapshot.retryAfter), 60)
      assert.deepStrictEqual(snapshot.holds, [{ mode: "observe", reason: "a trial", since: 0 }])
      yield* release
      assert.strictEqual((yield* Effect.flip(good))._tag, "CircuitOpen")
      yield* TestClock.adjust("60 seconds")
      yield* good
      const [, , closed] = yield* events.of("CircuitChanged")
      assert.isUndefined(closed?.observed)
    }).pipe(alone)
  )

  it.effect("that observes also goes on to probe and to close", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      yield* Effect.asVoid(hold("observe"))
      yield* open
      yield* TestClock.adjust("60 seconds")
      yield* good
      assert.deepStrictEqual(
        (yield* events.of("CircuitChanged")).map(({ observed, to }) => [to, observed]),
        [
          ["open", true],
          ["half-open", true],
          ["closed", true]
        ]
      )
    }).pipe(alone)
  )

  it.effect("is told of when it is put on and when it is taken away, with how many are left", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const first = yield* hold("force-open", "one")
      yield* TestClock.adjust("1 second")
      const second = yield* hold("observe", "two")
      yield* TestClock.adjust("1 second")
      yield* Effect.andThen(first, first)
      yield* second
      assert.deepStrictEqual(
        (yield* events.of("CircuitHeld")).map(({ at, held, holds, mode, reason }) => [at, held, holds, mode, reason]),
        [
          [0, true, 1, "force-open", "one"],
          [1000, true, 2, "observe", "two"],
          [2000, false, 1, "force-open", "one"],
          [2000, false, 0, "observe", "two"]
        ]
      )
      assert.deepStrictEqual(yield* events.of("CircuitChanged"), [])
    }).pipe(alone)
  )

  it.effect("wakes whoever waits for the circuit, both ways", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.CircuitBreaker
      const held = yield* Effect.forkChild(yield* breaker.nextChange(id))
      const release = yield* hold("force-open")
      yield* Fiber.join(held)
      const freed = yield* Effect.forkChild(yield* breaker.nextChange(id))
      yield* release
      yield* Fiber.join(freed)
    }).pipe(alone)
  )

  it.effect("of a scope ends with it, also by interruption", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      yield* Scope.provide(CircuitBreaker.holdScoped(id, "force-open", "maintenance"), scope)
      assert.strictEqual((yield* Effect.flip(good)).held, "maintenance")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* good, "hello")

      const maintaining = Effect.andThen(CircuitBreaker.holdScoped(id, "force-open", "maintenance"), Effect.never)
      const fiber = yield* Effect.forkChild(Effect.scoped(maintaining))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* state).holds.length, 1)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual((yield* state).holds, [])
    }).pipe(alone)
  )

  it.effect("of a scope is never left behind, at whatever step it is interrupted", () =>
    Effect.gen(function* () {
      let isHeld = false
      for (let step = 1, isOver = false; !isOver; step++) {
        const maintaining = Effect.scoped(
          Effect.andThen(
            CircuitBreaker.holdScoped(id, "force-open", "maintenance"),
            Effect.tap(state, ({ holds }) => Effect.sync(() => (isHeld ||= holds.length === 1)))
          )
        )
        ;({ isOver } = yield* interruptedAt(step, maintaining))
        assert.deepStrictEqual((yield* state).holds, [], `after step ${step}`)
      }
      assert.isTrue(isHeld)
    }).pipe(alone)
  )
})
