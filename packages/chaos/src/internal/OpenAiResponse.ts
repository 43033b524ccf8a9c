/** The response object of OpenAI's `POST /v1/responses`: what is in it, before it is delivered whole or in events. */
import * as Conversation from "./Conversation.ts"
import * as Json from "./Json.ts"
import { callId } from "./OpenAiAnswer.ts"
import * as OpenAiResponsesHistory from "./OpenAiResponsesHistory.ts"
import * as OpenAiResponsesRequest from "./OpenAiResponsesRequest.ts"
import type { Occasion } from "./Surface.ts"

export interface Fields {
  readonly [name: string]: unknown
}

export interface Reasoning extends Fields {
  readonly id: string
  readonly summary: ReadonlyArray<{ readonly type: "summary_text"; readonly text: string }>
}

export interface Item {
  readonly fields: Fields & { readonly id: string }
  readonly isCall: boolean
  /** What it says, in the pieces a stream delivers. */
  readonly pieces: ReadonlyArray<string>
}

/** Everything that goes into a response. */
export interface Plan {
  /** What stands from the start: all but status, output, usage and end. */
  readonly base: Fields
  readonly reasoning: Reasoning | undefined
  /** The message, or the calls. */
  readonly items: readonly [Item, ...Array<Item>]
  readonly usage: Fields
  readonly status: "completed" | "incomplete"
  /** Why it is incomplete. */
  readonly reason: string | undefined
}

/** What a model that reasons thinks before it answers. */
const thought = "The question is about kelp, so the answer is too."

export const plan = (request: OpenAiResponsesRequest.Create, occasion: Occasion): Plan => {
  const conversation = OpenAiResponsesRequest.conversation(request)
  const completion = Conversation.complete(conversation, occasion.healthy, occasion.blockAfter)
  const { finish } = completion
  const id = String(occasion.id).padStart(8, "0")
  const reasoning = reason(request, occasion.id)
  const thoughts = reasoning === undefined ? 0 : Conversation.countWords(thought)
  const output = completion.completionWords + thoughts
  return {
    base: {
      id: `resp_${id}`,
      object: "response",
      created_at: Math.floor(occasion.now / 1000),
      model: request.model,
      error: null,
      incomplete_details: null,
      instructions: request.instructions ?? null,
      max_output_tokens: request.max_output_tokens ?? null,
      metadata: {},
      parallel_tool_calls: true,
      previous_response_id: null,
      reasoning: { effort: request.reasoning?.effort ?? null, summary: request.reasoning?.summary ?? null },
      store: false,
      temperature: null,
      text: { format: request.text?.format ?? { type: "text" } },
      tool_choice: request.tool_choice ?? "auto",
      tools: request.tools ?? [],
      top_p: null,
      truncation: "disabled"
    },
    reasoning,
    items: itemsOf(completion, occasion.id),
    usage: {
      input_tokens: completion.promptWords,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: thoughts },
      total_tokens: completion.promptWords + output
    },
    status: finish === "length" || finish === "filter" ? "incomplete" : "completed",
    reason: finish === "length" ? "max_output_tokens" : finish === "filter" ? "content_filter" : undefined
  }
}

const itemsOf = ({ calls, chunks }: Conversation.Completion, id: number): Plan["items"] => {
  const [first, ...rest] = calls.map((call, n): Item => {
    const call_id = callId(id, n)
    return {
      fields: { id: call_id.replace("call", "fc"), type: "function_call", call_id, name: call.name },
      isCall: true,
      pieces: Conversation.fragments(JSON.stringify(call.arguments))
    }
  })
  if (first !== undefined) return [first, ...rest]
  const fields = { id: `msg_${String(id).padStart(8, "0")}`, type: "message", role: "assistant" }
  return [{ fields, isCall: false, pieces: chunks }]
}

/** Whoever sets an effort gets a reasoning item, its summary and its sealed text as asked for. */
const reason = ({ include, reasoning }: OpenAiResponsesRequest.Create, id: number): Reasoning | undefined => {
  if (reasoning === undefined || reasoning === null || reasoning.effort === "none") return undefined
  return {
    id: `rs_${String(id).padStart(8, "0")}`,
    type: "reasoning",
    summary: typeof reasoning.summary === "string" ? [{ type: "summary_text", text: thought }] : [],
    ...(include?.includes("reasoning.encrypted_content") && { encrypted_content: OpenAiResponsesHistory.seal(id) })
  }
}

export const part = (text: string) => ({ type: "output_text", text, annotations: [], logprobs: [] })

/** The item with what it says, or before it says anything. */
export const item = ({ fields, isCall }: Item, status: string, said: string | undefined): Fields =>
  isCall
    ? { ...fields, status, arguments: said ?? "" }
    : { ...fields, status, content: said === undefined ? [] : [part(said)] }

export const begun = ({ base }: Plan): Fields => ({ ...base, status: "in_progress", output: [], usage: null })

export const ended = (plan: Plan): Fields => ({
  ...plan.base,
  status: plan.status,
  incomplete_details: plan.reason === undefined ? null : { reason: plan.reason },
  output: [
    ...(plan.reasoning === undefined ? [] : [plan.reasoning]),
    ...plan.items.map((one) => item(one, plan.status, one.pieces.join("")))
  ],
  usage: plan.usage
})

/** An error in the fields it has inside a response, where it always has a code. `body` is `{error}`. */
export const errorOf = (body: unknown) => {
  const error = Json.field(body, "error")
  const type = Json.text(error, "type")
  return { type, code: Json.text(error, "code") ?? type ?? "server_error", message: Json.text(error, "message") ?? "" }
}

export const failed = ({ base }: Plan, body: unknown): Fields => {
  const { code, message } = errorOf(body)
  return { ...base, status: "failed", error: { code, message }, output: [], usage: null }
}
