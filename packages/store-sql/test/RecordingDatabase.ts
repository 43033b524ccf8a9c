/** A client whose server takes every statement while it is there, answers no rows and remembers what it was sent. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, SqlError } from "effect/sql"

interface Sent {
  readonly sql: string
  readonly params: ReadonlyArray<unknown>
}

export const make = Effect.gen(function* () {
  const sent: Array<Sent> = []
  let isAway = false
  const record = (sql: string, params: ReadonlyArray<unknown>) =>
    Effect.suspend(() => {
      if (isAway) return Effect.fail(new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause: "away" }) }))
      sent.push({ sql, params })
      return Effect.succeed([])
    })
  const client = yield* SqlClient.make({
    acquirer: Effect.succeed({
      execute: record,
      executeRaw: record,
      executeUnprepared: record,
      executeValues: record,
      executeValuesUnprepared: record,
      executeStream: () => Stream.empty
    }),
    compiler: PgClient.makeCompiler(),
    driver: "recording",
    spanAttributes: []
  })
  /** The rows sent to a table, one array per statement. */
  const rows = (table: string): ReadonlyArray<ReadonlyArray<Readonly<Record<string, unknown>>>> =>
    sent.filter(({ sql }) => sql.startsWith(`INSERT INTO ${table} `)).map(({ params }) => JSON.parse(String(params[0])))
  const turn = (to: "away" | "there") =>
    Effect.sync(() => {
      isAway = to === "away"
    })
  return { client, sent, rows, turn }
}).pipe(Effect.provide(Reactivity.layer))
