/** Writes rows of several tables: one statement per table, in order. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import { fromSqlError, sqlStateOf } from "../DatabaseError.ts"
import * as Table from "./Table.ts"
import * as Tables from "./tables.ts"

/**
 * Ends when every row is in its table, but for those that the database will never take: it answers how many, and logs
 * each. Fails when the database is away; then any of the rows may be in already, and writing them again adds nothing.
 */
export const insertAll = Effect.fnUntraced(function* (
  entries: ReadonlyArray<Tables.Entry>
): Effect.fn.Return<number, SqlError.SqlError, SqlClient.SqlClient> {
  const errors = entries.flatMap((entry) => (entry.table === "errors" ? [entry.row] : []))
  const circuits = entries.flatMap((entry) => (entry.table === "circuits" ? [entry.row] : []))
  const health = entries.flatMap((entry) => (entry.table === "health" ? [entry.row] : []))
  const rejected = [
    yield* insert(Tables.errors, errors),
    yield* insert(Tables.circuits, circuits),
    yield* insert(Tables.health, health)
  ]
  return rejected.reduce((sum, count) => sum + count, 0)
})

/** One bad row fails its whole statement: halving finds it in about 2·log₂(n) statements and saves the others. */
const insert = <Row extends Table.Identified>(
  table: Table.Table<Row>,
  rows: ReadonlyArray<Row>
): Effect.Effect<number, SqlError.SqlError, SqlClient.SqlClient> => {
  const [first, ...more] = rows
  if (first === undefined) return Effect.succeed(0)
  return Effect.catchIf(Effect.as(Table.insert(table, rows), 0), isAboutTheRows, (error) => {
    if (more.length === 0) return Effect.as(logRejected(table.name, first.event_id, error), 1)
    const half = Math.ceil(rows.length / 2)
    return Effect.zipWith(insert(table, rows.slice(0, half)), insert(table, rows.slice(half)), (a, b) => a + b)
  })
}

const logRejected = (table: string, eventId: string, error: SqlError.SqlError): Effect.Effect<void> =>
  Effect.logError("The database does not take this row, so it is lost", {
    table,
    eventId,
    reason: fromSqlError(error).message
  })

/**
 * Whether the rows are at fault and waiting is of no use: bad data (class 22), a broken constraint (23), more than a
 * limit allows (54). PostgreSQL manual, appendix A.
 */
const isAboutTheRows = (error: SqlError.SqlError): boolean => /^(22|23|54)/.test(sqlStateOf(error) ?? "")
