/** Events as the pipeline publishes them. */
import type { Event } from "@holdfast/core"

type Of<Tag extends Event.Draft["_tag"]> = Extract<Event.Draft, { readonly _tag: Tag }>

export const attempt = (fields: Partial<Of<"AttemptEnded">> = {}): Of<"AttemptEnded"> => ({
  _tag: "AttemptEnded",
  operation: "op-1",
  route: "chat",
  lane: "openai/gpt-mini",
  provider: "openai",
  model: "gpt-mini",
  credential: "openai",
  kind: "text",
  attempt: 1,
  startedAt: 1_000,
  durationMillis: 250,
  result: "ServiceUnavailable",
  ...fields
})

export const operation = (fields: Partial<Of<"OperationEnded">> = {}): Of<"OperationEnded"> => ({
  _tag: "OperationEnded",
  operation: "op-1",
  route: "chat",
  kind: "text",
  result: "Success",
  lane: "openai/gpt-mini",
  attempts: 1,
  durationMillis: 300,
  degraded: false,
  ...fields
})

export const circuit = (fields: Partial<Of<"CircuitChanged">> = {}): Of<"CircuitChanged"> => ({
  _tag: "CircuitChanged",
  circuit: "openai/gpt-mini",
  from: "closed",
  to: "open",
  reason: "5 consecutive failures",
  failures: 5,
  ...fields
})

export const healthChange = (fields: Partial<Of<"HealthChanged">> = {}): Of<"HealthChanged"> => ({
  _tag: "HealthChanged",
  lane: "openai/gpt-mini",
  provider: "openai",
  model: "gpt-mini",
  from: "healthy",
  to: "degraded",
  successRate: 0.9,
  ...fields
})
