/** A database of its own on the server that DATABASE_URL names, which goes away again. */
import { Config, Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import * as Database from "../src/Database.ts"

/** Its URL. The database is dropped when the scope closes. */
export const own = Effect.fnUntraced(function* (name: string) {
  const server = yield* Config.Redacted("DATABASE_URL")
  const on = (statement: string) =>
    Effect.provide(
      SqlClient.SqlClient.use((sql) => sql.unsafe(statement)),
      Database.layerUrl(server, { statementTimeout: "10 minutes" }),
      { local: true }
    )
  const drop = on(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  yield* Effect.acquireRelease(Effect.andThen(drop, on(`CREATE DATABASE ${name}`)), () => Effect.orDie(drop))
  const url = new URL(Redacted.value(server))
  url.pathname = `/${name}`
  return url.href
})
