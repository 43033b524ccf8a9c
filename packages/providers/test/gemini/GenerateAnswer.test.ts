import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { Prompt, Response } from "effect/ai"
import { at, events } from "../MemoryHost.ts"
import * as MemoryHost from "../MemoryHost.ts"
import { collect, generate, request, sentBody, stream } from "../requests.ts"

const body = (parts: ReadonlyArray<object> | undefined, finishReason?: string, more: object = {}) => ({
  candidates: [
    {
      index: 0,
      ...(parts === undefined ? {} : { content: { role: "model", parts } }),
      ...(finishReason === undefined ? {} : { finishReason })
    }
  ],
  modelVersion: "gemini-3.8-flash",
  responseId: "resp-1",
  ...more
})
const usageMetadata = {
  promptTokenCount: 20,
  toolUsePromptTokenCount: 5,
  cachedContentTokenCount: 8,
  candidatesTokenCount: 18,
  thoughtsTokenCount: 12,
  totalTokenCount: 55
}
const counted = {
  inputTokens: { total: 25, uncached: 17, cacheRead: 8, cacheWrite: undefined },
  outputTokens: { total: 30, text: 18, reasoning: 12 }
}
const meta = { type: "response-metadata", id: "resp-1", modelId: "gemini-3.8-flash", timestamp: undefined }
const finish = (reason: string, usage: object = { inputTokens: {}, outputTokens: {} }) => ({
  type: "finish",
  reason,
  usage,
  response: { status: 200, headers: {} }
})

const script = [
  `data: ${JSON.stringify(body([{ text: "Hm.", thought: true }]))}\r\n\r\n`,
  "retry: 10\r\n\r\n",
  `data: ${JSON.stringify(body([{ text: "Smørbrød 🥪, " }]))}\r\n\r\n`,
  `data: ${JSON.stringify(body([{ text: "漢字" }], undefined, { usageMetadata: { promptTokenCount: 20 } }))}\r\n\r\n`,
  `data: ${JSON.stringify(body([{ text: "", thoughtSignature: "sig" }], "STOP", { usageMetadata }))}\r\n\r\n`
].join("")
const scriptParts = [
  meta,
  { type: "reasoning-start", id: "reasoning-0" },
  { type: "reasoning-delta", id: "reasoning-0", delta: "Hm." },
  { type: "reasoning-end", id: "reasoning-0" },
  { type: "text-start", id: "text-1" },
  { type: "text-delta", id: "text-1", delta: "Smørbrød 🥪, " },
  { type: "text-delta", id: "text-1", delta: "漢字" },
  { type: "text-end", id: "text-1", metadata: { gemini: { thoughtSignature: "sig" } } },
  finish("stop", counted)
]

describe("an answer of Gemini", () => {
  it.effect("comes whole with thoughts, text, pictures, parallel calls and usage", () =>
    Effect.gen(function* () {
      const parts = yield* generate("gemini", {
        body: body(
          [
            { text: "Hm.", thought: true },
            { text: "Look: " },
            { inlineData: { mimeType: "image/png", data: "iVBORw==" } },
            { functionCall: { id: "a", name: "weather", args: { city: "Oslo" } }, thoughtSignature: "sig" },
            { functionCall: { name: "weather", args: { city: "Rome" } } },
            { functionCall: { name: "clock" } },
            { executableCode: { code: "1" } }
          ],
          "STOP",
          { usageMetadata }
        )
      })
      const ids = parts.flatMap((part) => (part.type === "tool-call" ? [part.id] : []))
      assert.strictEqual(new Set(ids).size, 3)
      assert.deepStrictEqual<unknown>(parts, [
        meta,
        { type: "reasoning", text: "Hm." },
        { type: "text", text: "Look: " },
        { type: "file", mediaType: "image/png", data: "iVBORw==" },
        {
          type: "tool-call",
          id: "a",
          name: "weather",
          params: { city: "Oslo" },
          metadata: { gemini: { thoughtSignature: "sig", callId: "a" } }
        },
        { type: "tool-call", id: ids[1], name: "weather", params: { city: "Rome" } },
        { type: "tool-call", id: ids[2], name: "clock", params: {} },
        finish("tool-calls", counted)
      ])
    })
  )

  it.effect("streams, with the usage of the last event", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual<unknown>(yield* Stream.runCollect(stream("gemini", { body: script })), scriptParts)
    })
  )

  it.effect.prop(
    "streams the same however the bytes are cut",
    { offsets: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2000 }))) },
    ({ offsets }) =>
      Effect.gen(function* () {
        const parts = yield* Stream.runCollect(stream("gemini", { body: MemoryHost.cut(script, offsets) }))
        assert.deepStrictEqual<unknown>(parts, scriptParts)
      })
  )

  it.effect("streams each call as soon as it is there", () =>
    Effect.gen(function* () {
      const parts = yield* Stream.runCollect(
        stream("gemini", {
          body: events(
            body([{ functionCall: { id: "a", name: "weather", args: { city: "Oslo" } } }]),
            body([{ functionCall: { id: "b", name: "clock", args: {} } }], "STOP", { usageMetadata })
          )
        })
      )
      assert.deepStrictEqual<unknown>(parts, [
        meta,
        { type: "tool-params-start", id: "a", name: "weather" },
        { type: "tool-params-delta", id: "a", delta: '{"city":"Oslo"}' },
        { type: "tool-params-end", id: "a" },
        {
          type: "tool-call",
          id: "a",
          name: "weather",
          params: { city: "Oslo" },
          metadata: { gemini: { callId: "a" } }
        },
        { type: "tool-params-start", id: "b", name: "clock" },
        { type: "tool-params-delta", id: "b", delta: "{}" },
        { type: "tool-params-end", id: "b" },
        { type: "tool-call", id: "b", name: "clock", params: {}, metadata: { gemini: { callId: "b" } } },
        finish("tool-calls", counted)
      ])
    })
  )

  it.effect("cut by its length is an answer, with the reason `length`", () =>
    Effect.gen(function* () {
      const parts = yield* generate("gemini", { body: body([{ text: "Once" }], "MAX_TOKENS") })
      assert.deepStrictEqual<unknown>(parts.at(-1), finish("length"))
    })
  )

  it.effect("goes back into the next request with its signatures", () =>
    Effect.gen(function* () {
      const decode = Schema.decodeUnknownEffect(Schema.Array(Response.StreamPart()))
      const parts = yield* decode(yield* Stream.runCollect(stream("gemini", { body: script })))
      const history = Prompt.concat(Prompt.make("hi"), Prompt.fromResponseParts(parts))
      const { body: sent } = yield* sentBody("gemini", request(history))
      assert.deepStrictEqual<unknown>(at(sent, "contents", 1), {
        role: "model",
        parts: [{ text: "Smørbrød 🥪, 漢字", thoughtSignature: "sig" }]
      })
    })
  )
})

describe("an answer of Gemini that is none fails", () => {
  const blocked = { promptFeedback: { blockReason: "SAFETY" }, usageMetadata: { promptTokenCount: 4 } }
  const wholes: ReadonlyArray<[string, MemoryHost.Reply, string]> = [
    ["HTML with 200", { body: "<html>Sign in</html>" }, "InvalidResponse"],
    ["an empty body", { body: "" }, "InvalidResponse"],
    ["cut JSON", { body: '{"candidates":[{"content":{"parts":[{"text":"quota' }, "InvalidResponse"],
    ["no candidates", { body: { usageMetadata: { promptTokenCount: 4 } } }, "InvalidResponse"],
    ["another shape", { body: { candidates: "none" } }, "InvalidResponse"],
    ["nothing in it", { body: body([], "STOP") }, "InvalidResponse"],
    ["no room left for an answer", { body: body(undefined, "MAX_TOKENS") }, "InvalidResponse"],
    ["a blocked prompt", { body: blocked }, "ContentPolicy"],
    ["an answer stopped by policy", { body: body([{ text: "x" }], "SAFETY") }, "ContentPolicy"],
    ["a broken call", { body: body(undefined, "MALFORMED_FUNCTION_CALL") }, "InvalidResponse"],
    [
      "an error with 200",
      { body: { error: { code: 503, status: "UNAVAILABLE", message: "The model is overloaded." } } },
      "ModelOverloaded"
    ]
  ]
  for (const [what, reply, tag] of wholes) {
    it.effect(`whole: ${what}`, () =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(generate("gemini", reply))
        assert.strictEqual(failure._tag, tag, failure.rule)
        assert.strictEqual(failure.lane, "gemini/model-x")
      })
    )
  }

  const start = body([{ text: "Hel" }])
  const internal = { error: { code: 500, message: "Internal error encountered.", status: "INTERNAL" } }
  const streams: ReadonlyArray<[string, string, string]> = [
    ["HTML with 200", "<html>Sign in</html>", "InvalidResponse"],
    ["an empty body", "", "InvalidResponse"],
    ["an early end", events(start), "StreamTruncated"],
    ["an early end in the middle of an event", `${events(start)}data: {"candi`, "StreamTruncated"],
    ["an error inside", events(start, internal), "ServiceUnavailable"],
    [
      "an error inside without the form of an event",
      `${events(start)}${JSON.stringify(internal, null, 2)}`,
      "ServiceUnavailable"
    ],
    ["an error in a list", events([internal]), "ServiceUnavailable"],
    ["nothing but an error", JSON.stringify([internal]), "ServiceUnavailable"],
    ["an event that is not JSON", events(start, "{oops"), "InvalidResponse"],
    ["an event of another shape", events(start, { strange: true }), "InvalidResponse"],
    ["a blocked prompt", events(blocked), "ContentPolicy"],
    ["an answer stopped by policy", events(start, body(undefined, "PROHIBITED_CONTENT")), "ContentPolicy"],
    ["a reason that means failure", events(start, body(undefined, "OTHER")), "InvalidResponse"],
    ["an empty answer", events(body([{ text: "" }], "STOP")), "InvalidResponse"]
  ]
  for (const [what, text, tag] of streams) {
    it.effect(`streamed: ${what}`, () =>
      Effect.gen(function* () {
        const { failure, parts } = yield* collect(stream("gemini", { body: text }))
        assert.strictEqual(failure?._tag, tag, failure?.rule)
        assert.isTrue(parts.every((part) => part.type !== "finish"))
        if (text.startsWith(events(start))) assert.isTrue(parts.some((part) => part.type === "text-delta"))
      })
    )
  }

  it.effect("a limit spent on thoughts is not worth asking again", () =>
    Effect.gen(function* () {
      const whole = yield* Effect.flip(generate("gemini", { body: body(undefined, "MAX_TOKENS") }))
      const { failure } = yield* collect(stream("gemini", { body: events(body(undefined, "MAX_TOKENS")) }))
      assert.isFalse(whole.retryable)
      assert.isFalse(failure?.retryable)
    })
  )
})
