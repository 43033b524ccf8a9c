/**
 * A table one can only add to, many rows at a time, in a partition per week. The rows travel as one JSON parameter, so the
 * statement has the same text for any number of rows; a row that is there already is left as it is.
 */
import type * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"

/** How a column is sent. `instant` is milliseconds since the epoch here and `timestamptz` there. */
export type ColumnType = "text" | "integer" | "double precision" | "boolean" | "jsonb" | "instant"

export interface Table<Row> {
  readonly name: string
  /** The column that says when it happened: it decides the partition. */
  readonly at: keyof Row & string
  readonly statement: string
}

export const make = <Row>(
  name: string,
  at: keyof Row & string,
  columns: { readonly [Column in keyof Row & string]: ColumnType }
): Table<Row> => {
  const entries = Object.entries<ColumnType>(columns)
  const targets = entries.map(([column]) => column)
  const values = entries.map(([column, type]) => (type === "instant" ? `to_timestamp(${column} / 1000)` : column))
  const sent = entries.map(([column, type]) => `${column} ${type === "instant" ? "double precision" : type}`)
  return {
    name,
    at,
    statement: [
      `INSERT INTO ${name} (${targets.join(", ")})`,
      `SELECT ${values.join(", ")}`,
      `FROM json_to_recordset($1::json) AS sent (${sent.join(", ")})`,
      "ON CONFLICT DO NOTHING"
    ].join("\n")
  }
}

/** Adds the rows that are not there yet, in order, in one statement. Each is JSON already. */
export const insert = (
  { statement }: { readonly statement: string },
  rows: ReadonlyArray<string>
): Effect.Effect<unknown, SqlError.SqlError, SqlClient.SqlClient> =>
  SqlClient.SqlClient.use((sql) => sql.unsafe(statement, [`[${rows.join(",")}]`]))
