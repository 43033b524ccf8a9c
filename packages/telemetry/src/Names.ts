/**
 * Every name that metrics and spans use, in two tables. `gen_ai.*` are those of OpenTelemetry's semantic conventions for
 * generative AI (in development: their state after version 1.42.0, when they got a repository of their own); `holdfast.*`
 * are ours. A name that changes its meaning or goes away raises `version`.
 */

import { counted } from "./internal/countedMetrics.ts"
import { labels, type Metric } from "./internal/metric.ts"
import { read } from "./internal/readMetrics.ts"

export { type Label, labels, type Metric } from "./internal/metric.ts"

export const version = 1

/** In the order of the documentation. */
export const metrics = { ...counted, ...read }
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
