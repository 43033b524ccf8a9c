/** Ninety days of traffic, made by the server itself: half as many operations as attempts are too few to show anything. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import * as Partitions from "../src/internal/Partitions.ts"

const dayMillis = 86_400_000

/** Spreads `attempts` attempts, of nearly as many operations, and a twentieth as many errors, over the days before `now`. */
export const make = Effect.fnUntraced(function* (attempts: number, now: number, days = 90) {
  const sql = yield* SqlClient.SqlClient
  const since = now - days * dayMillis
  yield* Partitions.create(
    Array.from({ length: Math.ceil(days / 7) + 2 }, (_, index) => Partitions.weekOf(since) + index)
  )
  const step = (days * dayMillis) / attempts
  // An id is as long as those of a bus; every twentieth operation has two attempts, every twentieth attempt has failed.
  const of = (n: string) => `
    to_timestamp((${since}::float8 + ${n} * ${step}::float8) / 1000) AS ended_at,
    'mg3k2p1x-0a1b2c-' || lpad(to_hex(${n}), 8, '0') AS operation_id,
    (ARRAY['chat', 'chat', 'chat', 'embed', 'rerank'])[1 + ${n} % 5] AS route,
    CASE WHEN ${n} % 2003 = 5 THEN 'team-seldom' ELSE 'team-' || ((${n} / 11) % 40) END AS tenant,
    (ARRAY['gemini/gemini-3.5-flash', 'gemini/gemini-3.5-flash', 'openai/gpt-4o-mini', 'anthropic/claude-haiku-4-5'])[
      1 + (${n} / 3) % 4] AS lane,
    (200 + (${n}::bigint * 7919) % 2800 + CASE WHEN ${n} % 1000 = 7 THEN 30000 ELSE 0 END)::int AS duration_ms`
  yield* sql.unsafe(`
    INSERT INTO attempts SELECT operation_id, attempt, ended_at, ended_at - duration_ms * interval '1 ms', route, 'text',
      tenant, lane, split_part(lane, '/', 1), split_part(lane, '/', 2), result, rule, status, NULL, 0, NULL, duration_ms,
      1200, 240, 0, false, 0.0005, false, false, false
    FROM (
      SELECT ${of("(CASE WHEN n % 20 = 0 THEN n - 1 ELSE n END)")}, CASE WHEN n % 20 = 0 THEN 2 ELSE 1 END AS attempt,
        CASE WHEN n % 20 = 19 THEN 'ServiceUnavailable' ELSE 'Success' END AS result,
        CASE WHEN n % 20 = 19 THEN 'http/503' END AS rule, CASE WHEN n % 20 = 19 THEN 503 END AS status
      FROM generate_series(1, ${attempts}) AS series (n)
    ) AS made ON CONFLICT DO NOTHING`)
  yield* sql.unsafe(`
    INSERT INTO operations SELECT operation_id, ended_at, ended_at - duration_ms * interval '1 ms', route, 'text', tenant,
      result, NULL, lane, attempts, 0, NULL, duration_ms, 1200, 240, 0, false, 0.0005, false, false, false, false, NULL,
      NULL, NULL, NULL
    FROM (
      SELECT ${of("n")}, CASE WHEN n % 20 = 19 THEN 2 ELSE 1 END AS attempts,
        CASE WHEN n % 200 = 3 THEN 'AllLanesFailed' ELSE 'Success' END AS result
      FROM generate_series(1, ${attempts}) AS series (n) WHERE n % 20 <> 0
    ) AS made`)
  yield* sql.unsafe(`
    INSERT INTO ai_service_errors (event_id, service_name, model, lane, operation_id, attempt, error_type, error_message,
      http_status, rule, severity, fingerprint, resolved, occurred_at)
    SELECT operation_id || '-e', split_part(lane, '/', 1), split_part(lane, '/', 2), lane, operation_id, 1,
      'ServiceUnavailable', lane || ' is unavailable, HTTP 503 (http/503)', 503, 'http/503', 'warning',
      lpad(to_hex(hashtext(lane || (n / 1000) % 7)), 8, '0'), ended_at < to_timestamp(${now - 7 * dayMillis} / 1000),
      ended_at
    FROM (SELECT n, ${of("n")} FROM generate_series(19, ${attempts}, 20) AS series (n)) AS made`)
  yield* sql.unsafe(`
    INSERT INTO ai_service_health (event_id, service_name, model, lane, status, success_rate, total_requests,
      successful_requests, last_check)
    SELECT 'health-' || lane || '-' || minute, split_part(lane, '/', 1), split_part(lane, '/', 2), lane, 'healthy', 0.97,
      100, 97, to_timestamp(${since} / 1000) + minute * interval '1 minute'
    FROM generate_series(0, ${Math.min(days * 1440, attempts / 10)}) AS series (minute),
      unnest(ARRAY['gemini/gemini-3.5-flash', 'openai/gpt-4o-mini']) AS lanes (lane)`)
  yield* sql.unsafe(`
    INSERT INTO circuit_breaker_events (event_id, service_name, circuit, event_type, from_state, to_state, failure_count,
      reason, occurred_at)
    SELECT 'circuit-' || n, 'any', (ARRAY['gemini/gemini-3.5-flash', 'openai/gpt-4o-mini', 'model:openai/gpt-4o-mini'])[
        1 + n % 3], 'opened', 'closed', 'open', 5, 'ServiceUnavailable',
      to_timestamp(${since} / 1000) + n * interval '${days * 86_400} seconds' / ${Math.ceil(attempts / 100)}
    FROM generate_series(0, ${Math.ceil(attempts / 100) - 1}) AS series (n)`)
  for (const table of Partitions.tables) yield* sql.unsafe(`ANALYZE ${table}`)
})
