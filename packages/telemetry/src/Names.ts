/**
 * Every name that metrics and spans use, in one table. `gen_ai.*` are those of OpenTelemetry's semantic conventions for
 * generative AI (in development: their state after version 1.42.0, when they got a repository of their own); `holdfast.*`
 * are ours. A name that changes its meaning or goes away raises `version`.
 */

export const version = 1

export interface Metric {
  readonly id: string
  readonly type: "counter" | "gauge" | "histogram"
  /** As UCUM writes it; `{…}` is a word for what is counted. */
  readonly unit: string
  readonly description: string
  readonly labels: ReadonlyArray<Label>
  /** Upper bounds of a histogram's buckets. */
  readonly boundaries?: ReadonlyArray<number>
}

/** What a label says. */
export const labels = {
  "gen_ai.operation.name": "`chat`, `embeddings`, or `effect` for calls of any other kind",
  "gen_ai.provider.name": "who answered, or was asked last",
  "gen_ai.request.model": "the model that was asked; of `gen_ai.server.*`, the route",
  "gen_ai.token.type": "`input` or `output`",
  "error.type": "the class of what went wrong; absent where nothing did",
  route: "the name callers use",
  kind: "`text`, `stream`, `embed`, `effect`",
  lane: "provider and model",
  provider: "whose lane it is",
  model: "the lane's model",
  circuit: "a lane's, or `credential:…`, `model:…`, `provider:…`",
  class: "how it ended: `Success`, the class of a failure, or a refusal of ours",
  outcome: "`success`, `failure` (a provider's), `refusal` (ours), `cancelled` (the caller left)",
  source: "what answered: `lane`, `cache`, `stale`, `shared`, `last-resort`; `none` where nothing did",
  degraded: "`true` where something else answered than the first lane",
  reason: "why",
  budget: "`lane` for the lane's retry budget; else which of the operation's own",
  mode: "how the stream went on, or what a hold does",
  state: "`closed`, `open`, `half-open`",
  status: "`idle`, `healthy`, `degraded`, `unhealthy`",
  limit: "`requests` or `tokens`",
  type: "`input` or `output`",
  label: "the label whose values were too many",
  tenant: "under whose name it is accounted: of the gateway, a fingerprint of the caller's key",
  estimated: "`true` where the provider has not said all of it",
  version: "of the names in this table"
} as const
export type Label = keyof typeof labels

/** Seconds: from a cached answer to a batch that takes minutes. */
const seconds = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 600]
/** Seconds, as the conventions advise. */
const clientSeconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
const firstTokenSeconds = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const tokens = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864]

const client = ["gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model"] as const

export const metrics = {
  operationDuration: {
    id: "gen_ai.client.operation.duration",
    type: "histogram",
    unit: "s",
    description: "Duration of operations that asked a provider, retries and fallbacks included",
    labels: [...client, "error.type"],
    boundaries: clientSeconds
  },
  tokenUsage: {
    id: "gen_ai.client.token.usage",
    type: "histogram",
    unit: "{token}",
    description: "Tokens an operation used, over all of its attempts",
    labels: [...client, "gen_ai.token.type"],
    boundaries: tokens
  },
  firstChunk: {
    id: "gen_ai.client.operation.time_to_first_chunk",
    type: "histogram",
    unit: "s",
    description: "From the start of an operation to the first content of its stream",
    labels: client,
    boundaries: clientSeconds
  },
  serverDuration: {
    id: "gen_ai.server.request.duration",
    type: "histogram",
    unit: "s",
    description: "Duration of requests as callers of the gateway see them",
    labels: ["gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "error.type"],
    boundaries: clientSeconds
  },
  serverFirstToken: {
    id: "gen_ai.server.time_to_first_token",
    type: "histogram",
    unit: "s",
    description: "From a caller's request to the first content of its stream",
    labels: ["gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model"],
    boundaries: firstTokenSeconds
  },
  operations: {
    id: "holdfast.operations",
    type: "counter",
    unit: "{operation}",
    description: "Operations that ended",
    labels: ["route", "kind", "class", "outcome", "source", "degraded"]
  },
  operationSeconds: {
    id: "holdfast.operation.duration",
    type: "histogram",
    unit: "s",
    description: "Duration of operations, whoever answered",
    labels: ["route", "outcome"],
    boundaries: seconds
  },
  operationAttempts: {
    id: "holdfast.operation.attempts",
    type: "histogram",
    unit: "{attempt}",
    description: "Requests that an operation sent",
    labels: ["route"],
    boundaries: [0, 1, 2, 3, 4, 6, 8, 12]
  },
  attempts: {
    id: "holdfast.attempts",
    type: "counter",
    unit: "{attempt}",
    description: "Requests to providers that ended",
    labels: ["route", "lane", "provider", "model", "class", "outcome"]
  },
  attemptSeconds: {
    id: "holdfast.attempt.duration",
    type: "histogram",
    unit: "s",
    description: "Duration of requests to providers",
    labels: ["lane", "outcome"],
    boundaries: seconds
  },
  firstContentSeconds: {
    id: "holdfast.attempt.first_content",
    type: "histogram",
    unit: "s",
    description: "From the start of an attempt to the first content of its stream",
    labels: ["lane"],
    boundaries: seconds
  },
  tokens: {
    id: "holdfast.tokens",
    type: "counter",
    unit: "{token}",
    description: "Tokens that attempts used",
    labels: ["lane", "type", "estimated"]
  },
  cost: {
    id: "holdfast.cost",
    type: "counter",
    unit: "USD",
    description: "What attempts cost, in US dollars, where their price is known",
    labels: ["lane", "estimated"]
  },
  unclassified: {
    id: "holdfast.failures.unclassified",
    type: "counter",
    unit: "{failure}",
    description: "Failures that no rule of the classifier knows",
    labels: ["lane"]
  },
  retries: {
    id: "holdfast.retries",
    type: "counter",
    unit: "{retry}",
    description: "Retries on the same lane that were scheduled",
    labels: ["lane", "class"]
  },
  retriesSuppressed: {
    id: "holdfast.retries.suppressed",
    type: "counter",
    unit: "{retry}",
    description: "Retries that were not made since a budget was spent",
    labels: ["lane", "budget"]
  },
  refusals: {
    id: "holdfast.lane.refusals",
    type: "counter",
    unit: "{refusal}",
    description: "Lanes that were not called, by our own decision",
    labels: ["lane", "reason"]
  },
  failovers: {
    id: "holdfast.failovers",
    type: "counter",
    unit: "{failover}",
    description: "Operations that left a lane for another one",
    labels: ["route", "lane", "reason"]
  },
  hedges: {
    id: "holdfast.hedges",
    type: "counter",
    unit: "{attempt}",
    description: "Attempts that were sent beside a slow one",
    labels: ["route"]
  },
  continued: {
    id: "holdfast.streams.continued",
    type: "counter",
    unit: "{stream}",
    description: "Streams that broke behind their first content and went on",
    labels: ["route", "mode"]
  },
  waits: {
    id: "holdfast.operation.waits",
    type: "counter",
    unit: "{wait}",
    description: "Waits of operations for a lane to open again",
    labels: ["route"]
  },
  transitions: {
    id: "holdfast.circuit.transitions",
    type: "counter",
    unit: "{transition}",
    description: "Changes of circuits, by the state they changed to",
    labels: ["circuit", "state"]
  },
  coolings: {
    id: "holdfast.lane.coolings",
    type: "counter",
    unit: "{cooling}",
    description: "Waits that providers asked for",
    labels: ["lane"]
  },
  attention: {
    id: "holdfast.attention",
    type: "counter",
    unit: "{event}",
    description: "Events that somebody must look at: a refused credential, an exhausted quota",
    labels: ["lane", "class"]
  },
  tenantOperations: {
    id: "holdfast.tenant.operations",
    type: "counter",
    unit: "{operation}",
    description: "Operations by tenant, where tenants are told apart",
    labels: ["tenant", "outcome"]
  },
  tenantTokens: {
    id: "holdfast.tenant.tokens",
    type: "counter",
    unit: "{token}",
    description: "Tokens by tenant, input and output, estimates included",
    labels: ["tenant"]
  },
  tenantCost: {
    id: "holdfast.tenant.cost",
    type: "counter",
    unit: "USD",
    description: "US dollars by tenant, estimates included",
    labels: ["tenant"]
  },
  circuitState: {
    id: "holdfast.circuit.state",
    type: "gauge",
    unit: "{circuit}",
    description: "1 for the state a circuit is in, 0 for the others",
    labels: ["circuit", "state"]
  },
  circuitHolds: {
    id: "holdfast.circuit.holds",
    type: "gauge",
    unit: "{hold}",
    description: "Holds that people have put on a circuit",
    labels: ["circuit", "mode"]
  },
  laneStatus: {
    id: "holdfast.lane.status",
    type: "gauge",
    unit: "{lane}",
    description: "1 for the health status a lane has, 0 for the others",
    labels: ["lane", "status"]
  },
  laneSuccess: {
    id: "holdfast.lane.success",
    type: "gauge",
    unit: "1",
    description: "Part of a lane's recent calls that succeeded",
    labels: ["lane"]
  },
  laneRunning: {
    id: "holdfast.lane.running",
    type: "gauge",
    unit: "{call}",
    description: "Calls of a lane that are under way",
    labels: ["lane"]
  },
  laneWaiting: {
    id: "holdfast.lane.waiting",
    type: "gauge",
    unit: "{call}",
    description: "Calls that wait for a slot of a lane",
    labels: ["lane"]
  },
  laneLimit: {
    id: "holdfast.lane.concurrency_limit",
    type: "gauge",
    unit: "{call}",
    description: "Calls a lane may run at once, where its bulkhead finds that by trying",
    labels: ["lane"]
  },
  limitRemaining: {
    id: "holdfast.limit.remaining",
    type: "gauge",
    unit: "{unit}",
    description: "What is left of the limit a provider has stated; below zero when more was sent",
    labels: ["lane", "limit"]
  },
  limitWaiting: {
    id: "holdfast.limit.waiting",
    type: "gauge",
    unit: "{operation}",
    description: "Operations that wait for a lane's limits",
    labels: ["lane"]
  },
  laneCooling: {
    id: "holdfast.lane.cooling",
    type: "gauge",
    unit: "s",
    description: "How long a lane still cools",
    labels: ["lane"]
  },
  retryBudget: {
    id: "holdfast.retry_budget.balance",
    type: "gauge",
    unit: "{retry}",
    description: "Retries that a lane's budget allows now",
    labels: ["lane"]
  },
  throttle: {
    id: "holdfast.lane.throttle",
    type: "gauge",
    unit: "1",
    description: "Part of a lane's calls that its throttle refuses",
    labels: ["lane"]
  },
  eventsDropped: {
    id: "holdfast.events.dropped",
    type: "counter",
    unit: "{event}",
    description: "Events that subscribers of the bus lost by being slow",
    labels: []
  },
  eventsMissed: {
    id: "holdfast.metrics.missed",
    type: "counter",
    unit: "{event}",
    description: "Events that these metrics lost by being slow: their counters are too low by as many",
    labels: []
  },
  overflow: {
    id: "holdfast.metrics.overflow",
    type: "counter",
    unit: "{value}",
    description: "Measurements whose label became `other`, since it had too many values",
    labels: ["label"]
  },
  storePending: {
    id: "holdfast.store.pending",
    type: "gauge",
    unit: "{row}",
    description: "Rows that wait for the database",
    labels: []
  },
  storeAway: {
    id: "holdfast.store.away",
    type: "gauge",
    unit: "{store}",
    description: "1 while the database does not answer",
    labels: []
  },
  journalSize: {
    id: "holdfast.journal.size",
    type: "gauge",
    unit: "By",
    description: "What the journal in front of the database takes on disk, where there is one",
    labels: []
  },
  storeWritten: {
    id: "holdfast.store.written",
    type: "counter",
    unit: "{row}",
    description: "Rows that the database has taken",
    labels: []
  },
  storeLost: {
    id: "holdfast.store.lost",
    type: "counter",
    unit: "{row}",
    description: "Rows that were dropped, or that the database will never take",
    labels: []
  },
  info: {
    id: "holdfast.info",
    type: "gauge",
    unit: "{instance}",
    description: "Always 1",
    labels: ["version"]
  }
} as const satisfies { readonly [name: string]: Metric }
export type Name = keyof typeof metrics

/** The name in Prometheus, by OpenTelemetry's rules for compatibility: unit and `_total` behind it. */
export const prometheus = ({ id, type, unit }: Metric): string => {
  const suffix = unit === "1" && type === "gauge" ? "_ratio" : (suffixes[unit] ?? "")
  return `${id.replaceAll(".", "_")}${suffix}${type === "counter" ? "_total" : ""}`
}

const suffixes: { readonly [unit: string]: string } = { s: "_seconds", By: "_bytes", USD: "_usd" }

/** Attributes of spans. */
export const attributes = {
  operationName: { id: "gen_ai.operation.name", on: "both", description: labels["gen_ai.operation.name"] },
  provider: { id: "gen_ai.provider.name", on: "both", description: "who answered, or was asked" },
  requestModel: {
    id: "gen_ai.request.model",
    on: "both",
    description: "of an operation, its route; of an attempt, its model"
  },
  responseModel: { id: "gen_ai.response.model", on: "operation", description: "the model that answered" },
  inputTokens: { id: "gen_ai.usage.input_tokens", on: "operation", description: "over all attempts" },
  outputTokens: { id: "gen_ai.usage.output_tokens", on: "operation", description: "over all attempts" },
  errorType: { id: "error.type", on: "both", description: labels["error.type"] },
  statusCode: { id: "http.response.status_code", on: "attempt", description: "of the provider's answer" },
  operation: { id: "holdfast.operation", on: "both", description: "the id in logs, rows and `x-holdfast-operation`" },
  route: { id: "holdfast.route", on: "both", description: labels.route },
  kind: { id: "holdfast.kind", on: "operation", description: labels.kind },
  source: { id: "holdfast.source", on: "operation", description: labels.source },
  degraded: { id: "holdfast.degraded", on: "operation", description: labels.degraded },
  attempts: { id: "holdfast.attempts", on: "operation", description: "requests that were sent" },
  joined: { id: "holdfast.joined", on: "operation", description: "the operation whose attempts it shared" },
  attempt: { id: "holdfast.attempt", on: "attempt", description: "1 for the operation's first" },
  lane: { id: "holdfast.lane", on: "both", description: "provider and model; of an operation, the one that answered" },
  hedge: { id: "holdfast.hedge", on: "attempt", description: "`true` where it was sent beside a slow one" },
  rule: { id: "holdfast.rule", on: "attempt", description: "the rule that classified the failure" },
  firstContent: {
    id: "holdfast.first_content",
    on: "attempt",
    description: "seconds to the first content of a stream"
  },
  attemptInput: { id: "holdfast.usage.input_tokens", on: "attempt", description: "as the provider counted" },
  attemptOutput: { id: "holdfast.usage.output_tokens", on: "attempt", description: "as the provider counted" },
  tenant: { id: "holdfast.tenant", on: "operation", description: labels.tenant },
  cost: { id: "holdfast.cost", on: "both", description: "in US dollars, where the price is known" },
  estimated: {
    id: "holdfast.estimated",
    on: "both",
    description: "`true` where tokens and cost are in part estimates"
  },
  waited: {
    id: "holdfast.waited",
    on: "both",
    description: "seconds of waiting: of an operation, in all; of an attempt, right before it"
  },
  requestId: { id: "holdfast.request_id", on: "attempt", description: "the provider's id of the request" }
} as const satisfies {
  readonly [name: string]: {
    readonly id: string
    readonly on: "operation" | "attempt" | "both"
    readonly description: string
  }
}

/** `gen_ai.provider.name` as the conventions spell it, where they know the provider. */
const wellKnown: { readonly [provider: string]: string } = {
  gemini: "gcp.gemini",
  vertex: "gcp.vertex_ai",
  bedrock: "aws.bedrock",
  azure: "azure.ai.openai",
  mistral: "mistral_ai",
  xai: "x_ai"
}
export const providerName = (provider: string): string => wellKnown[provider] ?? provider

export const operationName = (kind: "text" | "stream" | "embed" | "effect"): string =>
  kind === "embed" ? "embeddings" : kind === "effect" ? "effect" : "chat"
