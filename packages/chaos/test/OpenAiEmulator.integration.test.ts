import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { AuthenticationError, NotFoundError } from "openai"
import * as FaultPlan from "../src/FaultPlan.ts"
import { sixtyWords } from "../src/Healthy.ts"
import * as OpenAiEmulator from "../src/OpenAiEmulator.ts"
import { drained, openai, question, rejection, textOf } from "./support/clients.ts"
import { ask, chat, chatBody, lastChunk } from "./support/raw.ts"

const tools = [
  {
    type: "function" as const,
    function: {
      name: "weather",
      parameters: { type: "object", properties: { city: { type: "string" }, days: { type: "integer" } } }
    }
  }
]

describe("OpenAiEmulator", () => {
  it.live("answers the SDK's chat completion, and notes what came", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const { data, request_id } = yield* Effect.promise(() =>
        openai(emulator).chat.completions.create({ model: "gpt-x", messages: question, top_p: 0.5 }).withResponse()
      )
      assert.strictEqual(data.choices[0]?.message.content, sixtyWords)
      assert.strictEqual(data.choices[0]?.finish_reason, "stop")
      assert.strictEqual(data.model, "gpt-x")
      assert.deepStrictEqual(data.usage, { prompt_tokens: 7, completion_tokens: 60, total_tokens: 67 })
      assert.match(request_id ?? "", /^req_\d+$/)

      const entry = yield* emulator.awaitEntry((entry) => entry.outcome !== undefined)
      assert.strictEqual(entry.operation, "chat")
      assert.strictEqual(entry.method, "POST")
      assert.strictEqual(entry.path, "/v1/chat/completions")
      assert.strictEqual(entry.model, "gpt-x")
      assert.isFalse(entry.stream)
      assert.strictEqual(entry.requestNumber, 1)
      assert.strictEqual(entry.messageCount, 1)
      assert.strictEqual(entry.lastRole, "user")
      assert.deepStrictEqual(entry.body, { model: "gpt-x", messages: question, top_p: 0.5 })
      assert.strictEqual(entry.status, 200)
      assert.strictEqual(entry.outcome, "completed")
      assert.strictEqual(entry.headers["user-agent"]?.startsWith("OpenAI/JS"), true)
      assert.notInclude(entry.headerNames, "traceparent")
    })
  )

  it.live("keeps the key out of the journal, but says that one came", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      yield* Effect.promise(() => openai(emulator, "sk-very-secret").models.list())
      yield* ask(emulator, { method: "GET", path: "/v1/models" })
      const entries = yield* emulator.journal
      assert.deepStrictEqual(
        entries.map((entry) => entry.keyGiven),
        [true, false]
      )
      assert.include(entries[0]?.headerNames ?? [], "authorization")
      assert.notInclude(JSON.stringify(entries), "sk-very-secret")
    })
  )

  it.live("streams a word at a time, then finish reason and usage", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const { error, items } = yield* drained(() =>
        openai(emulator).chat.completions.create({
          model: "gpt-x",
          messages: question,
          stream: true,
          stream_options: { include_usage: true }
        })
      )
      assert.isUndefined(error)
      assert.strictEqual(items.length, 1 + 60 + 1 + 1)
      assert.strictEqual(items[0]?.choices[0]?.delta.role, "assistant")
      assert.strictEqual(textOf(items), sixtyWords)
      assert.strictEqual(items[61]?.choices[0]?.finish_reason, "stop")
      assert.deepStrictEqual(items[62]?.choices, [])
      assert.strictEqual(items[62]?.usage?.completion_tokens, 60)
      assert.strictEqual(new Set(items.map((item) => item.id)).size, 1)
      const entry = yield* emulator.awaitEntry((entry) => entry.outcome !== undefined)
      assert.strictEqual(entry.chunksSent, 60)
    })
  )

  it.live("sends each event as one HTTP chunk, [DONE] last, usage only when asked", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({
        plan: FaultPlan.make({ healthy: { reply: { _tag: "Fixed", text: "Hold fast" } } })
      })
      const seen = yield* ask(emulator, { ...chat, body: chatBody({ stream: true }) })
      assert.strictEqual(seen.headers["content-type"], "text/event-stream; charset=utf-8")
      assert.strictEqual(seen.headers["transfer-encoding"], "chunked")
      const sizes = seen.body.match(/^[0-9a-f]+\r\n(?=data: )/gm) ?? []
      assert.strictEqual(sizes.length, 1 + 2 + 1 + 1)
      assert.isTrue(seen.body.endsWith(`data: [DONE]\n\n\r\n${lastChunk}`), seen.body.slice(-60))
      assert.notInclude(seen.body, "usage")
    })
  )

  it.live("calls a tool, whole and in fragments", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const request = { model: "gpt-x", messages: question, tools, tool_choice: "required" } as const
      const completion = yield* Effect.promise(() => openai(emulator).chat.completions.create(request))
      const call = completion.choices[0]?.message.tool_calls?.[0]
      assert.strictEqual(completion.choices[0]?.finish_reason, "tool_calls")
      assert.strictEqual(call?.type === "function" ? call.function.name : "", "weather")
      assert.strictEqual(call?.type === "function" ? call.function.arguments : "", `{"city":"sample","days":1}`)

      const { items } = yield* drained(() => openai(emulator).chat.completions.create({ ...request, stream: true }))
      const deltas = items.flatMap((item) => item.choices[0]?.delta.tool_calls ?? [])
      assert.strictEqual(deltas[0]?.function?.name, "weather")
      assert.isAbove(deltas.length, 2)
      assert.strictEqual(deltas.map((delta) => delta.function?.arguments).join(""), `{"city":"sample","days":1}`)
      assert.strictEqual(items.at(-1)?.choices[0]?.finish_reason, "tool_calls")
    })
  )

  it.live("answers a JSON schema with JSON and a word limit with a short answer", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const schema = { type: "object", properties: { name: { type: "string" } } }
      const structured = yield* Effect.promise(() =>
        openai(emulator).chat.completions.create({
          model: "gpt-x",
          messages: question,
          response_format: { type: "json_schema", json_schema: { name: "Name", schema } }
        })
      )
      assert.strictEqual(structured.choices[0]?.message.content, `{"name":"sample"}`)
      const short = yield* Effect.promise(() =>
        openai(emulator).chat.completions.create({ model: "gpt-x", messages: question, max_completion_tokens: 2 })
      )
      assert.strictEqual(short.choices[0]?.message.content, "A holdfast")
      assert.strictEqual(short.choices[0]?.finish_reason, "length")
    })
  )

  it.live("continues from a prefix of its answer", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const prefix = sixtyWords.split(" ").slice(0, 40).join(" ")
      const { items } = yield* drained(() =>
        openai(emulator).chat.completions.create({
          model: "gpt-x",
          messages: [...question, { role: "assistant", content: prefix }],
          stream: true,
          stream_options: { include_usage: true }
        })
      )
      assert.strictEqual(prefix + textOf(items), sixtyWords)
      assert.strictEqual(items.at(-1)?.usage?.completion_tokens, 20)
      assert.strictEqual((yield* emulator.journal)[0]?.lastRole, "assistant")
    })
  )

  it.live("embeds equal texts equally, in the size that was asked for, in both encodings", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({ dimensions: 5 })
      const client = openai(emulator)
      // The SDK asks for base64 unless told otherwise.
      const packed = yield* Effect.promise(() => client.embeddings.create({ model: "e", input: ["a b", "c", "a b"] }))
      const plain = yield* Effect.promise(() =>
        client.embeddings.create({ model: "e", input: "a b", encoding_format: "float" })
      )
      const sized = yield* Effect.promise(() => client.embeddings.create({ model: "e", input: "a b", dimensions: 9 }))
      const bodies = (yield* emulator.journal).map((entry) => entry.body)
      assert.deepInclude(bodies[0], { encoding_format: "base64" })
      const [first, second, third] = packed.data.map((item) => item.embedding)
      assert.strictEqual(first?.length, 5)
      assert.deepStrictEqual(first, third)
      assert.notDeepEqual(first, second)
      assert.deepStrictEqual(plain.data[0]?.embedding, first)
      assert.strictEqual(sized.data[0]?.embedding.length, 9)
      assert.strictEqual(packed.usage.prompt_tokens, 5)
    })
  )

  it.live("lists the models it was given and knows no other", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({ models: ["one", "two"] })
      const client = openai(emulator)
      const list = yield* Effect.promise(() => client.models.list())
      assert.deepStrictEqual(
        list.data.map((model) => model.id),
        ["one", "two"]
      )
      assert.strictEqual((yield* Effect.promise(() => client.models.retrieve("two"))).id, "two")
      yield* Effect.promise(() => client.chat.completions.create({ model: "one", messages: question }))
      const error = yield* rejection(() => client.chat.completions.create({ model: "three", messages: question }))
      assert.instanceOf(error, NotFoundError)
      assert.strictEqual(error.code, "model_not_found")
    })
  )

  it.live("takes only the keys it was given", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({ keys: [Redacted.make("sk-good")] })
      yield* Effect.promise(() => openai(emulator, "sk-good").models.list())
      const wrong = yield* rejection(() => openai(emulator, "sk-wrong").models.list())
      assert.instanceOf(wrong, AuthenticationError)
      assert.strictEqual(wrong.code, "invalid_api_key")
      assert.notInclude(wrong.message, "sk-wrong")
      const none = yield* ask(emulator, { method: "GET", path: "/v1/models" })
      assert.strictEqual(none.status, 401)
      assert.strictEqual(JSON.parse(none.body).error.code, null)
    })
  )

  it.live("refuses unknown paths, broken JSON and wrong fields the way OpenAI does", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const path = yield* ask(emulator, { path: "/v1/nothing?key=secret", body: {} })
      assert.strictEqual(path.status, 404)
      assert.deepStrictEqual(JSON.parse(path.body), {
        error: { message: "Invalid URL (POST /v1/nothing)", type: "invalid_request_error", param: null, code: null }
      })
      const syntax = yield* ask(emulator, { ...chat, body: `{"model":` })
      assert.strictEqual(syntax.status, 400)
      assert.strictEqual(JSON.parse(syntax.body).error.type, "invalid_request_error")
      const shape = yield* ask(emulator, { ...chat, body: { model: "m", messages: [{ role: 7, content: "private" }] } })
      assert.strictEqual(shape.status, 400)
      assert.strictEqual(JSON.parse(shape.body).error.param, "messages.0.role")
      assert.notInclude(shape.body, "private")
      const entries = yield* emulator.journal
      assert.deepStrictEqual(
        entries.map((entry) => [entry.operation, entry.path, entry.body, entry.status]),
        [
          ["unknown", "/v1/nothing", {}, 404],
          ["chat", "/v1/chat/completions", undefined, 400],
          ["chat", "/v1/chat/completions", { model: "m", messages: [{ role: 7, content: "private" }] }, 400]
        ]
      )
    })
  )

  it.live("is a layer", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.OpenAiEmulator
      assert.match(emulator.url, /^http:\/\/127\.0\.0\.1:\d+\/v1$/)
      const list = yield* Effect.promise(() => openai(emulator).models.list())
      assert.deepStrictEqual(
        list.data.map((model) => model.id),
        ["only"]
      )
    }).pipe(Effect.provide(OpenAiEmulator.layer({ models: ["only"] })))
  )
})
