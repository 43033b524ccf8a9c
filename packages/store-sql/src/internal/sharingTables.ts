/** Step 2: what instances tell each other. Nothing in it outlives a crash of the server, and nothing needs to. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"

export const sharingTables = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`CREATE UNLOGGED TABLE sharing_notices (
    subject text PRIMARY KEY,
    notice text NOT NULL,
    expires_at timestamptz NOT NULL
  )`
  yield* sql`CREATE UNLOGGED TABLE sharing_leases (
    subject text PRIMARY KEY,
    token text NOT NULL,
    expires_at timestamptz NOT NULL
  )`
})
