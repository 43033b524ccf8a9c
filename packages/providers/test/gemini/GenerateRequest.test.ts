import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { at, each } from "../MemoryHost.ts"
import { clock, request, sentBody, weather } from "../requests.ts"

const gemini3 = { model: "gemini-3.8-flash" }
const gemini2 = { model: "gemini-2.5-flash" }

const call = (id: string, options?: object) => ({
  type: "tool-call" as const,
  id,
  name: "weather",
  params: { city: id },
  ...(options === undefined ? {} : { options: { gemini: { ...options } } })
})
const result = (id: string, isFailure = false) => ({
  type: "tool-result" as const,
  id,
  name: "weather",
  isFailure,
  result: isFailure ? "no" : { degrees: 1 }
})

describe("a request to Gemini", () => {
  it.effect("carries every kind of message, neighbours of one role joined", () =>
    Effect.gen(function* () {
      const { body } = yield* sentBody(
        "gemini",
        request([
          { role: "system", content: "Be brief." },
          { role: "user", content: "Weather?" },
          {
            role: "assistant",
            content: [
              { type: "reasoning", text: "unsigned" },
              { type: "reasoning", text: "signed", options: { gemini: { thoughtSignature: "s0" } } },
              { type: "text", text: "Let me look.", options: { gemini: { thoughtSignature: "s1" } } },
              call("a", { thoughtSignature: "s2", callId: "a" }),
              call("call_x_1")
            ]
          },
          { role: "tool", content: [result("a"), result("call_x_1", true)] },
          { role: "user", content: [{ type: "text", text: "Well?" }] },
          { role: "system", content: "In English." }
        ]),
        gemini3
      )
      assert.deepStrictEqual<unknown>(body, {
        systemInstruction: { parts: [{ text: "Be brief." }, { text: "In English." }] },
        contents: [
          { role: "user", parts: [{ text: "Weather?" }] },
          {
            role: "model",
            parts: [
              { text: "signed", thought: true, thoughtSignature: "s0" },
              { text: "Let me look.", thoughtSignature: "s1" },
              { functionCall: { id: "a", name: "weather", args: { city: "a" } }, thoughtSignature: "s2" },
              { functionCall: { name: "weather", args: { city: "call_x_1" } } }
            ]
          },
          {
            role: "user",
            parts: [
              { functionResponse: { id: "a", name: "weather", response: { output: { degrees: 1 } } } },
              { functionResponse: { name: "weather", response: { error: "no" } } },
              { text: "Well?" }
            ]
          }
        ],
        generationConfig: {}
      })
    })
  )

  it.effect("vouches for the first call of another provider's answer, where the model insists on signatures", () =>
    Effect.gen(function* () {
      const asked = request([
        { role: "user", content: "?" },
        { role: "assistant", content: [call("a"), call("b")] },
        { role: "tool", content: [result("a"), result("b")] }
      ])
      const signatures = (body: unknown) => each(at(body, "contents", 1, "parts"), "thoughtSignature")
      const current = yield* sentBody("gemini", asked, gemini3)
      assert.deepStrictEqual<unknown>(signatures(current.body), ["skip_thought_signature_validator", undefined])
      const older = yield* sentBody("gemini", asked, gemini2)
      assert.deepStrictEqual<unknown>(signatures(older.body), [undefined, undefined])
    })
  )

  it.effect("carries files by value and by address", () =>
    Effect.gen(function* () {
      const { body } = yield* sentBody(
        "gemini",
        request([
          {
            role: "user",
            content: [
              { type: "file", mediaType: "image/png", data: new Uint8Array([137, 80, 78, 71]) },
              { type: "file", mediaType: "application/pdf", data: "https://x.test/a.pdf" },
              { type: "file", mediaType: "image/*", data: new URL("https://x.test/a") }
            ]
          }
        ])
      )
      assert.deepStrictEqual<unknown>(at(body, "contents", 0, "parts"), [
        { inlineData: { mimeType: "image/png", data: "iVBORw==" } },
        { fileData: { mimeType: "application/pdf", fileUri: "https://x.test/a.pdf" } },
        { fileData: { fileUri: "https://x.test/a" } }
      ])
    })
  )

  it.effect("carries tools, sampling and the format of the answer", () =>
    Effect.gen(function* () {
      const { body } = yield* sentBody(
        "gemini",
        request("hi", {
          tools: [weather, clock],
          toolChoice: { tool: "clock" },
          responseFormat: { type: "json", name: "answer", schema: { type: "object" } },
          sampling: {
            temperature: 0,
            topP: 0.5,
            topK: 4,
            maxOutputTokens: 7,
            stop: ["a"],
            seed: 1,
            frequencyPenalty: 0.1,
            presencePenalty: 0.2,
            reasoningEffort: "low"
          }
        }),
        gemini3
      )
      assert.deepStrictEqual<unknown>(body, {
        contents: [{ role: "user", parts: [{ text: "hi" }] }],
        tools: [
          {
            functionDeclarations: [
              { name: "weather", description: "The weather of a city", parametersJsonSchema: weather.parameters },
              { name: "clock" }
            ]
          }
        ],
        toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["clock"] } },
        generationConfig: {
          temperature: 0,
          topP: 0.5,
          topK: 4,
          maxOutputTokens: 7,
          stopSequences: ["a"],
          seed: 1,
          frequencyPenalty: 0.1,
          presencePenalty: 0.2,
          thinkingConfig: { thinkingLevel: "LOW", includeThoughts: true },
          responseMimeType: "application/json",
          responseJsonSchema: { type: "object" }
        }
      })
    })
  )

  it.effect("says how tools may be chosen", () =>
    Effect.gen(function* () {
      const choices = [
        ["auto", undefined],
        ["none", { functionCallingConfig: { mode: "NONE" } }],
        ["required", { functionCallingConfig: { mode: "ANY" } }],
        [{ mode: "auto", oneOf: ["clock"] }, undefined],
        [
          { mode: "required", oneOf: ["clock"] },
          { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["clock"] } }
        ]
      ] as const
      for (const [toolChoice, toolConfig] of choices) {
        const { body } = yield* sentBody("gemini", request("hi", { tools: [weather, clock], toolChoice }))
        assert.deepStrictEqual<unknown>(at(body, "toolConfig"), toolConfig)
        const names = each(at(body, "tools", 0, "functionDeclarations"), "name")
        assert.deepStrictEqual<unknown>(names, typeof toolChoice === "string" ? ["weather", "clock"] : ["clock"])
      }
    })
  )

  it.effect("spends a budget on reasoning where the model knows no levels", () =>
    Effect.gen(function* () {
      const budget = (reasoningEffort: "none" | "medium") =>
        Effect.map(sentBody("gemini", request("hi", { sampling: { reasoningEffort } }), gemini2), ({ body }) =>
          at(body, "generationConfig", "thinkingConfig")
        )
      assert.deepStrictEqual<unknown>(yield* budget("none"), { thinkingBudget: 0 })
      assert.deepStrictEqual<unknown>(yield* budget("medium"), { thinkingBudget: 8192, includeThoughts: true })
    })
  )
})

describe("what Gemini cannot do is refused before anything is sent", () => {
  const refused: ReadonlyArray<[string, ReturnType<typeof request>, string]> = [
    ["six stop sequences", request("hi", { sampling: { stop: ["1", "2", "3", "4", "5", "6"] } }), "sampling.stop"],
    ["no reasoning at all", request("hi", { sampling: { reasoningEffort: "none" } }), "sampling.reasoningEffort"],
    ["an effort above high", request("hi", { sampling: { reasoningEffort: "xhigh" } }), "sampling.reasoningEffort"],
    ["system messages alone", request([{ role: "system", content: "x" }]), "prompt"],
    [
      "an unknown option",
      request([{ role: "user", content: [{ type: "text", text: "x", options: { gemini: { sparkle: 1 } } }] }]),
      "options.gemini.sparkle"
    ],
    [
      "a call that a provider executed",
      request([
        { role: "user", content: "x" },
        { role: "assistant", content: [{ ...call("a"), providerExecuted: true }] }
      ]),
      "prompt"
    ]
  ]
  for (const [what, asked, field] of refused) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const { failure, requests } = yield* sentBody("gemini", asked, gemini3)
        assert.strictEqual(requests, 0)
        assert.strictEqual(failure._tag, "InvalidRequest")
        assert.strictEqual(failure.rule, "gemini/unsupported-option")
        assert.isTrue(failure.failover)
        assert.isTrue(failure.detail?.startsWith(field), failure.detail)
      })
    )
  }
})
