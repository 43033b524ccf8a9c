import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { Response } from "effect/ai"
import { at, events } from "../MemoryHost.ts"
import * as MemoryHost from "../MemoryHost.ts"
import { clock, collect, generate, hello, laneTo, request, stream } from "../requests.ts"

const chunk = (delta: object, finish_reason: string | null = null) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: "model-x-2026",
  choices: [{ index: 0, delta, finish_reason }]
})
const usage = {
  prompt_tokens: 20,
  completion_tokens: 30,
  prompt_tokens_details: { cached_tokens: 8, cache_write_tokens: 2 },
  completion_tokens_details: { reasoning_tokens: 12 }
}
const counted = {
  inputTokens: { total: 20, uncached: 12, cacheRead: 8, cacheWrite: 2 },
  outputTokens: { total: 30, text: 18, reasoning: 12 }
}
const unknownUsage = { inputTokens: {}, outputTokens: {} }
const meta = {
  type: "response-metadata",
  id: "chatcmpl-1",
  modelId: "model-x-2026",
  timestamp: "2023-11-14T22:13:20.000Z"
}
const finish = (reason: string, use: object = unknownUsage) => ({
  type: "finish",
  reason,
  usage: use,
  response: { status: 200, headers: {} }
})
const whole = (message: object, finish_reason: string | null = "stop") => ({
  id: "chatcmpl-1",
  created: 1_700_000_000,
  model: "model-x-2026",
  choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason }],
  usage
})

/** Everything a stream may hold that changes nothing: comments, ids, names, `retry:` lines, CRLF. */
const noisy = [
  ": connected\r\n\r\n",
  "retry: 2500\n\n",
  `id: 1\r\nevent: message\r\ndata: ${JSON.stringify(chunk({ role: "assistant", content: "" }))}\r\n\r\n`,
  `data: ${JSON.stringify(chunk({ content: "Smørbrød 🥪, " }))}\n\n`,
  ": keep-alive\n\n",
  `data: ${JSON.stringify(chunk({ content: "naïve — 漢字" }))}\r\rretry: 1\r\r`,
  "data:\n\n",
  `data: ${JSON.stringify(chunk({}, "stop"))}\n\n`,
  `data: ${JSON.stringify({ choices: [], usage })}\n\n`,
  "data: [DONE]\n\n"
].join("")

const noisyParts = [
  meta,
  { type: "text-start", id: "text-0" },
  { type: "text-delta", id: "text-0", delta: "Smørbrød 🥪, " },
  { type: "text-delta", id: "text-0", delta: "naïve — 漢字" },
  { type: "text-end", id: "text-0" },
  finish("stop", counted)
]

describe("an answer of OpenAI", () => {
  it.effect("comes whole with reasoning, text, parallel calls and usage", () =>
    Effect.gen(function* () {
      const parts = yield* generate("openai", {
        headers: { "x-request-id": "req-1", "x-ratelimit-remaining-requests": "9", "set-cookie": "a=b" },
        body: whole(
          {
            content: "Looking.",
            reasoning_content: "Both at once.",
            tool_calls: [
              { id: "a", type: "function", function: { name: "weather", arguments: '{"city":"Oslo"}' } },
              { id: "a", type: "function", function: { name: "clock", arguments: "" } }
            ]
          },
          "tool_calls"
        )
      })
      const second = parts.at(-2)
      assert.isTrue(second?.type === "tool-call" && second.id.startsWith("call_") && second.id.endsWith("_1"))
      assert.deepStrictEqual<unknown>(
        parts.filter((part) => part !== second),
        [
          meta,
          { type: "reasoning", text: "Both at once." },
          { type: "text", text: "Looking." },
          { type: "tool-call", id: "a", name: "weather", params: { city: "Oslo" } },
          {
            ...finish("tool-calls", counted),
            response: { status: 200, headers: { "x-request-id": "req-1", "x-ratelimit-remaining-requests": "9" } }
          }
        ]
      )
    })
  )

  it.effect("is read from hosts that leave out what they can", () =>
    Effect.gen(function* () {
      const parts = yield* generate("compatible", {
        body: { choices: [{ message: { content: [{ type: "text", text: "hi" }] } }], usage: { prompt_tokens: "?" } }
      })
      assert.deepStrictEqual<unknown>(parts, [
        { type: "text", text: "hi" },
        finish("unknown", {
          inputTokens: { total: undefined, uncached: undefined, cacheRead: undefined, cacheWrite: undefined },
          outputTokens: { total: undefined, text: undefined, reasoning: undefined }
        })
      ])
    })
  )

  it.effect("cut by its length is an answer, with the reason `length`", () =>
    Effect.gen(function* () {
      const parts = yield* generate("openai", { body: whole({ content: "Once upon" }, "length") })
      assert.deepStrictEqual<unknown>(parts.at(-1), finish("length", counted))
    })
  )

  it.effect("streams through comments, `retry:` lines, CRLF and empty events", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual<unknown>(yield* Stream.runCollect(stream("openai", { body: noisy })), noisyParts)
    })
  )

  it.effect.prop(
    "streams the same however the bytes are cut",
    { offsets: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4000 }))) },
    ({ offsets }) =>
      Effect.gen(function* () {
        const parts = yield* Stream.runCollect(stream("openai", { body: MemoryHost.cut(noisy, offsets) }))
        assert.deepStrictEqual<unknown>(parts, noisyParts)
      })
  )

  it.effect("streams byte by byte", () =>
    Effect.gen(function* () {
      const body = MemoryHost.cut(
        noisy,
        Array.from({ length: 4000 }, (_, index) => index)
      )
      assert.deepStrictEqual<unknown>(yield* Stream.runCollect(stream("openai", { body })), noisyParts)
    })
  )

  it.effect("streams parallel calls in fragments, reasoning before them", () =>
    Effect.gen(function* () {
      const call = (index: number, more: object) => chunk({ tool_calls: [{ index, ...more }] })
      const parts = yield* Stream.runCollect(
        stream("openai", {
          body: events(
            chunk({ reasoning_content: "hm" }),
            call(0, { id: "a", function: { name: "weather", arguments: "" } }),
            call(0, { function: { arguments: '{"city":' } }),
            call(1, { id: "b", function: { name: "clock" } }),
            call(0, { function: { arguments: '"Oslo"}' } }),
            chunk({}, "tool_calls"),
            { choices: [], usage }
          )
        })
      )
      assert.deepStrictEqual<unknown>(parts, [
        meta,
        { type: "reasoning-start", id: "reasoning-0" },
        { type: "reasoning-delta", id: "reasoning-0", delta: "hm" },
        { type: "reasoning-end", id: "reasoning-0" },
        { type: "tool-params-start", id: "a", name: "weather" },
        { type: "tool-params-delta", id: "a", delta: '{"city":' },
        { type: "tool-params-start", id: "b", name: "clock" },
        { type: "tool-params-delta", id: "a", delta: '"Oslo"}' },
        { type: "tool-params-end", id: "a" },
        { type: "tool-call", id: "a", name: "weather", params: { city: "Oslo" } },
        { type: "tool-params-end", id: "b" },
        { type: "tool-call", id: "b", name: "clock", params: {} },
        finish("tool-calls", counted)
      ])
    })
  )

  it.effect("keeps apart calls that a host gives one number", () =>
    Effect.gen(function* () {
      const call = (id: string) =>
        chunk({ tool_calls: [{ index: 0, id, function: { name: "clock", arguments: "{}" } }] })
      const parts = yield* Stream.runCollect(
        stream("compatible", { body: events(call("a"), call("b"), chunk({}, "stop"), "[DONE]") })
      )
      assert.deepStrictEqual<unknown>(
        parts.flatMap((part) => (part.type === "tool-call" ? [part.id] : part.type === "finish" ? [part.reason] : [])),
        ["a", "b", "tool-calls"]
      )
    })
  )

  it.effect("gives every block and call of one answer its own id", () =>
    Effect.gen(function* () {
      const call = (index: number) => chunk({ tool_calls: [{ index, function: { name: "clock", arguments: "{}" } }] })
      const parts = yield* Stream.runCollect(
        stream("compatible", {
          body: events(
            chunk({ content: "1" }),
            chunk({ reasoning: "2" }),
            chunk({ content: "3" }),
            call(0),
            call(1),
            chunk({}, "stop")
          )
        })
      )
      const ids = parts.flatMap((part) =>
        part.type === "text-start" || part.type === "reasoning-start" || part.type === "tool-call" ? [part.id] : []
      )
      assert.strictEqual(ids.length, 5)
      assert.strictEqual(new Set(ids).size, 5)
    })
  )

  it.effect("needs no [DONE]; usage behind the finish is read", () =>
    Effect.gen(function* () {
      const body = events(chunk({ content: "hi" }), chunk({}, "stop"), { choices: [], usage })
      const parts = yield* Stream.runCollect(stream("openai", { body }))
      assert.deepStrictEqual<unknown>(parts.at(-1), finish("stop", counted))
    })
  )

  it.effect("needs no blank line behind its last event", () =>
    Effect.gen(function* () {
      const body = events(chunk({ content: "hi" }), chunk({}, "stop")).trimEnd()
      const parts = yield* Stream.runCollect(stream("openai", { body }))
      assert.deepStrictEqual<unknown>(parts.at(-1), finish("stop"))
    })
  )

  it.effect("asks for the usage of a stream, unless the host cannot be asked", () =>
    Effect.gen(function* () {
      const host = MemoryHost.make({ body: noisy })
      const lane = yield* laneTo(host, "compatible")
      yield* Stream.runDrain(lane.text!.stream(hello))
      assert.deepStrictEqual<unknown>(at(host.sent[0], "body", "stream_options"), { include_usage: true })
      const shy = yield* laneTo(host, "compatible", { streamUsage: false })
      yield* Stream.runDrain(shy.text!.stream(hello))
      assert.strictEqual(at(host.sent[1], "body", "stream"), true)
      assert.isUndefined(at(host.sent[1], "body", "stream_options"))
    })
  )

  it.effect("skips and counts an event it cannot understand, where the lane says so", () =>
    Effect.gen(function* () {
      const body = events(chunk({ content: "a" }), "{oops", { strange: 1 }, chunk({ content: "b" }, "stop"), "[DONE]")
      const parts = yield* Stream.runCollect(stream("openai", { body }, { onBadEvent: "skip" }))
      assert.deepStrictEqual<unknown>(parts.at(-1), {
        ...finish("stop"),
        metadata: { holdfast: { skippedEvents: 2 } }
      })
    })
  )
})

describe("the parts of an answer", () => {
  const calls = [
    { id: "a", function: { name: "clock", arguments: "{}" } },
    { function: { name: "clock", arguments: "{}" } }
  ]
  it.effect("are what effect/ai reads, whole and streamed", () =>
    Effect.gen(function* () {
      const parts = yield* generate("openai", {
        headers: { "x-request-id": "req-1" },
        body: whole({ content: "hi", reasoning: "hm", tool_calls: calls })
      })
      const decoded = yield* Schema.decodeEffect(Schema.Array(Response.Part()))(parts)
      assert.deepStrictEqual<unknown>(
        decoded.map((part) => part.type),
        ["response-metadata", "reasoning", "text", "tool-call", "tool-call", "finish"]
      )
      const streamed = yield* Stream.runCollect(stream("openai", { body: noisy }))
      const decodedStream = yield* Schema.decodeEffect(Schema.Array(Response.StreamPart()))(streamed)
      assert.strictEqual(decodedStream.length, streamed.length)
    })
  )
})

describe("an answer of OpenAI that is none fails", () => {
  const wholes: ReadonlyArray<[string, MemoryHost.Reply, string]> = [
    [
      "HTML with 200",
      { body: "<html><body>Sign in</body></html>", headers: { "content-type": "text/html" } },
      "InvalidResponse"
    ],
    ["an empty body", { body: "" }, "InvalidResponse"],
    ["cut JSON", { body: '{"choices":[{"message":{"content":"Rate limit exc' }, "InvalidResponse"],
    ["no choices", { body: { choices: [] } }, "InvalidResponse"],
    ["another shape", { body: { hello: "world" } }, "InvalidResponse"],
    [
      "a choice of another shape",
      { body: { choices: [{ message: { content: 7 }, finish_reason: "stop" }] } },
      "InvalidResponse"
    ],
    ["an empty message", { body: whole({ content: "" }) }, "InvalidResponse"],
    ["a filter", { body: whole({ content: "x" }, "content_filter") }, "ContentPolicy"],
    ["a refusal", { body: whole({ content: null, refusal: "I cannot help with that." }) }, "ContentPolicy"],
    [
      "a call whose parameters are not JSON",
      { body: whole({ tool_calls: [{ id: "a", function: { name: "x", arguments: "{" } }] }) },
      "InvalidResponse"
    ],
    ["an error with 200", { body: { error: { message: "Overloaded", code: 529 } } }, "ModelOverloaded"]
  ]
  for (const [what, reply, tag] of wholes) {
    it.effect(`whole: ${what}`, () =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(generate("openai", reply))
        assert.strictEqual(failure._tag, tag, failure.rule)
        assert.strictEqual(failure.status, 200)
        assert.strictEqual(failure.lane, "openai/model-x")
      })
    )
  }

  const start = chunk({ content: "Hel" })
  const streams: ReadonlyArray<[string, string, string]> = [
    ["HTML with 200", "<html><body>Sign in</body></html>", "InvalidResponse"],
    ["an empty body", "", "InvalidResponse"],
    ["nothing but comments", ": keep-alive\n\n: keep-alive\n\n", "InvalidResponse"],
    ["an early end", events(start), "StreamTruncated"],
    ["an early end in the middle of an event", `${events(start)}data: {"choices":[{"del`, "StreamTruncated"],
    ["[DONE] without a finish", events(start, "[DONE]"), "StreamTruncated"],
    [
      "an error inside",
      events(start, { error: { message: "Server error", type: "server_error", code: null } }),
      "ServiceUnavailable"
    ],
    [
      "an error inside without the form of an event",
      `${events(start)}{"error":{"message":"x","type":"server_error"}}`,
      "ServiceUnavailable"
    ],
    ["nothing but an error", '{"error":{"message":"quota","code":"insufficient_quota"}}', "QuotaExceeded"],
    ["an event that is not JSON", events(start, "{oops"), "InvalidResponse"],
    ["an event of another shape", events(start, { strange: true }), "InvalidResponse"],
    ["a filter", events(start, chunk({}, "content_filter")), "ContentPolicy"],
    [
      "a refusal",
      events(chunk({ refusal: "I cannot" }), chunk({ refusal: " help." }), chunk({}, "stop")),
      "ContentPolicy"
    ],
    [
      "an empty answer",
      events(chunk({ role: "assistant", content: "" }), chunk({}, "stop"), "[DONE]"),
      "InvalidResponse"
    ],
    ["a lack of resources", events(start, chunk({}, "insufficient_system_resource")), "ServiceUnavailable"],
    [
      "parameters that are not JSON",
      events(
        chunk({ tool_calls: [{ index: 0, id: "a", function: { name: "x", arguments: "{" } }] }),
        chunk({}, "tool_calls")
      ),
      "InvalidResponse"
    ]
  ]
  for (const [what, body, tag] of streams) {
    it.effect(`streamed: ${what}`, () =>
      Effect.gen(function* () {
        const { failure, parts } = yield* collect(stream("openai", { body }))
        assert.strictEqual(failure?._tag, tag, failure?.rule)
        assert.strictEqual(failure?.status, 200)
        assert.isTrue(parts.every((part) => part.type !== "finish"))
        if (body.startsWith(events(start))) assert.isTrue(parts.some((part) => part.type === "text-delta"))
      })
    )
  }

  it.effect("a limit spent on reasoning is not worth asking again", () =>
    Effect.gen(function* () {
      const empty = yield* Effect.flip(generate("openai", { body: whole({ content: "" }, "length") }))
      assert.strictEqual(empty.rule, "wire/empty-answer")
      assert.isFalse(empty.retryable)
      const call = { id: "a", function: { name: "x", arguments: '{"a":' } }
      const cutCall = yield* Effect.flip(
        generate("openai", { body: whole({ tool_calls: [call] }, "length") }, request("hi", { tools: [clock] }))
      )
      assert.strictEqual(cutCall.rule, "wire/cut-tool-call")
      assert.isFalse(cutCall.retryable)
    })
  )
})
