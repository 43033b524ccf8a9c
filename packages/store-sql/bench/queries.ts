/**
 * Loads millions of attempts into a database of its own on the server that DATABASE_URL names, and says how long each of a
 * dashboard's questions takes, which indexes answer it, and how many bytes a row takes.
 *
 *   DATABASE_URL=postgres://postgres@127.0.0.1/postgres node packages/store-sql/bench/queries.ts [rows]
 */
import { Clock, Console, Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import * as Database from "../src/Database.ts"
import * as Partitions from "../src/internal/Partitions.ts"
import * as Migrations from "../src/Migrations.ts"
import * as history from "./history.ts"
import { own } from "./own.ts"
import { plans } from "./plans.ts"
import { report, table } from "./report.ts"

const rows = Number(process.argv[2] ?? 5_000_000)

const measure = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // The last evening of a week, so that its partition is as full as one gets.
  const now = Partitions.startOf(Partitions.weekOf(yield* Clock.currentTimeMillis)) - 7_200_000
  yield* Migrations.run
  yield* history.make(rows, now)
  yield* sql`VACUUM ANALYZE`
  yield* plans(now)
  const warm = yield* plans(now)
  const sizes = yield* sql<{ name: string; rows: number; table: number; indexes: number }>`
    SELECT parent.relname AS name, sum(part.reltuples)::float8 AS rows, sum(pg_table_size(part.oid))::float8 AS table,
      sum(pg_indexes_size(part.oid))::float8 AS indexes
    FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
    WHERE parent.relname IN ('operations', 'attempts', 'ai_service_errors') AND part.relkind = 'r'
    GROUP BY 1 ORDER BY 2 DESC`
  const [version] = yield* sql<{ version: string }>`SELECT split_part(version(), ' ', 2) AS version`
  return { warm, sizes, version: version?.version ?? "" }
})

const main = Effect.gen(function* () {
  const { sizes, version, warm } = yield* Effect.flatMap(own("holdfast_bench_queries"), (url) =>
    Effect.provide(measure, Database.layerUrl(Redacted.make(url), { statementTimeout: "1 hour" }))
  )
  const text = [
    `PostgreSQL ${version}, ${rows.toLocaleString("en")} attempts over ninety days, each question asked twice, the second time counted.`,
    "",
    ...table(
      ["question", "ms", "answered from", "read as a whole"],
      warm.map(({ indexes, millis, name, scanned }) => [
        name,
        millis.toFixed(1),
        indexes.map((index) => `\`${index}\``).join(" "),
        scanned.join(" ") || "nothing"
      ])
    ),
    "",
    ...table(
      ["table", "rows", "bytes a row", "and in indexes"],
      sizes.map(({ indexes, name, rows, table }) => [
        name,
        Math.round(rows).toLocaleString("en"),
        String(Math.round(table / rows)),
        String(Math.round(indexes / rows))
      ])
    )
  ].join("\n")
  yield* Console.log(text)
  yield* report("queries", text)
})

await Effect.runPromise(Effect.scoped(main))
