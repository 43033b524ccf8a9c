/** Which event becomes which row. Pure. */
import type * as Event from "@holdfast/core/Event"
import * as Failure from "@holdfast/core/Failure"
import * as Schema from "effect/Schema"
import type { HealthSnapshot } from "../EventWriter.ts"
import type { Entry, ErrorRow, Severity } from "./tables.ts"

/**
 * How much a failure matters: `critical` stays until a person acts, `error` is a fault of the
 * provider or of our settings, `warning` passes, `info` is the request's own doing.
 */
const severities: { readonly [Class in Failure.Class]: Severity } = {
  Authentication: "critical",
  PermissionDenied: "critical",
  QuotaExceeded: "critical",
  ModelNotFound: "error",
  InvalidResponse: "error",
  Unknown: "error",
  RateLimit: "warning",
  ServiceUnavailable: "warning",
  ModelOverloaded: "warning",
  Timeout: "warning",
  Network: "warning",
  StreamTruncated: "warning",
  ContentPolicy: "info",
  InvalidRequest: "info",
  ContextLengthExceeded: "info",
  Cancelled: "info"
}

/** The rows of an event, if it makes any. `lanes` completes changes of health. */
export const ofEvent = (event: Event.Event, lanes: ReadonlyMap<string, HealthSnapshot>): ReadonlyArray<Entry> => {
  switch (event._tag) {
    case "AttemptEnded":
      return ofAttempt(event)
    case "CircuitChanged":
      return [ofCircuit(event)]
    case "HealthChanged":
      return [ofHealthChange(event, lanes.get(event.lane))]
    default:
      return []
  }
}

const isFailure = Schema.is(Failure.Class)

/** The row of an attempt that the provider failed; nothing for a success, a refusal of ours or a caller who left. */
const ofAttempt = (event: typeof Event.AttemptEnded.Type): ReadonlyArray<Entry> => {
  if (!isFailure(event.result) || event.result === "Cancelled") return []
  const row: ErrorRow = {
    event_id: event.id,
    service_name: text(event.provider),
    model: text(event.model),
    lane: text(event.lane),
    operation_id: text(event.operation),
    attempt: event.attempt,
    error_type: event.result,
    error_message: optionalText(event.message),
    error_code: optionalText(event.providerCode),
    http_status: event.status ?? null,
    rule: optionalText(event.rule),
    request_id: optionalText(event.requestId),
    retry_after_ms: event.retryAfterMillis ?? null,
    severity: severities[event.result],
    occurred_at: event.at
  }
  return [{ table: "errors", row }]
}

const eventTypes = { open: "opened", "half-open": "half_opened", closed: "closed" } as const

const ofCircuit = (event: typeof Event.CircuitChanged.Type): Entry => ({
  table: "circuits",
  row: {
    event_id: event.id,
    service_name: text(serviceOf(event.circuit)),
    circuit: text(event.circuit),
    event_type: eventTypes[event.to],
    from_state: event.from,
    to_state: event.to,
    failure_count: event.failures,
    reason: text(event.reason),
    open_ms: event.openMillis ?? null,
    occurred_at: event.at
  }
})

/** The provider a circuit is about, by the way circuits are named: `openai/gpt-mini@spare`, `credential:openai`. */
const serviceOf = (circuit: string): string =>
  circuit.replace(/^(credential|model|provider):/, "").split(/[/@]/, 1)[0] ?? circuit

/** The row of one look at a lane. */
export const ofSnapshot = (id: string, snapshot: HealthSnapshot): Entry => ({
  table: "health",
  row: {
    event_id: id,
    service_name: text(snapshot.provider),
    model: text(snapshot.model),
    lane: text(snapshot.lane),
    status: snapshot.status,
    success_rate: snapshot.successRate,
    total_requests: snapshot.calls,
    successful_requests: snapshot.successes,
    average_response_time_ms: snapshot.meanMillis ?? null,
    p50_response_time_ms: snapshot.p50Millis ?? null,
    p95_response_time_ms: snapshot.p95Millis ?? null,
    p99_response_time_ms: snapshot.p99Millis ?? null,
    error_distribution: snapshot.errors,
    circuit_breaker_state: optionalText(snapshot.circuit),
    last_check: snapshot.at
  }
})

/**
 * The row of a change of status: what the event says, completed by the lane's snapshot where there is one. The snapshot
 * is taken a little later and may have moved on; the event is what happened.
 */
const ofHealthChange = (event: typeof Event.HealthChanged.Type, snapshot: HealthSnapshot | undefined): Entry => ({
  table: "health",
  row: {
    event_id: event.id,
    service_name: text(event.provider),
    model: text(event.model),
    lane: text(event.lane),
    status: event.to,
    success_rate: event.successRate,
    total_requests: snapshot?.calls ?? null,
    successful_requests: snapshot?.successes ?? null,
    average_response_time_ms: snapshot?.meanMillis ?? null,
    p50_response_time_ms: snapshot?.p50Millis ?? null,
    p95_response_time_ms: snapshot?.p95Millis ?? null,
    p99_response_time_ms: snapshot?.p99Millis ?? null,
    error_distribution: snapshot?.errors ?? {},
    circuit_breaker_state: optionalText(snapshot?.circuit),
    last_check: event.at
  }
})

/** The most characters of one text that are kept: providers choose some of them, and a log is no place for a novel. */
const maxText = 2_000

/** Text as PostgreSQL takes it: no NUL, and no half of a surrogate pair. */
const text = (value: string): string => value.slice(0, maxText).toWellFormed().replaceAll("\0", "\uFFFD")

const optionalText = (value: string | undefined): string | null => (value === undefined ? null : text(value))
