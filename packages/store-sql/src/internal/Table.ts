/**
 * A table one can only add to, many rows at a time, in a partition per week. The rows travel as one JSON parameter, so the
 * statement has the same text for any number of rows.
 */
import type * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"

/**
 * How a column is sent. `instant` is milliseconds since the epoch here and `timestamptz` there. A `flag` that is false and a
 * `count` that is zero are not sent: most are, and what is not sent need not be read.
 */
export type ColumnType = "text" | "integer" | "count" | "double precision" | "boolean" | "flag" | "jsonb" | "instant"

const sentAs: { readonly [Type in ColumnType]?: string } = {
  count: "integer",
  flag: "boolean",
  instant: "double precision"
}

const valueOf: { readonly [Type in ColumnType]?: (column: string) => string } = {
  count: (column) => `coalesce(${column}, 0)`,
  flag: (column) => `coalesce(${column}, false)`,
  instant: (column) => `to_timestamp(${column} / 1000)`
}

export interface Table<Row> {
  readonly name: string
  /** The column that says when it happened: it decides the partition. */
  readonly at: keyof Row & string
  /** Adds rows, and fails if one of them is there. */
  readonly statement: string
}

export const make = <Row>(
  name: string,
  at: keyof Row & string,
  columns: { readonly [Column in keyof Row & string]: ColumnType }
): Table<Row> => {
  const entries = Object.entries<ColumnType>(columns)
  const targets = entries.map(([column]) => column)
  const values = entries.map(([column, type]) => valueOf[type]?.(column) ?? column)
  const sent = entries.map(([column, type]) => `${column} ${sentAs[type] ?? type}`)
  return {
    name,
    at,
    statement: [
      `INSERT INTO ${name} (${targets.join(", ")})`,
      `SELECT ${values.join(", ")}`,
      `FROM json_to_recordset($1::json) AS sent (${sent.join(", ")})`
    ].join("\n")
  }
}

/** Adds the rows, in order, in one statement; fails if one of them is there. Each is JSON already. */
export const insert = (
  { statement }: { readonly statement: string },
  rows: ReadonlyArray<string>
): Effect.Effect<unknown, SqlError.SqlError, SqlClient.SqlClient> =>
  SqlClient.SqlClient.use((sql) => sql.unsafe(statement, [`[${rows.join(",")}]`]))

/** Adds the rows that are not there yet, for about a fifth more of the server's time. */
export const insertMissing = (
  { statement }: { readonly statement: string },
  rows: ReadonlyArray<string>
): Effect.Effect<unknown, SqlError.SqlError, SqlClient.SqlClient> =>
  insert({ statement: `${statement}\nON CONFLICT DO NOTHING` }, rows)
