/** What is counted from events, by `measure`. */
import type { Metric } from "./metric.ts"

/** Seconds: from a cached answer to a batch that takes minutes. */
const seconds = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 600]
/** Seconds, as the conventions advise. */
const clientSeconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
const firstTokenSeconds = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const tokens = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864]

const client = ["gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model"] as const

export const counted = {
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
  }
} as const satisfies { readonly [name: string]: Metric }
