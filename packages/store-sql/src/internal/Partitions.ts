/**
 * A partition per week and table, from Monday to Monday, UTC: made before it is needed, dropped as a whole when all of it
 * is too old. Weeks rather than days: ninety days are fourteen partitions of a table, which a query without a bound in time
 * can still look through one by one.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as Tables from "./tables.ts"

const dayMillis = Duration.toMillis(Duration.days(1))
const weekMillis = 7 * dayMillis
/** The epoch was a Thursday, so the first Monday was four days later. */
const firstMonday = 4 * dayMillis

/** Counted from the one that began on 5 January 1970. */
export type Week = number

export const weekOf = (at: number): Week => Math.floor((at - firstMonday) / weekMillis)

/** Its first instant. */
export const startOf = (week: Week): number => week * weekMillis + firstMonday

const dayOf = (at: number): string => DateTime.formatIsoDateUtc(DateTime.makeUnsafe(at))

const nameOf = (table: string, week: Week): string => `${table}_${dayOf(startOf(week)).replaceAll("-", "")}`

/** The tables that are kept by week. */
export const tables: ReadonlyArray<string> = Object.values(Tables.all).map(({ name }) => name)

/** Number of our own locks, beside that of the migrations. */
const lockKeys = [0x68_6f_6c_64, 2] as const

/** Whoever makes or drops a partition waits for this long for those who use its table, and keeps others waiting so long. */
const patience = "SET LOCAL lock_timeout = '5s'"

/** Makes what is missing of these weeks. Any number of instances may do so at once. */
export const create = (
  weeks: Iterable<Week>,
  of: ReadonlyArray<string> = tables
): Effect.Effect<void, SqlError.SqlError, SqlClient.SqlClient> =>
  alone((sql) =>
    Effect.forEach(
      weeks,
      (week) =>
        Effect.forEach(of, (table) =>
          // Names and dates are of our own making.
          sql.unsafe(
            `CREATE TABLE IF NOT EXISTS ${nameOf(table, week)} PARTITION OF ${table} ` +
              `FOR VALUES FROM ('${dayOf(startOf(week))}T00:00:00Z') TO ('${dayOf(startOf(week + 1))}T00:00:00Z')`
          )
        ),
      { discard: true }
    )
  )

/** How many weeks beyond the present one have their partitions made. */
const weeksAhead = 2

/** Makes this week's partitions and those of the next ones, and answers which weeks these are. */
export const ahead = (now: number): Effect.Effect<ReadonlyArray<Week>, SqlError.SqlError, SqlClient.SqlClient> => {
  const weeks = Array.from({ length: weeksAhead + 1 }, (_, index) => weekOf(now) + index)
  return Effect.as(create(weeks), weeks)
}

/** Drops the partitions in which everything is older than that, and answers their names. */
export const drop = (before: number): Effect.Effect<ReadonlyArray<string>, SqlError.SqlError, SqlClient.SqlClient> =>
  alone(
    Effect.fnUntraced(function* (sql) {
      const parts = yield* sql<{ parent: string; name: string }>`
        SELECT parent.relname AS parent, part.relname AS name FROM pg_inherits
        JOIN pg_class part ON part.oid = inhrelid
        JOIN pg_class parent ON parent.oid = inhparent
        WHERE inhparent IN (SELECT to_regclass(name) FROM unnest(${tables}::text[]) AS ours (name))
        ORDER BY part.relname`
      const old = parts.filter(({ name, parent }) => isOver(parent, name, before)).map(({ name }) => name)
      for (const name of old) yield* sql`DROP TABLE ${sql(name)}`
      return old
    })
  )

/** Whether a partition of ours has ended by then. The day in a name is a Monday, so names sort by time. */
const isOver = (parent: string, name: string, before: number): boolean =>
  name.length === parent.length + 9 && name < nameOf(parent, weekOf(before))

/** In a transaction of its own, while no other instance does the like. */
const alone = <A>(
  run: (sql: SqlClient.SqlClient) => Effect.Effect<A, SqlError.SqlError>
): Effect.Effect<A, SqlError.SqlError, SqlClient.SqlClient> =>
  SqlClient.SqlClient.use((sql) =>
    sql.withTransaction(
      sql`SELECT pg_advisory_xact_lock(${lockKeys[0]}, ${lockKeys[1]})`.pipe(
        Effect.andThen(sql.unsafe(patience)),
        Effect.andThen(run(sql))
      )
    )
  )
