/** Gemini's healthy answers: generated content, embeddings, token counts, models. */
import * as Answer from "./Answer.ts"
import * as Conversation from "./Conversation.ts"
import * as GeminiRequest from "./GeminiRequest.ts"
import type { Occasion } from "./Surface.ts"
import * as Vector from "./Vector.ts"

/** The text of one server-sent event. Gemini ends lines with CRLF. */
export const event = (data: unknown): string => `data: ${JSON.stringify(data)}\r\n\r\n`

export type Delivery = "whole" | "events" | "array"

/** `array` is `:streamGenerateContent` without `alt=sse`: the same responses as one JSON array. */
export const generate =
  (model: string, delivery: Delivery) =>
  (request: GeminiRequest.Generate, occasion: Occasion): Answer.Answer => {
    const conversation = GeminiRequest.conversation(request)
    const completion = Conversation.complete(conversation, occasion.healthy, occasion.blockAfter)
    const calls = completion.calls.map(({ name, arguments: args }) => ({ functionCall: { name, args } }))
    const isCall = calls.length > 0
    const base = { modelVersion: model, responseId: `response-${String(occasion.id).padStart(8, "0")}` }
    const part = (parts: ReadonlyArray<unknown>) => ({
      candidates: [{ content: { role: "model", parts }, index: 0 }],
      ...base
    })
    const last = (parts: ReadonlyArray<unknown>) => ({
      candidates: [
        {
          ...(completion.finish !== "filter" && { content: { role: "model", parts } }),
          finishReason: finishReason[completion.finish],
          index: 0
        }
      ],
      usageMetadata: usage(completion),
      ...base
    })
    if (delivery === "whole") {
      return Answer.json(200, last(isCall ? calls : [{ text: completion.chunks.join("") }]))
    }
    const content = isCall ? [part(calls)] : completion.chunks.map((text) => part([{ text }]))
    const closing = last([{ text: "" }])
    return delivery === "array"
      ? Answer.json(200, [...content, closing])
      : Answer.events({ content: content.map(event), closing: [event(closing)] })
  }

export const embed =
  (model: string) =>
  (request: GeminiRequest.Embed, occasion: Occasion): Answer.Answer =>
    Answer.json(200, { embedding: { values: values(model, request, occasion) } })

export const batchEmbed =
  (model: string) =>
  (request: GeminiRequest.BatchEmbed, occasion: Occasion): Answer.Answer =>
    Answer.json(200, { embeddings: request.requests.map((one) => ({ values: values(model, one, occasion) })) })

export const count = (request: GeminiRequest.Count): Answer.Answer => {
  const contents: ReadonlyArray<GeminiRequest.Count["contents"][number]> = request.contents
  const totalTokens = contents.reduce((sum, content) => sum + Conversation.countWords(GeminiRequest.textOf(content)), 0)
  return Answer.json(200, { totalTokens })
}

export const models = (occasion: Occasion): Answer.Answer => Answer.json(200, { models: occasion.models.map(describe) })

export const model = (name: string): Answer.Answer => Answer.json(200, describe(name))

const describe = (name: string) => ({
  name: `models/${name}`,
  displayName: name,
  supportedGenerationMethods: ["generateContent", "countTokens", "embedContent"],
  inputTokenLimit: 8192,
  outputTokenLimit: 8192
})

const finishReason = { stop: "STOP", length: "MAX_TOKENS", tool: "STOP", filter: "SAFETY" } as const

const usage = (completion: Conversation.Completion) => ({
  promptTokenCount: completion.promptWords,
  candidatesTokenCount: completion.completionWords,
  totalTokenCount: completion.promptWords + completion.completionWords
})

const values = (model: string, request: GeminiRequest.Embed, occasion: Occasion): ReadonlyArray<number> =>
  Vector.embed(GeminiRequest.textOf(request.content), request.outputDimensionality ?? occasion.dimensions, model)
