import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Prompt } from "effect/ai"
import { at, each } from "../MemoryHost.ts"
import { clock, request, sentBody, weather } from "../requests.ts"

const pixel = new Uint8Array([137, 80, 78, 71])

describe("a request to OpenAI", () => {
  it.effect("carries every kind of message in its order", () =>
    Effect.gen(function* () {
      const { body } = yield* sentBody(
        "openai",
        request([
          { role: "system", content: "Be brief." },
          { role: "user", content: "Weather in Oslo and the time?" },
          {
            role: "assistant",
            content: [
              { type: "reasoning", text: "two calls" },
              { type: "text", text: "Let me " },
              { type: "text", text: "look." },
              { type: "tool-call", id: "a", name: "weather", params: { city: "Oslo" } },
              { type: "tool-call", id: "b", name: "clock", params: {} }
            ]
          },
          {
            role: "tool",
            content: [
              { type: "tool-result", id: "a", name: "weather", isFailure: false, result: { degrees: -3 } },
              { type: "tool-result", id: "b", name: "clock", isFailure: true, result: "no clock" }
            ]
          },
          {
            role: "user",
            content: [
              { type: "text", text: "Thanks" },
              { type: "text", text: "!" }
            ]
          }
        ])
      )
      assert.deepStrictEqual<unknown>(at(body, "messages"), [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Weather in Oslo and the time?" },
        {
          role: "assistant",
          content: "Let me look.",
          tool_calls: [
            { id: "a", type: "function", function: { name: "weather", arguments: '{"city":"Oslo"}' } },
            { id: "b", type: "function", function: { name: "clock", arguments: "{}" } }
          ]
        },
        { role: "tool", tool_call_id: "a", content: '{"degrees":-3}' },
        { role: "tool", tool_call_id: "b", content: '{"error":"no clock"}' },
        {
          role: "user",
          content: [
            { type: "text", text: "Thanks" },
            { type: "text", text: "!" }
          ]
        }
      ])
    })
  )

  it.effect("carries images by value and by address, sounds and PDFs", () =>
    Effect.gen(function* () {
      const { body } = yield* sentBody(
        "openai",
        request([
          {
            role: "user",
            content: [
              { type: "file", mediaType: "image/png", data: pixel },
              { type: "file", mediaType: "image/*", data: pixel, options: { openai: { imageDetail: "low" } } },
              { type: "file", mediaType: "image/png", data: new URL("https://img.test/a.png") },
              { type: "file", mediaType: "image/gif", data: "data:image/webp;base64,AAAA" },
              { type: "file", mediaType: "audio/wav", data: "UklGRg==" },
              { type: "file", mediaType: "application/pdf", data: "JVBERg==", fileName: "a.pdf" }
            ]
          }
        ])
      )
      assert.deepStrictEqual<unknown>(at(body, "messages", 0, "content"), [
        { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw==" } },
        { type: "image_url", image_url: { url: "data:image/jpeg;base64,iVBORw==", detail: "low" } },
        { type: "image_url", image_url: { url: "https://img.test/a.png" } },
        { type: "image_url", image_url: { url: "data:image/webp;base64,AAAA" } },
        { type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } },
        { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERg==" } }
      ])
    })
  )

  it.effect("carries tools, sampling and the format of the answer", () =>
    Effect.gen(function* () {
      const { body } = yield* sentBody(
        "openai",
        request("hi", {
          tools: [weather, clock],
          toolChoice: { tool: "clock" },
          responseFormat: { type: "json", name: "My answer!", schema: { type: "object" }, strict: true },
          sampling: {
            temperature: 0,
            topP: 0.5,
            maxOutputTokens: 7,
            stop: ["a", "b"],
            seed: 1,
            frequencyPenalty: 0.1,
            presencePenalty: 0.2,
            reasoningEffort: "xhigh"
          }
        })
      )
      assert.deepStrictEqual<unknown>(body, {
        model: "model-x",
        messages: [{ role: "user", content: "hi" }],
        temperature: 0,
        top_p: 0.5,
        max_completion_tokens: 7,
        stop: ["a", "b"],
        seed: 1,
        frequency_penalty: 0.1,
        presence_penalty: 0.2,
        reasoning_effort: "xhigh",
        tools: [
          {
            type: "function",
            function: {
              name: "weather",
              description: "The weather of a city",
              parameters: weather.parameters,
              strict: true
            }
          },
          { type: "function", function: { name: "clock", parameters: clock.parameters } }
        ],
        tool_choice: { type: "function", function: { name: "clock" } },
        response_format: {
          type: "json_schema",
          json_schema: { name: "My_answer_", schema: { type: "object" }, strict: true }
        }
      })
    })
  )

  it.effect("names only the tools that may be called", () =>
    Effect.gen(function* () {
      const { body } = yield* sentBody(
        "openai",
        request("hi", { tools: [weather, clock], toolChoice: { mode: "required", oneOf: ["clock"] } })
      )
      assert.strictEqual(at(body, "tool_choice"), "required")
      assert.deepStrictEqual<unknown>(each(at(body, "tools"), "function", "name"), ["clock"])
    })
  )

  it.effect("asks a compatible host in the words it knows", () =>
    Effect.gen(function* () {
      const asked = request("hi", { sampling: { maxOutputTokens: 7, topK: 3, stop: ["1", "2", "3", "4", "5"] } })
      const { failure, requests } = yield* sentBody("compatible", asked)
      assert.strictEqual(requests, 0)
      assert.strictEqual(failure.rule, "openai/unsupported-option")
      const { body } = yield* sentBody("compatible", asked, { topK: true })
      assert.strictEqual(at(body, "max_tokens"), 7)
      assert.strictEqual(at(body, "top_k"), 3)
      assert.strictEqual(each(at(body, "stop")).length, 5)
    })
  )
})

describe("what OpenAI cannot do is refused before anything is sent", () => {
  const user = (part: Prompt.UserMessagePartEncoded) => request([{ role: "user", content: [part] }])
  const cyclic: Record<string, unknown> = {}
  cyclic["self"] = cyclic
  const refused: ReadonlyArray<[string, ReturnType<typeof request>, string, boolean]> = [
    ["topK", request("hi", { sampling: { topK: 4 } }), "sampling.topK", true],
    ["five stop sequences", request("hi", { sampling: { stop: ["1", "2", "3", "4", "5"] } }), "sampling.stop", true],
    [
      "a temperature that is no number",
      request("hi", { sampling: { temperature: NaN } }),
      "sampling.temperature",
      false
    ],
    ["a spreadsheet", user({ type: "file", mediaType: "text/csv", data: "AAAA" }), "prompt", true],
    [
      "the address of a PDF",
      user({ type: "file", mediaType: "application/pdf", data: "https://x.test/a" }),
      "prompt",
      true
    ],
    [
      "an unknown option",
      user({ type: "text", text: "x", options: { openai: { sparkle: true } } }),
      "options.openai.sparkle",
      true
    ],
    ["a required tool where there is none", request("hi", { toolChoice: "required" }), "toolChoice", false],
    ["a tool that is not there", request("hi", { tools: [clock], toolChoice: { tool: "lamp" } }), "toolChoice", false],
    ["no message at all", request([]), "prompt", false],
    [
      "a picture in the result of a tool",
      request([
        {
          role: "tool",
          content: [
            {
              type: "tool-result",
              id: "a",
              name: "clock",
              isFailure: false,
              result: null,
              modelOutput: [{ type: "file", mediaType: "image/png", data: "AAAA" }]
            }
          ]
        }
      ]),
      "prompt",
      true
    ],
    [
      "a result that is not JSON",
      request([
        { role: "tool", content: [{ type: "tool-result", id: "a", name: "clock", isFailure: false, result: cyclic }] }
      ]),
      "prompt",
      false
    ]
  ]
  for (const [what, asked, field, failover] of refused) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const { failure, requests } = yield* sentBody("openai", asked)
        assert.strictEqual(requests, 0)
        assert.strictEqual(failure._tag, "InvalidRequest")
        assert.strictEqual(failure.scope, "request")
        assert.strictEqual(failure.rule, failover ? "openai/unsupported-option" : "openai/invalid-option")
        assert.strictEqual(failure.failover, failover ? true : undefined)
        assert.isTrue(failure.detail?.startsWith(field), failure.detail)
      })
    )
  }

  it.effect("what the lane is known not to have", () =>
    Effect.gen(function* () {
      const capabilities = { tools: false, vision: false, jsonSchema: false }
      const asked = [
        request("hi", { tools: [clock] }),
        request("hi", { responseFormat: { type: "json", name: "x", schema: {} } }),
        user({ type: "file", mediaType: "image/png", data: "AAAA" })
      ]
      for (const one of asked) {
        const { failure, requests } = yield* sentBody("openai", one, { capabilities })
        assert.strictEqual(requests, 0)
        assert.strictEqual(failure.rule, "openai/unsupported-option")
      }
    })
  )

  it.effect("options of other providers are theirs to read", () =>
    Effect.gen(function* () {
      const { requests } = yield* sentBody("openai", user({ type: "text", text: "x", options: { gemini: { any: 1 } } }))
      assert.strictEqual(requests, 1)
    })
  )
})
