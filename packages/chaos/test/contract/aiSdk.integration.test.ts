import { createAnthropic } from "@ai-sdk/anthropic"
import { createGoogle } from "@ai-sdk/google"
import { createOpenAI } from "@ai-sdk/openai"
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { assert, describe, it } from "@effect/vitest"
import {
  APICallError,
  embed,
  embedMany,
  type EmbeddingModel,
  generateText,
  isStepCount,
  jsonSchema,
  type LanguageModel,
  Output,
  streamText,
  tool
} from "ai"
import { Effect } from "effect"
import type { Emulator } from "../../src/Emulator.ts"
import * as FaultPlan from "../../src/FaultPlan.ts"
import { sixtyWords } from "../../src/Healthy.ts"
import { always, rejection } from "../support/clients.ts"
import { make } from "./EmulatorHosts.ts"
import { model } from "./Subject.ts"

interface Client {
  readonly name: string
  readonly format: keyof typeof make
  readonly text: (emulator: Emulator) => LanguageModel
  readonly embedding?: (emulator: Emulator) => EmbeddingModel
}

const apiKey = "sk-test"

const openai = ({ url }: Emulator) => createOpenAI({ baseURL: url, apiKey })
const compatible = ({ url }: Emulator) =>
  createOpenAICompatible({ name: "local", baseURL: url, apiKey, includeUsage: true, supportsStructuredOutputs: true })
const google = ({ url }: Emulator) => createGoogle({ baseURL: `${url}/v1beta`, apiKey })

const clients: ReadonlyArray<Client> = [
  {
    name: "openai, chat",
    format: "openai",
    text: (emulator) => openai(emulator).chat(model),
    embedding: (emulator) => openai(emulator).embeddingModel(model)
  },
  { name: "openai, responses", format: "openai", text: (emulator) => openai(emulator).responses(model) },
  {
    name: "openai-compatible",
    format: "openai",
    text: (emulator) => compatible(emulator).chatModel(model),
    embedding: (emulator) => compatible(emulator).embeddingModel(model)
  },
  {
    name: "google",
    format: "gemini",
    text: (emulator) => google(emulator)(model),
    embedding: (emulator) => google(emulator).embeddingModel(model)
  },
  {
    name: "anthropic",
    format: "anthropic",
    text: ({ url }) => createAnthropic({ baseURL: `${url}/v1`, apiKey })("claude-sonnet-4-5")
  }
]

const question = "What holds a kelp to its rock?"

/** The words that came, how the stream ended, and the error in it. */
const heard = (settings: Parameters<typeof streamText>[0]) =>
  Effect.promise(async () => {
    const result = streamText({ maxRetries: 0, onError: () => {}, ...settings })
    let text = ""
    let error: unknown
    let finish: string | undefined
    for await (const part of result.stream) {
      if (part.type === "text-delta") text += part.text
      if (part.type === "error") ({ error } = part)
      if (part.type === "finish") finish = part.finishReason
    }
    return { text, error, finish, result }
  })

for (const { embedding, format, name, text } of clients) {
  const under = (plan = FaultPlan.healthy) =>
    Effect.map(make[format]({ plan }), (emulator) => ({ emulator, model: text(emulator) }))

  describe(`the AI SDK's ${name} takes the emulator for the real one`, () => {
    it.live("for text, its end and its tokens, whole and streamed", () =>
      Effect.gen(function* () {
        const { model } = yield* under()
        const whole = yield* Effect.promise(() => generateText({ model, prompt: question, maxRetries: 0 }))
        assert.deepStrictEqual([whole.text, whole.finishReason], [sixtyWords, "stop"])
        assert.deepStrictEqual([whole.usage.inputTokens, whole.usage.outputTokens], [7, 60])
        assert.deepStrictEqual(whole.warnings ?? [], [])
        const streamed = yield* heard({ model, prompt: question })
        assert.deepStrictEqual([streamed.text, streamed.finish, streamed.error], [sixtyWords, "stop", undefined])
        const usage = yield* Effect.promise(async () => streamed.result.usage)
        assert.deepStrictEqual([usage.inputTokens, usage.outputTokens], [7, 60])
      })
    )

    it.live("for a limit that cuts the answer", () =>
      Effect.gen(function* () {
        const { model } = yield* under()
        const settings = { model, prompt: question, maxOutputTokens: 2, maxRetries: 0 }
        const whole = yield* Effect.promise(() => generateText(settings))
        assert.deepStrictEqual([whole.text, whole.finishReason], ["A holdfast", "length"])
        const streamed = yield* heard(settings)
        assert.deepStrictEqual([streamed.text, streamed.finish], ["A holdfast", "length"])
      })
    )

    it.live("for a tool that is called, run, and answered", () =>
      Effect.gen(function* () {
        const { emulator, model } = yield* under()
        const cities: Array<string> = []
        const weather = tool({
          description: "The weather of a city",
          inputSchema: jsonSchema<{ readonly city: string }>({
            type: "object",
            properties: { city: { type: "string" } },
            required: ["city"],
            additionalProperties: false
          }),
          execute: ({ city }) => {
            cities.push(city)
            return { degrees: 21 }
          }
        })
        const settings = { model, prompt: "Use the tool", tools: { weather }, stopWhen: isStepCount(2), maxRetries: 0 }
        const whole = yield* Effect.promise(() => generateText(settings))
        assert.deepStrictEqual(
          whole.steps.map((step) => step.finishReason),
          ["tool-calls", "stop"]
        )
        assert.strictEqual(whole.text, sixtyWords)
        const streamed = yield* heard(settings)
        assert.deepStrictEqual([streamed.text, streamed.error], [sixtyWords, undefined])
        assert.deepStrictEqual(cities, ["sample", "sample"])
        const statuses = (yield* emulator.journal).map((entry) => entry.status)
        assert.deepStrictEqual(statuses, [200, 200, 200, 200])
      })
    )

    it.live("for two tools that are called at once, run, and answered", () =>
      Effect.gen(function* () {
        const { model } = yield* under()
        const ran: Array<string> = []
        const named = (name: string) =>
          tool({
            description: `The ${name} of a city`,
            inputSchema: jsonSchema<{ readonly city: string }>({
              type: "object",
              properties: { city: { type: "string" } },
              required: ["city"],
              additionalProperties: false
            }),
            execute: ({ city }) => {
              ran.push(`${name} of ${city}`)
              return { value: 21 }
            }
          })
        const tools = { weather: named("weather"), clock: named("clock") }
        const settings = { model, prompt: "Use the tools", tools, stopWhen: isStepCount(2), maxRetries: 0 }
        const whole = yield* Effect.promise(() => generateText(settings))
        assert.deepStrictEqual(
          whole.steps.map((step) => step.toolCalls.map((call) => call.toolName)),
          [["weather", "clock"], []]
        )
        assert.strictEqual(whole.text, sixtyWords)
        const streamed = yield* heard(settings)
        assert.deepStrictEqual([streamed.text, streamed.error], [sixtyWords, undefined])
        assert.deepStrictEqual(ran.toSorted(), [
          "clock of sample",
          "clock of sample",
          "weather of sample",
          "weather of sample"
        ])
      })
    )

    it.live("for an object of a schema", () =>
      Effect.gen(function* () {
        const { model } = yield* under()
        const schema = jsonSchema<{ readonly city: string; readonly days: number }>({
          type: "object",
          properties: { city: { type: "string" }, days: { type: "integer" } },
          required: ["city", "days"],
          additionalProperties: false
        })
        const settings = { model, prompt: question, output: Output.object({ schema }), maxRetries: 0 }
        const whole = yield* Effect.promise(() => generateText(settings))
        assert.deepStrictEqual(whole.output, { city: "sample", days: 1 })
        const streamed = yield* Effect.promise(async () => streamText(settings).output)
        assert.deepStrictEqual(streamed, { city: "sample", days: 1 })
      })
    )

    it.live("for a conversation with instructions and a picture", () =>
      Effect.gen(function* () {
        const { emulator, model } = yield* under()
        const image = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
        const whole = yield* Effect.promise(() =>
          generateText({
            model,
            instructions: "Be brief.",
            messages: [
              { role: "user", content: "Hello there" },
              { role: "assistant", content: "Good day" },
              {
                role: "user",
                content: [
                  { type: "text", text: question },
                  { type: "file", data: image, mediaType: "image/png" }
                ]
              }
            ],
            maxRetries: 0
          })
        )
        assert.strictEqual(whole.text, sixtyWords)
        assert.strictEqual(whole.usage.inputTokens, 2 + 2 + 2 + 7)
        assert.include(JSON.stringify((yield* emulator.journal)[0]?.body), Buffer.from(image).toString("base64"))
      })
    )

    it.live("for a limit of the rate, whose wait it reads, and for a wrong key", () =>
      Effect.gen(function* () {
        const limited = yield* under(always({ _tag: "RateLimit", retryAfter: "7 seconds", form: "retry-after" }))
        const settings = { model: limited.model, prompt: question, maxRetries: 0 }
        const { error: streamed } = yield* heard(settings)
        for (const error of [yield* rejection(() => generateText(settings)), streamed]) {
          assert.isTrue(APICallError.isInstance(error))
          if (!APICallError.isInstance(error)) return
          assert.deepStrictEqual([error.statusCode, error.isRetryable], [429, true])
          assert.strictEqual(error.responseHeaders?.["retry-after"], "7")
        }
        const refused = yield* under(always({ _tag: "BadKey" }))
        const error = yield* rejection(() => generateText({ ...settings, model: refused.model }))
        assert.isTrue(APICallError.isInstance(error) && !error.isRetryable)
      })
    )

    it.live("for an error within a stream, after the words before it", () =>
      Effect.gen(function* () {
        const { model } = yield* under(always({ _tag: "StreamError", after: 4, error: "Overloaded" }))
        const { error, finish, text } = yield* heard({ model, prompt: question })
        assert.strictEqual(text, sixtyWords.split(" ").slice(0, 4).join(" "))
        assert.deepStrictEqual([finish, error !== undefined], ["error", true])
      })
    )

    it.live("when it is left in mid-stream, which closes the socket", () =>
      Effect.gen(function* () {
        const { emulator, model } = yield* under(always({ _tag: "Stall", after: 3, for: "1 hour" }))
        const controller = new AbortController()
        const result = streamText({ model, prompt: question, abortSignal: controller.signal, maxRetries: 0 })
        yield* Effect.promise(async () => {
          for await (const part of result.stream) if (part.type === "text-delta") controller.abort()
        })
        const entry = yield* emulator.awaitEntry((entry) => entry.closedAt !== undefined)
        assert.deepStrictEqual([entry.outcome, entry.closedBy], ["aborted", "client"])
      }).pipe(Effect.timeout("5 seconds"))
    )

    if (embedding !== undefined) {
      it.live("for one embedding and for many", () =>
        Effect.gen(function* () {
          const emulator = yield* make[format]({ dimensions: 5 })
          const settings = { model: embedding(emulator), maxRetries: 0 }
          const one = yield* Effect.promise(() => embed({ ...settings, value: "kelp" }))
          const many = yield* Effect.promise(() => embedMany({ ...settings, values: ["rock", "kelp", "rock"] }))
          assert.strictEqual(one.embedding.length, 5)
          assert.deepStrictEqual(many.embeddings[1], one.embedding)
          assert.deepStrictEqual(many.embeddings[0], many.embeddings[2])
          assert.notDeepEqual(many.embeddings[0], many.embeddings[1])
        })
      )
    }
  })
}
