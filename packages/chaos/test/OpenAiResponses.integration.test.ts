import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type OpenAI from "openai"
import { BadRequestError, NotFoundError } from "openai"
import { toResponseInputItems } from "openai/lib/responses/ResponseInputItems"
import { sixtyWords } from "../src/Healthy.ts"
import * as FaultPlan from "../src/FaultPlan.ts"
import * as OpenAiEmulator from "../src/OpenAiEmulator.ts"
import { drained, openai, rejection } from "./support/clients.ts"
import { ask } from "./support/raw.ts"
import { body, eventsOf, input, responses, textOf } from "./support/responses.ts"

const tools = [
  {
    type: "function" as const,
    name: "weather",
    parameters: { type: "object", properties: { city: { type: "string" }, days: { type: "integer" } } },
    strict: false
  }
]

const types = (events: ReadonlyArray<OpenAI.Responses.ResponseStreamEvent>) => [
  ...new Set(events.map((event) => event.type))
]

describe("OpenAiEmulator's responses", () => {
  it.live("answer the SDK, and note what came", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const { data, request_id } = yield* Effect.promise(() =>
        openai(emulator).responses.create({ model: "gpt-x", input, instructions: "Be brief." }).withResponse()
      )
      assert.strictEqual(data.output_text, sixtyWords)
      assert.strictEqual(data.status, "completed")
      assert.strictEqual(data.model, "gpt-x")
      assert.strictEqual(data.usage?.input_tokens, 9)
      assert.strictEqual(data.usage?.output_tokens, 60)
      assert.strictEqual(data.usage?.total_tokens, 69)
      assert.match(request_id ?? "", /^req_\d+$/)

      const entry = yield* emulator.awaitEntry((entry) => entry.outcome !== undefined)
      assert.strictEqual(entry.operation, "chat")
      assert.strictEqual(entry.path, "/v1/responses")
      assert.strictEqual(entry.model, "gpt-x")
      assert.isFalse(entry.stream)
      assert.deepStrictEqual([entry.messageCount, entry.lastRole, entry.status], [1, "user", 200])
    })
  )

  it.live("stream a word at a time, each event under its type and numbered", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const { error, items } = yield* drained(() =>
        openai(emulator).responses.create({ model: "gpt-x", input, stream: true })
      )
      assert.isUndefined(error)
      assert.strictEqual(textOf(items), sixtyWords)
      assert.deepStrictEqual(types(items), [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed"
      ])
      const last = items.at(-1)
      assert.strictEqual(last?.type === "response.completed" ? last.response.usage?.output_tokens : 0, 60)
      const entry = yield* emulator.awaitEntry((entry) => entry.outcome !== undefined)
      assert.deepStrictEqual([entry.stream, entry.chunksSent], [true, 60])

      const seen = yield* ask(emulator, { ...responses, body: body({ stream: true }) })
      const events = eventsOf(seen.body)
      assert.strictEqual(events.length, 60 + 8)
      assert.isTrue(events.every(({ data, name }, n) => data.type === name && data.sequence_number === n))
      assert.notInclude(seen.body, "[DONE]")
    })
  )

  it.live("build up, event by event, to the response that comes whole", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      type Asked = Pick<
        OpenAI.Responses.ResponseCreateParamsNonStreaming,
        "include" | "max_output_tokens" | "reasoning" | "tool_choice"
      >
      const requests: ReadonlyArray<Asked> = [
        {},
        { max_output_tokens: 2 },
        { tool_choice: "required" },
        { reasoning: { effort: "low", summary: "auto" }, include: ["reasoning.encrypted_content"] }
      ]
      // Without the number of the request in its ids, and what the SDK's helper adds.
      const comparable = (output: object) =>
        JSON.stringify(output, (key, value) => {
          if (key.startsWith("parsed")) return undefined
          return typeof value === "string" ? value.replace(/\d{8}$/, "") : value
        })
      for (const asked of requests) {
        const request = { ...asked, model: "m", input, tools }
        const whole = yield* Effect.promise(() => openai(emulator).responses.create(request))
        const streamed = yield* Effect.promise(() => openai(emulator).responses.stream(request).finalResponse())
        assert.strictEqual(comparable(streamed.output), comparable(whole.output))
        assert.strictEqual(streamed.status, whole.status)
        assert.strictEqual(streamed.output_text, whole.output_text)
        assert.deepStrictEqual(streamed.usage, whole.usage)
      }
    })
  )

  it.live("call a tool, whole and in fragments, and take its result", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const request = { model: "gpt-x", input, tools, tool_choice: "required" } as const
      const first = yield* Effect.promise(() => openai(emulator).responses.create(request))
      const call = first.output[0]
      assert.isTrue(call?.type === "function_call")
      if (call?.type !== "function_call") return
      assert.deepStrictEqual([call.name, call.arguments], ["weather", `{"city":"sample","days":1}`])
      const { items } = yield* drained(() => openai(emulator).responses.create({ ...request, stream: true }))
      const deltas = items.flatMap((item) =>
        item.type === "response.function_call_arguments.delta" ? [item.delta] : []
      )
      assert.isAbove(deltas.length, 2)
      assert.strictEqual(deltas.join(""), `{"city":"sample","days":1}`)

      const second = yield* Effect.promise(() =>
        openai(emulator).responses.create({
          model: "gpt-x",
          tools,
          input: [
            { role: "user", content: input },
            call,
            { type: "function_call_output", call_id: call.call_id, output: "rain" }
          ]
        })
      )
      assert.strictEqual(second.output_text, sixtyWords)
      const entry = (yield* emulator.journal).at(-1)
      assert.deepStrictEqual([entry?.messageCount, entry?.lastRole], [3, "function_call_output"])
    })
  )

  it.live("answer a JSON schema with JSON and a word limit with a short answer, and continue a prefix", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const client = openai(emulator)
      const schema = { type: "object", properties: { name: { type: "string" } } }
      const structured = yield* Effect.promise(() =>
        client.responses.create({ model: "m", input, text: { format: { type: "json_schema", name: "Name", schema } } })
      )
      assert.strictEqual(structured.output_text, `{"name":"sample"}`)
      const short = yield* Effect.promise(() => client.responses.create({ model: "m", input, max_output_tokens: 2 }))
      assert.strictEqual(short.output_text, "A holdfast")
      assert.deepStrictEqual([short.status, short.incomplete_details?.reason], ["incomplete", "max_output_tokens"])
      const content = [{ type: "input_text" as const, text: input }]
      const rest = yield* Effect.promise(() =>
        client.responses.create({
          model: "m",
          input: [
            { role: "user", content },
            { role: "assistant", content: "A holdfast" }
          ]
        })
      )
      assert.strictEqual(`A holdfast${rest.output_text}`, sixtyWords)
    })
  )

  it.live("show reasoning as far as it is asked for, and take back only what they sealed", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const client = openai(emulator)
      const plain = yield* Effect.promise(() => client.responses.create({ model: "m", input, reasoning: {} }))
      assert.deepInclude(plain.output[0], { type: "reasoning", summary: [] })
      assert.notProperty(plain.output[0], "encrypted_content")
      const first = yield* Effect.promise(() =>
        client.responses.create({
          model: "m",
          input,
          store: false,
          reasoning: { effort: "low", summary: "auto" },
          include: ["reasoning.encrypted_content"]
        })
      )
      const [thought] = first.output
      assert.isTrue(thought?.type === "reasoning")
      if (thought?.type !== "reasoning") return
      assert.strictEqual(thought.summary.length, 1)
      assert.strictEqual(first.usage?.output_tokens, 60 + 10)
      assert.strictEqual(first.usage?.output_tokens_details.reasoning_tokens, 10)

      const next = (...items: ReadonlyArray<OpenAI.Responses.ResponseInputItem>) =>
        client.responses.create({ model: "m", store: false, input: [...items, { role: "user", content: "Go on" }] })
      assert.strictEqual((yield* Effect.promise(() => next(...toResponseInputItems(first.output)))).status, "completed")
      const unsealed = yield* rejection(() => next({ ...thought, encrypted_content: null }))
      assert.instanceOf(unsealed, NotFoundError)
      const foreign = yield* rejection(() => next({ ...thought, encrypted_content: "gAAAA" }))
      assert.instanceOf(foreign, BadRequestError)
      assert.strictEqual(foreign.code, "invalid_encrypted_content")
    })
  )

  it.live("refuse a history that does not stand on its own", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const call = { type: "function_call", call_id: "a", name: "weather", arguments: "{}" }
      const result = { type: "function_call_output", call_id: "a", output: "rain" }
      const reasoning = { type: "reasoning", summary: [], encrypted_content: "emulated-seal-00000001" }
      const histories: ReadonlyArray<[object, string | null, RegExp]> = [
        [{ previous_response_id: "resp_1" }, "previous_response_not_found", /not found/],
        [{ input: [result] }, null, /No tool call found/],
        [{ input: [call] }, null, /No tool output found/],
        [{ input: [reasoning] }, null, /required following item/]
      ]
      for (const [more, code, message] of histories) {
        const seen = yield* ask(emulator, { ...responses, body: body({ ...more }) })
        assert.strictEqual(seen.status, 400)
        const { error } = JSON.parse(seen.body)
        assert.deepStrictEqual([error.type, error.code], ["invalid_request_error", code])
        assert.match(error.message, message)
      }
      const shape = yield* ask(emulator, { ...responses, body: body({ input: 7, secret: "private" }) })
      assert.deepStrictEqual([shape.status, JSON.parse(shape.body).error.param], [400, "input"])
      assert.notInclude(shape.body, "private")
    })
  )

  it.live("count with the chat completions of a model in the plan", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({
        plan: FaultPlan.make({
          rules: [{ operations: ["chat"], when: { requests: { from: 2 } }, fault: { _tag: "ServerError" } }]
        })
      })
      const chat = { path: "/v1/chat/completions", body: { model: "m", messages: [{ role: "user", content: "a" }] } }
      assert.strictEqual((yield* ask(emulator, chat)).status, 200)
      assert.strictEqual((yield* ask(emulator, { ...responses, body: body() })).status, 500)
    })
  )
})
