/** What came of attempts over time, in steps of any length: one statement over a span, for charts. Nothing is kept here. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { type DatabaseError, fromSqlError } from "./DatabaseError.ts"

/** Instants and lengths are milliseconds. */
export interface Options {
  readonly since: number
  readonly until: number
  /** The length of a step; steps begin at multiples of it. */
  readonly step: number
  /** Default: all lanes. */
  readonly lane?: string | undefined
}

/** A step in which something happened. Attempts whose caller left are not counted. */
export interface Step {
  /** Where it begins. */
  readonly at: number
  readonly ok: number
  readonly failed: number
  readonly p50Millis: number
  readonly p95Millis: number
  readonly usd: number
  /** Failures by class. */
  readonly errors: ReadonlyMap<string, number>
}

interface Row {
  readonly at: number
  /** `null` for the row of the step as a whole. */
  readonly result: string | null
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly usd: number
}

/** The steps of the span in which something happened, oldest first. */
export const attempts = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<ReadonlyArray<Step>, DatabaseError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const { lane, since, step, until } = options
  const instant = (at: number) => sql`to_timestamp(${at}::float8 / 1000)`
  const conditions = [
    sql`ended_at >= ${instant(since)}`,
    sql`ended_at < ${instant(until)}`,
    sql`result <> 'Cancelled'`,
    ...(lane === undefined ? [] : [sql`lane = ${lane}`])
  ]
  const rows = yield* Effect.mapError(
    sql<Row>`
      SELECT at, result, count(*)::int AS count, coalesce(sum(cost_usd), 0)::float8 AS usd,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms)::float8 AS p50,
        percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms)::float8 AS p95
      FROM (
        SELECT floor(extract(epoch FROM ended_at) * 1000 / ${step}::float8)::float8 * ${step}::float8 AS at,
          result, cost_usd, duration_ms
        FROM attempts WHERE ${sql.and(conditions)}
      ) AS found
      GROUP BY GROUPING SETS ((at), (at, result)) ORDER BY at, result NULLS FIRST`,
    fromSqlError
  )
  const steps: Array<Step & { ok: number; failed: number; readonly errors: Map<string, number> }> = []
  for (const { at, count, p50, p95, result, usd } of rows) {
    const current = steps.at(-1)
    if (result === null || current === undefined) {
      steps.push({ at, ok: 0, failed: 0, p50Millis: p50, p95Millis: p95, usd, errors: new Map() })
    } else if (result === "Success") current.ok = count
    else {
      current.failed += count
      current.errors.set(result, count)
    }
  }
  return steps
})
