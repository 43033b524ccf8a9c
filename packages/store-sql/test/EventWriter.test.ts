import { assert, describe, it } from "@effect/vitest"
import { EventBus, Health, Lane } from "@holdfast/core"
import { Clock, Effect, Exit, Fiber, Scheduler, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import * as EventWriter from "../src/EventWriter.ts"
import * as Fixtures from "./fixtures.ts"
import * as RecordingDatabase from "./RecordingDatabase.ts"

const open = Effect.fnUntraced(function* (options?: EventWriter.Options) {
  const database = yield* RecordingDatabase.make
  const bus = yield* EventBus.make
  const scope = yield* Scope.make()
  const writer = yield* EventWriter.make(options).pipe(
    Effect.provideService(SqlClient.SqlClient, database.client),
    Effect.provideService(EventBus.EventBus, bus),
    Scope.provide(scope)
  )
  return { ...database, bus, writer, close: Scope.close(scope, Exit.void) }
})

const snapshot = (lane: string, at: number): EventWriter.HealthSnapshot => ({
  lane,
  provider: "openai",
  model: "gpt-mini",
  status: "healthy",
  successRate: 1,
  calls: 3,
  successes: 3,
  meanMillis: 10,
  p50Millis: 10,
  p95Millis: 12,
  p99Millis: 12,
  errors: {},
  at
})

describe("EventWriter", () => {
  it.effect("migrates before anything happens", () =>
    Effect.gen(function* () {
      const { rows, sent } = yield* open()
      yield* TestClock.adjust(0)
      assert.isTrue(sent.some(({ sql }) => sql.startsWith("CREATE TABLE ai_service_errors")))
      assert.deepStrictEqual(rows("ai_service_errors"), [])
    })
  )

  it.effect("writes one statement per table and batch, whatever the order of events", () =>
    Effect.gen(function* () {
      const { bus, rows, sent, writer } = yield* open()
      yield* TestClock.adjust(0)
      const inserts = () => sent.filter(({ sql }) => /^INSERT INTO (attempts|ai_|circuit)/.test(sql))
      for (let index = 0; index < 100; index += 1) {
        yield* bus.publish(Fixtures.attempt({ operation: `op-${index}` }))
        yield* bus.publish(Fixtures.circuit())
        yield* bus.publish(Fixtures.healthChange())
        yield* bus.publish(Fixtures.attempt({ result: "Success" }))
      }
      yield* writer.flush
      assert.strictEqual(inserts().length, 4)
      assert.deepStrictEqual(
        rows("ai_service_errors").map((batch) => batch.map((row) => row["operation_id"])),
        [Array.from({ length: 100 }, (_, index) => `op-${index}`)]
      )
      assert.strictEqual(rows("circuit_breaker_events")[0]?.length, 100)
      assert.strictEqual(rows("ai_service_health")[0]?.length, 100)
      assert.deepStrictEqual(yield* writer.stats, {
        written: 500,
        dropped: 0,
        rejected: 0,
        pending: 0,
        away: false,
        journal: undefined
      })
    })
  )

  it.effect("splits what is more than a batch", () =>
    Effect.gen(function* () {
      const { bus, rows, writer } = yield* open({ batchSize: 40 })
      for (let index = 0; index < 100; index += 1) yield* bus.publish(Fixtures.circuit())
      yield* writer.flush
      assert.deepStrictEqual(
        rows("circuit_breaker_events").map((batch) => batch.length),
        [40, 40, 20]
      )
    })
  )

  it.effect("looks at every lane each interval, under ids of its own", () =>
    Effect.gen(function* () {
      const { close, rows } = yield* open({
        snapshots: Effect.map(Clock.currentTimeMillis, (at) => [snapshot("a", at), snapshot("b", at)]),
        healthInterval: "60 seconds"
      })
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(rows("ai_service_health"), [])
      yield* TestClock.adjust("121 seconds")
      yield* close
      const written = rows("ai_service_health").flat()
      assert.deepStrictEqual(
        written.map((row) => [row["lane"], row["last_check"]]),
        [
          ["a", 60_000],
          ["b", 60_000],
          ["a", 120_000],
          ["b", 120_000],
          ["a", 180_000],
          ["b", 180_000]
        ]
      )
      assert.strictEqual(new Set(written.map((row) => row["event_id"])).size, 6)
    })
  )

  it.effect("writes a lane's health when it changes, completed by its snapshot", () =>
    Effect.gen(function* () {
      const { bus, rows, writer } = yield* open({
        snapshots: Effect.succeed([snapshot("openai/gpt-mini", 0), snapshot("other", 0)])
      })
      yield* bus.publish(Fixtures.healthChange({ to: "unhealthy", successRate: 0.5 }))
      yield* writer.flush
      const [row, ...more] = rows("ai_service_health").flat()
      assert.deepStrictEqual(more, [])
      assert.deepInclude(row, {
        lane: "openai/gpt-mini",
        status: "unhealthy",
        success_rate: 0.5,
        total_requests: 3,
        p50_response_time_ms: 10
      })
    })
  )

  it.effect("takes the snapshots of the health monitor as they are", () =>
    Effect.gen(function* () {
      const health = yield* Effect.provideService(Health.make, EventBus.EventBus, yield* EventBus.make)
      yield* health.register(Lane.make({ provider: "openai", model: "gpt-mini" }))
      const { close, rows } = yield* open({ snapshots: health.snapshots })
      yield* TestClock.adjust("60 seconds")
      yield* close
      assert.deepInclude(rows("ai_service_health")[0]?.[0], {
        lane: "openai/gpt-mini",
        status: "idle",
        total_requests: 0
      })
    })
  )

  it.effect("goes on when the health cannot be read", () =>
    Effect.gen(function* () {
      for (const snapshots of [Effect.die(new Error("broken")), Effect.never]) {
        const { bus, rows, writer } = yield* open({ snapshots })
        yield* bus.publish(Fixtures.healthChange())
        yield* bus.publish(Fixtures.attempt())
        const flush = yield* Effect.forkChild(writer.flush)
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(flush)
        assert.strictEqual(rows("ai_service_health").flat().length, 1)
        assert.strictEqual(rows("ai_service_errors").flat().length, 1)
      }
    })
  )

  it.effect("writes what was published before it closes, and flush ends even after that", () =>
    Effect.gen(function* () {
      const { bus, close, rows, writer } = yield* open({ batchInterval: "1 hour" })
      for (let index = 0; index < 10; index += 1) yield* bus.publish(Fixtures.attempt())
      yield* close
      assert.strictEqual(rows("ai_service_errors").flat().length, 10)
      yield* writer.flush
    })
  )

  it.effect("misses none, however fast they come", () =>
    Effect.gen(function* () {
      const { bus, writer } = yield* open()
      // Without a pause, so that nobody else gets to run: more than a subscriber of the bus would be kept.
      yield* Effect.provideService(
        Effect.repeat(bus.publish(Fixtures.attempt()), { times: 4_999 }),
        Scheduler.MaxOpsBeforeYield,
        1_000_000
      )
      yield* writer.flush
      assert.deepInclude(yield* writer.stats, { dropped: 0, written: 10_000 })
    })
  )

  it.effect("does not accept a size that is none", () =>
    Effect.gen(function* () {
      for (const options of [{ batchSize: 0 }, { capacity: 1.5 }, { capacity: Number.NaN }]) {
        const exit = yield* Effect.exit(open(options))
        assert.include(String(Exit.isFailure(exit) && exit.cause), "must be a whole number of at least 1")
      }
    })
  )
})
