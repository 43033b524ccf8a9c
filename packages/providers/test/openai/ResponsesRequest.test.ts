import type { TextModel } from "@holdfast/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Stream } from "effect"
import type { Prompt } from "effect/ai"
import { OpenAi } from "../../src/index.ts"
import * as MemoryHost from "../MemoryHost.ts"
import { at, each } from "../MemoryHost.ts"
import { canary, clock, hello, request, sentBody, weather } from "../requests.ts"
import { laneTo, sent } from "./responses.ts"

const pixel = new Uint8Array([137, 80, 78, 71])
const user = (part: Prompt.UserMessagePartEncoded) => request([{ role: "user", content: [part] }])
const result = (more: Partial<Prompt.ToolResultPartEncoded>) =>
  request([
    {
      role: "tool",
      content: [{ type: "tool-result", id: "a", name: "clock", isFailure: false, result: null, ...more }]
    }
  ])

describe("a request for a response", () => {
  it.effect("is asked of chat unless the lane says otherwise", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* sent(hello)).url, "http://host.test/responses")
      const host = MemoryHost.make({ body: {} })
      for (const api of [undefined, "chat" as const]) {
        const lane = yield* OpenAi.lane("gpt-5.4", { api, apiKey: Redacted.make(canary) }).pipe(
          Effect.provide(host.layer)
        )
        yield* Effect.flip(lane.text!.generate(hello))
        assert.strictEqual(host.sent.at(-1)?.url, "https://api.openai.com/v1/chat/completions")
      }
    })
  )

  it.effect("carries every kind of message in its order, and is not stored", () =>
    Effect.gen(function* () {
      const { body } = yield* sent(
        request([
          { role: "system", content: "Be brief." },
          { role: "user", content: "Weather in Oslo and the time?" },
          {
            role: "assistant",
            content: [
              { type: "reasoning", text: "somebody else's" },
              { type: "text", text: "Let me " },
              { type: "text", text: "look." },
              { type: "tool-call", id: "a", name: "weather", params: { city: "Oslo" } },
              { type: "tool-call", id: "b", name: "clock", params: {} },
              { type: "text", text: "Both at once." }
            ]
          },
          {
            role: "tool",
            content: [
              { type: "tool-result", id: "a", name: "weather", isFailure: false, result: { degrees: -3 } },
              { type: "tool-result", id: "b", name: "clock", isFailure: true, result: "no clock" }
            ]
          },
          { role: "system", content: "Be briefer." },
          {
            role: "user",
            content: [
              { type: "text", text: "Thanks" },
              { type: "text", text: "!" }
            ]
          }
        ])
      )
      assert.deepStrictEqual<unknown>(body, {
        model: "gpt-5.4",
        store: false,
        include: ["reasoning.encrypted_content"],
        input: [
          { type: "message", role: "developer", content: "Be brief." },
          { type: "message", role: "user", content: "Weather in Oslo and the time?" },
          { type: "message", role: "assistant", content: "Let me look." },
          { type: "function_call", call_id: "a", name: "weather", arguments: '{"city":"Oslo"}' },
          { type: "function_call", call_id: "b", name: "clock", arguments: "{}" },
          { type: "message", role: "assistant", content: "Both at once." },
          { type: "function_call_output", call_id: "a", output: '{"degrees":-3}' },
          { type: "function_call_output", call_id: "b", output: '{"error":"no clock"}' },
          { type: "message", role: "developer", content: "Be briefer." },
          {
            type: "message",
            role: "user",
            content: [
              { type: "input_text", text: "Thanks" },
              { type: "input_text", text: "!" }
            ]
          }
        ]
      })
    })
  )

  it.effect("carries images and PDFs by value and by address", () =>
    Effect.gen(function* () {
      const { body } = yield* sent(
        request([
          {
            role: "user",
            content: [
              { type: "file", mediaType: "image/png", data: pixel },
              { type: "file", mediaType: "image/*", data: pixel, options: { openai: { imageDetail: "low" } } },
              { type: "file", mediaType: "image/png", data: new URL("https://img.test/a.png") },
              { type: "file", mediaType: "application/pdf", data: "JVBERg==", fileName: "a.pdf" },
              { type: "file", mediaType: "application/pdf", data: "https://doc.test/a.pdf" }
            ]
          }
        ])
      )
      assert.deepStrictEqual<unknown>(at(body, "input", 0, "content"), [
        { type: "input_image", image_url: "data:image/png;base64,iVBORw==", detail: "auto" },
        { type: "input_image", image_url: "data:image/jpeg;base64,iVBORw==", detail: "low" },
        { type: "input_image", image_url: "https://img.test/a.png", detail: "auto" },
        { type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERg==" },
        { type: "input_file", file_url: "https://doc.test/a.pdf" }
      ])
    })
  )

  it.effect("carries what a tool gives back, pictures too", () =>
    Effect.gen(function* () {
      const output = (more: Partial<Prompt.ToolResultPartEncoded>) =>
        Effect.map(sent(result(more)), ({ body }) => at(body, "input", 0, "output"))
      assert.strictEqual(yield* output({ result: "noon" }), "noon")
      assert.strictEqual(yield* output({ result: null }), "null")
      const text = { type: "text" as const, text: "noon" }
      assert.strictEqual(yield* output({ modelOutput: [text, text] }), "noon\nnoon")
      assert.deepStrictEqual<unknown>(
        yield* output({ modelOutput: [text, { type: "file", mediaType: "image/png", data: "AAAA" }] }),
        [
          { type: "input_text", text: "noon" },
          { type: "input_image", image_url: "data:image/png;base64,AAAA", detail: "auto" }
        ]
      )
    })
  )

  it.effect("carries tools, sampling, effort and the format of the answer", () =>
    Effect.gen(function* () {
      const { body } = yield* sent(
        request("hi", {
          tools: [weather, clock],
          toolChoice: { tool: "clock" },
          responseFormat: { type: "json", name: "My answer!", schema: { type: "object" }, strict: true },
          sampling: { temperature: 0, topP: 0.5, maxOutputTokens: 70, stop: [], reasoningEffort: "xhigh" }
        }),
        { responses: { summary: "detailed" } }
      )
      assert.deepStrictEqual<unknown>(body, {
        model: "gpt-5.4",
        input: [{ type: "message", role: "user", content: "hi" }],
        store: false,
        include: ["reasoning.encrypted_content"],
        temperature: 0,
        top_p: 0.5,
        max_output_tokens: 70,
        reasoning: { effort: "xhigh", summary: "detailed" },
        tools: [
          {
            type: "function",
            name: "weather",
            description: "The weather of a city",
            parameters: weather.parameters,
            strict: true
          },
          { type: "function", name: "clock", parameters: clock.parameters, strict: false }
        ],
        tool_choice: { type: "function", name: "clock" },
        text: { format: { type: "json_schema", name: "My_answer_", schema: { type: "object" }, strict: true } }
      })
    })
  )

  it.effect("names only the tools that may be called, and asks for any JSON where any will do", () =>
    Effect.gen(function* () {
      const { body } = yield* sent(
        request("hi", {
          tools: [weather, clock],
          toolChoice: { mode: "required", oneOf: ["clock"] },
          responseFormat: { type: "json-object" }
        })
      )
      assert.strictEqual(at(body, "tool_choice"), "required")
      assert.deepStrictEqual<unknown>(each(at(body, "tools"), "name"), ["clock"])
      assert.deepStrictEqual<unknown>(at(body, "text"), { format: { type: "json_object" } })
    })
  )

  it.effect("asks for a stream the same, but for one word", () =>
    Effect.gen(function* () {
      const host = MemoryHost.make({ body: {} })
      const lane = yield* laneTo(host)
      yield* Effect.exit(lane.text!.generate(hello))
      yield* Effect.exit(Stream.runDrain(lane.text!.stream(hello)))
      assert.deepStrictEqual<unknown>(host.sent[1]?.body, { ...(host.sent[0]?.body as object), stream: true })
      assert.strictEqual(host.sent[1]?.url, host.sent[0]?.url)
    })
  )
})

describe("reasoning", () => {
  const sealed = { openai: { encryptedContent: "gAAAA", lane: "openai/gpt-5.4" } }
  const history = (options: Prompt.ReasoningPartEncoded["options"], behind = true) =>
    request([
      { role: "user", content: "hi" },
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "hm", options: { ...options } },
          { type: "reasoning", text: "", options: { ...options } },
          ...(behind ? [{ type: "tool-call" as const, id: "a", name: "clock", params: {} }] : [])
        ]
      }
    ])
  const itemsOf = (asked: TextModel.Request, options?: Parameters<typeof sent>[1]) =>
    Effect.map(sent(asked, options), ({ body }) => each(at(body, "input"), "type"))

  it.effect("goes back to its lane, sealed, in its place and without an id", () =>
    Effect.gen(function* () {
      const { body } = yield* sent(history(sealed))
      assert.deepStrictEqual<unknown>(at(body, "input"), [
        { type: "message", role: "user", content: "hi" },
        { type: "reasoning", summary: [{ type: "summary_text", text: "hm" }], encrypted_content: "gAAAA" },
        { type: "reasoning", summary: [], encrypted_content: "gAAAA" },
        { type: "function_call", call_id: "a", name: "clock", arguments: "{}" }
      ])
    })
  )

  it.effect("is left out where it would be rejected: on other lanes, by models that do not reason, at the end", () =>
    Effect.gen(function* () {
      const without = ["message", "function_call"]
      assert.deepStrictEqual<unknown>(yield* itemsOf(history(sealed), { credential: "team-b" }), without)
      assert.deepStrictEqual<unknown>(yield* itemsOf(history(sealed), { model: "gpt-5.4-mini" }), without)
      assert.deepStrictEqual<unknown>(yield* itemsOf(history({}), {}), without)
      const id = "openai/gpt-5.4"
      assert.deepStrictEqual<unknown>(yield* itemsOf(history(sealed), { id, model: "gpt-4.1" }), without)
      assert.deepStrictEqual<unknown>(yield* itemsOf(history(sealed, false)), ["message"])
      const named = { ...sealed, openai: { ...sealed.openai, lane: "mine" } }
      assert.deepStrictEqual<unknown>((yield* itemsOf(history(named), { id: "mine" })).length, 4)
    })
  )

  it.effect("is asked for of models that reason, by their name or by what the lane says", () =>
    Effect.gen(function* () {
      const asks = (model: string, reasons?: boolean) =>
        Effect.map(sent(hello, { model, responses: { reasons } }), ({ body }) => at(body, "include") !== undefined)
      for (const model of [
        "o3-mini",
        "o4-mini",
        "gpt-5",
        "gpt-5.4-mini",
        "gpt-6-sol",
        "gpt-10",
        "ft:gpt-5-mini:a::b"
      ]) {
        assert.isTrue(yield* asks(model), model)
      }
      for (const model of ["gpt-4.1", "gpt-4o-mini", "gpt-3.5-turbo", "gpt-5-chat-latest", "ft:gpt-4.1:a::b", "mine"]) {
        assert.isFalse(yield* asks(model), model)
      }
      assert.isTrue(yield* asks("mine", true))
      assert.isFalse(yield* asks("gpt-5", false))
    })
  )

  it.effect("does not hinder a chat that goes on elsewhere", () =>
    Effect.gen(function* () {
      const { body, requests } = yield* sentBody(
        "openai",
        request([
          {
            role: "assistant",
            content: [
              { type: "reasoning", text: "hm", options: sealed },
              { type: "text", text: "hello", options: { openai: { phase: "final_answer" } } }
            ]
          }
        ])
      )
      assert.strictEqual(requests, 1)
      assert.deepStrictEqual<unknown>(at(body, "messages"), [{ role: "assistant", content: "hello" }])
    })
  )
})

it.effect("the phase of a message is said again", () =>
  Effect.gen(function* () {
    const text = (text: string, phase: string) => ({ type: "text" as const, text, options: { openai: { phase } } })
    const { body } = yield* sent(
      request([
        {
          role: "assistant",
          content: [text("Looking", "commentary"), text("…", "commentary"), text("-3 °C", "final_answer")]
        }
      ])
    )
    assert.deepStrictEqual<unknown>(at(body, "input"), [
      { type: "message", role: "assistant", content: "Looking…", phase: "commentary" },
      { type: "message", role: "assistant", content: "-3 °C", phase: "final_answer" }
    ])
  })
)

describe("what responses cannot do is refused before anything is sent", () => {
  const refused: ReadonlyArray<[string, TextModel.Request, string, boolean]> = [
    ["topK", request("hi", { sampling: { topK: 4 } }), "sampling.topK", true],
    ["a stop sequence", request("hi", { sampling: { stop: ["1"] } }), "sampling.stop", true],
    ["a seed", request("hi", { sampling: { seed: 0 } }), "sampling.seed", true],
    ["a frequency penalty", request("hi", { sampling: { frequencyPenalty: 0 } }), "sampling.frequencyPenalty", true],
    ["a presence penalty", request("hi", { sampling: { presencePenalty: 1 } }), "sampling.presencePenalty", true],
    [
      "a temperature that is no number",
      request("hi", { sampling: { temperature: NaN } }),
      "sampling.temperature",
      false
    ],
    ["sound", user({ type: "file", mediaType: "audio/wav", data: "UklGRg==" }), "prompt", true],
    ["a spreadsheet", user({ type: "file", mediaType: "text/csv", data: "AAAA" }), "prompt", true],
    [
      "an unknown option",
      user({ type: "text", text: "x", options: { openai: { sparkle: true } } }),
      "options.openai.sparkle",
      true
    ],
    ["a required tool where there is none", request("hi", { toolChoice: "required" }), "toolChoice", false],
    ["no message at all", request([]), "prompt", false],
    [
      "sound in the result of a tool",
      result({ modelOutput: [{ type: "file", mediaType: "audio/wav", data: "AAAA" }] }),
      "prompt",
      true
    ],
    [
      "a call that a provider executed",
      request([
        {
          role: "assistant",
          content: [{ type: "tool-call", id: "a", name: "search", params: {}, providerExecuted: true }]
        }
      ]),
      "prompt",
      true
    ]
  ]
  for (const [what, asked, field, failover] of refused) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const { failure, requests } = yield* sent(asked)
        assert.strictEqual(requests, 0)
        assert.strictEqual(failure._tag, "InvalidRequest")
        assert.strictEqual(failure.scope, "request")
        assert.strictEqual(failure.rule, failover ? "openai/unsupported-option" : "openai/invalid-option")
        assert.strictEqual(failure.failover, failover ? true : undefined)
        assert.isTrue(failure.detail?.startsWith(field), failure.detail)
      })
    )
  }

  it.effect("settings of responses on a lane that asks chat", () =>
    Effect.gen(function* () {
      const made = OpenAi.lane("gpt-5.4", { apiKey: Redacted.make(canary), responses: { summary: "auto" } })
      assert.isTrue(Exit.hasDies(yield* Effect.exit(Effect.provide(made, MemoryHost.make({}).layer))))
    })
  )
})
