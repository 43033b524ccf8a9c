import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as AnthropicEmulator from "../../src/AnthropicEmulator.ts"
import type { Emulator } from "../../src/Emulator.ts"
import * as GeminiEmulator from "../../src/GeminiEmulator.ts"
import { sixtyWords } from "../../src/Healthy.ts"
import * as OpenAiEmulator from "../../src/OpenAiEmulator.ts"
import { anthropic } from "../support/anthropic.ts"
import { drained, gemini, openai } from "../support/clients.ts"

const model = "kelp-1"
const useTool = "Use the tool"
const image = Buffer.from("89504e470d0a1a0a", "hex").toString("base64")

const parameters = {
  type: "object" as const,
  properties: { city: { type: "string" as const } },
  required: ["city"],
  additionalProperties: false
}

/** A tool that remembers the cities it was asked for. */
const remembering = () => {
  const cities: Array<unknown> = []
  return {
    cities,
    run: (args: unknown) => {
      cities.push(args)
      return JSON.stringify({ degrees: 21 })
    }
  }
}

/** Every request was understood, and the last one saw the tool's answer. */
const assertLooped = (emulator: Emulator, requests: number) =>
  Effect.gen(function* () {
    const entries = yield* emulator.journal
    assert.deepStrictEqual(
      entries.map((entry) => entry.status),
      Array.from({ length: requests }, () => 200)
    )
    assert.include(JSON.stringify(entries.at(-1)?.body), "degrees")
  })

describe("OpenAI's SDK, with its helpers on top,", () => {
  it.live("gathers a stream into the completion that comes whole", () =>
    Effect.gen(function* () {
      const client = openai(yield* OpenAiEmulator.make())
      const messages = [{ role: "user" as const, content: useTool }]
      const tools = [{ type: "function" as const, function: { name: "weather", parameters } }]
      for (const request of [
        { model, messages },
        { model, messages, tools }
      ]) {
        const whole = yield* Effect.promise(() => client.chat.completions.create(request))
        const streamed = yield* Effect.promise(() =>
          client.chat.completions.stream({ ...request, stream_options: { include_usage: true } }).finalChatCompletion()
        )
        const [one, other] = [whole.choices[0], streamed.choices[0]]
        assert.strictEqual(other?.finish_reason, one?.finish_reason)
        assert.strictEqual(other?.message.content, one?.message.content)
        assert.deepStrictEqual(streamed.usage, whole.usage)
        const callsOf = (message: typeof one) =>
          (message?.message.tool_calls ?? []).map((call) =>
            call.type === "function" ? [call.function.name, call.function.arguments] : []
          )
        assert.deepStrictEqual(callsOf(other), callsOf(one))
      }
    })
  )

  it.live("runs a tool to the answer, whole and streamed", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const { cities, run } = remembering()
      const parse = (text: string): object => JSON.parse(text)
      const weather = { name: "weather", description: "", parameters, parse, function: run }
      const tools = [{ type: "function" as const, function: weather }]
      const request = { model, messages: [{ role: "user" as const, content: useTool }], tools }
      const { completions } = openai(emulator).chat
      const whole = yield* Effect.promise(() => completions.runTools(request).finalContent())
      assert.strictEqual(whole, sixtyWords)
      const streamed = yield* Effect.promise(() => completions.runTools({ ...request, stream: true }).finalContent())
      assert.strictEqual(streamed, sixtyWords)
      assert.deepStrictEqual(cities, [{ city: "sample" }, { city: "sample" }])
      yield* assertLooped(emulator, 4)
    })
  )

  it.live("shows a picture, in chat and in responses", () =>
    Effect.gen(function* () {
      const client = openai(yield* OpenAiEmulator.make())
      const url = `data:image/png;base64,${image}`
      const chat = yield* Effect.promise(() =>
        client.chat.completions.create({
          model,
          messages: [
            {
              role: "user",
              content: [
                { type: "text", text: "What is it?" },
                { type: "image_url", image_url: { url } }
              ]
            }
          ]
        })
      )
      assert.strictEqual(chat.choices[0]?.message.content, sixtyWords)
      const response = yield* Effect.promise(() =>
        client.responses.create({
          model,
          input: [
            {
              role: "user",
              content: [
                { type: "input_text", text: "What is it?" },
                { type: "input_image", image_url: url, detail: "auto" }
              ]
            }
          ]
        })
      )
      assert.strictEqual(response.output_text, sixtyWords)
    })
  )
})

describe("Gemini's SDK, with its helpers on top,", () => {
  it.live("chats over turns, whole and streamed, with instructions", () =>
    Effect.gen(function* () {
      const emulator = yield* GeminiEmulator.make()
      const chat = gemini(emulator).chats.create({ model, config: { systemInstruction: "Be brief." } })
      const first = yield* Effect.promise(() => chat.sendMessage({ message: "Hello there" }))
      assert.strictEqual(first.text, sixtyWords)
      assert.strictEqual(first.usageMetadata?.promptTokenCount, 4)
      const { error, items } = yield* drained(() => chat.sendMessageStream({ message: "And now?" }))
      assert.isUndefined(error)
      assert.strictEqual(items.map((item) => item.text).join(""), sixtyWords)
      assert.strictEqual(items.at(-1)?.usageMetadata?.promptTokenCount, 2 + 2 + 60 + 2)
      assert.strictEqual((yield* emulator.journal).at(-1)?.messageCount, 3)
    })
  )

  it.live("runs a tool to the answer, whole and streamed", () =>
    Effect.gen(function* () {
      const emulator = yield* GeminiEmulator.make()
      const { cities, run } = remembering()
      const weather = {
        tool: async () => ({ functionDeclarations: [{ name: "weather", parametersJsonSchema: parameters }] }),
        callTool: async (calls: ReadonlyArray<{ readonly name?: string; readonly args?: unknown }>) =>
          calls.map(({ args, name = "" }) => ({ functionResponse: { name, response: { output: run(args) } } }))
      }
      const request = { model, contents: useTool, config: { tools: [weather] } }
      const whole = yield* Effect.promise(() => gemini(emulator).models.generateContent(request))
      assert.strictEqual(whole.text, sixtyWords)
      const { error, items } = yield* drained(() => gemini(emulator).models.generateContentStream(request))
      assert.isUndefined(error)
      assert.isTrue(
        items
          .map((item) => item.text ?? "")
          .join("")
          .endsWith(sixtyWords)
      )
      assert.deepStrictEqual(cities, [{ city: "sample" }, { city: "sample" }])
      yield* assertLooped(emulator, 4)
    })
  )

  it.live("shows a picture", () =>
    Effect.gen(function* () {
      const { models } = gemini(yield* GeminiEmulator.make())
      const contents = [{ text: "What is it?" }, { inlineData: { mimeType: "image/png", data: image } }]
      assert.strictEqual((yield* Effect.promise(() => models.generateContent({ model, contents }))).text, sixtyWords)
    })
  )
})

describe("Anthropic's SDK", () => {
  it.live("shows a picture", () =>
    Effect.gen(function* () {
      const { messages } = anthropic(yield* AnthropicEmulator.make())
      const message = yield* Effect.promise(() =>
        messages.create({
          model,
          max_tokens: 1000,
          messages: [
            {
              role: "user",
              content: [
                { type: "text", text: "What is it?" },
                { type: "image", source: { type: "base64", media_type: "image/png", data: image } }
              ]
            }
          ]
        })
      )
      assert.deepInclude(message.content[0], { type: "text", text: sixtyWords })
    })
  )
})
