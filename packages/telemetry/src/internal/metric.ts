/** What a metric is, and what its labels say. */

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
