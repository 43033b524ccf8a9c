import { createAnthropic } from "@ai-sdk/anthropic"
import { APIError, AuthenticationError, NotFoundError } from "@anthropic-ai/sdk"
import { generateText, streamText } from "ai"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as AnthropicEmulator from "../src/AnthropicEmulator.ts"
import * as FaultPlan from "../src/FaultPlan.ts"
import { sixtyWords } from "../src/Healthy.ts"
import {
  anthropic,
  asking,
  errorOf,
  messages,
  model,
  post,
  question,
  streamedText,
  textOf
} from "./support/anthropic.ts"
import { drained, rejection } from "./support/clients.ts"
import { ask } from "./support/raw.ts"

const weather = {
  name: "weather",
  input_schema: { type: "object" as const, properties: { city: { type: "string" } } }
}
const bearer = { authorization: "Bearer sk-ant-test", "anthropic-version": "2026-10-21" }

describe("AnthropicEmulator", () => {
  it.live("answers the SDK's messages, and notes what came", () =>
    Effect.gen(function* () {
      const emulator = yield* AnthropicEmulator.make()
      assert.strictEqual(emulator.provider, "anthropic")
      const message = yield* Effect.promise(() =>
        anthropic(emulator).messages.create({ ...asking, system: "Be brief." })
      )
      assert.strictEqual(textOf(message.content), sixtyWords)
      assert.strictEqual(message.stop_reason, "end_turn")
      assert.isNull(message.stop_details)
      assert.strictEqual(message.usage.input_tokens, 9)
      assert.strictEqual(message.usage.output_tokens, 60)
      assert.strictEqual(message.model, model)
      assert.match(message._request_id ?? "", /^req_/)
      const entry = yield* emulator.awaitEntry((entry) => entry.outcome !== undefined)
      assert.strictEqual(entry.operation, "chat")
      assert.strictEqual(entry.path, "/v1/messages")
      assert.strictEqual(entry.model, model)
      assert.strictEqual(entry.messageCount, 1)
      assert.strictEqual(entry.lastRole, "user")
      assert.isTrue(entry.keyGiven)
      assert.strictEqual(entry.headers["anthropic-version"], "2026-10-21")
      assert.strictEqual(entry.outcome, "completed")
      assert.notInclude(JSON.stringify(entry), "sk-ant-test")
    })
  )

  it.live("streams a word at a time, to `create` and to the `stream` helper", () =>
    Effect.gen(function* () {
      const emulator = yield* AnthropicEmulator.make()
      const client = anthropic(emulator)
      const { error, items } = yield* drained(() => client.messages.create({ ...asking, stream: true }))
      assert.isUndefined(error)
      assert.strictEqual(streamedText(items), sixtyWords)
      assert.strictEqual(items.filter((item) => item.type === "content_block_delta").length, 60)
      assert.strictEqual(items.at(-1)?.type, "message_stop")
      const helper = client.messages.stream(asking)
      let heard = ""
      helper.on("text", (delta) => {
        heard += delta
      })
      const final = yield* Effect.promise(() => helper.finalMessage())
      assert.strictEqual(textOf(final.content), sixtyWords)
      assert.strictEqual(heard, sixtyWords)
      assert.strictEqual(final.stop_reason, "end_turn")
      assert.strictEqual(final.usage.output_tokens, 60)
      assert.isTrue((yield* emulator.journal)[0]?.stream)
    })
  )

  it.live("names every event after its type, and has no end marker", () =>
    Effect.gen(function* () {
      const emulator = yield* AnthropicEmulator.make()
      const { body } = yield* post(emulator, { stream: true, max_tokens: 2 })
      const names = [...body.matchAll(/^event: (.*)$/gm)].map((match) => match[1])
      assert.deepStrictEqual(names, [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop"
      ])
      assert.include(body, `"stop_reason":"max_tokens"`)
      assert.notInclude(body, "[DONE]")
    })
  )

  it.live("calls a tool when told to or asked to, takes its result, and streams the input in fragments", () =>
    Effect.gen(function* () {
      const emulator = yield* AnthropicEmulator.make()
      const client = anthropic(emulator)
      const tools = [{ ...weather, name: "clock" }, weather]
      const forced = yield* Effect.promise(() =>
        client.messages.create({ ...asking, tools, tool_choice: { type: "tool", name: "weather" } })
      )
      const [call] = forced.content
      assert.strictEqual(forced.stop_reason, "tool_use")
      assert.deepInclude(call, { type: "tool_use", name: "weather", input: { city: "sample" } })
      const answered = yield* Effect.promise(() =>
        client.messages.create({
          ...asking,
          tools,
          messages: [
            ...messages,
            { role: "assistant", content: forced.content },
            {
              role: "user",
              content: [{ type: "tool_result", tool_use_id: call?.type === "tool_use" ? call.id : "", content: "warm" }]
            }
          ]
        })
      )
      assert.strictEqual(textOf(answered.content), sixtyWords)
      const helper = client.messages.stream({ ...asking, tools, messages: [{ role: "user", content: "Use the tool" }] })
      const fragments: Array<string> = []
      helper.on("inputJson", (fragment) => void fragments.push(fragment))
      const asked = yield* Effect.promise(() => helper.finalMessage())
      assert.deepInclude(asked.content[0], { type: "tool_use", name: "clock", input: { city: "sample" } })
      assert.strictEqual(fragments.join(""), `{"city":"sample"}`)
      assert.isAbove(fragments.length, 1)
      const any = yield* Effect.promise(() =>
        client.messages.create({ ...asking, tools, tool_choice: { type: "any" } })
      )
      assert.strictEqual(any.stop_reason, "tool_use")
      const none = yield* Effect.promise(() =>
        client.messages.create({ ...asking, tools, tool_choice: { type: "none" } })
      )
      assert.strictEqual(none.stop_reason, "end_turn")
    })
  )

  it.live("thinks first where it is told to, shown or hidden, and takes its thoughts back", () =>
    Effect.gen(function* () {
      const emulator = yield* AnthropicEmulator.make()
      const client = anthropic(emulator)
      const hidden = yield* Effect.promise(() =>
        client.messages.create({ ...asking, thinking: { type: "adaptive" }, output_config: { effort: "low" } })
      )
      assert.deepInclude(hidden.content[0], { type: "thinking", thinking: "" })
      assert.strictEqual(textOf(hidden.content), sixtyWords)
      assert.isAbove(hidden.usage.output_tokens_details?.thinking_tokens ?? 0, 0)
      const helper = client.messages.stream({ ...asking, thinking: { type: "adaptive", display: "summarized" } })
      const shown = yield* Effect.promise(() => helper.finalMessage())
      const [thought] = shown.content
      assert.include(thought?.type === "thinking" ? thought.thinking : "", "kelp")
      const back = yield* Effect.promise(() =>
        client.messages.create({
          ...asking,
          messages: [...messages, { role: "assistant", content: shown.content }, ...messages]
        })
      )
      assert.strictEqual(back.stop_reason, "end_turn")
      const forged = yield* errorOf(emulator, {
        messages: [
          ...messages,
          { role: "assistant", content: [{ type: "thinking", thinking: "x", signature: "mine" }] },
          ...messages
        ]
      })
      assert.deepStrictEqual(forged, {
        status: 400,
        message: "messages.1.content.0: Invalid `signature` in `thinking` block"
      })
    })
  )

  it.live("continues from its own last message, limits words, and answers JSON", () =>
    Effect.gen(function* () {
      const emulator = yield* AnthropicEmulator.make()
      const client = anthropic(emulator)
      const prefix = sixtyWords.slice(0, 100).trimEnd()
      const rest = yield* Effect.promise(() =>
        client.messages.create({ ...asking, messages: [...messages, { role: "assistant", content: prefix }] })
      )
      assert.strictEqual(prefix + textOf(rest.content), sixtyWords)
      const short = yield* Effect.promise(() => client.messages.create({ ...asking, max_tokens: 2 }))
      assert.strictEqual(textOf(short.content), "A holdfast")
      assert.strictEqual(short.stop_reason, "max_tokens")
      const schema = { ...weather.input_schema, additionalProperties: false }
      const structured = yield* Effect.promise(() =>
        client.messages.create({ ...asking, output_config: { format: { type: "json_schema", schema } } })
      )
      assert.strictEqual(textOf(structured.content), `{"city":"sample"}`)
    })
  )

  it.live("counts tokens, and lists the models it was given and no other", () =>
    Effect.gen(function* () {
      const emulator = yield* AnthropicEmulator.make({ models: ["one", "two"] })
      const client = anthropic(emulator)
      const counted = yield* Effect.promise(() =>
        client.messages.countTokens({ model: "one", messages: [{ role: "user", content: "one two three" }] })
      )
      assert.strictEqual(counted.input_tokens, 3)
      const { items } = yield* drained(() => client.models.list())
      assert.deepStrictEqual(
        items.map((item) => item.id),
        ["one", "two"]
      )
      assert.strictEqual((yield* Effect.promise(() => client.models.retrieve("two"))).id, "two")
      const error = yield* rejection(() => client.messages.create({ ...asking, model: "three" }))
      assert.instanceOf(error, NotFoundError)
      assert.include(error.message, "model: three")
      assert.deepStrictEqual(
        (yield* emulator.journal).map((entry) => entry.operation),
        ["tokens", "models", "models", "chat"]
      )
    })
  )

  it.live("takes the key in the new header and in the old one, which counts where both come", () =>
    Effect.gen(function* () {
      const emulator = yield* AnthropicEmulator.make({ keys: [Redacted.make("sk-ant-good")] })
      yield* Effect.promise(() => anthropic(emulator, "sk-ant-good").messages.create(asking))
      const version = { "anthropic-version": "2023-06-01" }
      const status = (headers: Readonly<Record<string, string>>) =>
        Effect.map(post(emulator, {}, { ...version, ...headers }), (seen) => seen.status)
      assert.strictEqual(yield* status({ "x-api-key": "sk-ant-good" }), 200)
      assert.strictEqual(yield* status({ authorization: "Bearer sk-ant-good" }), 200)
      assert.strictEqual(yield* status({ "x-api-key": "sk-bad", authorization: "Bearer sk-ant-good" }), 401)
      assert.strictEqual(yield* status({}), 401)
      const wrong = yield* rejection(() => anthropic(emulator, "sk-ant-wrong").messages.create(asking))
      assert.instanceOf(wrong, AuthenticationError)
      assert.strictEqual(wrong.type, "authentication_error")
      assert.notInclude(JSON.stringify(yield* emulator.journal), "sk-ant")
    })
  )

  it.live("speaks two versions of the API and no other; the newer has no sampling", () =>
    Effect.gen(function* () {
      const emulator = yield* AnthropicEmulator.make()
      const sampled = { temperature: 1 }
      assert.strictEqual((yield* errorOf(emulator, sampled)).status, 200)
      assert.deepStrictEqual(yield* errorOf(emulator, sampled, bearer), {
        status: 400,
        message: "temperature: Extra inputs are not permitted"
      })
      assert.include(
        (yield* errorOf(emulator, {}, { "x-api-key": "k" })).message,
        "anthropic-version: header is required"
      )
      const odd = { "anthropic-version": "2020-01-01" }
      assert.include((yield* errorOf(emulator, {}, odd)).message, "not a valid version")
      const models = yield* ask(emulator, { method: "GET", path: "/v1/models" })
      assert.strictEqual(models.status, 400)
    })
  )

  it.live("refuses unknown paths, broken JSON and wrong requests the way Anthropic does", () =>
    Effect.gen(function* () {
      const emulator = yield* AnthropicEmulator.make()
      const unknown = yield* ask(emulator, { path: "/v1/complete", body: {} })
      assert.strictEqual(unknown.status, 404)
      assert.deepInclude(JSON.parse(unknown.body), { type: "error" })
      assert.strictEqual(JSON.parse(unknown.body).error.type, "not_found_error")
      const syntax = yield* ask(emulator, { path: "/v1/messages", body: `{"model":`, headers: bearer })
      assert.strictEqual(syntax.status, 400)
      assert.strictEqual(JSON.parse(syntax.body).error.type, "invalid_request_error")

      const call = { type: "tool_use", id: "a", name: "weather", input: {} }
      const result = { type: "tool_result", tool_use_id: "a", content: "warm" }
      const turns = (...contents: ReadonlyArray<unknown>) => ({
        messages: contents.map((content, n) => ({ role: n % 2 === 0 ? "user" : "assistant", content }))
      })
      const cases: ReadonlyArray<[Readonly<Record<string, unknown>>, string]> = [
        [{ max_tokens: undefined }, "max_tokens: "],
        [{ messages: [] }, "messages"],
        [{ messages: [{ role: "model", content: "x" }] }, "messages.0.role: "],
        [turns(""), "messages.0.content.0: text content blocks must contain non-whitespace text"],
        [turns([]), "messages.0: all messages must have non-empty content"],
        [turns("?", "one, "), "messages: final assistant content cannot end with trailing whitespace"],
        [turns("?", [call]), "messages.1: `tool_use` ids were found without `tool_result` blocks"],
        [turns("?", [call], "no"), "messages.1: `tool_use` ids were found without `tool_result` blocks"],
        [turns([result]), "messages.0: unexpected `tool_use_id` found in `tool_result` blocks: a."],
        [
          turns("?", [call], [{ type: "text", text: "x" }, result]),
          "messages.2: `tool_result` blocks must come first."
        ],
        [turns("?", [{ ...call, id: "a.b" }]), "messages.1.content.0: tool_use.id: String should match pattern"],
        [{ stop_sequences: ["\n"] }, "stop_sequences: each stop sequence must contain non-whitespace"],
        [{ thinking: { type: "enabled" } }, "thinking.enabled.budget_tokens: Field required"],
        [{ thinking: { type: "enabled", budget_tokens: 1024 } }, "`max_tokens` must be greater than"],
        [
          { max_tokens: 2000, thinking: { type: "enabled", budget_tokens: 1024 }, tool_choice: { type: "any" } },
          "Thinking may not be enabled when tool_choice forces tool use."
        ],
        [
          { output_config: { format: { type: "json_schema", schema: weather.input_schema } } },
          "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"
        ]
      ]
      for (const [body, message] of cases) {
        const error = yield* errorOf(emulator, body)
        assert.strictEqual(error.status, 400, message)
        assert.isTrue(error.message.startsWith(message), error.message)
      }
      assert.strictEqual((yield* errorOf(emulator, turns("?", [call], [result]))).status, 200)
    })
  )

  it.live("is taken for the real one by the AI SDK too, whole and streamed", () =>
    Effect.gen(function* () {
      const emulator = yield* AnthropicEmulator.make()
      const provider = createAnthropic({ baseURL: `${emulator.url}/v1`, apiKey: "sk-ant-test" })
      const settings = { model: provider("claude-sonnet-4-5"), prompt: question, maxRetries: 0 }
      const whole = yield* Effect.promise(() => generateText(settings))
      assert.strictEqual(whole.text, sixtyWords)
      assert.strictEqual(yield* Effect.promise(async () => streamText(settings).text), sixtyWords)
      assert.deepStrictEqual(
        (yield* emulator.journal).map((entry) => entry.headers["anthropic-version"]),
        ["2023-06-01", "2023-06-01"]
      )
    })
  )

  it.live("keeps to its plan: by request number, by model, by the role of the last message", () =>
    Effect.gen(function* () {
      const emulator = yield* AnthropicEmulator.make({
        plan: FaultPlan.make({
          rules: [
            { models: ["claude-*"], when: { requests: { to: 1 } }, fault: { _tag: "Overloaded" } },
            { when: { lastRole: "assistant" }, fault: { _tag: "InvalidRequest" } }
          ]
        })
      })
      const client = anthropic(emulator)
      const error = yield* rejection(() => client.messages.create(asking))
      assert.instanceOf(error, APIError)
      assert.strictEqual(error.status, 529)
      yield* Effect.promise(() => client.messages.create(asking))
      const begun = [...messages, { role: "assistant" as const, content: "A" }]
      const refused = yield* rejection(() => client.messages.create({ ...asking, messages: begun }))
      assert.instanceOf(refused, APIError)
      assert.strictEqual(refused.status, 400)
    })
  )

  it.live("is a layer", () =>
    Effect.gen(function* () {
      const emulator = yield* AnthropicEmulator.AnthropicEmulator
      assert.match(emulator.url, /^http:\/\/127\.0\.0\.1:\d+$/)
      const message = yield* Effect.promise(() => anthropic(emulator).messages.create(asking))
      assert.strictEqual(textOf(message.content), sixtyWords)
    }).pipe(Effect.provide(AnthropicEmulator.layer()))
  )
})
