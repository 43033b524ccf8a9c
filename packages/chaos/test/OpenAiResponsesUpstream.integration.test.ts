import { LLMock } from "@copilotkit/aimock"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { OpenAi } from "@holdfast/providers"
import { Effect, Redacted, Stream } from "effect"
import { Prompt } from "effect/ai"

/** A server that others wrote, with a lane to it. */
const upstream = Effect.gen(function* () {
  const mock = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const mock = new LLMock({ port: 0 })
      await mock.start()
      return mock
    }),
    (mock) => Effect.promise(() => mock.stop())
  )
  const apiKey = Redacted.make("sk-test")
  const { text } = yield* OpenAi.lane("gpt-5", { api: "responses", apiKey, baseUrl: `${mock.url}/v1` })
  const tools = ["weather", "clock"].map((name) => ({ name, parameters: { type: "object", properties: {} } }))
  const ask = (prompt: string) => {
    const request = { prompt: Prompt.make(prompt), tools, responseFormat: { type: "text" as const }, sampling: {} }
    return { ...request, toolChoice: "auto" as const }
  }
  return {
    mock,
    whole: (prompt: string) => text!.generate(ask(prompt)),
    streamed: (prompt: string) => Stream.runCollect(text!.stream(ask(prompt)))
  }
})

describe("a lane that asks another make of server for responses", () => {
  it.live("reads text and reasoning, whole and streamed", () =>
    Effect.gen(function* () {
      const { mock, streamed, whole } = yield* upstream
      mock.onMessage("think", { content: "Forty-two, traveller.", reasoning: "Let me think about it." })
      const parts = yield* whole("think")
      assert.deepStrictEqual(
        parts.flatMap((part) => (part.type === "text" || part.type === "reasoning" ? [part.text] : [])),
        ["Let me think about it.", "Forty-two, traveller."]
      )
      const pieces = yield* streamed("think")
      const said = (type: "text-delta" | "reasoning-delta") =>
        pieces.map((part) => (part.type === type ? part.delta : "")).join("")
      assert.deepStrictEqual(
        [said("reasoning-delta"), said("text-delta")],
        ["Let me think about it.", "Forty-two, traveller."]
      )
      assert.deepInclude(pieces.at(-1), { type: "finish", reason: "stop" })
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.live("reads parallel calls, whole and streamed", () =>
    Effect.gen(function* () {
      const { mock, streamed, whole } = yield* upstream
      mock.onMessage("both", {
        toolCalls: [
          { name: "weather", arguments: '{"city":"Oslo"}' },
          { name: "clock", arguments: "{}" }
        ]
      })
      for (const parts of [yield* whole("both"), yield* streamed("both")]) {
        assert.deepStrictEqual(
          parts.flatMap((part) => (part.type === "tool-call" ? [[part.name, part.params]] : [])),
          [
            ["weather", { city: "Oslo" }],
            ["clock", {}]
          ]
        )
        assert.deepInclude(parts.at(-1), { type: "finish", reason: "tool-calls" })
      }
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.live("reads its errors", () =>
    Effect.gen(function* () {
      const { mock, streamed, whole } = yield* upstream
      const error = { message: "Rate limited", type: "rate_limit_error", code: "rate_limit_exceeded" }
      mock.onMessage("limit", { error, status: 429 })
      assert.strictEqual((yield* Effect.flip(whole("limit")))._tag, "RateLimit")
      assert.strictEqual((yield* Effect.flip(streamed("limit")))._tag, "RateLimit")
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )
})
