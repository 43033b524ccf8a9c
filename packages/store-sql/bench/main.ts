/**
 * What writing costs: events a second into PostgreSQL and into PGlite, against one statement per event in the same run; the
 * time an event takes of whoever publishes it; the journal alone; and forms of a statement of many rows. Into docs/store.md.
 *
 *   DATABASE_URL=postgres://postgres@127.0.0.1/postgres npx -y pnpm@12 bench:store
 */
import { NodeServices } from "@effect/platform-node"
import { EventBus } from "@holdfast/core"
import { Console, Effect, Exit, FileSystem, Layer, Redacted, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { cpus } from "node:os"
import * as Database from "../src/Database.ts"
import * as EventWriter from "../src/EventWriter.ts"
import * as Partitions from "../src/internal/Partitions.ts"
import * as Record from "../src/internal/Record.ts"
import * as Rows from "../src/internal/rows.ts"
import * as Table from "../src/internal/Table.ts"
import * as Tables from "../src/internal/tables.ts"
import * as Journal from "../src/Journal.ts"
import * as Migrations from "../src/Migrations.ts"
import * as Fixtures from "../test/fixtures.ts"
import { own } from "./own.ts"
import { report, table } from "./report.ts"

const operations = Number(process.argv[2] ?? 20_000)
const single = Math.ceil(operations / 20)
const rounds = 9

const attempt = (operation: string) =>
  Fixtures.attempt({
    operation,
    result: "Success",
    tenant: "team-7",
    waitedMillis: 0,
    inputTokens: 1_200,
    outputTokens: 240,
    usd: 0.000_5
  })
const ended = (operation: string) =>
  Fixtures.operation({ operation, tenant: "team-7", inputTokens: 1_200, outputTokens: 240, usd: 0.000_5 })

/** An operation of one attempt, as most are: two events. */
const publish = (bus: EventBus.EventBus["Service"], now: number, operation: string): void => {
  bus.publishUnsafe(now, attempt(operation))
  bus.publishUnsafe(now, ended(operation))
}

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
const quantile = (values: Float64Array, q: number): number => values.toSorted()[Math.floor(values.length * q)] ?? 0
const perSecond = (count: number, millis: number): string => Math.round((count * 1000) / millis).toLocaleString("en")
const seconds = Effect.fnUntraced(function* (self: Effect.Effect<unknown, unknown, SqlClient.SqlClient>) {
  const from = performance.now()
  yield* Effect.orDie(self)
  return performance.now() - from
})

const temporary = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  fs.makeTempDirectoryScoped({ prefix: "holdfast-bench-" })
)
const now = Date.now()

/** Through bus, journal and writer, until the database has all of it. */
const batched = Effect.fnUntraced(function* (round: number) {
  const bus = yield* EventBus.make
  const scope = yield* Scope.make()
  const writer = yield* Effect.gen(function* () {
    const journal = yield* Journal.open({ directory: `${yield* temporary}/journal` })
    return yield* EventWriter.make({ journal })
  }).pipe(Effect.provideService(EventBus.EventBus, bus), Scope.provide(scope))
  yield* writer.flush
  const millis = yield* seconds(
    Effect.gen(function* () {
      for (let n = 0; n < operations; n += 1) {
        publish(bus, now + n, `batched-${round}-${n}`)
        // As often as a busy gateway would, others get to run.
        if (n % 50 === 0) yield* Effect.yieldNow
      }
      yield* writer.flush
    })
  )
  yield* Scope.close(scope, Exit.void)
  return millis
})

/** A row as its table's columns, each value in a parameter of its own: what one writes who thinks of nothing further. */
const byParameters = Effect.fnUntraced(function* (table: "attempts" | "operations") {
  const sql = yield* SqlClient.SqlClient
  const columns = yield* sql<{ name: string; type: string }>`
    SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
    WHERE attrelid = ${table}::regclass AND attnum > 0 ORDER BY attnum`
  const names = columns.map(({ name }) => name)
  const valueOf = (row: object, { name, type }: (typeof columns)[number]): unknown => {
    const value: unknown = Reflect.get(row, name)
    if (value === undefined) return type === "boolean" ? false : name === "waited_ms" ? 0 : null
    return type.startsWith("timestamp") ? new Date(Number(value)) : value
  }
  return (rows: ReadonlyArray<object>) =>
    sql.unsafe(
      `INSERT INTO ${table} (${names.join(", ")}) VALUES ${rows
        .map((_, r) => `(${columns.map(({ type }, c) => `$${r * columns.length + c + 1}::${type}`).join(", ")})`)
        .join(", ")}`,
      rows.flatMap((row) => columns.map((column) => valueOf(row, column)))
    )
})

/** One statement per event, one after the other. */
const naive = Effect.fnUntraced(function* (round: number) {
  const insert = { attempts: yield* byParameters("attempts"), operations: yield* byParameters("operations") }
  return yield* seconds(
    Effect.gen(function* () {
      for (let n = 0; n < single; n += 1) {
        const id = `naive-${round}-${n}`
        for (const draft of [attempt(id), ended(id)]) {
          for (const { row, table } of Rows.ofEvent({ ...draft, id, at: now + n })) {
            if (table === "attempts" || table === "operations") yield* insert[table]([row])
          }
        }
      }
    })
  )
})

const into = Effect.fnUntraced(function* (name: string) {
  yield* Migrations.run
  yield* Partitions.ahead(now)
  const batches: Array<number> = []
  const singles: Array<number> = []
  for (let round = 0; round < rounds; round += 1) {
    batches.push(yield* batched(round))
    singles.push(yield* naive(round))
  }
  const ratios = batches.map((millis, round) => operations / millis / (single / (singles[round] ?? 1)))
  return [
    name,
    perSecond(2 * operations, median(batches)),
    perSecond(2 * single, median(singles)),
    `${median(ratios).toFixed(1)} ×`
  ]
})

/** The same 500 attempts in statements of several forms. */
const forms = Effect.gen(function* () {
  const values = yield* byParameters("attempts")
  const rowsOf = (form: string, round: number) =>
    Array.from({ length: 500 }, (_, n) => {
      const [entry] = Rows.ofEvent({ ...attempt(`${form}-${round}-${n}`), id: "", at: now + n })
      if (entry === undefined) throw new Error("an attempt has a row")
      return entry
    })
  const jsonOf = (rows: ReturnType<typeof rowsOf>) => rows.map((entry) => Record.of(entry).json)
  const asJsonb = {
    statement: Tables.attempts.statement.replace("json_to_recordset($1::json)", "jsonb_to_recordset($1::jsonb)")
  }
  const statements = {
    "one JSON parameter (ours)": (rows: ReturnType<typeof rowsOf>) => Table.insert(Tables.attempts, jsonOf(rows)),
    "the same, of rows that may be there (ours)": (rows: ReturnType<typeof rowsOf>) =>
      Table.insertMissing(Tables.attempts, jsonOf(rows)),
    "one JSONB parameter": (rows: ReturnType<typeof rowsOf>) => Table.insert(asJsonb, jsonOf(rows)),
    "a parameter per value": (rows: ReturnType<typeof rowsOf>) => values(rows.map(({ row }) => row))
  }
  const took = new Map<string, Array<number>>()
  for (let round = 0; round < 30; round += 1) {
    for (const [form, statement] of Object.entries(statements)) {
      const rows = rowsOf(form, round)
      const millis = yield* seconds(statement(rows))
      took.set(form, [...(took.get(form) ?? []), millis])
    }
  }
  return [...took].map(([form, all]) => [form, median(all).toFixed(1)])
})

/** What an operation's two events take of whoever publishes them, in microseconds each. */
const onPath = Effect.fnUntraced(function* (kind: "journal" | "memory") {
  const bus = yield* EventBus.make
  const journal = kind === "journal" ? yield* Journal.open({ directory: `${yield* temporary}/journal` }) : undefined
  yield* EventWriter.make({ journal, capacity: 1_000_000 }).pipe(Effect.provideService(EventBus.EventBus, bus))
  const took = new Float64Array(operations)
  for (let n = 0; n < operations; n += 1) {
    const from = performance.now()
    publish(bus, now + n, `path-${n}`)
    took[n] = ((performance.now() - from) * 1000) / 2
    if (n % 100 === 0) yield* Effect.sleep(1)
  }
  const mean = took.reduce((sum, one) => sum + one, 0) / took.length
  return [
    kind === "journal" ? "journal on disk" : "memory",
    mean.toFixed(1),
    quantile(took, 0.5).toFixed(1),
    quantile(took, 0.99).toFixed(1)
  ]
})

const appending = Effect.gen(function* () {
  const { backlog, status } = yield* Journal.open({ directory: `${yield* temporary}/journal`, maxBytes: 2 ** 30 })
  const records = Rows.ofEvent({ ...ended("append-0"), id: "", at: now }).map(Record.of)
  const from = performance.now()
  for (let n = 0; n < operations * 5; n += 1) {
    backlog.add(records)
    backlog.keep()
  }
  const millis = performance.now() - from
  return { rate: perSecond(operations * 5, millis), bytes: Math.round(status().bytes / (operations * 5)) }
})

const main = Effect.gen(function* () {
  const url = yield* own("holdfast_bench_writing")
  const server = Database.layerUrl(Redacted.make(url))
  const embedded = Database.layerEmbedded({ directory: `${yield* temporary}/postgres` })
  const postgres = yield* Effect.provide(Effect.scoped(into("PostgreSQL")), server, { local: true })
  const shapes = yield* Effect.provide(forms, server, { local: true })
  const pglite = yield* Effect.provide(Effect.scoped(into("PGlite, in a directory")), embedded, { local: true })
  const path = yield* Effect.provide(
    Effect.all([Effect.scoped(onPath("journal")), Effect.scoped(onPath("memory"))]),
    Layer.mergeAll(server),
    { local: true }
  )
  const append = yield* Effect.scoped(appending)
  const text = [
    `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? "?"}, with the database on the same machine; ` +
      `${(2 * operations).toLocaleString("en")} events a round, the median of ${rounds} rounds.`,
    "",
    ...table(
      ["events a second into", "through bus, journal and writer", "one statement per event", "ratio, round by round"],
      [postgres, pglite]
    ),
    "",
    ...table(["time of whoever publishes, µs an event", "mean", "median", "99th percentile"], path),
    "",
    `The journal alone takes ${append.rate} rows a second, each written by itself, at ${append.bytes} bytes a row.`,
    "",
    ...table(["500 attempts in one statement, as", "ms"], shapes)
  ].join("\n")
  yield* Console.log(text)
  yield* report("writing", text)
})

await Effect.runPromise(Effect.scoped(main).pipe(Effect.provide(NodeServices.layer)))
