/**
 * Step 5: what operators decide. Holds on circuits, those of all instances without a name of one; what was done, by whom and
 * why; and the note with which errors are resolved.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"

export const operatorTables = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`CREATE TABLE holds (
    hold_id text PRIMARY KEY,
    instance text,
    circuit text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('force-open', 'force-closed', 'observe')),
    drain boolean NOT NULL,
    reason text NOT NULL,
    held_by text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz,
    released_at timestamptz
  )`
  yield* sql`CREATE INDEX holds_in_force ON holds (since) WHERE released_at IS NULL`
  yield* sql`CREATE TABLE operator_actions (
    action_id text PRIMARY KEY,
    done_at timestamptz NOT NULL,
    instance text NOT NULL,
    done_by text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    reason text NOT NULL
  )`
  yield* sql`CREATE INDEX operator_actions_done ON operator_actions (done_at DESC)`
  yield* sql`ALTER TABLE ai_service_errors ADD COLUMN resolution_note text`
})
