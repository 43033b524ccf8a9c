/**
 * What a dashboard asks the store. Each question is one statement that an index answers, over a span of time that names the
 * partitions; instants are milliseconds since the epoch. Nothing is kept here.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import { type DatabaseError, fromSqlError } from "./DatabaseError.ts"

/** A span of time, from `since` on and before `until`. */
export interface Span {
  /** Default: a day ago. */
  readonly since?: number | undefined
  /** Default: now. */
  readonly until?: number | undefined
}

export interface HealthPoint {
  readonly at: number
  readonly status: string
  readonly successRate: number | null
  readonly requests: number | null
  readonly meanMillis: number | null
  readonly p50Millis: number | null
  readonly p95Millis: number | null
  readonly p99Millis: number | null
  readonly circuit: string | null
}

/** What makes errors one group. */
export interface ErrorGroupKey {
  readonly errorType: string
  readonly rule: string | null
  readonly lane: string
  readonly fingerprint: string
}

/** Errors of the same class and rule on the same lane that read the same. */
export interface ErrorGroup extends ErrorGroupKey {
  readonly severity: string
  /** One of their messages. */
  readonly message: string | null
  readonly count: number
  readonly unresolved: number
  readonly firstSeen: number
  readonly lastSeen: number
}

/** What one may want to know of a group besides how many errors it has. */
export interface ErrorGroupDetail {
  /** The latest operations it happened to, latest first; three at most. */
  readonly operations: ReadonlyArray<string>
  /** How its latest error that is seen to was. */
  readonly resolution: { readonly at: number; readonly by: string; readonly note: string | null } | undefined
}

export interface CircuitChange {
  readonly circuit: string
  readonly at: number
  readonly from: string
  readonly to: string
  readonly reason: string
  readonly failures: number
  readonly openMillis: number | null
}

export interface Cost {
  /** The tenant, route or lane; `null` for operations of nobody in particular. */
  readonly key: string | null
  readonly attempts: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cachedTokens: number
  readonly usd: number
  /** Of that, what attempts cost whose usage was estimated. */
  readonly estimatedUsd: number
  /** Attempts whose price is not known. */
  readonly unpriced: number
}

export interface OperationSummary {
  readonly operation: string
  readonly at: number
  readonly startedAt: number
  readonly route: string
  readonly kind: string
  readonly tenant: string | null
  readonly result: string
  readonly rule: string | null
  readonly lane: string | null
  readonly attempts: number
  readonly waitedMillis: number
  readonly firstContentMillis: number | null
  readonly durationMillis: number
  readonly inputTokens: number | null
  readonly outputTokens: number | null
  readonly cachedTokens: number | null
  readonly estimated: boolean
  readonly usd: number | null
  readonly degraded: boolean
  readonly hedged: boolean
  readonly continued: boolean
  readonly truncated: boolean
  readonly source: string | null
  /** The operation whose attempts it shared. */
  readonly joined: string | null
  readonly instead: string | null
  readonly traceId: string | null
}

export interface AttemptSummary {
  readonly attempt: number
  readonly at: number
  readonly startedAt: number
  readonly lane: string
  readonly result: string
  readonly rule: string | null
  readonly status: number | null
  readonly requestId: string | null
  /** Our sentence about the failure. */
  readonly message: string | null
  readonly waitedMillis: number
  readonly firstContentMillis: number | null
  readonly durationMillis: number
  readonly inputTokens: number | null
  readonly outputTokens: number | null
  readonly cachedTokens: number | null
  readonly estimated: boolean
  readonly usd: number | null
  readonly hedge: boolean
  readonly continued: boolean
  readonly truncated: boolean
}

/** Where a page ended. */
export interface Cursor {
  readonly at: number
  readonly operation: string
}

export interface Search extends Span {
  readonly operation?: string | undefined
  readonly tenant?: string | undefined
  readonly route?: string | undefined
  /** A class of failure, a refusal, or `Success`. */
  readonly result?: string | undefined
  /** What came before the page that ended there. */
  readonly after?: Cursor | undefined
  /** Default 50. */
  readonly limit?: number | undefined
}

export class Queries extends Context.Service<
  Queries,
  {
    /** What was known of a lane over time, oldest first. */
    readonly health: (lane: string, span?: Span) => Effect.Effect<ReadonlyArray<HealthPoint>, DatabaseError>
    /** Groups of errors, the latest first. Default all lanes, and resolved ones too; 100 of them. */
    readonly errorGroups: (
      options?: Span & {
        readonly lane?: string | undefined
        readonly unresolvedOnly?: boolean | undefined
        readonly limit?: number | undefined
      }
    ) => Effect.Effect<ReadonlyArray<ErrorGroup>, DatabaseError>
    /** More of groups that are known, in their order. */
    readonly errorGroupDetails: (
      groups: ReadonlyArray<ErrorGroup>,
      span?: Span
    ) => Effect.Effect<ReadonlyArray<ErrorGroupDetail>, DatabaseError>
    /**
     * Marks the errors of a group that are there as seen to, by whom and with what there is to say about it, and answers
     * how many they were. Later ones are new.
     */
    readonly resolve: (group: ErrorGroupKey, by: string, note?: string) => Effect.Effect<number, DatabaseError>
    /** Changes of one circuit, or of all, oldest first; the latest 1,000 of them. */
    readonly circuits: (
      options?: Span & { readonly circuit?: string | undefined }
    ) => Effect.Effect<ReadonlyArray<CircuitChange>, DatabaseError>
    /** What attempts cost, most expensive first. */
    readonly cost: (by: "tenant" | "route" | "lane", span?: Span) => Effect.Effect<ReadonlyArray<Cost>, DatabaseError>
    /** The operations that took longest. Default 20, of all routes. */
    readonly slowest: (
      options?: Span & { readonly route?: string | undefined; readonly limit?: number | undefined }
    ) => Effect.Effect<ReadonlyArray<OperationSummary>, DatabaseError>
    /** An operation with its attempts, in order; those of the operation that it shared, where it made none. */
    readonly trail: (operation: string) => Effect.Effect<
      | {
          readonly operation: OperationSummary | undefined
          readonly attempts: ReadonlyArray<AttemptSummary>
        }
      | undefined,
      DatabaseError
    >
    /** Operations, the latest first, a page at a time. */
    readonly search: (
      options?: Search
    ) => Effect.Effect<
      { readonly operations: ReadonlyArray<OperationSummary>; readonly next: Cursor | undefined },
      DatabaseError
    >
  }
>()("@holdfast/store-sql/Queries") {}

const dayMillis = Duration.toMillis(Duration.days(1))

/** An instant as we tell it. */
const millis = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`

const amounts = `
  waited_ms AS "waitedMillis", first_content_ms AS "firstContentMillis", duration_ms AS "durationMillis",
  input_tokens AS "inputTokens", output_tokens AS "outputTokens", cached_tokens AS "cachedTokens",
  usage_estimated AS estimated, cost_usd AS usd`

const operationColumns = `operation_id AS operation, ${millis("ended_at")} AS at, ${millis("started_at")} AS "startedAt",
  route, kind, tenant, result, rule, lane, attempts, ${amounts}, degraded, hedged, continued, truncated, source,
  joined_operation AS joined, instead, trace_id AS "traceId"`

const attemptColumns = `attempt, ${millis("ended_at")} AS at, ${millis("started_at")} AS "startedAt", lane, result, rule,
  http_status AS status, request_id AS "requestId", ${amounts}, hedge, continued, truncated`

export const make: Effect.Effect<Queries["Service"], never, SqlClient.SqlClient> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const instant = (at: number) => sql`to_timestamp(${at}::float8 / 1000)`

  const ask = <A>(self: Effect.Effect<A, SqlError.SqlError>) => Effect.mapError(self, fromSqlError)
  const within = (column: "ended_at" | "occurred_at" | "last_check", { since, until }: Span = {}) =>
    Effect.map(Clock.currentTimeMillis, (now) => [
      sql`${sql(column)} >= ${instant(since ?? now - dayMillis)}`,
      ...(until === undefined ? [] : [sql`${sql(column)} < ${instant(until)}`])
    ])

  const operationsOf = (operation: string) =>
    sql<OperationSummary>`SELECT ${sql.literal(operationColumns)} FROM operations WHERE operation_id = ${operation}`
  const attemptsOf = (operation: string) =>
    sql<AttemptSummary>`
      SELECT ${sql.literal(attemptColumns)}, (
        SELECT error_message FROM ai_service_errors
        WHERE ai_service_errors.operation_id = attempts.operation_id
          AND ai_service_errors.attempt = attempts.attempt
          AND ai_service_errors.occurred_at = attempts.ended_at
      ) AS message
      FROM attempts WHERE operation_id = ${operation} ORDER BY attempt`

  return Queries.of({
    health: Effect.fnUntraced(function* (lane, span) {
      const conditions = [sql`lane = ${lane}`, ...(yield* within("last_check", span))]
      return yield* sql<HealthPoint>`
        SELECT ${sql.literal(millis("last_check"))} AS at, status, success_rate AS "successRate",
          total_requests AS requests, average_response_time_ms AS "meanMillis", p50_response_time_ms AS "p50Millis",
          p95_response_time_ms AS "p95Millis", p99_response_time_ms AS "p99Millis", circuit_breaker_state AS circuit
        FROM ai_service_health WHERE ${sql.and(conditions)} ORDER BY last_check`
    }, ask),

    errorGroups: Effect.fnUntraced(function* (options = {}) {
      const { lane, limit = 100, unresolvedOnly = false } = options
      const conditions = [
        ...(yield* within("occurred_at", options)),
        ...(lane === undefined ? [] : [sql`lane = ${lane}`]),
        ...(unresolvedOnly ? [sql`NOT resolved`] : [])
      ]
      return yield* sql<ErrorGroup>`
        SELECT error_type AS "errorType", rule, lane, fingerprint, max(severity) AS severity,
          max(error_message) AS message, count(*)::int AS count, (count(*) FILTER (WHERE NOT resolved))::int AS unresolved,
          ${sql.literal(millis("min(occurred_at)"))} AS "firstSeen", ${sql.literal(millis("max(occurred_at)"))} AS "lastSeen"
        FROM ai_service_errors WHERE ${sql.and(conditions)}
        GROUP BY error_type, rule, lane, fingerprint
        ORDER BY max(occurred_at) DESC LIMIT ${limit}`
    }, ask),

    errorGroupDetails: Effect.fnUntraced(function* (groups, span) {
      const keys = groups.map(({ count, errorType, fingerprint, lane, rule, unresolved }, place) => ({
        place,
        error_type: errorType,
        rule,
        lane,
        fingerprint,
        any_resolved: unresolved < count
      }))
      const isOfGroup = sql.and([
        sql`error.fingerprint = one.fingerprint`,
        sql`error.lane = one.lane`,
        sql`error.error_type = one.error_type`,
        sql`error.rule IS NOT DISTINCT FROM one.rule`,
        ...(yield* within("occurred_at", span))
      ])
      const found = yield* sql<{
        readonly operations: ReadonlyArray<string>
        readonly at: number | null
        readonly by: string | null
        readonly note: string | null
      }>`
        SELECT latest.operations, seen.at, seen.by, seen.note
        FROM jsonb_to_recordset(${JSON.stringify(keys)}::jsonb)
          AS one(place int, error_type text, rule text, lane text, fingerprint text, any_resolved boolean)
        CROSS JOIN LATERAL (
          SELECT coalesce(array_agg(operation_id), '{}') AS operations FROM (
            SELECT operation_id FROM ai_service_errors error WHERE ${isOfGroup} ORDER BY occurred_at DESC LIMIT 3
          ) last
        ) latest
        LEFT JOIN LATERAL (
          SELECT ${sql.literal(millis("coalesce(resolved_at, occurred_at)"))} AS at, resolved_by AS by, resolution_note AS note
          FROM ai_service_errors error WHERE one.any_resolved AND resolved AND ${isOfGroup}
          ORDER BY occurred_at DESC LIMIT 1
        ) seen ON true
        ORDER BY one.place`
      return found.map(({ at, by, note, operations }) => ({
        operations: [...new Set(operations)],
        resolution: at === null ? undefined : { at, by: by ?? "", note }
      }))
    }, ask),

    resolve: ({ errorType, fingerprint, lane, rule }, by, note) =>
      sql<{ count: number }>`
        WITH seen AS (
          UPDATE ai_service_errors
          SET resolved = true, resolved_at = now(), resolved_by = ${by}, resolution_note = ${note ?? null}
          WHERE fingerprint = ${fingerprint} AND lane = ${lane} AND error_type = ${errorType}
            AND rule IS NOT DISTINCT FROM ${rule}::text AND NOT resolved
          RETURNING 1
        ) SELECT count(*)::int AS count FROM seen`.pipe(
        Effect.map(([row]) => row?.count ?? 0),
        ask
      ),

    circuits: Effect.fnUntraced(function* (options = {}) {
      const { circuit } = options
      const conditions = [
        ...(circuit === undefined ? [] : [sql`circuit = ${circuit}`]),
        ...(yield* within("occurred_at", options))
      ]
      const latest = yield* sql<CircuitChange>`
        SELECT circuit, ${sql.literal(millis("occurred_at"))} AS at, from_state AS "from", to_state AS "to", reason,
          failure_count AS failures, open_ms AS "openMillis"
        FROM circuit_breaker_events WHERE ${sql.and(conditions)} ORDER BY occurred_at DESC, id DESC LIMIT 1000`
      return latest.toReversed()
    }, ask),

    cost: Effect.fnUntraced(function* (by, span) {
      return yield* sql<Cost>`
        SELECT ${sql(by)} AS key, count(*)::int AS attempts, coalesce(sum(input_tokens), 0)::float8 AS "inputTokens",
          coalesce(sum(output_tokens), 0)::float8 AS "outputTokens",
          coalesce(sum(cached_tokens), 0)::float8 AS "cachedTokens", coalesce(sum(cost_usd), 0) AS usd,
          coalesce(sum(cost_usd) FILTER (WHERE usage_estimated), 0) AS "estimatedUsd",
          (count(*) FILTER (WHERE cost_usd IS NULL))::int AS unpriced
        FROM attempts WHERE ${sql.and(yield* within("ended_at", span))}
        GROUP BY 1 ORDER BY usd DESC, attempts DESC`
    }, ask),

    slowest: Effect.fnUntraced(function* (options = {}) {
      const { limit = 20, route } = options
      const conditions = [
        ...(yield* within("ended_at", options)),
        ...(route === undefined ? [] : [sql`route = ${route}`])
      ]
      return yield* sql<OperationSummary>`
        SELECT ${sql.literal(operationColumns)} FROM operations WHERE ${sql.and(conditions)}
        ORDER BY duration_ms DESC LIMIT ${limit}`
    }, ask),

    trail: Effect.fnUntraced(function* (id) {
      const [operation] = yield* operationsOf(id)
      const own = yield* attemptsOf(id)
      const joined = operation?.joined ?? undefined
      const attempts = own.length === 0 && joined !== undefined ? yield* attemptsOf(joined) : own
      return operation === undefined && attempts.length === 0 ? undefined : { operation, attempts }
    }, ask),

    search: Effect.fnUntraced(function* (options = {}) {
      const { after, limit = 50, operation, result, route, tenant } = options
      const conditions = [
        ...(operation === undefined ? [] : [sql`operation_id = ${operation}`]),
        ...(tenant === undefined ? [] : [sql`tenant = ${tenant}`]),
        ...(route === undefined ? [] : [sql`route = ${route}`]),
        ...(result === undefined ? [] : [sql`result = ${result}`]),
        // What failed has an index of its own, which a parameter alone would not name.
        ...(result === undefined || result === "Success" ? [] : [sql`result <> 'Success'`]),
        ...(operation === undefined ? yield* within("ended_at", options) : []),
        ...(after === undefined ? [] : [sql`(ended_at, operation_id) < (${instant(after.at)}, ${after.operation})`])
      ]
      const found = yield* sql<OperationSummary>`
        SELECT ${sql.literal(operationColumns)} FROM operations WHERE ${sql.and(conditions)}
        ORDER BY ended_at DESC, operation_id DESC LIMIT ${limit + 1}`
      const operations = found.slice(0, limit)
      const last = found.length > limit ? operations.at(-1) : undefined
      return { operations, next: last === undefined ? undefined : { at: last.at, operation: last.operation } }
    }, ask)
  })
})

export const layer: Layer.Layer<Queries, never, SqlClient.SqlClient> = Layer.effect(Queries, make)
