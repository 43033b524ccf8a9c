/** What the pipeline and its front must know of the parts of an answer. Pure. */
import type * as Response from "effect/ai/Response"
import * as Predicate from "effect/Predicate"
import type * as Operation from "../Operation.ts"
import type * as TextModel from "../TextModel.ts"

type Part = Response.PartEncoded | Response.StreamPartEncoded

/** What a caller cannot take back: text, reasoning, the start of a tool call. Empty pieces are not content. */
export const commits = (part: Part): boolean => {
  switch (part.type) {
    case "text":
    case "reasoning":
      return part.text.length > 0
    case "text-delta":
    case "reasoning-delta":
      return part.delta.length > 0
    case "tool-params-start":
    case "tool-call":
    case "file":
      return true
    default:
      return false
  }
}

/**
 * Whether an answer says all it has to say: its model came to an end of its own, with some content. One that was cut off
 * by its length or by a filter would be cut off for everybody who is given it again.
 */
export const isWhole = (parts: ReadonlyArray<Part>): boolean => {
  const last = parts.at(-1)
  return last?.type === "finish" && (last.reason === "stop" || last.reason === "tool-calls") && parts.some(commits)
}

/** Whether something kept is the parts of a plain answer; entries hold what this same version has written. */
export const isPlain = (kept: unknown): kept is ReadonlyArray<Response.PartEncoded> => areParts(kept)

/** The same for the parts of a streamed answer. */
export const isStreamed = (kept: unknown): kept is ReadonlyArray<Response.StreamPartEncoded> => areParts(kept)

const areParts = (kept: unknown): boolean =>
  Array.isArray(kept) && kept.length > 0 && kept.every((part) => Predicate.hasProperty(part, "type"))

/** What the request that came to this end has used; of an answer that was gone on with, the last request alone. */
export const usageOf = ({ metadata, usage }: Response.FinishPartEncoded): Operation.Usage => {
  const ours = metadata?.["holdfast"]
  const last: unknown = Predicate.hasProperty(ours, "lastUsage") ? ours.lastUsage : undefined
  const cached = { cacheReadTokens: usage.inputTokens.cacheRead, cacheWriteTokens: usage.inputTokens.cacheWrite }
  if (last === undefined) {
    return { inputTokens: usage.inputTokens.total, outputTokens: usage.outputTokens.total, ...cached }
  }
  const said = (name: string) =>
    Predicate.hasProperty(last, name) && typeof last[name] === "number" ? last[name] : undefined
  return { inputTokens: said("inputTokens"), outputTokens: said("outputTokens"), ...cached }
}

/** Whether a text by itself can be an answer to the request. */
export const isEnough = ({ responseFormat, toolChoice }: TextModel.Request): boolean =>
  responseFormat.type === "text" &&
  (typeof toolChoice === "string" ? toolChoice !== "required" : "mode" in toolChoice && toolChoice.mode === "auto")

/** A text of our own as an answer. The model's name says whose it is. */
export const plain = (text: string): ReadonlyArray<Response.PartEncoded> => [metadata, { type: "text", text }, finish]

/** The same as a stream. */
export const stream = (text: string): ReadonlyArray<Response.StreamPartEncoded> => [
  metadata,
  { type: "text-start", id: "0" },
  { type: "text-delta", id: "0", delta: text },
  { type: "text-end", id: "0" },
  finish
]

const metadata: Response.ResponseMetadataPartEncoded = {
  type: "response-metadata",
  id: undefined,
  modelId: "holdfast/degraded",
  timestamp: undefined
}

const finish: Response.FinishPartEncoded = {
  type: "finish",
  reason: "other",
  usage: {
    inputTokens: { uncached: 0, total: 0, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 0, text: 0, reasoning: 0 }
  },
  response: undefined
}
