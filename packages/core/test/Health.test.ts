import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { EventBus, type Failure, Health, Lane } from "@holdfast/core"
import { recorder } from "./Recorder.ts"

const alone = Effect.provide(Health.layer.pipe(Layer.provideMerge(EventBus.layer)))
const lane = Lane.make({ provider: "acme", model: "anvil" })

const record = (times: number, failure?: Failure.Class, of = lane) =>
  Effect.gen(function* () {
    const health = yield* Health.Health
    const at = yield* TestClock.testClockWith((clock) => clock.currentTimeMillis)
    for (let n = 0; n < times; n++) {
      yield* health.record(of, { at, durationMillis: 100, firstContentMillis: undefined, failure })
    }
  })

const standing = Effect.gen(function* () {
  const health = yield* Health.Health
  const now = yield* TestClock.testClockWith((clock) => clock.currentTimeMillis)
  return health.laneUnsafe(lane).standing(now)
})

describe("the health of a lane", () => {
  it.effect("is idle until it has been called, and listed before that", () =>
    Effect.gen(function* () {
      const health = yield* Health.Health
      assert.deepStrictEqual(yield* health.snapshots, [])
      yield* health.register(lane)
      yield* TestClock.adjust("3 seconds")
      const [snapshot] = yield* health.snapshots
      assert.deepInclude(snapshot, {
        lane: "acme/anvil",
        provider: "acme",
        model: "anvil",
        at: 3000,
        status: "idle",
        calls: 0
      })
    }).pipe(alone)
  )

  it.effect("does not rank a lane by fewer than twenty recent calls", () =>
    Effect.gen(function* () {
      yield* record(19, "Network")
      assert.strictEqual(yield* standing, "idle")
      yield* record(1, "Network")
      assert.strictEqual(yield* standing, "unhealthy")
    }).pipe(alone)
  )

  it.effect("forgets after five minutes and after a hundred calls", () =>
    Effect.gen(function* () {
      yield* record(50, "Network")
      yield* TestClock.adjust("299999 millis")
      assert.strictEqual(yield* standing, "unhealthy")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* standing, "idle")
      yield* record(100, "Network")
      yield* record(95)
      assert.strictEqual(yield* standing, "healthy")
      const [snapshot] = yield* Health.Health.use((health) => health.snapshots)
      assert.deepInclude(snapshot, { calls: 100, successes: 95, successRate: 0.95 })
    }).pipe(alone)
  )

  it.effect("is announced once per change, with the rate that made it", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      yield* record(100)
      yield* record(5, "Network")
      yield* record(1, "Network")
      yield* record(14, "Network")
      yield* record(1, "Network")
      assert.deepStrictEqual(
        (yield* events.of("HealthChanged")).map(({ from, successRate, to }) => [from, to, successRate]),
        [
          ["idle", "healthy", 1],
          ["healthy", "degraded", 0.94],
          ["degraded", "unhealthy", 0.79]
        ]
      )
      yield* record(100)
      assert.deepStrictEqual(
        (yield* events.of("HealthChanged")).slice(3).map(({ to }) => to),
        ["degraded", "healthy"]
      )
    }).pipe(alone)
  )

  it.effect("does not cry wolf over the first few failures", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      yield* record(19, "Network")
      assert.deepStrictEqual(yield* events.of("HealthChanged"), [])
      yield* record(1, "Network")
      assert.deepStrictEqual(
        (yield* events.of("HealthChanged")).map(({ to }) => to),
        ["unhealthy"]
      )
    }).pipe(alone)
  )

  it.effect("starts afresh when it is restarted", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const health = yield* Health.Health
      yield* record(30, "Network")
      yield* health.restart(lane)
      assert.strictEqual(yield* standing, "idle")
      yield* record(1)
      assert.deepStrictEqual(
        (yield* events.of("HealthChanged")).map(({ from, to }) => [from, to]),
        [
          ["idle", "unhealthy"],
          ["unhealthy", "idle"],
          ["idle", "healthy"]
        ]
      )
    }).pipe(alone)
  )

  it.effect("is each lane's own", () =>
    Effect.gen(function* () {
      yield* record(30, "Network", Lane.make({ provider: "acme", model: "hammer" }))
      yield* record(30)
      assert.strictEqual(yield* standing, "healthy")
    }).pipe(alone)
  )
})
