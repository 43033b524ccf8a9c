/** Which event becomes which row. Pure. */
import type * as Event from "@holdfast/core/Event"
import * as Failure from "@holdfast/core/Failure"
import * as Schema from "effect/Schema"
import { crc32 } from "node:zlib"
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

/** The rows of an event, if it makes any; but for changes of health, which are completed first. */
export const ofEvent = (event: Event.Event): ReadonlyArray<Entry> => {
  switch (event._tag) {
    case "OperationEnded":
      return [ofOperation(event)]
    case "AttemptEnded":
      return [ofAttempt(event), ...ofFailure(event)]
    case "CircuitChanged":
      return [ofCircuit(event)]
    default:
      return []
  }
}

/** Milliseconds as the ledger counts them. */
const whole = (millis: number): number => Math.min(Math.max(0, Math.round(millis)), 2 ** 31 - 1)
const optionalWhole = (count: number | undefined): number | undefined =>
  count === undefined ? undefined : whole(count)

/** What is not said is false. */
const flag = (value: boolean | undefined): true | undefined => (value === true ? true : undefined)

const amountsOf = (event: typeof Event.AttemptEnded.Type | typeof Event.OperationEnded.Type) => ({
  waited_ms: whole(event.waitedMillis ?? 0) || undefined,
  first_content_ms: optionalWhole(event.firstContentMillis),
  duration_ms: whole(event.durationMillis),
  input_tokens: optionalWhole(event.inputTokens),
  output_tokens: optionalWhole(event.outputTokens),
  cached_tokens: optionalWhole(event.cachedTokens),
  usage_estimated: flag(event.estimated),
  cost_usd: event.usd
})

const ofOperation = (event: typeof Event.OperationEnded.Type): Entry => ({
  table: "operations",
  row: {
    operation_id: text(event.operation),
    ended_at: event.at,
    started_at: event.at - event.durationMillis,
    route: text(event.route),
    kind: event.kind,
    tenant: optionalText(event.tenant),
    result: event.result,
    rule: optionalText(event.rule),
    lane: optionalText(event.lane),
    attempts: event.attempts,
    ...amountsOf(event),
    degraded: flag(event.degraded),
    hedged: flag(event.hedged),
    continued: flag(event.continued),
    truncated: flag(event.truncated),
    source: event.source,
    joined_operation: optionalText(event.joined),
    instead: event.instead,
    trace_id: optionalText(event.trace?.traceId)
  }
})

const ofAttempt = (event: typeof Event.AttemptEnded.Type): Entry => ({
  table: "attempts",
  row: {
    operation_id: text(event.operation),
    attempt: event.attempt,
    ended_at: event.at,
    started_at: event.startedAt,
    route: text(event.route),
    kind: event.kind,
    tenant: optionalText(event.tenant),
    lane: text(event.lane),
    provider: text(event.provider),
    model: text(event.model),
    result: event.result,
    rule: optionalText(event.rule),
    http_status: event.status,
    request_id: optionalText(event.requestId),
    ...amountsOf(event),
    hedge: flag(event.hedge),
    continued: flag(event.continued),
    truncated: flag(event.truncated)
  }
})

const isFailure = Schema.is(Failure.Class)

/** The row of an attempt that the provider failed; nothing for a success, a refusal of ours or a caller who left. */
const ofFailure = (event: typeof Event.AttemptEnded.Type): ReadonlyArray<Entry> => {
  if (event.result === "Success" || !isFailure(event.result) || event.result === "Cancelled") return []
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
    http_status: event.status,
    rule: optionalText(event.rule),
    request_id: optionalText(event.requestId),
    retry_after_ms: event.retryAfterMillis,
    severity: severities[event.result],
    fingerprint: fingerprintOf(event),
    occurred_at: event.at
  }
  return [{ table: "errors", row }]
}

/**
 * The same for failures that read the same: numbers and ids in them tell two of a kind apart and nothing else. Class, rule
 * and lane are columns of their own.
 */
const fingerprintOf = ({ message = "", providerCode = "", status }: typeof Event.AttemptEnded.Type): string => {
  const kind = message
    .slice(0, maxText)
    .toLowerCase()
    .replace(/\b(?=[a-z_-]*\d)[a-z0-9_-]{6,}\b/g, "#")
    .replace(/\d+/g, "#")
  return crc32(`${status ?? ""}|${providerCode}|${kind}`)
    .toString(16)
    .padStart(8, "0")
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
    open_ms: event.openMillis,
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
    average_response_time_ms: snapshot.meanMillis,
    p50_response_time_ms: snapshot.p50Millis,
    p95_response_time_ms: snapshot.p95Millis,
    p99_response_time_ms: snapshot.p99Millis,
    error_distribution: snapshot.errors,
    circuit_breaker_state: optionalText(snapshot.circuit),
    last_check: snapshot.at
  }
})

/**
 * The row of a change of status: what the event says, completed by the lane's snapshot where there is one. The snapshot
 * is taken a little later and may have moved on; the event is what happened.
 */
export const ofHealthChange = (
  event: typeof Event.HealthChanged.Type,
  snapshot: HealthSnapshot | undefined
): Entry => ({
  table: "health",
  row: {
    event_id: event.id,
    service_name: text(event.provider),
    model: text(event.model),
    lane: text(event.lane),
    status: event.to,
    success_rate: event.successRate,
    total_requests: snapshot?.calls,
    successful_requests: snapshot?.successes,
    average_response_time_ms: snapshot?.meanMillis,
    p50_response_time_ms: snapshot?.p50Millis,
    p95_response_time_ms: snapshot?.p95Millis,
    p99_response_time_ms: snapshot?.p99Millis,
    error_distribution: snapshot?.errors ?? {},
    circuit_breaker_state: optionalText(snapshot?.circuit),
    last_check: event.at
  }
})

/** The most characters of one text that are kept: providers choose some of them, and a log is no place for a novel. */
const maxText = 2_000

/** Text as PostgreSQL takes it: no NUL, and no half of a surrogate pair. */
const text = (value: string): string => value.slice(0, maxText).toWellFormed().replaceAll("\0", "\uFFFD")

const optionalText = (value: string | undefined): string | undefined => (value === undefined ? undefined : text(value))
