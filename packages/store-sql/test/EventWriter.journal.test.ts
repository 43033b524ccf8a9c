import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { type Event, EventBus } from "@holdfast/core"
import { Effect, Exit, Fiber, FileSystem, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import * as EventWriter from "../src/EventWriter.ts"
import * as Journal from "../src/Journal.ts"
import * as Fixtures from "./fixtures.ts"
import * as RecordingDatabase from "./RecordingDatabase.ts"

const directory = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  fs.makeTempDirectoryScoped({ prefix: "holdfast-test-" })
)

const open = Effect.fnUntraced(function* (path: string, options: Omit<Journal.Options, "directory"> = {}) {
  const database = yield* RecordingDatabase.make
  const bus = yield* EventBus.make
  const changes: Array<Extract<Event.Event, { readonly _tag: "JournalChanged" }>> = []
  yield* bus.listen((event) => {
    if (event._tag === "JournalChanged") changes.push(event)
  })
  const scope = yield* Scope.make()
  const { journal, writer } = yield* Effect.gen(function* () {
    const journal = yield* Journal.open({ directory: path, ...options })
    return { journal, writer: yield* EventWriter.make({ journal, retryMax: "5 seconds" }) }
  }).pipe(
    Effect.provideService(SqlClient.SqlClient, database.client),
    Effect.provideService(EventBus.EventBus, bus),
    Scope.provide(scope)
  )
  const close = Scope.close(scope, Exit.void)
  yield* Effect.addFinalizer(() => close)
  return { ...database, bus, changes, journal, writer, close }
})

const ids = (batches: ReadonlyArray<ReadonlyArray<Readonly<Record<string, unknown>>>>) =>
  batches.flat().map((row) => row["operation_id"])

layer(NodeServices.layer)("a writer with a journal", (it) => {
  it.effect(
    "loses nothing while the database is away for ten minutes, at 200 events a second",
    () =>
      Effect.gen(function* () {
        const { bus, changes, journal, rows, turn, writer } = yield* open(`${yield* directory}/journal`)
        yield* TestClock.adjust("1 second")
        yield* turn("away")
        for (let second = 0; second < 600; second += 1) {
          for (let n = 0; n < 200; n += 1) {
            yield* bus.publish(Fixtures.operation({ operation: `op-${second * 200 + n}` }))
          }
          yield* TestClock.adjust("1 second")
        }
        assert.deepInclude(yield* writer.stats, { away: true, pending: 120_000, dropped: 0 })
        assert.deepInclude(journal.status(), { records: 120_000, problem: undefined })
        yield* turn("there")
        const flushed = yield* Effect.forkChild(writer.flush)
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.await(flushed)
        assert.deepStrictEqual(
          ids(rows("operations")),
          Array.from({ length: 120_000 }, (_, n) => `op-${n}`)
        )
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(
          changes.map(({ to }) => to),
          ["behind", "current"]
        )
        assert.isBelow(journal.status().bytes, 4 * 2 ** 20)
      }),
    60_000
  )

  it.effect("says that it is full while it drops the oldest rows, and that it is current when all is written", () =>
    Effect.gen(function* () {
      const { bus, changes, journal, rows, turn, writer } = yield* open(`${yield* directory}/journal`, {
        maxBytes: 200_000,
        segmentBytes: 20_000
      })
      yield* TestClock.adjust("1 second")
      yield* turn("away")
      for (let n = 0; n < 2_000; n += 1) {
        yield* bus.publish(Fixtures.operation({ operation: `op-${n}` }))
        if (n % 100 === 99) yield* TestClock.adjust("1 second")
      }
      const { dropped } = journal.status()
      assert.isAbove(dropped, 500)
      assert.isAtMost(journal.status().bytes, 210_000)
      yield* turn("there")
      const flushed = yield* Effect.forkChild(writer.flush)
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.await(flushed)
      assert.deepStrictEqual(
        ids(rows("operations")),
        Array.from({ length: 2_000 - dropped }, (_, n) => `op-${dropped + n}`)
      )
      yield* TestClock.adjust("2 seconds")
      // It may be full before anybody has looked whether it is behind.
      assert.deepStrictEqual(
        changes.map(({ to }) => to).filter((to) => to !== "behind"),
        ["full", "current"]
      )
      assert.isAbove(changes.find(({ to }) => to === "full")?.dropped ?? 0, 0)
    })
  )

  it.effect("writes what the last one left, before its own", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/journal`
      const first = yield* open(path)
      yield* first.turn("away")
      for (let n = 0; n < 50; n += 1) yield* first.bus.publish(Fixtures.operation({ operation: `op-${n}` }))
      const closing = yield* Effect.forkChild(first.close)
      yield* TestClock.adjust("6 seconds")
      yield* Fiber.await(closing)
      assert.deepStrictEqual(ids(first.rows("operations")), [])

      const second = yield* open(path)
      for (let n = 50; n < 60; n += 1) yield* second.bus.publish(Fixtures.operation({ operation: `op-${n}` }))
      yield* second.writer.flush
      assert.deepStrictEqual(
        ids(second.rows("operations")),
        Array.from({ length: 60 }, (_, n) => `op-${n}`)
      )
    })
  )
})
