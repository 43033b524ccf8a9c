import { assert, describe, it } from "@effect/vitest"
import { Adaptation, type Lane, type TextModel } from "@holdfast/core"
import { Effect, Redacted } from "effect"
import { Prompt } from "effect/ai"
import { Anthropic, Gemini, OpenAi } from "../src/index.ts"
import * as MemoryHost from "./MemoryHost.ts"
import { hello, request, weather } from "./requests.ts"

const options = { apiKey: Redacted.make("k"), baseUrl: "http://host.test" }
const lanes = {
  claude: Anthropic.lane("claude-sonnet-4-5", options),
  claude55: Anthropic.lane("claude-sonnet-5-5", options),
  claudeOther: Anthropic.lane("somebody-else's", options),
  gemini: Gemini.lane("gemini-3.5-flash", options),
  gemini25: Gemini.lane("gemini-2.5-flash", options),
  chat: OpenAi.lane("gpt-4o-mini", options),
  responses: OpenAi.lane("gpt-5.2", { ...options, api: "responses" }),
  vectors: OpenAi.lane("text-embedding-3-small", options),
  geminiVectors: Gemini.lane("gemini-embedding-001", options)
}
type Name = keyof typeof lanes

/** What the lane says it adapts in a request. */
const adaptedBy = Effect.fnUntraced(function* (name: Name, ask: (lane: Lane.Lane) => Effect.Effect<unknown, unknown>) {
  const told: Array<Adaptation.Code> = []
  const host = MemoryHost.make({ body: {} })
  const lane = yield* Effect.provide(lanes[name], host.layer)
  yield* Effect.exit(Effect.provideService(ask(lane), Adaptation.Listener, (what) => told.push(...what)))
  assert.strictEqual(host.sent.length, 1, "the request was not sent")
  return told.toSorted()
})
const ofText = (name: Name, asked: TextModel.Request) => adaptedBy(name, (lane) => lane.text!.generate(asked))

const user = { role: "user" as const, content: "hello" }
const assistant = { role: "assistant" as const, content: "hi" }
const called = (options: Prompt.ProviderOptions = {}) => [
  user,
  {
    role: "assistant" as const,
    content: [
      Prompt.makePart("tool-call", {
        id: "c1",
        name: "weather",
        params: { city: "Oslo" },
        providerExecuted: false,
        options
      })
    ]
  },
  {
    role: "tool" as const,
    content: [
      Prompt.makePart("tool-result", {
        id: "c1",
        name: "weather",
        isFailure: true,
        providerExecuted: false,
        result: "no such city"
      })
    ]
  }
]
const thinking = [
  user,
  {
    role: "assistant" as const,
    content: [Prompt.makePart("reasoning", { text: "hm" }), Prompt.makePart("text", { text: "hi" })]
  },
  user
]
const effort = (reasoningEffort: "high" | "none") => request("hello", { sampling: { reasoningEffort } })
const formatted = (schema: TextModel.Tool["parameters"]) =>
  request("hello", { responseFormat: { type: "json", name: "n", schema } })
const short = { type: "object", properties: { a: { type: "string", maxLength: 3 } }, required: ["a"] } as const

describe("what a lane changes in the meaning of a request", () => {
  const cases: ReadonlyArray<readonly [Name, TextModel.Request, ...ReadonlyArray<Adaptation.Code>]> = [
    ["claude", hello],
    ["gemini", hello],
    ["chat", hello],
    ["responses", hello],
    ["claude", request([{ role: "system", content: "Be brief." }, user])],
    ["claude", request([user, assistant, { role: "system", content: "Be brief." }, user]), "system-moved"],
    ["gemini", request([user, assistant, { role: "system", content: "Be brief." }, user]), "system-moved"],
    ["chat", request([user, assistant, { role: "system", content: "Be brief." }, user])],
    ["claude", request([user, user]), "messages-joined"],
    ["gemini", request([user, user]), "messages-joined"],
    ["chat", request([user, user])],
    ["claude", request(thinking), "reasoning-dropped"],
    ["gemini", request(thinking), "reasoning-dropped"],
    ["chat", request(thinking), "reasoning-dropped"],
    ["responses", request(thinking), "reasoning-dropped"],
    ["claude", request(called(), { tools: [weather] })],
    ["gemini", request(called(), { tools: [{ ...weather, strict: false }] }), "signature-replaced"],
    ["gemini", request(called({ gemini: { thoughtSignature: "s" } }), { tools: [{ ...weather, strict: false }] })],
    ["chat", request(called(), { tools: [weather] }), "tool-error-told"],
    ["responses", request(called(), { tools: [weather] }), "tool-error-told"],
    ["gemini", request("hello", { tools: [weather] }), "strict-dropped"],
    ["chat", request("hello", { tools: [weather] })],
    ["claude", effort("high"), "effort-as-budget"],
    ["gemini25", effort("high"), "effort-as-budget"],
    ["gemini25", effort("none")],
    ["gemini", effort("high")],
    ["claude55", effort("none"), "effort-approximated"],
    ["claudeOther", hello, "output-limit-added"],
    ["claudeOther", request("hello", { sampling: { maxOutputTokens: 5 } })],
    ["claude", formatted(short), "schema-told"],
    ["claude", formatted({ ...short, properties: { a: { type: "string" } } })],
    ["claude", request("hello", { tools: [{ ...weather, parameters: short }] }), "schema-told"],
    ["gemini", formatted(short)],
    ["chat", formatted(short)]
  ]
  it.effect.each(cases)("%s", ([name, asked, ...what]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* ofText(name, asked), what)
    })
  )

  it.effect("is the task of texts to embed, where the wire has no place for it", () =>
    Effect.gen(function* () {
      const embedding = (name: Name, task?: "query") =>
        adaptedBy(name, (lane) => lane.embed!.embed({ inputs: ["kelp"], task }))
      assert.deepStrictEqual(yield* embedding("vectors", "query"), ["task-dropped"])
      assert.deepStrictEqual(yield* embedding("vectors"), [])
      assert.deepStrictEqual(yield* embedding("geminiVectors", "query"), [])
    })
  )

  it("is shown here in each of its kinds", () => {
    const shown = new Set([...cases.flatMap(([, , ...what]) => what), "task-dropped"])
    const core = new Set(["continued-by-instruction", "continued-by-prefill"])
    assert.deepStrictEqual(
      Object.keys(Adaptation.meanings).filter((code) => !shown.has(code) && !core.has(code)),
      []
    )
  })
})
