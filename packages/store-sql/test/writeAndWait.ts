/** Writes one row into the directory it is given, says so and waits with the database open. */
import { NodeServices } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import * as Database from "../src/Database.ts"
import * as Partitions from "../src/internal/Partitions.ts"
import * as Migrations from "../src/Migrations.ts"

const main = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Migrations.run
  yield* Partitions.create([Partitions.weekOf(0)])
  yield* sql`INSERT INTO ai_service_errors ${sql.insert({
    event_id: "e-1",
    service_name: "openai",
    model: "gpt-mini",
    lane: "openai/gpt-mini",
    operation_id: "op-1",
    attempt: 1,
    error_type: "Network",
    severity: "warning",
    occurred_at: new Date(0)
  })}`
  process.stdout.write("written\n")
  return yield* Effect.never
})

await Effect.runPromise(
  main.pipe(
    Effect.provide(Database.layerEmbedded({ directory: process.argv[2] }).pipe(Layer.provide(NodeServices.layer)))
  )
)
