/** OpenAI's healthy answers: chat completions, embeddings, models. */
import * as Answer from "./Answer.ts"
import * as Conversation from "./Conversation.ts"
import * as OpenAiRequest from "./OpenAiRequest.ts"
import type { Occasion } from "./Surface.ts"
import * as Vector from "./Vector.ts"

/** The text of one server-sent event. */
export const event = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`

const requestId = (id: number): string => `req_${String(id).padStart(8, "0")}`

export const headers = (id: number): Readonly<Record<string, string>> => ({ "x-request-id": requestId(id) })

export const chat = (request: OpenAiRequest.Chat, occasion: Occasion): Answer.Answer => {
  const conversation = OpenAiRequest.conversation(request)
  const completion = Conversation.complete(conversation, occasion.healthy, occasion.blockAfter)
  return request.stream === true ? streamed(request, completion, occasion) : whole(request, completion, occasion)
}

export const embeddings = (request: OpenAiRequest.Embeddings, occasion: Occasion): Answer.Answer => {
  const inputs: ReadonlyArray<string> = typeof request.input === "string" ? [request.input] : request.input
  const words = inputs.reduce((sum, input) => sum + Conversation.countWords(input), 0)
  const data = inputs.map((input, index) => {
    const vector = Vector.embed(input, request.dimensions ?? occasion.dimensions, request.model)
    const embedding = request.encoding_format === "base64" ? Vector.toBase64(vector) : vector
    return { object: "embedding", index, embedding }
  })
  const usage = { prompt_tokens: words, total_tokens: words }
  return Answer.json(200, { object: "list", data, model: request.model, usage }, headers(occasion.id))
}

export const models = (occasion: Occasion): Answer.Answer =>
  Answer.json(200, { object: "list", data: occasion.models.map(describe) }, headers(occasion.id))

export const model = (name: string, occasion: Occasion): Answer.Answer =>
  Answer.json(200, describe(name), headers(occasion.id))

const describe = (id: string) => ({ id, object: "model", created: 1_750_000_000, owned_by: "holdfast" })

const finishReason = { stop: "stop", length: "length", tool: "tool_calls", filter: "content_filter" } as const

const usage = (completion: Conversation.Completion) => ({
  prompt_tokens: completion.promptWords,
  completion_tokens: completion.completionWords,
  total_tokens: completion.promptWords + completion.completionWords
})

/** The id of the answer's nth call. */
export const callId = (id: number, n: number): string =>
  `call_${String(id).padStart(8, "0")}${n === 0 ? "" : `_${n + 1}`}`

const common = (request: OpenAiRequest.Chat, occasion: Occasion) => ({
  id: `chatcmpl-${String(occasion.id).padStart(8, "0")}`,
  created: Math.floor(occasion.now / 1000),
  model: request.model
})

const whole = (request: OpenAiRequest.Chat, completion: Conversation.Completion, occasion: Occasion): Answer.Answer => {
  const { calls } = completion
  const message =
    calls.length === 0
      ? { role: "assistant", content: completion.chunks.join(""), refusal: null }
      : {
          role: "assistant",
          content: null,
          refusal: null,
          tool_calls: calls.map((call, n) => ({
            id: callId(occasion.id, n),
            type: "function",
            function: { name: call.name, arguments: JSON.stringify(call.arguments) }
          }))
        }
  const choice = { index: 0, message, logprobs: null, finish_reason: finishReason[completion.finish] }
  const body = {
    ...common(request, occasion),
    object: "chat.completion",
    choices: [choice],
    usage: usage(completion)
  }
  return Answer.json(200, body, headers(occasion.id))
}

const streamed = (
  request: OpenAiRequest.Chat,
  completion: Conversation.Completion,
  occasion: Occasion
): Answer.Answer => {
  const base = { ...common(request, occasion), object: "chat.completion.chunk" }
  const delta = (content: unknown, finish: string | null = null) =>
    event({ ...base, choices: [{ index: 0, delta: content, logprobs: null, finish_reason: finish }] })
  const { calls, chunks } = completion
  const begun = calls.map(({ name }, index) => ({
    tool_calls: [{ index, id: callId(occasion.id, index), type: "function", function: { name, arguments: "" } }]
  }))
  const opening = { role: "assistant", ...(begun[0] ? { content: null, ...begun[0] } : { content: "", refusal: null }) }
  const content = [
    ...chunks.map((text) => delta({ content: text })),
    ...calls.flatMap((call, index) => [
      // The first begins in the opening.
      ...(index === 0 ? [] : [delta(begun[index])]),
      ...Conversation.fragments(JSON.stringify(call.arguments)).map((text) =>
        delta({ tool_calls: [{ index, function: { arguments: text } }] })
      )
    ])
  ]
  const closing = [delta({}, finishReason[completion.finish])]
  if (request.stream_options?.include_usage === true) {
    closing.push(event({ ...base, choices: [], usage: usage(completion) }))
  }
  return Answer.events({
    headers: headers(occasion.id),
    opening: [delta(opening)],
    content,
    closing,
    done: "data: [DONE]\n\n"
  })
}
