/** What an instance knows about its alerts, over restarts: one document of text per instance, replaced as a whole. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { type DatabaseError, fromSqlError } from "./DatabaseError.ts"
import * as Migrations from "./Migrations.ts"

export interface AlertStates {
  /** What was saved last; nothing if nothing was. Brings the tables up to date first. */
  readonly load: Effect.Effect<Option.Option<string>, DatabaseError>
  readonly save: (document: string) => Effect.Effect<void, DatabaseError>
}

/** Instances that share a database have names of their own: of two with one name, the last to save is remembered. */
export const make = (instance: string): Effect.Effect<AlertStates, never, SqlClient.SqlClient> =>
  Effect.map(SqlClient.SqlClient, (sql) => ({
    load: Effect.andThen(
      Effect.provideService(Migrations.run, SqlClient.SqlClient, sql),
      Effect.mapBoth(
        sql<{ readonly document: string }>`SELECT document FROM alert_states WHERE instance = ${instance}`,
        { onFailure: fromSqlError, onSuccess: ([row]) => Option.fromUndefinedOr(row?.document) }
      )
    ),
    save: (document) =>
      sql`
        INSERT INTO alert_states (instance, document) VALUES (${instance}, ${document})
        ON CONFLICT (instance) DO UPDATE SET document = excluded.document, saved_at = now()`.pipe(
        Effect.asVoid,
        Effect.mapError(fromSqlError)
      )
  }))
