import { assert, it } from "@effect/vitest"
import { sharedStoreSuite } from "@holdfast/core/test/SharedStoreSuite"
import { Effect, Redacted } from "effect"
import * as SharingPostgres from "../src/SharingPostgres.ts"
import { password, TestPostgres } from "./TestPostgres.ts"

sharedStoreSuite(
  "a PostgreSQL database",
  TestPostgres.layer,
  Effect.gen(function* () {
    const { database, port } = yield* TestPostgres
    const url = Redacted.value(yield* database)
    return {
      host: "127.0.0.1",
      port,
      storeAt: (at) => SharingPostgres.make({ url: Redacted.make(url.replace(`:${port}/`, `:${at}/`)) })
    }
  })
)

it.live("a database that is away says so without its address or password", () =>
  Effect.gen(function* () {
    const { connect } = SharingPostgres.make({ url: Redacted.make(`postgres://holdfast:${password}@127.0.0.1:1/x`) })
    const away = yield* Effect.flip(Effect.scoped(connect))
    assert.strictEqual(away.message, "The shared store is away: Unreachable (ECONNREFUSED)")
  })
)
