/** What one row of each table holds, and how its columns are sent. The database fills the columns that are not here. */
import type * as Failure from "@holdfast/core/Failure"
import type * as HealthStatus from "@holdfast/core/HealthStatus"
import * as Table from "./Table.ts"

/** How much a failure matters to whoever runs this. */
export type Severity = "info" | "warning" | "error" | "critical"

export interface ErrorRow extends Table.Identified {
  readonly service_name: string
  readonly model: string
  readonly lane: string
  readonly operation_id: string
  readonly attempt: number
  readonly error_type: Failure.Class
  readonly error_message: string | null
  readonly error_code: string | null
  readonly http_status: number | null
  readonly rule: string | null
  readonly request_id: string | null
  readonly retry_after_ms: number | null
  readonly severity: Severity
  readonly occurred_at: number
}

export interface CircuitRow extends Table.Identified {
  readonly service_name: string
  readonly circuit: string
  readonly event_type: "opened" | "half_opened" | "closed"
  readonly from_state: string
  readonly to_state: string
  readonly failure_count: number
  readonly reason: string
  readonly open_ms: number | null
  readonly occurred_at: number
}

export interface HealthRow extends Table.Identified {
  readonly service_name: string
  readonly model: string
  readonly lane: string
  readonly status: HealthStatus.HealthStatus
  readonly success_rate: number
  readonly total_requests: number | null
  readonly successful_requests: number | null
  readonly average_response_time_ms: number | null
  readonly p50_response_time_ms: number | null
  readonly p95_response_time_ms: number | null
  readonly p99_response_time_ms: number | null
  readonly error_distribution: { readonly [failure: string]: number }
  readonly circuit_breaker_state: string | null
  readonly last_check: number
}

export const errors = Table.make<ErrorRow>("ai_service_errors", {
  event_id: "text",
  service_name: "text",
  model: "text",
  lane: "text",
  operation_id: "text",
  attempt: "integer",
  error_type: "text",
  error_message: "text",
  error_code: "text",
  http_status: "integer",
  rule: "text",
  request_id: "text",
  retry_after_ms: "double precision",
  severity: "text",
  occurred_at: "instant"
})

export const circuits = Table.make<CircuitRow>("circuit_breaker_events", {
  event_id: "text",
  service_name: "text",
  circuit: "text",
  event_type: "text",
  from_state: "text",
  to_state: "text",
  failure_count: "integer",
  reason: "text",
  open_ms: "double precision",
  occurred_at: "instant"
})

export const health = Table.make<HealthRow>("ai_service_health", {
  event_id: "text",
  service_name: "text",
  model: "text",
  lane: "text",
  status: "text",
  success_rate: "double precision",
  total_requests: "integer",
  successful_requests: "integer",
  average_response_time_ms: "double precision",
  p50_response_time_ms: "double precision",
  p95_response_time_ms: "double precision",
  p99_response_time_ms: "double precision",
  error_distribution: "jsonb",
  circuit_breaker_state: "text",
  last_check: "instant"
})

/** A row and where it goes. */
export type Entry =
  | { readonly table: "errors"; readonly row: ErrorRow }
  | { readonly table: "circuits"; readonly row: CircuitRow }
  | { readonly table: "health"; readonly row: HealthRow }
