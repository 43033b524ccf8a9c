/** Events as the pipeline publishes them. */
import type { Event } from "@holdfast/core"

type Draft<Tag extends Event.Draft["_tag"]> = Extract<Event.Draft, { readonly _tag: Tag }>

const lane = { lane: "openai/gpt-x", provider: "openai", model: "gpt-x" }

export const attempt = (over: Partial<Draft<"AttemptEnded">> = {}): Draft<"AttemptEnded"> => ({
  _tag: "AttemptEnded",
  operation: "op-1",
  route: "chat",
  ...lane,
  credential: "openai",
  kind: "text",
  attempt: 1,
  startedAt: 0,
  durationMillis: 200,
  result: "Success",
  ...over
})

export const ended = (over: Partial<Draft<"OperationEnded">> = {}): Draft<"OperationEnded"> => ({
  _tag: "OperationEnded",
  operation: "op-1",
  route: "chat",
  kind: "text",
  result: "Success",
  lane: lane.lane,
  attempts: 1,
  durationMillis: 300,
  degraded: false,
  ...over
})
