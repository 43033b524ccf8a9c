import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import { DatabaseError } from "../../src/DatabaseError.ts"
import * as Backlog from "../../src/internal/Backlog.ts"
import * as BatchWriter from "../../src/internal/BatchWriter.ts"

const away = new DatabaseError({ reason: "Unreachable", message: "connection refused" })

/** A database that keeps what it is given, and can be away or slow. */
interface TestDatabase {
  readonly batches: Array<ReadonlyArray<number>>
  readonly write: (rows: ReadonlyArray<number>) => Effect.Effect<void, DatabaseError>
  attempts: number
  away: boolean
  /** What a statement waits for. */
  gate: Effect.Effect<void>
}

const makeDatabase = (): TestDatabase => {
  const batches: Array<ReadonlyArray<number>> = []
  const database: TestDatabase = {
    batches,
    attempts: 0,
    away: false,
    gate: Effect.void,
    write: (rows) =>
      Effect.suspend(() => {
        database.attempts += 1
        return database.away
          ? Effect.fail(away)
          : Effect.andThen(
              database.gate,
              Effect.sync(() => void batches.push(rows))
            )
      })
  }
  return database
}

const makeWriter = (database: TestDatabase, settings: Partial<BatchWriter.Settings<number>> = {}) =>
  BatchWriter.make<number>({
    prepare: Effect.void,
    write: database.write,
    batchSize: 3,
    batchInterval: Duration.seconds(1),
    backlog: Backlog.inMemory(10),
    writeTimeout: Duration.seconds(30),
    prepareTimeout: Duration.minutes(10),
    retryBase: Duration.seconds(1),
    retryMax: Duration.seconds(8),
    ...settings
  })

const captureLogs = () => {
  const lines: Array<string> = []
  const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
    const [text] = Array.isArray(message) ? message : [message]
    lines.push(`${logLevel}: ${String(text)}`)
  })
  return { lines, layer: Logger.layer([logger]) }
}

describe("BatchWriter", () => {
  it.effect("waits the interval for company, then writes what is there as one batch", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      const writer = yield* makeWriter(database)
      writer.add([1])
      yield* TestClock.adjust("600 millis")
      writer.add([2])
      yield* TestClock.adjust("399 millis")
      assert.deepStrictEqual(database.batches, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(database.batches, [[1, 2]])
    })
  )

  it.effect("writes at once when a batch is full, and leaves a rest to its interval", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      const writer = yield* makeWriter(database)
      writer.add([1, 2, 3])
      yield* writer.flush
      writer.add([4, 5, 6, 7, 8, 9])
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(database.batches, [
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9]
      ])
    })
  )

  it.effect("fills the next batch while one is being written", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      const gate = yield* Deferred.make<void>()
      database.gate = Deferred.await(gate)
      const writer = yield* makeWriter(database)
      writer.add([1, 2, 3])
      yield* TestClock.adjust(0)
      writer.add([4])
      writer.add([5, 6, 7])
      assert.strictEqual(writer.stats().pending, 7)
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(database.batches, [[1, 2, 3], [4, 5, 6], [7]])
      assert.deepStrictEqual(writer.stats(), { written: 7, dropped: 0, pending: 0, away: false })
    })
  )

  it.effect("does not wait between batches for rows that came while it was writing, unless there are few", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      const gate = yield* Deferred.make<void>()
      const writer = yield* makeWriter(database)
      database.gate = Effect.andThen(
        Deferred.await(gate),
        Effect.sync(() => {
          if (database.batches.length === 0) writer.add([9])
        })
      )
      writer.add([1, 2, 3])
      yield* TestClock.adjust(0)
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual(database.batches, [[1, 2, 3]])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(database.batches, [[1, 2, 3], [9]])
    })
  )

  it.effect("keeps order and loses nothing while the database is away, and says so once each way", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      const logs = captureLogs()
      database.away = true
      const writer = yield* Effect.provide(makeWriter(database), logs.layer)
      writer.add([1, 2])
      yield* TestClock.adjust("10 seconds")
      writer.add([3, 4])
      yield* TestClock.adjust("60 seconds")
      assert.isTrue(writer.stats().away)
      assert.strictEqual(writer.stats().pending, 4)
      database.away = false
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(database.batches.flat(), [1, 2, 3, 4])
      assert.deepStrictEqual(writer.stats(), { written: 4, dropped: 0, pending: 0, away: false })
      assert.deepStrictEqual(logs.lines, [
        "Warn: The database is away; rows wait until it is back",
        "Info: The database is back"
      ])
      assert.isAbove(database.attempts, 5)
    })
  )

  it.effect("asks less and less often, but at least every retryMax", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      database.away = true
      const writer = yield* makeWriter(database)
      writer.add([1, 2, 3])
      yield* TestClock.adjust(0)
      assert.strictEqual(database.attempts, 1)
      yield* TestClock.adjust("799 millis")
      assert.strictEqual(database.attempts, 1)
      yield* TestClock.adjust("401 millis")
      assert.strictEqual(database.attempts, 2)
      // 2 and 4 seconds with 20 % either way, then 8 seconds at the most, with 20 % more.
      yield* TestClock.adjust("7200 millis")
      assert.strictEqual(database.attempts, 4)
      yield* TestClock.adjust("9600 millis")
      assert.strictEqual(database.attempts, 5)
      yield* TestClock.adjust("9600 millis")
      assert.isAtLeast(database.attempts, 6)
      assert.isAtMost(database.attempts, 7)
    })
  )

  it.effect("drops the oldest rows when too many wait, and counts them", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      database.away = true
      const writer = yield* makeWriter(database)
      for (let row = 1; row <= 25; row += 1) {
        writer.add([row])
        yield* TestClock.adjust("1 second")
      }
      assert.deepStrictEqual(writer.stats(), { written: 0, dropped: 15, pending: 10, away: true })
      database.away = false
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(
        database.batches.flat(),
        Array.from({ length: 10 }, (_, index) => 16 + index)
      )
      assert.deepStrictEqual(writer.stats(), { written: 10, dropped: 15, pending: 0, away: false })
    })
  )

  it.effect("treats a statement that never ends as a database that is away", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      database.gate = Effect.never
      const writer = yield* makeWriter(database)
      writer.add([1, 2, 3])
      yield* TestClock.adjust("30 seconds")
      assert.isTrue(writer.stats().away)
      database.gate = Effect.void
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(database.batches, [[1, 2, 3]])
    })
  )

  it.effect("survives a bug in the client: the rows are tried again", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      database.gate = Effect.die(new Error("cannot happen"))
      const writer = yield* makeWriter(database)
      writer.add([1, 2, 3])
      yield* TestClock.adjust(0)
      assert.isTrue(writer.stats().away)
      database.gate = Effect.void
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(database.batches, [[1, 2, 3]])
    })
  )

  it.effect("writes nothing before the preparation has succeeded, which is tried again too", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      let prepared = 0
      const prepare = Effect.suspend(() => {
        prepared += 1
        return prepared < 3 ? Effect.fail(away) : Effect.void
      })
      const writer = yield* makeWriter(database, { prepare })
      writer.add([1, 2, 3])
      yield* TestClock.adjust(0)
      assert.isTrue(writer.stats().away)
      assert.strictEqual(database.attempts, 0)
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(database.batches, [[1, 2, 3]])
      writer.add([4, 5, 6])
      yield* writer.flush
      assert.strictEqual(prepared, 3)
    })
  )

  it.effect("flush waits for what was added before it, and for nothing that came later", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      const first = yield* Deferred.make<void>()
      const second = yield* Deferred.make<void>()
      database.gate = Effect.suspend(() => Deferred.await(database.batches.length === 0 ? first : second))
      const writer = yield* makeWriter(database)
      writer.add([1])
      const flush = yield* Effect.forkChild(writer.flush)
      yield* TestClock.adjust(0)
      assert.strictEqual(database.attempts, 1)
      writer.add([2])
      assert.isUndefined(flush.pollUnsafe())
      yield* Deferred.succeed(first, undefined)
      yield* Fiber.join(flush)
      assert.deepStrictEqual(database.batches, [[1]])
      yield* Deferred.succeed(second, undefined)
      yield* writer.flush
      assert.deepStrictEqual(database.batches, [[1], [2]])
    })
  )

  it.effect("flush ends when the rows it waits for have been dropped", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      database.away = true
      const writer = yield* makeWriter(database)
      writer.add([1, 2])
      const flush = yield* Effect.forkChild(writer.flush)
      yield* TestClock.adjust(0)
      writer.add([3, 4, 5, 6, 7, 8, 9, 10, 11])
      assert.isUndefined(flush.pollUnsafe())
      writer.add([12])
      yield* Fiber.join(flush)
      assert.strictEqual(writer.stats().dropped, 2)
    })
  )

  const open = Effect.fnUntraced(function* (database: TestDatabase, settings?: Partial<BatchWriter.Settings<number>>) {
    const scope = yield* Scope.make()
    const writer = yield* Scope.provide(makeWriter(database, settings), scope)
    return { writer, close: Effect.andThen(writer.close(Duration.seconds(5)), Scope.close(scope, Exit.void)) }
  })

  it.effect("writes what is left when it closes, without waiting for the interval", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      const { close, writer } = yield* open(database, { batchSize: 100 })
      writer.add([1, 2, 3, 4])
      yield* close
      assert.deepStrictEqual(database.batches, [[1, 2, 3, 4]])
    })
  )

  it.effect("makes one more attempt when it closes while the database was away", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      database.away = true
      const { close, writer } = yield* open(database, { retryBase: Duration.hours(1), retryMax: Duration.hours(1) })
      writer.add([1, 2, 3, 4])
      yield* TestClock.adjust("1 minute")
      database.away = false
      yield* close
      assert.deepStrictEqual(database.batches.flat(), [1, 2, 3, 4])
    })
  )

  it.effect("gives up after its time when it closes on a database that is away, and counts what is lost", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      database.away = true
      const logs = captureLogs()
      const { close, writer } = yield* open(database)
      writer.add([1, 2, 3, 4])
      const closing = yield* Effect.forkChild(Effect.provide(close, logs.layer))
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(writer.stats(), { written: 0, dropped: 4, pending: 0, away: true })
      assert.include(logs.lines, "Error: Rows are lost: the database did not take them in time")
    })
  )

  it.effect("closes in time on a statement that never ends", () =>
    Effect.gen(function* () {
      const database = makeDatabase()
      database.gate = Effect.never
      const { close, writer } = yield* open(database)
      writer.add([1, 2, 3, 4])
      const flush = yield* Effect.forkChild(writer.flush)
      yield* TestClock.adjust(0)
      const closing = yield* Effect.forkChild(close)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(closing)
      yield* Fiber.join(flush)
      assert.strictEqual(writer.stats().dropped, 4)
    })
  )
})
