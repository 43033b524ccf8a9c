/**
 * Step 1: health, errors and circuit changes. Every row has the id of its event, once per table: whoever writes a row
 * again adds nothing. Instants are `timestamptz`, durations are milliseconds.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"

export const missionTables = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`CREATE TABLE ai_service_health (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL UNIQUE,
    service_name text NOT NULL,
    model text NOT NULL,
    lane text NOT NULL,
    status text NOT NULL CHECK (status IN ('idle', 'healthy', 'degraded', 'unhealthy')),
    success_rate double precision,
    total_requests integer,
    successful_requests integer,
    failed_requests integer GENERATED ALWAYS AS (total_requests - successful_requests) STORED,
    average_response_time_ms double precision,
    p50_response_time_ms double precision,
    p95_response_time_ms double precision,
    p99_response_time_ms double precision,
    error_distribution jsonb NOT NULL DEFAULT '{}',
    circuit_breaker_state text,
    last_check timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`
  yield* sql`CREATE INDEX ai_service_health_service ON ai_service_health (service_name, last_check DESC)`
  yield* sql`CREATE INDEX ai_service_health_lane ON ai_service_health (lane, last_check DESC)`
  yield* sql`CREATE INDEX ai_service_health_status ON ai_service_health (status, last_check DESC)`

  yield* sql`CREATE TABLE ai_service_errors (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL UNIQUE,
    service_name text NOT NULL,
    model text NOT NULL,
    lane text NOT NULL,
    operation_id text NOT NULL,
    attempt integer NOT NULL,
    retry_count integer GENERATED ALWAYS AS (attempt - 1) STORED,
    error_type text NOT NULL,
    error_message text,
    error_code text,
    http_status integer,
    rule text,
    request_id text,
    retry_after_ms double precision,
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'error', 'critical')),
    resolved boolean NOT NULL DEFAULT false,
    resolved_at timestamptz,
    resolved_by text,
    occurred_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`
  yield* sql`CREATE INDEX ai_service_errors_service ON ai_service_errors (service_name, occurred_at DESC)`
  yield* sql`CREATE INDEX ai_service_errors_lane ON ai_service_errors (lane, occurred_at DESC)`
  yield* sql`CREATE INDEX ai_service_errors_type ON ai_service_errors (error_type, occurred_at DESC)`
  yield* sql`CREATE INDEX ai_service_errors_operation ON ai_service_errors (operation_id)`
  yield* sql`CREATE INDEX ai_service_errors_unresolved ON ai_service_errors (occurred_at DESC) WHERE NOT resolved`

  yield* sql`CREATE TABLE circuit_breaker_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL UNIQUE,
    service_name text NOT NULL,
    circuit text NOT NULL,
    event_type text NOT NULL CHECK (event_type IN ('opened', 'half_opened', 'closed')),
    from_state text NOT NULL CHECK (from_state IN ('closed', 'open', 'half-open')),
    to_state text NOT NULL CHECK (to_state IN ('closed', 'open', 'half-open')),
    failure_count integer NOT NULL,
    reason text NOT NULL,
    open_ms double precision,
    occurred_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`
  yield* sql`CREATE INDEX circuit_breaker_events_service ON circuit_breaker_events (service_name, occurred_at DESC)`
  yield* sql`CREATE INDEX circuit_breaker_events_circuit ON circuit_breaker_events (circuit, occurred_at DESC)`
})
