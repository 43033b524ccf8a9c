/** Anthropic's healthy answers: messages, token counts, models. */
import * as Answer from "./Answer.ts"
import * as AnthropicRequest from "./AnthropicRequest.ts"
import * as Conversation from "./Conversation.ts"
import * as Json from "./Json.ts"
import type { Occasion } from "./Surface.ts"

/** The text of one server-sent event, which is named after its type. */
export const event = (data: unknown): string => {
  const type = Json.text(data, "type")
  return `${type === undefined ? "" : `event: ${type}\n`}data: ${JSON.stringify(data)}\n\n`
}

export const requestId = (id: number): string => `req_${padded(id)}`

export const headers = (id: number): Readonly<Record<string, string>> => ({ "request-id": requestId(id) })

const padded = (id: number): string => String(id).padStart(8, "0")

/** What a model that thinks says to itself, in summary. */
const thought = "The question is about kelp, so the answer is too."

const signature = (id: number): string => `signature_${padded(id)}`

/** Whether a thought with this signature is one of an emulator's own. */
export const isSignature = (value: string | undefined): boolean => /^signature_\d{8,}$/.test(value ?? "")

export const create = (request: AnthropicRequest.Create, occasion: Occasion): Answer.Answer => {
  const completion = Conversation.complete(
    AnthropicRequest.conversation(request),
    occasion.healthy,
    occasion.blockAfter
  )
  const content = [...thoughts(request, occasion.id), ...said(completion, occasion.id)]
  const stop = { stop_reason: stopReason[completion.finish], ...details(completion.finish === "filter") }
  const thinking = content.some((block) => block.type === "thinking") ? Conversation.countWords(thought) : 0
  const usage = usageOf(completion.promptWords, completion.completionWords + thinking, thinking)
  const base = message(request.model, occasion.id)
  if (request.stream !== true) {
    return Answer.json(200, { ...base, content, ...stop, usage }, headers(occasion.id))
  }
  const start = { ...base, content: [], stop_reason: null, ...details(false), usage: { ...usage, output_tokens: 1 } }
  return streamed(start, content, stop, usage, completion, headers(occasion.id))
}

/** A prompt that the API's own safety refuses: a 200 without content. */
export const refused = (model: string, id: number, isStream: boolean): Answer.Answer => {
  const base = message(model, id)
  const stop = { stop_reason: "refusal", ...details(true) }
  const usage = usageOf(13, 1, 0)
  if (!isStream) return Answer.json(200, { ...base, content: [], ...stop, usage }, headers(id))
  const start = { ...base, content: [], stop_reason: null, ...details(false), usage }
  return streamed(start, [], stop, usage, undefined, headers(id))
}

export const count = (request: AnthropicRequest.Count, occasion: Occasion): Answer.Answer => {
  const words = AnthropicRequest.messages(request).reduce((sum, { text }) => sum + Conversation.countWords(text), 0)
  return Answer.json(200, { input_tokens: words }, headers(occasion.id))
}

export const models = (occasion: Occasion): Answer.Answer => {
  const data = occasion.models.map(describe)
  const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null }
  return Answer.json(200, { data, has_more: false, ...ends }, headers(occasion.id))
}

export const model = (name: string, occasion: Occasion): Answer.Answer =>
  Answer.json(200, describe(name), headers(occasion.id))

const describe = (id: string) => ({
  type: "model",
  id,
  display_name: id,
  created_at: "2025-06-15T15:06:40Z",
  max_input_tokens: 8192,
  max_tokens: 8192,
  capabilities: null
})

const stopReason = { stop: "end_turn", length: "max_tokens", tool: "tool_use", filter: "refusal" } as const

const details = (isRefusal: boolean) => ({
  stop_sequence: null,
  stop_details: isRefusal ? { type: "refusal", category: "general_harms", explanation: null } : null
})

const message = (model: string, id: number) => ({
  id: `msg_${padded(id)}`,
  type: "message",
  role: "assistant",
  model,
  container: null,
  diagnostics: null
})

const usageOf = (input: number, output: number, thinking: number) => ({
  input_tokens: input,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation: null,
  output_tokens: output,
  output_tokens_details: { thinking_tokens: thinking },
  server_tool_use: null,
  service_tier: "standard",
  inference_geo: null,
  speed: null
})

type Block =
  | { readonly type: "text"; readonly text: string; readonly citations: null }
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; readonly input: unknown }

/** Models that decide for themselves keep their thoughts hidden unless asked. */
const thoughts = ({ thinking }: AnthropicRequest.Create, id: number): ReadonlyArray<Block> => {
  if (thinking?.type !== "adaptive" && thinking?.type !== "enabled") return []
  const isShown = (thinking.display ?? (thinking.type === "enabled" ? "summarized" : "omitted")) === "summarized"
  return [{ type: "thinking", thinking: isShown ? thought : "", signature: signature(id) }]
}

const said = ({ calls, chunks, finish }: Conversation.Completion, id: number): ReadonlyArray<Block> => {
  if (calls.length > 0) {
    return calls.map((call, n) => ({
      type: "tool_use",
      id: `toolu_${padded(id)}${n === 0 ? "" : `_${n + 1}`}`,
      name: call.name,
      input: call.arguments
    }))
  }
  return finish === "filter" && chunks.length === 0 ? [] : [{ type: "text", text: chunks.join(""), citations: null }]
}

const streamed = (
  start: unknown,
  content: ReadonlyArray<Block>,
  stop: object,
  usage: ReturnType<typeof usageOf>,
  completion: Conversation.Completion | undefined,
  headers: Readonly<Record<string, string>>
): Answer.Answer => {
  const before: Array<unknown> = [{ type: "message_start", message: start }, { type: "ping" }]
  const chunks: Array<unknown> = []
  const after: Array<unknown> = []
  for (const [index, block] of content.entries()) {
    const delta = (delta: object) => ({ type: "content_block_delta", index, delta })
    const begin = (content_block: object) => ({ type: "content_block_start", index, content_block })
    const end = { type: "content_block_stop", index }
    switch (block.type) {
      case "thinking": {
        const shown = block.thinking === "" ? [] : [delta({ type: "thinking_delta", thinking: block.thinking })]
        const signed = delta({ type: "signature_delta", signature: block.signature })
        before.push(begin({ type: "thinking", thinking: "", signature: "" }), ...shown, signed, end)
        break
      }
      case "text":
        before.push(begin({ ...block, text: "" }))
        chunks.push(...(completion?.chunks ?? []).map((text) => delta({ type: "text_delta", text })))
        after.push(end)
        break
      case "tool_use": {
        const fragments = Conversation.fragments(JSON.stringify(block.input))
        // Of several calls, those in between begin and end within the content.
        ;(chunks.length === 0 ? before : chunks).push(begin({ ...block, input: {} }))
        chunks.push(...fragments.map((text) => delta({ type: "input_json_delta", partial_json: text })))
        ;(index === content.length - 1 ? after : chunks).push(end)
        break
      }
    }
  }
  after.push({ type: "message_delta", delta: { container: null, ...stop }, usage }, { type: "message_stop" })
  return Answer.events({
    headers,
    opening: before.map(event),
    content: chunks.map(event),
    closing: after.map(event)
  })
}
