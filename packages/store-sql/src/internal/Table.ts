/**
 * A table one can only add to, many rows at a time. The rows travel as one JSON parameter, so the statement has the same
 * text for any number of rows; a row that is there already is left as it is.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"

/** How a column is sent. `instant` is milliseconds since the epoch here and `timestamptz` there. */
export type ColumnType = "text" | "integer" | "double precision" | "jsonb" | "instant"

/** What every row has: the id that makes writing it twice the same as writing it once. */
export interface Identified {
  readonly event_id: string
}

export interface Table<Row extends Identified> {
  readonly name: string
  readonly statement: string
  /** Phantom: the rows this table takes. */
  readonly _Row?: (row: Row) => void
}

export const make = <Row extends Identified>(
  name: string,
  columns: { readonly [Column in keyof Row & string]: ColumnType }
): Table<Row> => {
  const entries = Object.entries<ColumnType>(columns)
  const targets = entries.map(([column]) => column)
  const values = entries.map(([column, type]) => (type === "instant" ? `to_timestamp(${column} / 1000)` : column))
  const sent = entries.map(([column, type]) => `${column} ${type === "instant" ? "double precision" : type}`)
  return {
    name,
    statement: [
      `INSERT INTO ${name} (${targets.join(", ")})`,
      `SELECT ${values.join(", ")}`,
      `FROM json_to_recordset($1::json) AS sent (${sent.join(", ")})`,
      "ON CONFLICT DO NOTHING"
    ].join("\n")
  }
}

/** Adds the rows that are not there yet, in order, in one statement. */
export const insert = <Row extends Identified>(
  table: Table<Row>,
  rows: ReadonlyArray<Row>
): Effect.Effect<void, SqlError.SqlError, SqlClient.SqlClient> =>
  SqlClient.SqlClient.use((sql) => Effect.asVoid(sql.unsafe(table.statement, [JSON.stringify(rows)])))
