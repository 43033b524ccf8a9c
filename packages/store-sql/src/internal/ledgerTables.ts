/**
 * Step 3: the ledger, one row per operation and one per attempt; and all tables by week, those of step 1 with the rows they
 * have. A row's key has its instant in it, since partitions know nothing of each other.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Partitions from "./Partitions.ts"
import { rates } from "./rates.ts"

export const ledgerTables = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const amounts = `
    waited_ms integer NOT NULL,
    first_content_ms integer,
    duration_ms integer NOT NULL,
    input_tokens integer,
    output_tokens integer,
    cached_tokens integer,
    usage_estimated boolean NOT NULL,
    cost_usd double precision`
  yield* sql.unsafe(`CREATE TABLE operations (
    operation_id text NOT NULL,
    ended_at timestamptz NOT NULL,
    started_at timestamptz NOT NULL,
    route text NOT NULL,
    kind text NOT NULL,
    tenant text,
    result text NOT NULL,
    rule text,
    lane text,
    attempts integer NOT NULL,
    ${amounts},
    degraded boolean NOT NULL,
    hedged boolean NOT NULL,
    continued boolean NOT NULL,
    truncated boolean NOT NULL,
    source text CHECK (source IN ('cache', 'stale', 'shared', 'last-resort')),
    joined_operation text,
    instead text,
    trace_id text,
    PRIMARY KEY (operation_id, ended_at)
  ) PARTITION BY RANGE (ended_at)`)
  yield* sql`CREATE INDEX operations_ended ON operations (ended_at DESC)`
  yield* sql`CREATE INDEX operations_route ON operations (route, ended_at DESC)`
  yield* sql`CREATE INDEX operations_tenant ON operations (tenant, ended_at DESC) WHERE tenant IS NOT NULL`
  yield* sql`CREATE INDEX operations_failed ON operations (result, ended_at DESC) WHERE result <> 'Success'`
  yield* sql`CREATE INDEX operations_slowest ON operations (duration_ms DESC)`

  yield* sql.unsafe(`CREATE TABLE attempts (
    operation_id text NOT NULL,
    attempt integer NOT NULL,
    ended_at timestamptz NOT NULL,
    started_at timestamptz NOT NULL,
    route text NOT NULL,
    kind text NOT NULL,
    tenant text,
    lane text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    result text NOT NULL,
    rule text,
    http_status integer,
    request_id text,
    ${amounts},
    hedge boolean NOT NULL,
    continued boolean NOT NULL,
    truncated boolean NOT NULL,
    PRIMARY KEY (operation_id, attempt, ended_at)
  ) PARTITION BY RANGE (ended_at)`)
  // Rows come nearly in order of time, so a few bytes per range of pages find a span of it.
  yield* sql`CREATE INDEX attempts_ended ON attempts USING brin (ended_at) WITH (pages_per_range = 32)`
  yield* sql`CREATE INDEX attempts_lane ON attempts (lane, ended_at DESC)`

  yield* partition("ai_service_health", "last_check", [
    "(service_name, last_check DESC)",
    "(lane, last_check DESC)",
    "(status, last_check DESC)"
  ])
  yield* sql`ALTER TABLE ai_service_errors ADD COLUMN fingerprint text NOT NULL DEFAULT ''`
  yield* partition("ai_service_errors", "occurred_at", [
    "(service_name, occurred_at DESC)",
    "(lane, occurred_at DESC)",
    "(error_type, occurred_at DESC)",
    "(operation_id)",
    "(fingerprint, occurred_at DESC)",
    "(occurred_at DESC)",
    "(occurred_at DESC) WHERE NOT resolved"
  ])
  yield* partition("circuit_breaker_events", "occurred_at", [
    "(service_name, occurred_at DESC)",
    "(circuit, occurred_at DESC)",
    "(occurred_at DESC)"
  ])
  for (const view of rates) yield* sql.unsafe(view)
})

/** Puts a table by week into the place of the one that is there, with its rows. */
const partition = Effect.fnUntraced(function* (table: string, at: string, indexes: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(`CREATE TABLE ${table}_by_week (
    LIKE ${table} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS,
    CONSTRAINT ${table}_event PRIMARY KEY (event_id, ${at})
  ) PARTITION BY RANGE (${at})`)
  const [span] = yield* sql<{ from: number | null; to: number | null; columns: string }>`
    SELECT
      (SELECT extract(epoch FROM min(${sql(at)})) * 1000 FROM ${sql(table)})::float8 AS "from",
      (SELECT extract(epoch FROM max(${sql(at)})) * 1000 FROM ${sql(table)})::float8 AS "to",
      (SELECT string_agg(column_name, ', ') FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name = ${table}
          AND is_generated = 'NEVER' AND is_identity = 'NO') AS columns`
  yield* sql.unsafe(`ALTER TABLE ${table} RENAME TO ${table}_whole`)
  yield* sql.unsafe(`ALTER TABLE ${table}_by_week RENAME TO ${table}`)
  yield* sql.unsafe(`ALTER TABLE ${table} ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY`)
  if (span !== undefined && span.from !== null && span.to !== null) {
    const from = Partitions.weekOf(span.from)
    const weeks = Array.from({ length: Partitions.weekOf(span.to) - from + 1 }, (_, index) => from + index)
    yield* Partitions.create(weeks, [table])
    yield* sql.unsafe(
      `INSERT INTO ${table} (${span.columns}) SELECT ${span.columns} FROM ${table}_whole ORDER BY ${table}_whole.id`
    )
  }
  yield* sql.unsafe(`DROP TABLE ${table}_whole`)
  for (const index of indexes) yield* sql.unsafe(`CREATE INDEX ON ${table} ${index}`)
})
