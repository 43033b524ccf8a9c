import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Cause, Clock, Deferred, Effect, Fiber, Layer, Logger, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import * as history from "../bench/history.ts"
import { plans } from "../bench/plans.ts"
import { inspect } from "node:util"
import * as Database from "../src/Database.ts"
import { type DatabaseError, fromSqlError } from "../src/DatabaseError.ts"
import type * as EventWriter from "../src/EventWriter.ts"
import { ledgerTables } from "../src/internal/ledgerTables.ts"
import { missionTables } from "../src/internal/missionTables.ts"
import * as Migrations from "../src/Migrations.ts"
import * as Fixtures from "./fixtures.ts"
import { queriesSuite } from "./queriesSuite.ts"
import { open, openWriter, storeSuite } from "./storeSuite.ts"
import { password, TestPostgres } from "./TestPostgres.ts"

/** An empty database of the server, in sessions that live in another time zone. */
const elsewhere = Layer.unwrap(
  Effect.map(
    TestPostgres.use((server) => server.database),
    (url) => {
      const withZone = Redacted.make(`${Redacted.value(url)}?options=-c%20timezone%3DAsia%2FKolkata`)
      return Database.layer({ url: withZone, dataDirectory: "/nowhere" })
    }
  )
)

const postgres = elsewhere.pipe(Layer.provide([TestPostgres.layer, NodeServices.layer]))
storeSuite("PostgreSQL", postgres)
queriesSuite("PostgreSQL", postgres)

layer(TestPostgres.layer, { excludeTestServices: true, timeout: "60 seconds" })("a PostgreSQL server", (it) => {
  /** Runs something on a database of its own, and has the server run again when it ends. */
  const inDatabase = <A, E, R>(self: Effect.Effect<A, E, R>) =>
    TestPostgres.use((server) =>
      Effect.flatMap(server.database, (url) => Effect.provide(self, Database.layerUrl(url), { local: true })).pipe(
        Effect.ensuring(server.start)
      )
    )

  const operations = SqlClient.SqlClient.use(
    (sql) => sql<{ operation_id: string }>`SELECT operation_id FROM ai_service_errors ORDER BY id`
  ).pipe(Effect.map((rows) => rows.map((row) => row.operation_id)))

  const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `op-${from + index}`)

  /** The log, and the moment it first says that the database is away. */
  const watch = Effect.sync(() => {
    const lines: Array<string> = []
    const away = Deferred.makeUnsafe<void>()
    const logger = Logger.make<unknown, void>(({ message }) => {
      const text = String(Array.isArray(message) ? message[0] : message)
      lines.push(text)
      if (text.includes("is away")) Deferred.doneUnsafe(away, Effect.void)
    })
    return { lines, away: Deferred.await(away), layer: Logger.layer([logger]) }
  })

  const hasty: EventWriter.Options = {
    batchInterval: "10 millis",
    retryBase: "20 millis",
    retryMax: "200 millis",
    writeTimeout: "10 seconds"
  }

  it.effect("migrates once when several instances start at the same time", () =>
    Effect.gen(function* () {
      const server = yield* TestPostgres
      for (let round = 0; round < 3; round += 1) {
        const url = yield* server.database
        const instance = Effect.provide(Migrations.run, Database.layerUrl(url), { local: true })
        const applied = yield* Effect.all(
          Array.from({ length: 5 }, () => instance),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(applied.flat(), [
          [1, "mission_tables"],
          [2, "sharing_tables"],
          [3, "ledger_tables"],
          [4, "alert_tables"],
          [5, "operator_tables"]
        ])
      }
    })
  )

  it.effect("takes the rows of the tables before the ledger over into its partitions", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* missionTables
      for (const [id, at] of [
        ["e-1", "2026-01-04T23:59:59.999Z"],
        ["e-2", "2026-01-05T00:00:00Z"],
        ["e-3", "2026-02-20T12:00:00Z"]
      ]) {
        yield* sql`INSERT INTO ai_service_errors (event_id, service_name, model, lane, operation_id, attempt, error_type,
          severity, occurred_at, resolved, resolved_by)
          VALUES (${id}, 'openai', 'mini', 'openai/mini', 'op', 2, 'Network', 'warning', ${at}::timestamptz, true, 'me')`
      }
      yield* ledgerTables
      assert.deepStrictEqual(
        yield* sql`SELECT event_id, retry_count, resolved_by, tableoid::regclass::text AS part
          FROM ai_service_errors ORDER BY id`,
        [
          { event_id: "e-1", retry_count: 1, resolved_by: "me", part: "ai_service_errors_20251229" },
          { event_id: "e-2", retry_count: 1, resolved_by: "me", part: "ai_service_errors_20260105" },
          { event_id: "e-3", retry_count: 1, resolved_by: "me", part: "ai_service_errors_20260216" }
        ]
      )
      assert.deepStrictEqual(yield* sql`SELECT * FROM circuit_breaker_events`, [])
    }).pipe(inDatabase)
  )

  it.effect("can answer every question of a dashboard from an index that is made for it", () =>
    Effect.gen(function* () {
      const server = yield* TestPostgres
      // With so few rows it would rather read all of them.
      const url = Redacted.make(`${Redacted.value(yield* server.database)}?options=-c%20enable_seqscan%3Doff`)
      const answered = yield* Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        yield* Migrations.run
        yield* history.make(20_000, now, 20)
        return new Map((yield* plans(now)).map(({ indexes, name }) => [name, indexes]))
      }).pipe(Effect.provide(Database.layerUrl(url), { local: true }))
      const expected = new Map([
        ["health of a lane, a day", "ai_service_health_lane_last_check_idx"],
        ["error groups, a day", "ai_service_errors_occurred_at_idx"],
        ["error groups of a lane, a week", "ai_service_errors_lane_occurred_at_idx"],
        ["unresolved error groups, a day", "ai_service_errors_occurred_at_idx"],
        ["changes of a circuit, a week", "circuit_breaker_events_"],
        ["changes of all circuits, a day", "circuit_breaker_events_occurred_at_idx"],
        ["cost by route, an hour", "attempts_ended_at_idx"],
        ["cost by tenant, a day", "attempts_ended_at_idx"],
        ["cost by lane, a week", "attempts_ended_at_idx"],
        ["slowest operations, a day", "operations_duration_ms_idx"],
        ["slowest operations of a route, a week", "operations_duration_ms_idx"],
        ["one operation and its attempts", "attempts_pkey"],
        ["operations, the latest", "operations_ended_at_idx"],
        ["operations of a route, the next page", "operations_"],
        ["operations of a tenant", "operations_tenant_ended_at_idx"],
        ["operations that failed", "operations_result_ended_at_idx"]
      ])
      assert.deepStrictEqual([...answered.keys()].toSorted(), [...expected.keys()].toSorted())
      for (const [name, index] of expected) {
        assert.isTrue(
          answered.get(name)?.some((used) => used.startsWith(index)),
          `${name}: ${answered.get(name)?.join(" ")}`
        )
      }
    })
  )

  it.effect("may be away: the writer keeps the order and loses nothing", () =>
    Effect.gen(function* () {
      const server = yield* TestPostgres
      const log = yield* watch
      const { publish, writer } = yield* Effect.provide(open(hasty), log.layer)
      for (const operation of numbered(0, 20)) yield* publish(Fixtures.attempt({ operation }))
      yield* writer.flush
      yield* server.stop
      for (const operation of numbered(20, 40)) yield* publish(Fixtures.attempt({ operation }))
      yield* log.away
      for (const operation of numbered(40, 60)) yield* publish(Fixtures.attempt({ operation }))
      assert.deepInclude(yield* writer.stats, { away: true, written: 40 })
      yield* server.start
      yield* writer.flush
      assert.deepStrictEqual(yield* operations, numbered(0, 60))
      assert.deepInclude(yield* writer.stats, { written: 120, dropped: 0, pending: 0, away: false })
      assert.deepStrictEqual(log.lines, ["The database is away; rows wait until it is back", "The database is back"])
    }).pipe(inDatabase)
  )

  it.effect("may be away for long: the oldest rows are dropped and counted", () =>
    Effect.gen(function* () {
      const server = yield* TestPostgres
      const log = yield* watch
      const { publish, writer } = yield* Effect.provide(open({ ...hasty, capacity: 20 }), log.layer)
      yield* writer.flush
      yield* server.stop
      for (const operation of numbered(0, 10)) yield* publish(Fixtures.attempt({ operation }))
      yield* log.away
      for (const operation of numbered(10, 35)) yield* publish(Fixtures.attempt({ operation }))
      yield* server.start
      yield* writer.flush
      assert.deepStrictEqual(yield* operations, numbered(25, 35))
      assert.deepInclude(yield* writer.stats, { written: 20, dropped: 50, pending: 0 })
    }).pipe(inDatabase)
  )

  it.effect("may be away when the writer starts", () =>
    Effect.gen(function* () {
      const server = yield* TestPostgres
      const log = yield* watch
      yield* server.stop
      const { publish, writer } = yield* Effect.provide(openWriter(hasty), log.layer)
      for (const operation of numbered(0, 5)) yield* publish(Fixtures.attempt({ operation }))
      yield* log.away
      yield* server.start
      yield* writer.flush
      assert.deepStrictEqual(yield* operations, numbered(0, 5))
    }).pipe(inDatabase)
  )

  it.effect("may be slow: what takes too long is tried again, and is there once", () =>
    Effect.gen(function* () {
      const log = yield* watch
      const { publish, sql, writer } = yield* Effect.provide(open({ ...hasty, writeTimeout: "1 second" }), log.layer)
      yield* writer.flush
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`LOCK TABLE ai_service_errors IN ACCESS EXCLUSIVE MODE`
          for (const operation of numbered(0, 5)) yield* publish(Fixtures.attempt({ operation }))
          yield* log.away
        })
      )
      yield* writer.flush
      assert.deepStrictEqual(yield* operations, numbered(0, 5))
    }).pipe(inDatabase)
  )

  it.effect("ends a statement that takes too long, which passes, and gives its connection back", () =>
    Effect.gen(function* () {
      const server = yield* TestPostgres
      const layer = Database.layerUrl(yield* server.database, { maxConnections: 1, statementTimeout: "200 millis" })
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const pid = sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`
        const before = yield* pid
        const error = fromSqlError(yield* Effect.flip(sql`SELECT pg_sleep(600)`))
        assert.deepInclude(error, { _tag: "DatabaseError", reason: "Unreachable", code: "57014" })
        assert.include(error.message, "canceling statement due to statement timeout")
        assert.deepStrictEqual(yield* pid, before)
        // Migrations take the time they need.
        yield* sql.withTransaction(
          Effect.andThen(sql`SET LOCAL statement_timeout = 0`, Effect.asVoid(sql`SELECT pg_sleep(0.4)`))
        )
      }).pipe(Effect.provide(layer, { local: true }))
    })
  )

  it.effect("is held to as many connections as are allowed, and whoever comes on top waits for one", () =>
    Effect.gen(function* () {
      const server = yield* TestPostgres
      const url = yield* server.database
      const ask = SqlClient.SqlClient.use(
        (sql) => sql<{ pid: number }>`SELECT pg_backend_pid() AS pid FROM pg_advisory_xact_lock_shared(1)`
      )
      const pids = yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const holder = yield* sql.reserve
        yield* holder.executeRaw("SELECT pg_advisory_lock(1)", [])
        const asking = yield* Effect.all(
          Array.from({ length: 12 }, () => ask),
          { concurrency: "unbounded" }
        ).pipe(Effect.provide(Database.layerUrl(url, { maxConnections: 3 }), { local: true }), Effect.forkChild)
        const sessions = sql<{ all: number; waiting: number }>`
          SELECT count(*)::int AS all, (count(*) FILTER (WHERE wait_event = 'advisory'))::int AS waiting
          FROM pg_stat_activity WHERE datname = current_database()`
        const [seen] = yield* sessions.pipe(Effect.repeat({ until: ([row]) => row?.waiting === 3 }))
        // The holder and whoever looks have one each.
        assert.strictEqual(seen?.all, 5)
        yield* holder.executeRaw("SELECT pg_advisory_unlock(1)", [])
        return (yield* Fiber.join(asking)).map(([row]) => row?.pid)
      }).pipe(Effect.scoped, Effect.provide(Database.layerUrl(url), { local: true }))
      assert.lengthOf(pids, 12)
      assert.strictEqual(new Set(pids).size, 3)
    })
  )

  it.effect("has no connection left for us, which passes", () =>
    Effect.gen(function* () {
      const server = yield* TestPostgres
      const url = new URL(Redacted.value(yield* server.database))
      const sql = yield* SqlClient.SqlClient
      yield* sql.unsafe(`CREATE ROLE nobody LOGIN PASSWORD '${password}' CONNECTION LIMIT 0`)
      url.username = "nobody"
      const error = yield* Effect.flip(
        Effect.provide(Database.check, Database.layerUrl(Redacted.make(url.href)), { local: true })
      )
      assert.deepInclude(error, { reason: "Unreachable", code: "53300" })
    }).pipe(inDatabase)
  )

  it.effect("is asked in vain: the error says why and never the password", () =>
    Effect.gen(function* () {
      const { port } = yield* TestPostgres
      const secret = `${password}-wrong`
      const cases: ReadonlyArray<readonly [url: string, reason: DatabaseError["reason"], says: string]> = [
        [`postgres://holdfast:${secret}@127.0.0.1:${port}/postgres`, "Refused", "password authentication failed"],
        [`postgres://holdfast:${password}@127.0.0.1:${port}/nobody`, "Refused", `database "nobody" does not exist`],
        [`postgres://holdfast:${password}@127.0.0.1:1/postgres`, "Unreachable", "ECONNREFUSED"],
        [`postgres://holdfast:${password}@nowhere.invalid/postgres`, "Unreachable", "nowhere.invalid"],
        [`postgres://holdfast:${password}@127.0.0.1:notaport/postgres`, "Invalid", "cannot be read"],
        [`holdfast:${password}@127.0.0.1`, "Invalid", "cannot be read"],
        [`mysql://holdfast:${password}@127.0.0.1/postgres`, "Invalid", "cannot be read"],
        [`postgres://holdfast:${password}%ZZ@127.0.0.1/postgres`, "Invalid", "cannot be read"],
        [`postgres://holdfast:${password}@127.0.0.1/postgres?sslmode=maybe`, "Invalid", "sslmode is one of"]
      ]
      for (const [url, reason, says] of cases) {
        const cause = yield* Effect.provide(Database.check, Database.layerUrl(Redacted.make(url))).pipe(
          Effect.sandbox,
          Effect.flip
        )
        const error = Cause.squash(cause)
        assert.deepInclude(error, { _tag: "DatabaseError", reason })
        const told = [
          String(error),
          Cause.pretty(cause),
          JSON.stringify(error),
          inspect(error, { depth: null, showHidden: true })
        ]
        assert.include(told[0], says)
        for (const text of told) assert.notInclude(text, password)
      }
    })
  )
})
