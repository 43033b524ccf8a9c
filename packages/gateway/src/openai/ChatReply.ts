/** Answers as OpenAI's clients expect them: one completion object, or its chunks as server-sent events. Pure. */
import type { Restarted } from "@holdfast/core/Route"
import type * as Response from "effect/ai/Response"
import * as Predicate from "effect/Predicate"

/** What every answer names. */
export interface Head {
  readonly id: string
  /** Seconds since the epoch. */
  readonly created: number
  /** The model that answered, not the route that was asked for. */
  readonly model: string
}

interface WireUsage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly prompt_tokens_details?: { readonly cached_tokens: number }
  readonly completion_tokens_details?: { readonly reasoning_tokens: number }
}

const usageOf = ({ usage }: Response.FinishPartEncoded): WireUsage => {
  const prompt = usage.inputTokens.total ?? 0
  const completion = usage.outputTokens.total ?? 0
  const { cacheRead } = usage.inputTokens
  const { reasoning } = usage.outputTokens
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(cacheRead === undefined ? {} : { prompt_tokens_details: { cached_tokens: cacheRead } }),
    ...(reasoning === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoning } })
  }
}

const reasonOf = (reason: Response.FinishReason): string => {
  switch (reason) {
    case "length":
      return "length"
    case "content-filter":
      return "content_filter"
    case "tool-calls":
      return "tool_calls"
    default:
      return "stop"
  }
}

/** The lanes that gave the beginning of an answer that others have gone on with. */
const continuedOf = ({ metadata }: Response.FinishPartEncoded): object => {
  const ours = metadata?.["holdfast"]
  return Predicate.hasProperty(ours, "continuedFrom")
    ? { holdfast: { continued_from: ours.continuedFrom, usage_estimated: true } }
    : {}
}

const argumentsOf = (params: unknown): string => JSON.stringify(params ?? {})

/** The model that answered, where the answer itself says so. */
export const modelOf = (
  parts: ReadonlyArray<Response.PartEncoded | Response.StreamPartEncoded | Restarted>
): string | undefined => {
  for (const part of parts) {
    if (part.type === "response-metadata" && part.modelId !== undefined) return part.modelId
  }
  return undefined
}

/** A whole answer. */
export const completion = (head: Head, parts: ReadonlyArray<Response.PartEncoded>) => {
  let text = ""
  let reasoning = ""
  let finish: Response.FinishPartEncoded | undefined
  const calls: Array<{ id: string; type: "function"; function: { name: string; arguments: string } }> = []
  for (const part of parts) {
    if (part.type === "text") text += part.text
    else if (part.type === "reasoning") reasoning += part.text
    else if (part.type === "finish") finish = part
    else if (part.type === "tool-call") {
      calls.push({ id: part.id, type: "function", function: { name: part.name, arguments: argumentsOf(part.params) } })
    }
  }
  return {
    id: head.id,
    object: "chat.completion",
    created: head.created,
    model: head.model,
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: text === "" && calls.length > 0 ? null : text,
          refusal: null,
          ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
          ...(calls.length === 0 ? {} : { tool_calls: calls })
        },
        logprobs: null,
        finish_reason: reasonOf(finish?.reason ?? "stop")
      }
    ],
    ...(finish === undefined ? {} : { usage: usageOf(finish) })
  }
}

/** Turns the parts of one stream into chunks, in order. It remembers which tool calls have been announced. */
export interface Chunker {
  /** The chunks for one part; often one, sometimes none. */
  readonly chunks: (part: Response.StreamPartEncoded | Restarted) => ReadonlyArray<object>
}

/** The chunker of one stream. Its first chunk names the role, its last one the usage where that was asked for. */
export const chunker = (head: Head, includeUsage: boolean): Chunker => {
  const indexes = new Map<string, number>()
  let begun = false
  let { model } = head

  const chunk = (delta: object, finish: string | null = null) => ({
    id: head.id,
    object: "chat.completion.chunk",
    created: head.created,
    model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...(includeUsage ? { usage: null } : {})
  })
  const announce = (id: string, name: string, args: string) => {
    const index = indexes.size
    indexes.set(id, index)
    return chunk({ tool_calls: [{ index, id, type: "function", function: { name, arguments: args } }] })
  }
  const deltas = (part: Response.StreamPartEncoded | Restarted): ReadonlyArray<object> => {
    switch (part.type) {
      // Another one, where the answer is gone on with or begins anew.
      case "response-metadata":
        model = part.modelId ?? model
        return []
      case "restarted": {
        // Everything before it is void, the announced tool calls as well.
        begun = false
        indexes.clear()
        const { from, reason } = part
        return [{ ...chunk({}), choices: [], holdfast: { restarted: { from, reason } } }]
      }
      case "text-delta":
        return part.delta === "" ? [] : [chunk({ content: part.delta })]
      case "reasoning-delta":
        return part.delta === "" ? [] : [chunk({ reasoning_content: part.delta })]
      case "tool-params-start":
        return [announce(part.id, part.name, "")]
      case "tool-params-delta":
        return [chunk({ tool_calls: [{ index: indexes.get(part.id) ?? 0, function: { arguments: part.delta } }] })]
      case "tool-call":
        return indexes.has(part.id) ? [] : [announce(part.id, part.name, argumentsOf(part.params))]
      case "finish":
        return [
          { ...chunk({}, reasonOf(part.reason)), ...continuedOf(part) },
          ...(includeUsage ? [{ ...chunk({}), choices: [], usage: usageOf(part) }] : [])
        ]
      default:
        return []
    }
  }
  return {
    chunks: (part) => {
      const found = deltas(part)
      if (found.length === 0 || begun || part.type === "restarted") return found
      begun = true
      return [chunk({ role: "assistant", content: "" }), ...found]
    }
  }
}

/** One server-sent event. */
export const event = (data: object | "[DONE]"): string =>
  `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`
