/** Writes rows of several tables: one statement per table, whose rows stay in order. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import { codeOf, fromSqlError } from "../DatabaseError.ts"
import * as Partitions from "./Partitions.ts"
import type { Record } from "./Record.ts"
import * as Table from "./Table.ts"
import * as Tables from "./tables.ts"

/** The order in which tables are written: the fullest first. */
const order = ["attempts", "operations", "errors", "circuits", "health"] as const satisfies ReadonlyArray<Tables.Name>

/** Two tables at once, where the database has a second connection to give. */
const connections = 2

/**
 * Makes what writes rows. It ends when every row is in its table, but for those that the database will never take: it
 * answers how many, and logs each. Fails when the database is away; then any of the rows may be in already, and writing
 * them again adds nothing. Partitions that rows need and nobody has made are made; `known` are those that are there.
 */
export const make = (known: Set<Partitions.Week> = new Set()) => {
  const prepare = (records: ReadonlyArray<Record>) => {
    const weeks = new Set(records.map(({ at }) => Partitions.weekOf(at)))
    const missing = [...weeks].filter((week) => !known.has(week))
    if (missing.length === 0) return Effect.void
    return Effect.map(Partitions.create(missing), () => missing.forEach((week) => known.add(week)))
  }

  return Effect.fnUntraced(
    function* (records: ReadonlyArray<Record>): Effect.fn.Return<number, SqlError.SqlError, SqlClient.SqlClient> {
      yield* prepare(records)
      const rejected = yield* Effect.forEach(
        order,
        (name) =>
          insert(
            Tables.all[name],
            records.flatMap(({ json, table }) => (table === name ? [json] : []))
          ),
        { concurrency: connections }
      )
      return rejected.reduce((sum, count) => sum + count, 0)
    },
    // Another instance may have dropped it since; the next attempt makes it anew.
    Effect.tapError((error) => Effect.sync(() => (isAboutPartitions(error) ? known.clear() : undefined)))
  )
}

/**
 * Rows are new but for those that are written again, after an answer that was lost or from a journal that is read again: the
 * statement that expects no others costs the server less. One bad row fails its whole statement: halving finds it in about
 * 2·log₂(n) statements and saves the others.
 */
const insert = (
  table: { readonly name: string; readonly statement: string },
  rows: ReadonlyArray<string>
): Effect.Effect<number, SqlError.SqlError, SqlClient.SqlClient> => {
  const [first, ...more] = rows
  if (first === undefined) return Effect.succeed(0)
  const inserted = Effect.catchIf(Table.insert(table, rows), isThereAlready, () => Table.insertMissing(table, rows))
  return Effect.catchIf(Effect.as(inserted, 0), isAboutTheRows, (error) => {
    if (more.length === 0) return Effect.as(logRejected(table.name, first, error), 1)
    const half = Math.ceil(rows.length / 2)
    return Effect.zipWith(insert(table, rows.slice(0, half)), insert(table, rows.slice(half)), (a, b) => a + b)
  })
}

const logRejected = (table: string, row: string, error: SqlError.SqlError): Effect.Effect<void> =>
  Effect.logError("The database does not take this row, so it is lost", {
    table,
    row,
    reason: fromSqlError(error).message
  })

/**
 * Whether the rows are at fault and waiting is of no use: bad data (class 22), a broken constraint (23), more than a
 * limit allows (54). PostgreSQL manual, appendix A.
 */
const isAboutTheRows = (error: SqlError.SqlError): boolean =>
  /^(22|23|54)/.test(codeOf(error) ?? "") && !isAboutPartitions(error)

const isThereAlready = (error: SqlError.SqlError): boolean => codeOf(error) === "23505"

/** A row for which there is no partition is told as a broken check. */
const isAboutPartitions = (error: SqlError.SqlError): boolean =>
  codeOf(error) === "23514" && fromSqlError(error).message.includes("no partition of relation")
