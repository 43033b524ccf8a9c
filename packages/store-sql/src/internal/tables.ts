/** What one row of each table holds, and how its columns are sent. The database fills the columns that are not here. */
import type * as Failure from "@holdfast/core/Failure"
import type * as HealthStatus from "@holdfast/core/HealthStatus"
import type * as Event from "@holdfast/core/Event"
import * as Table from "./Table.ts"

/** What may be left out: a row says nothing where there is nothing to say. */
type Optional<A> = A | undefined

/** What is false, or zero, where it is left out. */
type Flag = Optional<true>
type Count = Optional<number>

/** How much a failure matters to whoever runs this. */
export type Severity = "info" | "warning" | "error" | "critical"

export interface ErrorRow {
  readonly event_id: string
  readonly service_name: string
  readonly model: string
  readonly lane: string
  readonly operation_id: string
  readonly attempt: number
  readonly error_type: Failure.Class
  readonly error_message: Optional<string>
  readonly error_code: Optional<string>
  readonly http_status: Optional<number>
  readonly rule: Optional<string>
  readonly request_id: Optional<string>
  readonly retry_after_ms: Optional<number>
  readonly severity: Severity
  readonly fingerprint: string
  readonly occurred_at: number
}

interface CircuitRow {
  readonly event_id: string
  readonly service_name: string
  readonly circuit: string
  readonly event_type: "opened" | "half_opened" | "closed"
  readonly from_state: string
  readonly to_state: string
  readonly failure_count: number
  readonly reason: string
  readonly open_ms: Optional<number>
  readonly occurred_at: number
}

interface HealthRow {
  readonly event_id: string
  readonly service_name: string
  readonly model: string
  readonly lane: string
  readonly status: HealthStatus.HealthStatus
  readonly success_rate: number
  readonly total_requests: Optional<number>
  readonly successful_requests: Optional<number>
  readonly average_response_time_ms: Optional<number>
  readonly p50_response_time_ms: Optional<number>
  readonly p95_response_time_ms: Optional<number>
  readonly p99_response_time_ms: Optional<number>
  readonly error_distribution: { readonly [failure: string]: number }
  readonly circuit_breaker_state: Optional<string>
  readonly last_check: number
}

/** What an attempt or an operation took. Tokens and dollars are as the provider said, or `usage_estimated`. */
interface Amounts {
  readonly waited_ms: Count
  readonly first_content_ms: Optional<number>
  readonly duration_ms: number
  readonly input_tokens: Optional<number>
  readonly output_tokens: Optional<number>
  readonly cached_tokens: Optional<number>
  readonly usage_estimated: Flag
  readonly cost_usd: Optional<number>
}

/** One per operation that ended, in any way. */
interface OperationRow extends Amounts {
  readonly operation_id: string
  readonly ended_at: number
  readonly started_at: number
  readonly route: string
  readonly kind: Event.Kind
  readonly tenant: Optional<string>
  readonly result: Event.Result
  readonly rule: Optional<string>
  readonly lane: Optional<string>
  readonly attempts: number
  readonly degraded: Flag
  readonly hedged: Flag
  readonly continued: Flag
  readonly truncated: Flag
  readonly source: Optional<string>
  readonly joined_operation: Optional<string>
  readonly instead: Optional<Event.Result>
  readonly trace_id: Optional<string>
}

/** One per request to a provider that ended, in any way. */
export interface AttemptRow extends Amounts {
  readonly operation_id: string
  readonly attempt: number
  readonly ended_at: number
  readonly started_at: number
  readonly route: string
  readonly kind: Event.Kind
  readonly tenant: Optional<string>
  readonly lane: string
  readonly provider: string
  readonly model: string
  readonly result: Event.Result
  readonly rule: Optional<string>
  readonly http_status: Optional<number>
  readonly request_id: Optional<string>
  readonly hedge: Flag
  readonly continued: Flag
  readonly truncated: Flag
}

const amounts = {
  waited_ms: "count",
  first_content_ms: "integer",
  duration_ms: "integer",
  input_tokens: "integer",
  output_tokens: "integer",
  cached_tokens: "integer",
  usage_estimated: "flag",
  cost_usd: "double precision"
} as const

const operations = Table.make<OperationRow>("operations", "ended_at", {
  operation_id: "text",
  ended_at: "instant",
  started_at: "instant",
  route: "text",
  kind: "text",
  tenant: "text",
  result: "text",
  rule: "text",
  lane: "text",
  attempts: "integer",
  ...amounts,
  degraded: "flag",
  hedged: "flag",
  continued: "flag",
  truncated: "flag",
  source: "text",
  joined_operation: "text",
  instead: "text",
  trace_id: "text"
})

export const attempts = Table.make<AttemptRow>("attempts", "ended_at", {
  operation_id: "text",
  attempt: "integer",
  ended_at: "instant",
  started_at: "instant",
  route: "text",
  kind: "text",
  tenant: "text",
  lane: "text",
  provider: "text",
  model: "text",
  result: "text",
  rule: "text",
  http_status: "integer",
  request_id: "text",
  ...amounts,
  hedge: "flag",
  continued: "flag",
  truncated: "flag"
})

const errors = Table.make<ErrorRow>("ai_service_errors", "occurred_at", {
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
  fingerprint: "text",
  occurred_at: "instant"
})

const circuits = Table.make<CircuitRow>("circuit_breaker_events", "occurred_at", {
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

const health = Table.make<HealthRow>("ai_service_health", "last_check", {
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

/** All of them, by the names under which the journal knows them: those are on disks, so none may change its meaning. */
export const all = { operations, attempts, errors, circuits, health }
export type Name = keyof typeof all

/** A row and where it goes. */
export type Entry =
  | { readonly table: "operations"; readonly row: OperationRow }
  | { readonly table: "attempts"; readonly row: AttemptRow }
  | { readonly table: "errors"; readonly row: ErrorRow }
  | { readonly table: "circuits"; readonly row: CircuitRow }
  | { readonly table: "health"; readonly row: HealthRow }
