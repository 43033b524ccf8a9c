/**
 * What operators decide, over restarts: the holds that are in force, and a record of what was done, by whom and why. Each
 * has an id of its own, so that writing it again adds nothing. Nothing is kept here; instants are milliseconds since the epoch.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import { type DatabaseError, fromSqlError } from "./DatabaseError.ts"
import * as Migrations from "./Migrations.ts"

export interface Hold {
  readonly id: string
  /** The only instance it is for; `null` where it is for all that share the database. */
  readonly instance: string | null
  readonly circuit: string
  readonly mode: "force-open" | "force-closed" | "observe"
  readonly drain: boolean
  readonly reason: string
  readonly by: string
  readonly since: number
  /** The first instant at which it is no longer in force by itself. */
  readonly until: number | null
}

export interface Action {
  readonly id: string
  readonly at: number
  /** Where it was done. */
  readonly instance: string
  readonly by: string
  readonly action: string
  readonly target: string
  readonly reason: string
}

export interface Changes {
  readonly put: ReadonlyArray<Hold>
  /** With the instant of their release. One that was never written is written as released. */
  readonly released: ReadonlyArray<Hold & { readonly releasedAt: number }>
  readonly actions: ReadonlyArray<Action>
}

export interface OperatorRecords {
  /** Brings the tables up to date. */
  readonly prepare: Effect.Effect<void, DatabaseError>
  /** Writes all of it or nothing. A hold that was released stays so, whoever writes it again. */
  readonly write: (changes: Changes) => Effect.Effect<void, DatabaseError>
  /** The holds that are for this instance or for all, and in force at that instant. */
  readonly inForce: (now: number) => Effect.Effect<ReadonlyArray<Hold>, DatabaseError>
}

/** The records as an instance of that name sees them. */
export const make = (instance: string): Effect.Effect<OperatorRecords, never, SqlClient.SqlClient> =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    const instant = (at: number | null) => sql`to_timestamp(${at}::float8 / 1000)`

    const hold = (one: Hold, releasedAt: number | null) => sql`
      INSERT INTO holds (hold_id, instance, circuit, mode, drain, reason, held_by, since, until, released_at)
      VALUES (${one.id}, ${one.instance}, ${one.circuit}, ${one.mode}, ${one.drain}, ${one.reason}, ${one.by},
        ${instant(one.since)}, ${instant(one.until)}, ${instant(releasedAt)})
      ON CONFLICT (hold_id) DO UPDATE SET released_at = excluded.released_at
        WHERE holds.released_at IS NULL AND excluded.released_at IS NOT NULL`

    const action = (one: Action) => sql`
      INSERT INTO operator_actions (action_id, done_at, instance, done_by, action, target, reason)
      VALUES (${one.id}, ${instant(one.at)}, ${one.instance}, ${one.by}, ${one.action}, ${one.target}, ${one.reason})
      ON CONFLICT (action_id) DO NOTHING`

    return {
      prepare: Effect.asVoid(Effect.provideService(Migrations.run, SqlClient.SqlClient, sql)),
      write: ({ actions, put, released }) =>
        orError(
          sql.withTransaction(
            Effect.forEach(
              [
                ...put.map((one) => hold(one, null)),
                ...released.map((one) => hold(one, one.releasedAt)),
                ...actions.map(action)
              ],
              (statement) => statement,
              { discard: true }
            )
          )
        ),
      inForce: (now) =>
        orError(sql<Hold>`
          SELECT hold_id AS id, instance, circuit, mode, drain, reason, held_by AS by,
            ${sql.literal(millis("since"))} AS since, ${sql.literal(millis("until"))} AS until
          FROM holds
          WHERE released_at IS NULL AND (until IS NULL OR until > ${instant(now)})
            AND (instance IS NULL OR instance = ${instance})
          ORDER BY holds.since, hold_id`)
    }
  })

/** What was done last, on whichever instance, latest first; from one instant on and before another, where that is given. */
export const actions = (
  limit: number,
  span?: { readonly since: number; readonly until: number }
): Effect.Effect<ReadonlyArray<Action>, DatabaseError, SqlClient.SqlClient> =>
  SqlClient.SqlClient.use((sql) => {
    const isWithin =
      span === undefined
        ? sql.literal("true")
        : sql`done_at >= to_timestamp(${span.since}::float8 / 1000)
            AND done_at < to_timestamp(${span.until}::float8 / 1000)`
    return orError(sql<Action>`
      SELECT action_id AS id, ${sql.literal(millis("done_at"))} AS at, instance, done_by AS by, action, target, reason
      FROM operator_actions WHERE ${isWithin} ORDER BY done_at DESC, action_id DESC LIMIT ${limit}`)
  })

const millis = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`

const orError = <A>(self: Effect.Effect<A, SqlError.SqlError>): Effect.Effect<A, DatabaseError> =>
  Effect.mapError(self, fromSqlError)
