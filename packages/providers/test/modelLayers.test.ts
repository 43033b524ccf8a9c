import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import { EmbeddingModel, LanguageModel, Model } from "effect/ai"
import { HttpClient, HttpClientResponse } from "effect/http"
import { AiErrors } from "@holdfast/core"
import { Anthropic, Gemini, OpenAi } from "@holdfast/providers"

const apiKey = Redacted.make("sk-test-key")

/** A host that answers every request with this. */
const answering = (status: number, body: string, contentType = "application/json") =>
  Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request) =>
      Effect.succeed(
        HttpClientResponse.fromWeb(request, new Response(body, { status, headers: { "content-type": contentType } }))
      )
    )
  )

const usage = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 }
const chat = JSON.stringify({
  id: "c",
  model: "gpt-4o-mini",
  choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
  usage
})

describe("a provider's model as an effect/ai Layer", () => {
  it.effect("generates text and says who answered", () =>
    Effect.gen(function* () {
      const answer = yield* LanguageModel.generateText({ prompt: "hi" })
      assert.strictEqual(answer.text, "hello")
      assert.strictEqual(yield* Model.ProviderName, "openai")
      assert.strictEqual(yield* Model.ModelName, "gpt-4o-mini")
    }).pipe(Effect.provide(OpenAi.languageModel("gpt-4o-mini", { apiKey })), Effect.provide(answering(200, chat)))
  )

  it.effect("streams", () =>
    Effect.gen(function* () {
      const events = [
        { candidates: [{ content: { parts: [{ text: "hel" }] } }] },
        { candidates: [{ content: { parts: [{ text: "lo" }] }, finishReason: "STOP" }] }
      ]
      const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("")
      const text = yield* LanguageModel.streamText({ prompt: "hi" }).pipe(
        Stream.map((part) => (part.type === "text-delta" ? part.delta : "")),
        Stream.mkString,
        Effect.provide(Gemini.languageModel("gemini-3.5-flash", { apiKey })),
        Effect.provide(answering(200, body, "text/event-stream"))
      )
      assert.strictEqual(text, "hello")
    })
  )

  it.effect("embeds", () =>
    Effect.gen(function* () {
      const { vector } = yield* EmbeddingModel.EmbeddingModel.use((model) => model.embed("kelp"))
      assert.deepStrictEqual([...vector], [0.6, 0.8])
    }).pipe(
      Effect.provide(OpenAi.embeddingModel("some-embedder", { apiKey })),
      Effect.provide(answering(200, JSON.stringify({ data: [{ index: 0, embedding: [0.6, 0.8] }], usage })))
    )
  )

  it.effect("fails with an AiError that carries our class", () =>
    Effect.gen(function* () {
      const error = yield* LanguageModel.generateText({ prompt: "hi" }).pipe(AiErrors.typed, Effect.flip)
      assert.strictEqual(error._tag, "ModelOverloaded")
    }).pipe(
      Effect.provide(Anthropic.languageModel("claude-sonnet-4-5", { apiKey })),
      Effect.provide(
        answering(529, JSON.stringify({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } }))
      )
    )
  )

  it.effect("dies where the model is known not to do it", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        Effect.scoped(Layer.build(OpenAi.languageModel("text-embedding-3-small", { apiKey })))
      )
      assert.include(String(exit), "does not generate text")
    }).pipe(Effect.provide(answering(200, chat)))
  )
})
