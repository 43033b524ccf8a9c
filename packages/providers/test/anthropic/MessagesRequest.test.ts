import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Prompt } from "effect/ai"
import { at, each } from "../MemoryHost.ts"
import { clock, request, weather } from "../requests.ts"
import { sentBody } from "./claude.ts"

const call = (id: string, params: unknown = { city: id }) => ({
  type: "tool-call" as const,
  id,
  name: "weather",
  params
})
const result = (id: string, more: object = {}) => ({
  type: "tool-result" as const,
  id,
  name: "weather",
  isFailure: false,
  result: { degrees: 1 },
  ...more
})
const user = (...content: ReadonlyArray<Prompt.UserMessagePartEncoded>) => request([{ role: "user", content }])
const file = (mediaType: string, data: string | Uint8Array | URL, fileName?: string) => ({
  type: "file" as const,
  mediaType,
  data,
  ...(fileName === undefined ? {} : { fileName })
})

const old = { model: "claude-haiku-4-5", version: "2023-06-01" } as const

describe("a request to Anthropic", () => {
  it.effect("carries every kind of message, neighbours of one role joined and results first", () =>
    Effect.gen(function* () {
      const { body } = yield* sentBody(
        request([
          { role: "system", content: "Be brief." },
          { role: "user", content: "Weather?" },
          {
            role: "assistant",
            content: [
              { type: "reasoning", text: "unsigned" },
              { type: "reasoning", text: "signed", options: { anthropic: { signature: "s0" } } },
              { type: "reasoning", text: "", options: { anthropic: { redactedData: "r0" } } },
              { type: "text", text: " \n" },
              { type: "text", text: "Let me look." },
              call("a"),
              call("functions.weather:0"),
              call("c", null)
            ]
          },
          {
            role: "tool",
            content: [
              result("a"),
              result("functions.weather:0", { isFailure: true, result: "no such city" }),
              result("c", { result: "warm" })
            ]
          },
          { role: "user", content: [{ type: "text", text: "Well?" }] },
          { role: "system", content: "In English." }
        ])
      )
      assert.deepStrictEqual<unknown>(body, {
        model: "model-x",
        max_tokens: 8192,
        system: [
          { type: "text", text: "Be brief." },
          { type: "text", text: "In English." }
        ],
        messages: [
          { role: "user", content: [{ type: "text", text: "Weather?" }] },
          {
            role: "assistant",
            content: [
              { type: "thinking", thinking: "signed", signature: "s0" },
              { type: "redacted_thinking", data: "r0" },
              { type: "text", text: "Let me look." },
              { type: "tool_use", id: "a", name: "weather", input: { city: "a" } },
              {
                type: "tool_use",
                id: "functions_2eweather_3a0",
                name: "weather",
                input: { city: "functions.weather:0" }
              },
              { type: "tool_use", id: "c", name: "weather", input: {} }
            ]
          },
          {
            role: "user",
            content: [
              { type: "tool_result", tool_use_id: "a", content: '{"degrees":1}' },
              {
                type: "tool_result",
                tool_use_id: "functions_2eweather_3a0",
                content: "no such city",
                is_error: true
              },
              { type: "tool_result", tool_use_id: "c", content: "warm" },
              { type: "text", text: "Well?" }
            ]
          }
        ]
      })
    })
  )

  it.effect("puts the results of tools before words that came first", () =>
    Effect.gen(function* () {
      const { body } = yield* sentBody(
        request([
          { role: "user", content: "?" },
          { role: "assistant", content: [call("a")] },
          { role: "user", content: "Quick!" },
          { role: "tool", content: [result("a")] }
        ])
      )
      assert.deepStrictEqual<unknown>(each(at(body, "messages", 2, "content"), "type"), ["tool_result", "text"])
    })
  )

  it.effect("carries pictures, PDF and plain text, by value and by address", () =>
    Effect.gen(function* () {
      const { body } = yield* sentBody(
        user(
          file("image/png", new Uint8Array([137, 80, 78, 71])),
          file("image/*", "iVBORw0KGgo="),
          file("image/*", "AAAA"),
          file("image/webp", "https://x.test/a"),
          file("application/pdf", "JVBERg==", "report.pdf"),
          file("application/pdf", new URL("https://x.test/a.pdf")),
          file("text/plain", "U23DuHJicsO4ZA==")
        )
      )
      assert.deepStrictEqual<unknown>(at(body, "messages", 0, "content"), [
        { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw==" } },
        { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" } },
        { type: "image", source: { type: "base64", media_type: "image/jpeg", data: "AAAA" } },
        { type: "image", source: { type: "url", url: "https://x.test/a" } },
        {
          type: "document",
          source: { type: "base64", media_type: "application/pdf", data: "JVBERg==" },
          title: "report.pdf"
        },
        { type: "document", source: { type: "url", url: "https://x.test/a.pdf" } },
        { type: "document", source: { type: "text", media_type: "text/plain", data: "Smørbrød" } }
      ])
    })
  )

  it.effect("carries texts and files in the result of a tool", () =>
    Effect.gen(function* () {
      const { body } = yield* sentBody(
        request([
          { role: "user", content: "?" },
          { role: "assistant", content: [call("a")] },
          {
            role: "tool",
            content: [result("a", { modelOutput: [{ type: "text", text: "Look:" }, file("image/gif", "R0lGODlh")] })]
          }
        ])
      )
      assert.deepStrictEqual<unknown>(at(body, "messages", 2, "content", 0, "content"), [
        { type: "text", text: "Look:" },
        { type: "image", source: { type: "base64", media_type: "image/gif", data: "R0lGODlh" } }
      ])
    })
  )

  it.effect("carries tools, sampling and the format of the answer", () =>
    Effect.gen(function* () {
      const { body } = yield* sentBody(
        request("hi", {
          tools: [weather, clock],
          toolChoice: { tool: "clock" },
          responseFormat: {
            type: "json",
            name: "answer",
            schema: { type: "object", properties: { n: { type: "integer", minimum: 1 } }, required: ["n"] }
          },
          sampling: { temperature: 0, topK: 4, maxOutputTokens: 7, stop: ["a"] }
        }),
        old
      )
      assert.deepStrictEqual<unknown>(body, {
        model: "claude-haiku-4-5",
        max_tokens: 7,
        messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
        stop_sequences: ["a"],
        temperature: 0,
        top_k: 4,
        output_config: {
          format: {
            type: "json_schema",
            schema: {
              type: "object",
              properties: { n: { type: "integer", description: "{minimum: 1}" } },
              required: ["n"],
              additionalProperties: false
            }
          }
        },
        tools: [
          {
            name: "weather",
            description: "The weather of a city",
            input_schema: {
              type: "object",
              properties: { city: { type: "string" } },
              required: ["city"],
              additionalProperties: false
            },
            strict: true
          },
          { name: "clock", input_schema: clock.parameters }
        ],
        tool_choice: { type: "tool", name: "clock" }
      })
    })
  )

  it.effect("says how tools may be chosen", () =>
    Effect.gen(function* () {
      const choices = [
        ["auto", { type: "auto" }],
        ["none", { type: "none" }],
        ["required", { type: "any" }],
        [{ mode: "auto", oneOf: ["clock"] }, { type: "auto" }],
        [{ mode: "required", oneOf: ["clock"] }, { type: "any" }]
      ] as const
      for (const [toolChoice, expected] of choices) {
        const { body } = yield* sentBody(request("hi", { tools: [weather, clock], toolChoice }))
        assert.deepStrictEqual<unknown>(at(body, "tool_choice"), expected)
        const names = each(at(body, "tools"), "name")
        assert.deepStrictEqual<unknown>(names, typeof toolChoice === "string" ? ["weather", "clock"] : ["clock"])
      }
    })
  )

  it.effect("limits the answer as asked, else as the model does, else to 8192 tokens", () =>
    Effect.gen(function* () {
      const limit = (maxOutputTokens?: number, known?: number) =>
        Effect.map(
          sentBody(request("hi", { sampling: { maxOutputTokens } }), { capabilities: { maxOutputTokens: known } }),
          ({ body }) => at(body, "max_tokens")
        )
      assert.strictEqual(yield* limit(100, 64_000), 100)
      assert.strictEqual(yield* limit(undefined, 64_000), 64_000)
      assert.strictEqual(yield* limit(), 8192)
    })
  )

  it.effect("steers the thoughts of each generation in its own way", () =>
    Effect.gen(function* () {
      const sent = (reasoningEffort: "none" | "low" | "high" | "xhigh", model: string, maxOutputTokens = 64_000) =>
        Effect.map(
          sentBody(request("hi", { sampling: { reasoningEffort, maxOutputTokens } }), { model }),
          ({ body }) => [at(body, "thinking"), at(body, "output_config")]
        )
      const adaptive = { type: "adaptive", display: "summarized" }
      assert.deepStrictEqual<unknown>(yield* sent("low", "claude-opus-5-5"), [adaptive, { effort: "low" }])
      assert.deepStrictEqual<unknown>(yield* sent("xhigh", "claude-sonnet-5"), [adaptive, { effort: "xhigh" }])
      assert.deepStrictEqual<unknown>(yield* sent("none", "claude-sonnet-5"), [{ type: "disabled" }, undefined])
      assert.deepStrictEqual<unknown>(yield* sent("none", "claude-sonnet-5-5"), [{ type: "between_tools" }, undefined])
      const budget = (budget_tokens: number) => [{ type: "enabled", budget_tokens }, undefined]
      assert.deepStrictEqual<unknown>(yield* sent("low", "claude-sonnet-4-5"), budget(1024))
      assert.deepStrictEqual<unknown>(yield* sent("high", "claude-sonnet-4-5"), budget(24_576))
      assert.deepStrictEqual<unknown>(yield* sent("high", "claude-sonnet-4-5", 5000), budget(2500))
      assert.deepStrictEqual<unknown>(yield* sent("none", "claude-3-5-haiku-20241022"), [undefined, undefined])
    })
  )

  it.effect("takes sampling by version and model, or as the lane says", () =>
    Effect.gen(function* () {
      const temperature = (options: Parameters<typeof sentBody>[1], value = 0.5) =>
        Effect.map(sentBody(request("hi", { sampling: { temperature: value } }), options), ({ body, requests }) => [
          requests,
          at(body, "temperature")
        ])
      assert.deepStrictEqual<unknown>(yield* temperature({ model: "claude-haiku-4-5" }), [0, undefined])
      assert.deepStrictEqual<unknown>(yield* temperature(old), [1, 0.5])
      assert.deepStrictEqual<unknown>(yield* temperature({ ...old, model: "claude-opus-4-7" }), [0, undefined])
      assert.deepStrictEqual<unknown>(yield* temperature({ model: "glm-5", sampling: true }), [1, 0.5])
      assert.deepStrictEqual<unknown>(yield* temperature({ ...old, sampling: false }), [0, undefined])
      assert.deepStrictEqual<unknown>(yield* temperature({ model: "glm-5", sampling: true }, 1), [1, 1])
      // What a model of Claude does anyway.
      assert.deepStrictEqual<unknown>(yield* temperature({ model: "claude-opus-5-5" }, 1), [1, undefined])
      assert.deepStrictEqual<unknown>(yield* temperature(old, 1), [1, undefined])
      const { body } = yield* sentBody(
        request("hi", {
          sampling: { temperature: 1, topP: 0.96, reasoningEffort: "low", frequencyPenalty: 0, presencePenalty: 0 }
        }),
        old
      )
      assert.deepStrictEqual<unknown>([at(body, "temperature"), at(body, "top_p")], [undefined, 0.96])
    })
  )

  it.effect("begins an answer for models that continue one", () =>
    Effect.gen(function* () {
      const begun = request([
        { role: "user", content: "Count." },
        { role: "assistant", content: "one, two," }
      ])
      const { body } = yield* sentBody(begun, old)
      assert.deepStrictEqual<unknown>(at(body, "messages", 1), {
        role: "assistant",
        content: [{ type: "text", text: "one, two," }]
      })
    })
  )
})

describe("what Anthropic cannot do is refused before anything is sent", () => {
  const asked = (sampling: Parameters<typeof request>[1] & object) => request("hi", sampling)
  const sampled = (sampling: NonNullable<Parameters<typeof request>[1]>["sampling"] & object) =>
    request("hi", { sampling })
  const json = (schema: object) => request("hi", { responseFormat: { type: "json", name: "x", schema: { ...schema } } })
  const begun = (text: string, more: Parameters<typeof request>[1] = {}) =>
    request(
      [
        { role: "user", content: "?" },
        { role: "assistant", content: text }
      ],
      more
    )
  const tools = { tools: [clock] }
  const sonnet = { model: "claude-sonnet-5-5" }
  const refused: ReadonlyArray<[string, ReturnType<typeof request>, string, Parameters<typeof sentBody>[1]?]> = [
    ["a temperature", sampled({ temperature: 0 }), "sampling.temperature"],
    ["topP", sampled({ topP: 0.5 }), "sampling.topP"],
    ["topK", sampled({ topK: 4 }), "sampling.topK"],
    ["a temperature above 1", sampled({ temperature: 1.5 }), "sampling.temperature", old],
    ["a temperature and topP", sampled({ temperature: 0.5, topP: 0.5 }), "sampling.topP", old],
    ["a temperature and thoughts", sampled({ temperature: 0, reasoningEffort: "low" }), "sampling.temperature", old],
    ["topK and thoughts", sampled({ topK: 3, topP: 0.96, reasoningEffort: "low" }), "sampling.top", old],
    ["a small topP and thoughts", sampled({ topP: 0.9, reasoningEffort: "low" }), "sampling.topP", old],
    ["a seed", sampled({ seed: 0 }), "sampling.seed"],
    ["a frequency penalty", sampled({ frequencyPenalty: 0.1 }), "sampling.frequencyPenalty"],
    ["a presence penalty", sampled({ presencePenalty: -0.1 }), "sampling.presencePenalty"],
    ["a stop sequence of white space", sampled({ stop: ["a", "\n\n"] }), "sampling.stop"],
    [
      "a longer answer than the model writes",
      sampled({ maxOutputTokens: 5000 }),
      "sampling.maxOutputTokens",
      { capabilities: { maxOutputTokens: 4096 } }
    ],
    ["an effort below low", sampled({ reasoningEffort: "minimal" }), "sampling.reasoningEffort"],
    ["an effort above high", sampled({ reasoningEffort: "xhigh" }), "sampling.reasoningEffort", old],
    ["no thoughts", sampled({ reasoningEffort: "none" }), "sampling.reasoningEffort", { model: "claude-opus-5-5" }],
    [
      "thoughts of a model without",
      sampled({ reasoningEffort: "low" }),
      "sampling.reasoningEffort",
      { model: "claude-3-5-haiku-20241022" }
    ],
    [
      "thoughts without room",
      sampled({ reasoningEffort: "low", maxOutputTokens: 2047 }),
      "sampling.reasoningEffort",
      old
    ],
    ["a tool that must be called", asked({ ...tools, toolChoice: "required" }), "toolChoice", sonnet],
    ["one tool that must be called", asked({ ...tools, toolChoice: { tool: "clock" } }), "toolChoice", sonnet],
    [
      "a tool that must be called, after thoughts of a budget",
      asked({ ...tools, toolChoice: "required", sampling: { reasoningEffort: "low" } }),
      "toolChoice",
      old
    ],
    ["JSON without a schema", asked({ responseFormat: { type: "json-object" } }), "responseFormat"],
    ["JSON by an open schema", json({ type: "object", additionalProperties: { type: "number" } }), "responseFormat"],
    ["an answer to continue", begun("one"), "prompt", sonnet],
    ["an answer to continue, with thoughts", begun("one", { sampling: { reasoningEffort: "low" } }), "prompt", old],
    [
      "an answer to continue, in JSON",
      begun('{"', { responseFormat: { type: "json", name: "x", schema: { type: "string" } } }),
      "prompt",
      old
    ],
    ["an answer to continue that ends in white space", begun("one, "), "prompt", old],
    ["system messages alone", request([{ role: "system", content: "x" }]), "prompt"],
    ["a spreadsheet", user(file("text/csv", "AAAA")), "prompt"],
    ["a picture of another type", user(file("image/tiff", "AAAA")), "prompt"],
    ["an address without https", user(file("image/png", "http://x.test/a")), "prompt"],
    ["the address of a text", user(file("text/plain", "https://x.test/a")), "prompt"],
    [
      "an unknown option",
      user({ type: "text", text: "x", options: { anthropic: { sparkle: 1 } } }),
      "options.anthropic.sparkle"
    ],
    [
      "a call that a provider executed",
      request([
        { role: "user", content: "x" },
        { role: "assistant", content: [{ ...call("a"), providerExecuted: true }] }
      ]),
      "prompt"
    ],
    [
      "a file in an answer",
      request([
        { role: "user", content: "x" },
        { role: "assistant", content: [file("image/png", "AAAA")] }
      ]),
      "prompt"
    ]
  ]
  for (const [what, one, field, options] of refused) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const { failure, requests } = yield* sentBody(one, options)
        assert.strictEqual(requests, 0)
        assert.strictEqual(failure._tag, "InvalidRequest")
        assert.strictEqual(failure.rule, "anthropic/unsupported-option")
        assert.isTrue(failure.failover)
        assert.isTrue(failure.detail?.startsWith(field), failure.detail)
      })
    )
  }

  const senseless: ReadonlyArray<[string, ReturnType<typeof request>]> = [
    ["no message at all", request([])],
    ["nothing but white space", request([{ role: "user", content: " " }])],
    ["a temperature that is no number", sampled({ temperature: NaN })],
    ["a required tool where there is none", asked({ toolChoice: "required" })],
    ["a text that is not base64", user(file("text/plain", "*"))]
  ]
  for (const [what, one] of senseless) {
    it.effect(`${what}, which makes no sense anywhere`, () =>
      Effect.gen(function* () {
        const { failure, requests } = yield* sentBody(one)
        assert.strictEqual(requests, 0)
        assert.strictEqual(failure.rule, "anthropic/invalid-option")
        assert.isUndefined(failure.failover)
      })
    )
  }

  it.effect("but options of other providers are theirs to read", () =>
    Effect.gen(function* () {
      const { requests } = yield* sentBody(user({ type: "text", text: "x", options: { gemini: { any: 1 } } }))
      assert.strictEqual(requests, 1)
    })
  )
})
