import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, Policy } from "@holdfast/core"
import { alone, chat, exact, held, nothing } from "../Chat.ts"
import { after, failing, pause, part, finish, playing, replying, scripted, text } from "../Scripted.ts"

const limitOf = (lane: string) =>
  Effect.map(
    Bulkhead.Bulkhead.use((bulkhead) => bulkhead.snapshot(lane)),
    (snapshot) => snapshot.limit
  )
const adaptive = (options: Bulkhead.Adaptive) =>
  exact.pipe(
    Policy.bulkhead({ maxConcurrent: 64, maxQueue: 1000, queueTimeout: "5 minutes", adaptive: options }),
    Policy.retry({ maxRetries: 0 }),
    Policy.breaker({ consecutiveFailures: 10_000, rate: 0 }),
    Policy.budget({ maxAttempts: 1 })
  )
const fork = <A, E, R>(count: number, ask: Effect.Effect<A, E, R>) =>
  Effect.forEach(Array.from({ length: count }), () => Effect.forkChild(Effect.exit(ask)))

describe("the number of calls a lane may run at once", () => {
  it.effect.each(["gradient2", "vegas", "aimd"] as const)(
    "grows by %s while all are used and none takes longer, and those who wait get the new slots",
    (algorithm) =>
      Effect.gen(function* () {
        const a = yield* scripted("a/x", [after("1 second", replying("hello"))])
        const { ask } = yield* chat([a], adaptive({ algorithm, initial: 10 }))
        const callers = yield* fork(600, ask)
        yield* TestClock.adjust(0)
        assert.strictEqual(yield* a.open, 10)
        yield* TestClock.adjust("12 seconds")
        const limit = yield* limitOf("a/x")
        assert.isAbove(limit ?? 0, 12)
        assert.strictEqual(yield* a.open, limit)
        yield* TestClock.adjust("3 minutes")
        assert.isTrue((yield* Effect.forEach(callers, Fiber.join)).every(Exit.isSuccess))
        assert.isAtMost((yield* limitOf("a/x")) ?? 0, 64)
        assert.deepStrictEqual(yield* held(a), nothing)
      }).pipe(alone)
  )

  it.effect.each(["RateLimit", "ModelOverloaded", "Timeout"] as const)("shrinks when calls are dropped: %s", (class_) =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [after("1 second", failing(class_))])
      const { ask } = yield* chat([a], adaptive({ algorithm: "aimd", initial: 20, min: 2 }))
      for (let n = 0; n < 40; n++) {
        yield* fork(20, ask)
        yield* TestClock.adjust("1 minute")
      }
      assert.isAtMost((yield* limitOf("a/x")) ?? 20, 10)
      assert.isAtLeast((yield* limitOf("a/x")) ?? 0, 2)
    }).pipe(alone)
  )

  it.effect("learns nothing from what says nothing about load", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [after("1 second", failing("InvalidRequest"))])
      const { ask } = yield* chat([a], adaptive({ initial: 20 }))
      yield* fork(200, ask)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* limitOf("a/x"), 20)
    }).pipe(alone)
  )

  it.effect("goes by the first content of a stream, not by how long it is", () =>
    Effect.gen(function* () {
      let length = 1
      const stream = () => playing(pause("1 second"), text("a"), pause(`${length} seconds`), part(finish))
      const a = yield* scripted("a/x", [(target) => stream()(target)])
      const { listen } = yield* chat([a], adaptive({ algorithm: "vegas", initial: 10 }))
      yield* fork(30, listen)
      yield* TestClock.adjust("1 minute")
      const before = (yield* limitOf("a/x")) ?? 0
      length = 10
      yield* fork(300, listen)
      yield* TestClock.adjust("4 minutes")
      assert.isAtLeast((yield* limitOf("a/x")) ?? 0, before)
    }).pipe(alone)
  )

  it.effect("is the policy's own: a fixed one beside it is held to its number", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [after("1 second", replying("hello"))])
      const narrow = yield* chat([a], exact.pipe(Policy.bulkhead({ maxConcurrent: 2, queueTimeout: "1 minute" })))
      const wide = yield* chat([a], adaptive({ initial: 10 }))
      const callers = [...(yield* fork(5, narrow.ask)), ...(yield* fork(20, wide.ask))]
      yield* TestClock.adjust(0)
      assert.strictEqual(yield* a.open, 10)
      yield* TestClock.adjust("1 minute")
      assert.isTrue((yield* Effect.forEach(callers, Fiber.join)).every(Exit.isSuccess))
    }).pipe(alone)
  )
})

it.effect("a bulkhead on its own learns in the same way", () =>
  Effect.gen(function* () {
    const guard = Bulkhead.run("lane", {
      maxConcurrent: 64,
      maxQueue: 1000,
      queueTimeout: "5 minutes",
      adaptive: { algorithm: "aimd", initial: 5 }
    })
    yield* fork(300, guard(Effect.sleep("1 second")))
    yield* TestClock.adjust("1 minute")
    assert.isAbove((yield* limitOf("lane")) ?? 0, 10)
  }).pipe(Effect.provide(Bulkhead.layer))
)

describe("options that cannot be", () => {
  it.each([
    [{ min: 5, max: 2 }, /min \(5\) at most max \(2\)[^]*adaptive/],
    [{ min: 100 }, /min \(100\) at most max \(32\)[^]*adaptive/],
    [{ initial: 40 }, /from 1 to 32, got 40[^]*adaptive[^]*initial/],
    [{ min: 0 }, /got 0[^]*adaptive[^]*min/]
  ])("%o are refused by name", (options, message) => {
    assert.throws(() => Policy.standard.pipe(Policy.bulkhead({ adaptive: options })), message)
  })
})
