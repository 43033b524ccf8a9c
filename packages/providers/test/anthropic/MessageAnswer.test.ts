import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { Prompt, Response } from "effect/ai"
import { TestClock } from "effect/testing"
import { at } from "../MemoryHost.ts"
import * as MemoryHost from "../MemoryHost.ts"
import { collect, hello, request } from "../requests.ts"
import {
  blockStart,
  blockStop,
  delta,
  events,
  generate,
  json,
  laneTo,
  messageDelta,
  messageStart,
  messageStop,
  ping,
  sentBody,
  stream,
  text
} from "./claude.ts"

const message = (content: ReadonlyArray<object>, stop_reason: string | null = "end_turn", more: object = {}) => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-5-5",
  content,
  stop_reason,
  stop_sequence: null,
  ...more
})
const usage = {
  input_tokens: 20,
  cache_read_input_tokens: 8,
  cache_creation_input_tokens: 5,
  output_tokens: 30,
  output_tokens_details: { thinking_tokens: 12 }
}
const counted = {
  inputTokens: { total: 33, uncached: 20, cacheRead: 8, cacheWrite: 5 },
  outputTokens: { total: 30, text: 18, reasoning: 12 }
}
const meta = { type: "response-metadata", id: "msg_1", modelId: "claude-sonnet-5-5", timestamp: undefined }
const finish = (reason: string, usage: object = { inputTokens: {}, outputTokens: {} }) => ({
  type: "finish",
  reason,
  usage,
  response: { status: 200, headers: {} }
})

const script = events(
  messageStart({ ...usage, output_tokens: 1, output_tokens_details: null }),
  ping,
  blockStart(0, { type: "thinking", thinking: "", signature: "" }),
  delta(0, { type: "thinking_delta", thinking: "Hm." }),
  delta(0, { type: "signature_delta", signature: "sig-0" }),
  blockStop(0),
  blockStart(1, { type: "redacted_thinking", data: "cipher" }),
  blockStop(1),
  blockStart(2, { type: "thinking", thinking: "", signature: "" }),
  delta(2, { type: "signature_delta", signature: "sig-2" }),
  blockStop(2),
  blockStart(3, { type: "text", text: "" }),
  text(3, "Smørbrød 🥪, "),
  ping,
  delta(3, { type: "citations_delta", citation: {} }),
  text(3, "漢字"),
  blockStop(3),
  { type: "some_day_there_may_be_more" },
  messageDelta("end_turn", { output_tokens: 30, output_tokens_details: { thinking_tokens: 12 }, input_tokens: null }),
  messageStop
)
const scriptParts = [
  meta,
  { type: "reasoning-start", id: "reasoning-0" },
  { type: "reasoning-delta", id: "reasoning-0", delta: "Hm." },
  { type: "reasoning-end", id: "reasoning-0", metadata: { anthropic: { signature: "sig-0" } } },
  { type: "reasoning-start", id: "reasoning-1" },
  { type: "reasoning-end", id: "reasoning-1", metadata: { anthropic: { redactedData: "cipher" } } },
  { type: "reasoning-start", id: "reasoning-2" },
  { type: "reasoning-end", id: "reasoning-2", metadata: { anthropic: { signature: "sig-2" } } },
  { type: "text-start", id: "text-3" },
  { type: "text-delta", id: "text-3", delta: "Smørbrød 🥪, " },
  { type: "text-delta", id: "text-3", delta: "漢字" },
  { type: "text-end", id: "text-3" },
  finish("stop", counted)
]

describe("an answer of Anthropic", () => {
  it.effect("comes whole with thoughts, text, parallel calls and usage", () =>
    Effect.gen(function* () {
      const parts = yield* generate({
        body: message(
          [
            { type: "thinking", thinking: "Hm.", signature: "sig" },
            { type: "redacted_thinking", data: "cipher" },
            { type: "text", text: "Let me look.", citations: null },
            { type: "text", text: "Twice." },
            { type: "server_tool_use", id: "srv", name: "web_search", input: {} },
            { type: "tool_use", id: "a", name: "weather", input: { city: "Oslo" } },
            { type: "tool_use", id: "b", name: "clock", input: {} }
          ],
          "tool_use",
          { usage }
        )
      })
      assert.deepStrictEqual<unknown>(parts, [
        meta,
        { type: "reasoning", text: "Hm.", metadata: { anthropic: { signature: "sig" } } },
        { type: "reasoning", text: "", metadata: { anthropic: { redactedData: "cipher" } } },
        { type: "text", text: "Let me look." },
        { type: "text", text: "Twice." },
        { type: "tool-call", id: "a", name: "weather", params: { city: "Oslo" } },
        { type: "tool-call", id: "b", name: "clock", params: {} },
        finish("tool-calls", counted)
      ])
    })
  )

  it.effect("streams, with the tokens of its first and its last event", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual<unknown>(yield* Stream.runCollect(stream({ body: script })), scriptParts)
    })
  )

  it.effect.prop(
    "streams the same however the bytes are cut",
    { offsets: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4000 }))) },
    ({ offsets }) =>
      Effect.gen(function* () {
        const parts = yield* Stream.runCollect(stream({ body: MemoryHost.cut(script, offsets) }))
        assert.deepStrictEqual<unknown>(parts, scriptParts)
      })
  )

  it.effect("streams each of parallel calls as soon as it is complete", () =>
    Effect.gen(function* () {
      const parts = yield* Stream.runCollect(
        stream({
          body: events(
            messageStart(),
            blockStart(0, { type: "server_tool_use", id: "srv", name: "web_search", input: {} }),
            json(0, '{"query":'),
            blockStop(0),
            blockStart(1, { type: "tool_use", id: "a", name: "weather", input: {} }),
            json(1, ""),
            json(1, '{"city":'),
            json(1, '"Oslo"}'),
            blockStop(1),
            blockStart(2, { type: "tool_use", id: "b", name: "clock", input: {} }),
            blockStop(2),
            blockStart(3, { type: "tool_use", id: "c", name: "weather", input: { city: "Rome" } }),
            blockStop(3),
            messageDelta("tool_use"),
            messageStop
          )
        })
      )
      assert.deepStrictEqual<unknown>(parts, [
        meta,
        { type: "tool-params-start", id: "a", name: "weather" },
        { type: "tool-params-delta", id: "a", delta: '{"city":' },
        { type: "tool-params-delta", id: "a", delta: '"Oslo"}' },
        { type: "tool-params-end", id: "a" },
        { type: "tool-call", id: "a", name: "weather", params: { city: "Oslo" } },
        { type: "tool-params-start", id: "b", name: "clock" },
        { type: "tool-params-delta", id: "b", delta: "{}" },
        { type: "tool-params-end", id: "b" },
        { type: "tool-call", id: "b", name: "clock", params: {} },
        { type: "tool-params-start", id: "c", name: "weather" },
        { type: "tool-params-delta", id: "c", delta: '{"city":"Rome"}' },
        { type: "tool-params-end", id: "c" },
        { type: "tool-call", id: "c", name: "weather", params: { city: "Rome" } },
        finish("tool-calls", {
          inputTokens: { total: 20, uncached: 20, cacheRead: undefined, cacheWrite: undefined },
          outputTokens: { total: 30, text: 30, reasoning: undefined }
        })
      ])
    })
  )

  it.effect("ends for the reason the API names", () =>
    Effect.gen(function* () {
      const reasons = [
        ["end_turn", "stop"],
        ["stop_sequence", "stop"],
        ["max_tokens", "length"],
        ["model_context_window_exceeded", "length"],
        ["pause_turn", "pause"],
        ["compaction", "other"]
      ] as const
      for (const [wire, reason] of reasons) {
        const whole = yield* generate({ body: message([{ type: "text", text: "Once" }], wire) })
        assert.deepStrictEqual<unknown>(whole.at(-1), finish(reason))
        const said = [blockStart(0, { type: "text", text: "Once" }), blockStop(0)]
        const streamed = yield* Stream.runCollect(
          stream({ body: events(messageStart(), ...said, messageDelta(wire), messageStop) })
        )
        assert.strictEqual(at(streamed.at(-1), "reason"), reason)
      }
    })
  )

  it.effect("keeps the id of the request and what is left of the limits", () =>
    Effect.gen(function* () {
      const kept = { "request-id": "req_1", "anthropic-ratelimit-requests-remaining": "9" }
      const parts = yield* generate({
        headers: { ...kept, "cf-ray": "x" },
        body: message([{ type: "text", text: "x" }])
      })
      assert.deepStrictEqual<unknown>(at(parts.at(-1), "response", "headers"), kept)
    })
  )

  it.effect("goes back into the next request with its signatures", () =>
    Effect.gen(function* () {
      const decode = Schema.decodeUnknownEffect(Schema.Array(Response.StreamPart()))
      const parts = yield* decode(yield* Stream.runCollect(stream({ body: script })))
      const history = Prompt.concat(Prompt.make("hi"), Prompt.fromResponseParts(parts))
      const { body } = yield* sentBody(request(Prompt.concat(history, Prompt.make("and then?"))))
      assert.deepStrictEqual<unknown>(at(body, "messages", 1), {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "Hm.", signature: "sig-0" },
          { type: "redacted_thinking", data: "cipher" },
          { type: "thinking", thinking: "", signature: "sig-2" },
          { type: "text", text: "Smørbrød 🥪, 漢字" }
        ]
      })
    })
  )

  it.effect("may come again: nothing of one stream is left in the next", () =>
    Effect.gen(function* () {
      const lane = yield* laneTo(MemoryHost.make({ body: script }))
      const again = lane.text!.stream(hello)
      assert.deepStrictEqual<unknown>(yield* Stream.runCollect(again), scriptParts)
      assert.deepStrictEqual<unknown>(yield* Stream.runCollect(again), scriptParts)
    })
  )

  it.effect("is given out without its end of connection, which costs a second and no more", () =>
    Effect.gen(function* () {
      const open = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode(script))
      })
      const lane = yield* laneTo(MemoryHost.make({ body: open }))
      const fiber = yield* Effect.forkChild(Stream.runCollect(lane.text!.stream(hello)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual<unknown>(yield* fiber.pollUnsafe()!, scriptParts)
    })
  )
})

describe("an answer of Anthropic that is none fails", () => {
  const refusal = { stop_details: { type: "refusal", category: "cyber", explanation: null } }
  const error = (type: string, text: string) => ({ type: "error", error: { type, message: text }, request_id: "req_1" })
  const overloaded = error("overloaded_error", "Overloaded")
  const wholes: ReadonlyArray<[string, MemoryHost.Reply, string]> = [
    ["HTML with 200", { body: "<html>Sign in</html>" }, "InvalidResponse"],
    ["an empty body", { body: "" }, "InvalidResponse"],
    ["no content", { status: 204 }, "InvalidResponse"],
    ["cut JSON", { body: '{"type":"message","content":[{"type":"text","text":"quota' }, "InvalidResponse"],
    ["an object of nothing", { body: {} }, "InvalidResponse"],
    ["another shape", { body: { content: "hi" } }, "InvalidResponse"],
    ["a list", { body: [message([])] }, "InvalidResponse"],
    ["nothing in it", { body: message([]) }, "InvalidResponse"],
    [
      "nothing but hidden thoughts",
      { body: message([{ type: "thinking", thinking: "", signature: "s" }]) },
      "InvalidResponse"
    ],
    ["no room left for an answer", { body: message([], "max_tokens") }, "InvalidResponse"],
    ["no window left for an answer", { body: message([], "model_context_window_exceeded") }, "ContextLengthExceeded"],
    [
      "a call without a name",
      { body: message([{ type: "tool_use", id: "a", input: {} }], "tool_use") },
      "InvalidResponse"
    ],
    ["a refusal", { body: message([], "refusal", refusal) }, "ContentPolicy"],
    ["a refusal in mid-answer", { body: message([{ type: "text", text: "x" }], "refusal", refusal) }, "ContentPolicy"],
    ["an error with 200", { body: overloaded }, "ModelOverloaded"]
  ]
  for (const [what, reply, tag] of wholes) {
    it.effect(`whole: ${what}`, () =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(generate(reply))
        assert.strictEqual(failure._tag, tag, failure.rule)
        assert.strictEqual(failure.lane, "anthropic/model-x")
      })
    )
  }

  const begun = events(messageStart(), blockStart(0, { type: "text", text: "" }), text(0, "Hel"))
  const ended = events(text(0, "lo"), blockStop(0))
  const empty = events(messageStart())
  const tool = events(messageStart(), blockStart(0, { type: "tool_use", id: "a", name: "weather", input: {} }))
  const end = (reason: string) => events(messageDelta(reason), messageStop)
  const streams: ReadonlyArray<[string, string, string]> = [
    ["HTML with 200", "<html>Sign in</html>", "InvalidResponse"],
    ["an empty body", "", "InvalidResponse"],
    ["a whole answer instead of a stream", JSON.stringify(message([{ type: "text", text: "x" }])), "InvalidResponse"],
    ["nothing but an error", JSON.stringify(overloaded), "ModelOverloaded"],
    ["an early end", begun, "StreamTruncated"],
    ["an early end after the answer", begun + ended, "StreamTruncated"],
    ["no message_stop", begun + ended + events(messageDelta("end_turn")), "StreamTruncated"],
    ["an early end in the middle of an event", `${begun}event: content_bl`, "StreamTruncated"],
    ["an early end in the middle of a call", `${tool}${events(json(0, '{"ci'))}`, "StreamTruncated"],
    ["an error inside", begun + events(error("api_error", "Internal server error")), "ServiceUnavailable"],
    ["an overload inside", begun + events(overloaded), "ModelOverloaded"],
    ["a rate limit inside", begun + events(error("rate_limit_error", "Too many requests")), "RateLimit"],
    ["an error at once", events(overloaded), "ModelOverloaded"],
    ["an event that is not JSON", `${begun}event: content_block_delta\ndata: {oops\n\n`, "InvalidResponse"],
    ["an event without a type", `${begun}data: {}\n\n`, "InvalidResponse"],
    ["an event of another shape", begun + events({ type: "content_block_delta" }), "InvalidResponse"],
    ["a refusal at once", empty + end("refusal"), "ContentPolicy"],
    ["a refusal in mid-answer", begun + end("refusal"), "ContentPolicy"],
    ["an empty answer", empty + end("end_turn"), "InvalidResponse"],
    ["no room left for an answer", empty + end("max_tokens"), "InvalidResponse"],
    ["no window left for an answer", empty + end("model_context_window_exceeded"), "ContextLengthExceeded"],
    ["a call cut by the limit", `${tool}${events(json(0, '{"ci'))}${end("max_tokens")}`, "InvalidResponse"],
    ["a call that is no JSON", `${tool}${events(json(0, "oops"), blockStop(0))}${end("tool_use")}`, "InvalidResponse"],
    ["fragments of no call", `${empty}${events(json(7, "{}"))}${end("tool_use")}`, "InvalidResponse"]
  ]
  for (const [what, body, tag] of streams) {
    it.effect(`streamed: ${what}`, () =>
      Effect.gen(function* () {
        const { failure, parts } = yield* collect(stream({ body }))
        assert.strictEqual(failure?._tag, tag, failure?.rule)
        assert.isTrue(parts.every((part) => part.type !== "finish"))
        if (body.startsWith(begun)) assert.isTrue(parts.some((part) => part.type === "text-delta"))
      })
    )
  }

  it.effect("a limit spent on thoughts is not worth asking again", () =>
    Effect.gen(function* () {
      assert.isFalse((yield* Effect.flip(generate({ body: message([], "max_tokens") }))).retryable)
      assert.isFalse((yield* collect(stream({ body: empty + end("max_tokens") }))).failure?.retryable)
    })
  )

  it.effect("unless the lane skips events that cannot be understood, and counts them", () =>
    Effect.gen(function* () {
      const odd = `event: content_block_delta\ndata: {oops\n\ndata: {}\n\n`
      const parts = yield* Stream.runCollect(
        stream({ body: begun + odd + ended + end("end_turn") }, { onBadEvent: "skip" })
      )
      assert.deepStrictEqual<unknown>(at(parts.at(-1), "metadata"), { holdfast: { skippedEvents: 2 } })
      assert.strictEqual(parts.flatMap((part) => (part.type === "text-delta" ? [part.delta] : [])).join(""), "Hello")
    })
  )
})
