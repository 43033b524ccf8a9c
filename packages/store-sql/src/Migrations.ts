/**
 * The tables, built up by numbered steps that only go forward. Each step runs once per database, all pending ones in one
 * transaction; `holdfast_migrations` remembers which. Any number of instances may start at once: they queue up.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import { DatabaseError, fromSqlError } from "./DatabaseError.ts"
import { alertTables } from "./internal/alertTables.ts"
import { ledgerTables } from "./internal/ledgerTables.ts"
import { missionTables } from "./internal/missionTables.ts"
import { operatorTables } from "./internal/operatorTables.ts"
import { sharingTables } from "./internal/sharingTables.ts"

/** A step that has been taken: its number and its name. */
export type Applied = readonly [id: number, name: string]

/** Any number that nobody else locks: the letters of "hold", and our own count of what we lock. */
const lockKeys = [0x68_6f_6c_64, 1] as const

const steps = {
  "0001_mission_tables": missionTables,
  "0002_sharing_tables": sharingTables,
  "0003_ledger_tables": ledgerTables,
  "0004_alert_tables": alertTables,
  "0005_operator_tables": operatorTables
}
const table = "holdfast_migrations"

const migrate = Migrator.make({})({ loader: Migrator.fromRecord(steps), table })

/**
 * Takes the steps that are missing and says which. The lock is the transaction's, so a process that dies in between
 * leaves nothing behind, neither a lock nor half a table.
 */
export const run: Effect.Effect<ReadonlyArray<Applied>, DatabaseError, SqlClient.SqlClient> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return yield* sql.withTransaction(
    sql`SET LOCAL statement_timeout = 0`.pipe(
      Effect.andThen(sql`SELECT pg_advisory_xact_lock(${lockKeys[0]}, ${lockKeys[1]})`),
      Effect.andThen(migrate)
    )
  )
}).pipe(
  Effect.catchTags({
    SqlError: (error) => Effect.fail(fromSqlError(error)),
    MigrationError: (error) =>
      Effect.fail(
        new DatabaseError({
          reason: "Refused",
          message: error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message,
          cause: error
        })
      )
  })
)

/** The steps that `run` would take. Changes nothing. */
export const pending: Effect.Effect<ReadonlyArray<Applied>, DatabaseError, SqlClient.SqlClient> = Effect.gen(
  function* () {
    const sql = yield* SqlClient.SqlClient
    const [found] = yield* sql<{ is_there: boolean }>`SELECT to_regclass(${table}) IS NOT NULL AS is_there`
    const taken =
      found?.is_there === true ? yield* sql<{ id: number }>`SELECT migration_id AS id FROM ${sql(table)}` : []
    const last = Math.max(0, ...taken.map(({ id }) => id))
    return Object.keys(steps)
      .map((step): Applied => [Number(step.slice(0, 4)), step.slice(5)])
      .filter(([id]) => id > last)
  }
).pipe(Effect.mapError(fromSqlError))

/** Brings the database up to date before whatever is built on top of it. Fails if the database is away. */
export const layer: Layer.Layer<never, DatabaseError, SqlClient.SqlClient> = Layer.effectDiscard(run)
