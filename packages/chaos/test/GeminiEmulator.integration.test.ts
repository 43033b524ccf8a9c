import { ApiError, FunctionCallingConfigMode, GoogleGenAI } from "@google/genai"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as GeminiEmulator from "../src/GeminiEmulator.ts"
import { sixtyWords } from "../src/Healthy.ts"
import { drained, gemini, rejection } from "./support/clients.ts"
import { ask } from "./support/raw.ts"

const model = "gemini-x"
const contents = "What holds a kelp to its rock?"
const weather = {
  name: "weather",
  parametersJsonSchema: { type: "object", properties: { city: { type: "string" } } }
}

describe("GeminiEmulator", () => {
  it.live("answers the SDK's generateContent, and notes what came", () =>
    Effect.gen(function* () {
      const emulator = yield* GeminiEmulator.make()
      const response = yield* Effect.promise(() => gemini(emulator).models.generateContent({ model, contents }))
      assert.strictEqual(response.text, sixtyWords)
      assert.strictEqual(response.candidates?.[0]?.finishReason, "STOP")
      assert.strictEqual(response.usageMetadata?.promptTokenCount, 7)
      assert.strictEqual(response.usageMetadata?.candidatesTokenCount, 60)
      assert.strictEqual(response.modelVersion, model)
      const entry = yield* emulator.awaitEntry((entry) => entry.outcome !== undefined)
      assert.strictEqual(entry.operation, "chat")
      assert.strictEqual(entry.path, "/v1/models/gemini-x:generateContent")
      assert.strictEqual(entry.model, model)
      assert.strictEqual(entry.messageCount, 1)
      assert.strictEqual(entry.lastRole, "user")
      assert.isTrue(entry.keyGiven)
      assert.strictEqual(entry.outcome, "completed")
    })
  )

  it.live("serves v1beta as well as v1, and takes the key from the query", () =>
    Effect.gen(function* () {
      const emulator = yield* GeminiEmulator.make({ keys: [Redacted.make("AIza-good")] })
      const beta = new GoogleGenAI({
        apiKey: "AIza-good",
        httpOptions: { baseUrl: emulator.url, apiVersion: "v1beta" }
      })
      const response = yield* Effect.promise(() => beta.models.generateContent({ model, contents }))
      assert.strictEqual(response.text, sixtyWords)
      const byQuery = yield* ask(emulator, {
        path: `/v1beta/models/${model}:generateContent?key=AIza-good`,
        body: { contents: [{ parts: [{ text: contents }] }] }
      })
      assert.strictEqual(byQuery.status, 200)
      const entries = yield* emulator.journal
      assert.deepStrictEqual(
        entries.map((entry) => [entry.path, entry.keyGiven]),
        [
          [`/v1beta/models/${model}:generateContent`, true],
          [`/v1beta/models/${model}:generateContent`, true]
        ]
      )
      assert.notInclude(JSON.stringify(entries), "AIza-good")
    })
  )

  it.live("streams a word at a time, with finish reason and usage in the last", () =>
    Effect.gen(function* () {
      const emulator = yield* GeminiEmulator.make()
      const { error, items } = yield* drained(() => gemini(emulator).models.generateContentStream({ model, contents }))
      assert.isUndefined(error)
      assert.strictEqual(items.length, 61)
      assert.strictEqual(items.map((item) => item.text).join(""), sixtyWords)
      assert.isUndefined(items[59]?.candidates?.[0]?.finishReason)
      assert.strictEqual(items[60]?.candidates?.[0]?.finishReason, "STOP")
      assert.strictEqual(items[60]?.usageMetadata?.candidatesTokenCount, 60)
      assert.isTrue((yield* emulator.journal)[0]?.stream)
    })
  )

  it.live("ends event lines with CRLF and has no end marker; without alt=sse it answers one JSON array", () =>
    Effect.gen(function* () {
      const emulator = yield* GeminiEmulator.make()
      const path = `/v1/models/${model}:streamGenerateContent`
      const body = { contents: [{ role: "user", parts: [{ text: contents }] }] }
      const events = yield* ask(emulator, { path: `${path}?alt=sse`, body })
      assert.include(events.body, "}\r\n\r\n")
      assert.notInclude(events.body, "[DONE]")
      const array = yield* ask(emulator, { path, body })
      const responses: Array<unknown> = JSON.parse(array.body)
      assert.strictEqual(responses.length, 61)
    })
  )

  it.live("calls a function when the mode requires one, whole and streamed", () =>
    Effect.gen(function* () {
      const emulator = yield* GeminiEmulator.make()
      const config = {
        tools: [{ functionDeclarations: [{ name: "clock" }, weather] }],
        toolConfig: {
          functionCallingConfig: { mode: FunctionCallingConfigMode.ANY, allowedFunctionNames: ["weather"] }
        }
      }
      const whole = yield* Effect.promise(() => gemini(emulator).models.generateContent({ model, contents, config }))
      assert.deepStrictEqual(whole.functionCalls, [{ name: "weather", args: { city: "sample" } }])
      const { items } = yield* drained(() =>
        gemini(emulator).models.generateContentStream({
          model,
          contents: "Use the tool",
          config: { tools: config.tools }
        })
      )
      assert.deepStrictEqual(
        items.flatMap((item) => item.functionCalls ?? []),
        [{ name: "clock", args: {} }]
      )
      assert.strictEqual(items.at(-1)?.candidates?.[0]?.finishReason, "STOP")
    })
  )

  it.live("continues from its own last message, limits words, and answers JSON", () =>
    Effect.gen(function* () {
      const emulator = yield* GeminiEmulator.make()
      const { models } = gemini(emulator)
      const prefix = sixtyWords.slice(0, 100)
      const rest = yield* Effect.promise(() =>
        models.generateContent({
          model,
          contents: [
            { role: "user", parts: [{ text: contents }] },
            { role: "model", parts: [{ text: prefix }] }
          ]
        })
      )
      assert.strictEqual(prefix + rest.text, sixtyWords)
      const short = yield* Effect.promise(() =>
        models.generateContent({ model, contents, config: { maxOutputTokens: 2 } })
      )
      assert.strictEqual(short.text, "A holdfast")
      assert.strictEqual(short.candidates?.[0]?.finishReason, "MAX_TOKENS")
      const structured = yield* Effect.promise(() =>
        models.generateContent({
          model,
          contents,
          config: { responseMimeType: "application/json", responseJsonSchema: weather.parametersJsonSchema }
        })
      )
      assert.strictEqual(structured.text, `{"city":"sample"}`)
    })
  )

  it.live("embeds, one or many, and counts tokens", () =>
    Effect.gen(function* () {
      const emulator = yield* GeminiEmulator.make({ dimensions: 5 })
      const { models } = gemini(emulator)
      const many = yield* Effect.promise(() => models.embedContent({ model: "e", contents: ["a", "b", "a"] }))
      const [first, second, third] = many.embeddings?.map((embedding) => embedding.values) ?? []
      assert.strictEqual(first?.length, 5)
      assert.deepStrictEqual(first, third)
      assert.notDeepEqual(first, second)
      const sized = yield* Effect.promise(() =>
        models.embedContent({ model: "e", contents: "a", config: { outputDimensionality: 3 } })
      )
      assert.strictEqual(sized.embeddings?.[0]?.values?.length, 3)
      const one = yield* ask(emulator, {
        path: "/v1beta/models/e:embedContent",
        body: { content: { parts: [{ text: "a" }] } }
      })
      assert.deepStrictEqual(JSON.parse(one.body).embedding.values, first)
      const counted = yield* Effect.promise(() => models.countTokens({ model, contents: "one two three" }))
      assert.strictEqual(counted.totalTokens, 3)
      assert.deepStrictEqual(
        (yield* emulator.journal).map((entry) => entry.operation),
        ["embeddings", "embeddings", "embeddings", "tokens"]
      )
    })
  )

  it.live("lists the models it was given and knows no other", () =>
    Effect.gen(function* () {
      const emulator = yield* GeminiEmulator.make({ models: ["one", "two"] })
      const { models } = gemini(emulator)
      const { items } = yield* drained(() => models.list())
      assert.deepStrictEqual(
        items.map((item) => item.name),
        ["models/one", "models/two"]
      )
      assert.strictEqual((yield* Effect.promise(() => models.get({ model: "two" }))).name, "models/two")
      const error = yield* rejection(() => models.generateContent({ model: "three", contents }))
      assert.instanceOf(error, ApiError)
      assert.strictEqual(error.status, 404)
    })
  )

  it.live("takes only the keys it was given: a wrong one is 400, none is 403", () =>
    Effect.gen(function* () {
      const emulator = yield* GeminiEmulator.make({ keys: [Redacted.make("AIza-good")] })
      const wrong = yield* rejection(() => gemini(emulator, "AIza-wrong").models.generateContent({ model, contents }))
      assert.instanceOf(wrong, ApiError)
      assert.strictEqual(wrong.status, 400)
      assert.include(wrong.message, "API_KEY_INVALID")
      assert.notInclude(wrong.message, "AIza-wrong")
      const none = yield* ask(emulator, { method: "GET", path: "/v1/models" })
      assert.strictEqual(none.status, 403)
      assert.strictEqual(JSON.parse(none.body).error.status, "PERMISSION_DENIED")
    })
  )

  it.live("refuses unknown paths, broken JSON and wrong fields the way Gemini does", () =>
    Effect.gen(function* () {
      const emulator = yield* GeminiEmulator.make()
      const generate = `/v1/models/${model}:generateContent`
      for (const path of ["/v2/models", `/v1/models/${model}:translate`, `/v1/models/${model}`]) {
        const seen = yield* ask(emulator, { path, body: {} })
        assert.strictEqual(seen.status, 404, path)
        assert.strictEqual(JSON.parse(seen.body).error.status, "NOT_FOUND")
      }
      const syntax = yield* ask(emulator, { path: generate, body: `{"contents":` })
      assert.deepInclude(JSON.parse(syntax.body).error, { code: 400, status: "INVALID_ARGUMENT" })
      const shape = yield* ask(emulator, { path: generate, body: { contents: [{ parts: [{ text: 7 }] }] } })
      assert.strictEqual(shape.status, 400)
      assert.strictEqual(JSON.parse(shape.body).error.details[0].fieldViolations[0].field, "contents.0.parts.0.text")
    })
  )

  it.live("is a layer", () =>
    Effect.gen(function* () {
      const emulator = yield* GeminiEmulator.GeminiEmulator
      assert.match(emulator.url, /^http:\/\/127\.0\.0\.1:\d+$/)
      const response = yield* Effect.promise(() => gemini(emulator).models.generateContent({ model, contents }))
      assert.strictEqual(response.text, sixtyWords)
    }).pipe(Effect.provide(GeminiEmulator.layer()))
  )
})
