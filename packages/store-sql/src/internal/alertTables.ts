/** Step 4: what each instance knows about its alerts, as it wrote it last. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"

export const alertTables = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`CREATE TABLE alert_states (
    instance text PRIMARY KEY,
    document text NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now()
  )`
})
