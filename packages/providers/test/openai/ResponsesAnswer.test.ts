import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schema, Stream } from "effect"
import { Prompt, Response } from "effect/ai"
import * as MemoryHost from "../MemoryHost.ts"
import { at } from "../MemoryHost.ts"
import { collect, request } from "../requests.ts"
import { events, generate, laneTo, stream } from "./responses.ts"

const usage = {
  input_tokens: 20,
  output_tokens: 30,
  total_tokens: 50,
  input_tokens_details: { cached_tokens: 8, cache_write_tokens: 2 },
  output_tokens_details: { reasoning_tokens: 12 }
}
const counted = {
  inputTokens: { total: 20, uncached: 12, cacheRead: 8, cacheWrite: 2 },
  outputTokens: { total: 30, text: 18, reasoning: 12 }
}
const response = (status: string, more: object = {}) => ({
  id: "resp_1",
  object: "response",
  created_at: 1_700_000_000,
  model: "gpt-5.4-2026-03-05",
  status,
  error: null,
  incomplete_details: null,
  output: [],
  usage: null,
  ...more
})
const meta = {
  type: "response-metadata",
  id: "resp_1",
  modelId: "gpt-5.4-2026-03-05",
  timestamp: "2023-11-14T22:13:20.000Z"
}
const finish = (reason: string, use: object = counted) => ({
  type: "finish",
  reason,
  usage: use,
  response: { status: 200, headers: {} }
})
const said = (text: string, more: object = {}) => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text, annotations: [], logprobs: [] }],
  ...more
})
const declined = said("", { content: [{ type: "refusal", refusal: "I cannot help with that." }] })
const thought = { id: "rs_1", type: "reasoning", summary: [], encrypted_content: "gAAAA" }
const called = (call_id: string, name: string, args: string, more: object = {}) => ({
  id: `fc_${call_id}`,
  type: "function_call",
  status: "completed",
  call_id,
  name,
  arguments: args,
  ...more
})
const whole = (output: ReadonlyArray<object>, more: object = {}) => response("completed", { output, usage, ...more })
const incomplete = (reason: string | null, output: ReadonlyArray<object> = []) =>
  response("incomplete", { output, usage, incomplete_details: reason === null ? null : { reason } })
const sealed = { openai: { encryptedContent: "gAAAA", lane: "openai/gpt-5.4" } }

const created = { type: "response.created", response: response("in_progress") }
const inProgress = { type: "response.in_progress", response: response("in_progress") }
const added = (output_index: number, item: object) => ({ type: "response.output_item.added", output_index, item })
const done = (output_index: number, item: object) => ({ type: "response.output_item.done", output_index, item })
const completed = (output: ReadonlyArray<object> = []) => ({ type: "response.completed", response: whole(output) })
const ended = (reason: string | null, output?: ReadonlyArray<object>) => ({
  type: "response.incomplete",
  response: incomplete(reason, output)
})
/** The id of an item differs from event to event at some hosts; only its place counts. */
let ids = 0
const delta = (kind: string, output_index: number, text: string, more: object = {}) => ({
  type: `response.${kind}.delta`,
  item_id: `item_${++ids}`,
  output_index,
  content_index: 0,
  delta: text,
  obfuscation: "x9",
  ...more
})
const text = (value: string, output_index = 0) => delta("output_text", output_index, value)
const opening = [created, inProgress, added(0, said("", { status: "in_progress", content: [] }))]
/** Everything that repeats what the deltas said. */
const closing = (value: string) => [
  { type: "response.output_text.done", item_id: "msg_1", output_index: 0, content_index: 0, text: value },
  { type: "response.content_part.done", item_id: "msg_1", output_index: 0, part: { type: "output_text", text: value } },
  done(0, said(value)),
  completed([said(value)])
]
const textParts = (...texts: ReadonlyArray<string>) => [
  { type: "text-start", id: "text-0" },
  ...texts.map((value) => ({ type: "text-delta", id: "text-0", delta: value })),
  { type: "text-end", id: "text-0" }
]

describe("a response", () => {
  it.effect("comes whole with reasoning, text, parallel calls and usage", () =>
    Effect.gen(function* () {
      const parts = yield* generate({
        headers: { "x-request-id": "req-1", "x-ratelimit-remaining-requests": "9", "set-cookie": "a=b" },
        body: whole([
          {
            ...thought,
            summary: [
              { type: "summary_text", text: "Both." },
              { type: "summary_text", text: "At once." }
            ]
          },
          said("Looking.", { phase: "commentary" }),
          { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search" } },
          called("a", "weather", '{"city":"Oslo"}'),
          called("b", "clock", "")
        ])
      })
      assert.deepStrictEqual<unknown>(parts, [
        meta,
        { type: "reasoning", text: "Both.\n\nAt once.", metadata: sealed },
        { type: "text", text: "Looking.", metadata: { openai: { phase: "commentary" } } },
        { type: "tool-call", id: "a", name: "weather", params: { city: "Oslo" } },
        { type: "tool-call", id: "b", name: "clock", params: {} },
        {
          ...finish("tool-calls"),
          response: { status: 200, headers: { "x-request-id": "req-1", "x-ratelimit-remaining-requests": "9" } }
        }
      ])
    })
  )

  it.effect("is read from hosts that leave out what they can", () =>
    Effect.gen(function* () {
      const content = [{ type: "reasoning_text", text: "hm" }]
      const parts = yield* generate({
        body: {
          output: [
            { type: "reasoning", content },
            { type: "message", content: [{ text: "hi" }] }
          ]
        }
      })
      assert.deepStrictEqual<unknown>(parts, [
        { type: "reasoning", text: "hm" },
        { type: "text", text: "hi" },
        finish("unknown", { inputTokens: {}, outputTokens: {} })
      ])
    })
  )

  it.effect("cut by its length is an answer, with the reason `length`", () =>
    Effect.gen(function* () {
      const cut = yield* generate({ body: incomplete("max_output_tokens", [said("Once upon")]) })
      assert.deepStrictEqual<unknown>(cut.at(-1), finish("length"))
      const other = yield* generate({ body: incomplete("max_messages", [said("Once upon")]) })
      assert.deepStrictEqual<unknown>(other.at(-1), finish("other"))
    })
  )

  it.effect("streams its text once, though the events repeat it", () =>
    Effect.gen(function* () {
      const body = events(...opening, text("Smørbrød "), text("🥪"), ...closing("Smørbrød 🥪"))
      const expected = [meta, ...textParts("Smørbrød ", "🥪"), finish("stop")]
      assert.deepStrictEqual<unknown>(yield* Stream.runCollect(stream({ body })), expected)
      const offsets = Array.from({ length: 4000 }, (_, index) => index)
      const parts = yield* Stream.runCollect(stream({ body: MemoryHost.cut(body, offsets) }))
      assert.deepStrictEqual<unknown>(parts, expected)
    })
  )

  it.effect("streams from hosts that send items without deltas, or events without a type", () =>
    Effect.gen(function* () {
      const items = [{ ...thought, content: [{ text: "hm" }] }, said("hi"), called("a", "clock", '{"utc":true}')]
      const body = events(created, ...items.map((item, index) => done(index, item)), completed())
      const untyped = body.replaceAll(/"type":"response\.[^"]*",/g, "")
      for (const sent of [body, untyped]) {
        assert.deepStrictEqual<unknown>(yield* Stream.runCollect(stream({ body: sent })), [
          meta,
          { type: "reasoning-start", id: "reasoning-0" },
          { type: "reasoning-delta", id: "reasoning-0", delta: "hm" },
          { type: "reasoning-end", id: "reasoning-0", metadata: sealed },
          { type: "text-start", id: "text-1" },
          { type: "text-delta", id: "text-1", delta: "hi" },
          { type: "text-end", id: "text-1" },
          { type: "tool-params-start", id: "a", name: "clock" },
          { type: "tool-params-delta", id: "a", delta: '{"utc":true}' },
          { type: "tool-params-end", id: "a" },
          { type: "tool-call", id: "a", name: "clock", params: { utc: true } },
          finish("tool-calls")
        ])
      }
    })
  )

  it.effect("streams reasoning item by item, and parallel calls as they come", () =>
    Effect.gen(function* () {
      const summary = (value: string, summary_index: number) =>
        delta("reasoning_summary_text", 0, value, { summary_index })
      const part = (summary_index: number) => ({
        type: "response.reasoning_summary_part.added",
        output_index: 0,
        summary_index,
        part: { type: "summary_text", text: "" }
      })
      const args = (output_index: number, value: string) => delta("function_call_arguments", output_index, value)
      const begun = { status: "in_progress", arguments: "" }
      const parts = yield* Stream.runCollect(
        stream({
          body: events(
            created,
            added(0, { ...thought, encrypted_content: "unfinished" }),
            part(0),
            summary("One.", 0),
            part(1),
            summary("Two.", 1),
            done(0, { ...thought, summary: [{ text: "One." }, { text: "Two." }], encrypted_content: "first" }),
            added(1, thought),
            done(1, { ...thought, id: "rs_2", encrypted_content: "second" }),
            added(2, called("a", "weather", "", begun)),
            args(2, '{"city":'),
            added(3, called("b", "clock", "", begun)),
            args(3, "{}"),
            args(2, '"Oslo"}'),
            { type: "response.function_call_arguments.done", output_index: 2, arguments: '{"city":"Oslo"}' },
            done(2, called("a", "weather", '{"city":"Oslo"}')),
            done(3, called("b", "clock", "{}")),
            completed()
          )
        })
      )
      const from = (encryptedContent: string) => ({ openai: { ...sealed.openai, encryptedContent } })
      assert.deepStrictEqual<unknown>(parts, [
        meta,
        { type: "reasoning-start", id: "reasoning-0" },
        { type: "reasoning-delta", id: "reasoning-0", delta: "One." },
        { type: "reasoning-delta", id: "reasoning-0", delta: "\n\n" },
        { type: "reasoning-delta", id: "reasoning-0", delta: "Two." },
        { type: "reasoning-end", id: "reasoning-0", metadata: from("first") },
        { type: "reasoning-start", id: "reasoning-1" },
        { type: "reasoning-end", id: "reasoning-1", metadata: from("second") },
        { type: "tool-params-start", id: "a", name: "weather" },
        { type: "tool-params-delta", id: "a", delta: '{"city":' },
        { type: "tool-params-start", id: "b", name: "clock" },
        { type: "tool-params-delta", id: "b", delta: "{}" },
        { type: "tool-params-delta", id: "a", delta: '"Oslo"}' },
        { type: "tool-params-end", id: "a" },
        { type: "tool-call", id: "a", name: "weather", params: { city: "Oslo" } },
        { type: "tool-params-end", id: "b" },
        { type: "tool-call", id: "b", name: "clock", params: {} },
        finish("tool-calls")
      ])
    })
  )

  it.effect("keeps apart messages of different phases", () =>
    Effect.gen(function* () {
      const parts = yield* Stream.runCollect(
        stream({
          body: events(
            created,
            text("Looking.", 0),
            done(0, said("Looking.", { phase: "commentary" })),
            text("-3 °C", 1),
            done(1, said("-3 °C", { phase: "final_answer" })),
            completed()
          )
        })
      )
      assert.deepStrictEqual<unknown>(
        parts.filter((part) => part.type === "text-end"),
        [
          { type: "text-end", id: "text-0", metadata: { openai: { phase: "commentary" } } },
          { type: "text-end", id: "text-1", metadata: { openai: { phase: "final_answer" } } }
        ]
      )
    })
  )

  it.effect("streams past kinds of events that it does not know", () =>
    Effect.gen(function* () {
      const body = events(
        { type: "keepalive" },
        ...opening,
        { type: "response.web_search_call.searching", item_id: "ws_1", output_index: 0 },
        { type: "response.output_text.annotation.added", annotation: {} },
        { type: "response.from_the_future", delta: 7 },
        text("hi"),
        completed()
      )
      const parts = yield* Stream.runCollect(stream({ body }))
      assert.deepStrictEqual<unknown>(parts, [meta, ...textParts("hi"), finish("stop")])
    })
  )

  it.effect("streamed and cut by its length has the reason `length`", () =>
    Effect.gen(function* () {
      const parts = yield* Stream.runCollect(
        stream({ body: events(...opening, text("Once"), ended("max_output_tokens")) })
      )
      assert.deepStrictEqual<unknown>(parts.at(-1), finish("length"))
    })
  )

  it.effect("skips and counts an event it cannot understand, where the lane says so", () =>
    Effect.gen(function* () {
      const body = `${events(...opening, text("a"))}data: {oops\n\ndata: {}\n\n${events(delta("output_text", 0, "b", { delta: 7 }), completed())}`
      const parts = yield* Stream.runCollect(stream({ body }, { onBadEvent: "skip" }))
      assert.deepStrictEqual<unknown>(parts.at(-1), { ...finish("stop"), metadata: { holdfast: { skippedEvents: 3 } } })
    })
  )
})

describe("the parts of a response", () => {
  const answer = whole([thought, said("hi", { phase: "final_answer" })])
  const streamed = events(
    created,
    done(0, thought),
    text("hi", 1),
    done(1, said("hi", { phase: "final_answer" })),
    completed()
  )

  it.effect("are what effect/ai reads, whole and streamed", () =>
    Effect.gen(function* () {
      const parts = yield* generate({ body: answer })
      assert.strictEqual((yield* Schema.decodeEffect(Schema.Array(Response.Part()))(parts)).length, parts.length)
      const pieces = yield* Stream.runCollect(stream({ body: streamed }))
      const decoded = yield* Schema.decodeEffect(Schema.Array(Response.StreamPart()))(pieces)
      assert.strictEqual(decoded.length, pieces.length)
    })
  )

  it.effect("bring reasoning and phase into the next request, whole and streamed", () =>
    Effect.gen(function* () {
      const whole = yield* Schema.decodeEffect(Schema.Array(Response.Part()))(yield* generate({ body: answer }))
      const pieces = yield* Stream.runCollect(stream({ body: streamed }))
      const parts = yield* Schema.decodeEffect(Schema.Array(Response.StreamPart()))(pieces)
      for (const answered of [whole, parts]) {
        const host = MemoryHost.make({ body: answer })
        const lane = yield* laneTo(host)
        const history = Prompt.concat(Prompt.make("hello"), Prompt.fromResponseParts(answered))
        yield* lane.text!.generate({ ...request("x"), prompt: Prompt.concat(history, "go on") })
        assert.deepStrictEqual<unknown>(at(host.sent[0]?.body, "input"), [
          { type: "message", role: "user", content: "hello" },
          { type: "reasoning", summary: [], encrypted_content: "gAAAA" },
          { type: "message", role: "assistant", content: "hi", phase: "final_answer" },
          { type: "message", role: "user", content: "go on" }
        ])
      }
    })
  )
})

/** Failed responses as they have been seen, and what they mean. */
const failures: ReadonlyArray<[string, object, string]> = [
  ["a server error", { code: "server_error", message: "The server had an error." }, "ServiceUnavailable"],
  ["an error of a code nobody knows", { code: "kraken", message: "Release it." }, "ServiceUnavailable"],
  ["a full queue", { code: "server_is_overloaded", message: "Selected model is at capacity." }, "ModelOverloaded"],
  ["a spent quota", { code: "insufficient_quota", message: "You exceeded your current quota." }, "QuotaExceeded"],
  [
    "too long a prompt",
    { code: "context_length_exceeded", message: "Your input exceeds the context window of this model." },
    "ContextLengthExceeded"
  ],
  ["a flagged prompt", { code: "invalid_prompt", message: "Invalid prompt: flagged." }, "ContentPolicy"],
  [
    "a rate limit",
    { code: "rate_limit_exceeded", message: "Rate limit reached for gpt-5.4. Please try again in 11.054s." },
    "RateLimit"
  ]
]

describe("a response that is none fails", () => {
  const wholes: ReadonlyArray<[string, MemoryHost.Reply, string]> = [
    ["HTML with 200", { body: "<html><body>Sign in</body></html>" }, "InvalidResponse"],
    ["an empty body", { body: "" }, "InvalidResponse"],
    ["cut JSON", { body: '{"object":"response","output":[{"type":"mess' }, "InvalidResponse"],
    ["another shape", { body: {} }, "InvalidResponse"],
    ["a chat completion", { body: { choices: [{ message: { content: "hi" } }] } }, "InvalidResponse"],
    ["an output that is no list", { body: whole([], { output: "hi" }) }, "InvalidResponse"],
    ["an item that is none", { body: whole([said("hi"), []]) }, "InvalidResponse"],
    ["a message of another shape", { body: whole([{ type: "message", content: 7 }]) }, "InvalidResponse"],
    ["no item at all", { body: whole([]) }, "InvalidResponse"],
    ["an empty message", { body: whole([said("")]) }, "InvalidResponse"],
    ["one that goes on in the background", { body: response("queued") }, "InvalidResponse"],
    ["a filter", { body: incomplete("content_filter", [said("x")]) }, "ContentPolicy"],
    ["a refusal", { body: whole([declined]) }, "ContentPolicy"],
    ["a refusal beside a text", { body: whole([said("Well."), declined]) }, "ContentPolicy"],
    ["a call whose parameters are not JSON", { body: whole([called("a", "x", "{")]) }, "InvalidResponse"],
    ["an error with 200", { body: { error: { message: "Overloaded", code: 529 } } }, "ModelOverloaded"],
    [
      "an error beside a sound status",
      { body: whole([said("x")], { error: { code: "server_error", message: "x" } }) },
      "ServiceUnavailable"
    ],
    ...failures.map(([what, error, tag]): [string, MemoryHost.Reply, string] => [
      what,
      { body: response("failed", { error }) },
      tag
    ])
  ]
  for (const [what, reply, tag] of wholes) {
    it.effect(`whole: ${what}`, () =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(generate(reply))
        assert.strictEqual(failure._tag, tag, failure.rule)
        assert.strictEqual(failure.status, 200)
        assert.strictEqual(failure.lane, "openai/gpt-5.4")
      })
    )
  }

  const start = [...opening, text("Hel")]
  const failed = (error: object) => ({ type: "response.failed", response: response("failed", { error }) })
  const streams: ReadonlyArray<[string, string, string]> = [
    ["HTML with 200", "<html><body>Sign in</body></html>", "InvalidResponse"],
    ["an empty body", "", "InvalidResponse"],
    ["nothing but comments", ": keep-alive\n\n: keep-alive\n\n", "InvalidResponse"],
    ["an early end", events(...start), "StreamTruncated"],
    ["an early end behind the whole text", events(...start, ...closing("Hel").slice(0, -1)), "StreamTruncated"],
    ["an early end in the middle of an event", `${events(...start)}data: {"type":"resp`, "StreamTruncated"],
    ["[DONE] without an end", `${events(...start)}data: [DONE]\n\n`, "StreamTruncated"],
    ["an event that is not JSON", `${events(...start)}data: {oops\n\n`, "InvalidResponse"],
    ["an event of another shape", `${events(...start)}data: {}\n\n`, "InvalidResponse"],
    ["a delta that is no text", events(...start, { ...text("x"), delta: null }), "InvalidResponse"],
    ["an item that is none", events(...start, added(1, [])), "InvalidResponse"],
    ["an end without its response", events(...start, { type: "response.completed" }), "InvalidResponse"],
    ["an end that is none", events(...start, { ...completed(), response: response("queued") }), "InvalidResponse"],
    [
      "a failure in the guise of an end",
      events(...start, { ...completed(), response: response("failed") }),
      "ServiceUnavailable"
    ],
    [
      "an end beside an error",
      events(...start, { ...completed(), response: whole([], { error: { code: "server_error", message: "x" } }) }),
      "ServiceUnavailable"
    ],
    ["a filter", events(...start, ended("content_filter")), "ContentPolicy"],
    [
      "a refusal",
      events(created, delta("refusal", 0, "I cannot"), delta("refusal", 0, " help."), done(0, declined), completed()),
      "ContentPolicy"
    ],
    ["a refusal that comes whole", events(...start, done(0, declined), completed()), "ContentPolicy"],
    ["an empty answer", events(...opening, completed()), "InvalidResponse"],
    [
      "parameters that are not JSON",
      events(created, added(0, called("a", "x", "")), delta("function_call_arguments", 0, "{"), completed()),
      "InvalidResponse"
    ],
    [
      "a bare error",
      `${events(...start)}data: {"error":{"message":"x","type":"server_error"}}\n\n`,
      "ServiceUnavailable"
    ],
    [
      "an error without the form of an event",
      `${events(...start)}{"error":{"message":"x","type":"server_error"}}`,
      "ServiceUnavailable"
    ],
    ["nothing but an error", '{"error":{"message":"quota","code":"insufficient_quota"}}', "QuotaExceeded"],
    ...failures.flatMap(([what, error, tag]): ReadonlyArray<[string, string, string]> => [
      [`${what}, as a failed response`, events(...start, failed(error)), tag],
      [`${what}, as a documented error`, events(...start, { type: "error", param: null, ...error }), tag],
      [`${what}, as errors are sent`, events(...start, { type: "error", error: { type: "x", ...error } }), tag]
    ])
  ]
  for (const [what, body, tag] of streams) {
    it.effect(`streamed: ${what}`, () =>
      Effect.gen(function* () {
        const { failure, parts } = yield* collect(stream({ body }))
        assert.strictEqual(failure?._tag, tag, failure?.rule)
        assert.strictEqual(failure?.status, 200)
        assert.isTrue(parts.every((part) => part.type !== "finish"))
        if (body.startsWith(events(...start))) assert.isTrue(parts.some((part) => part.type === "text-delta"))
      })
    )
  }

  it.effect("with the wait that it names", () =>
    Effect.gen(function* () {
      const limit = failures.at(-1)![1]
      const { failure } = yield* collect(stream({ body: events(...start, failed(limit)) }))
      const whole = yield* Effect.flip(generate({ body: response("failed", { error: limit }) }))
      for (const one of [failure, whole]) {
        assert.strictEqual(one?.providerCode, "rate_limit_exceeded")
        assert.deepStrictEqual<unknown>(one?.retryAfter, Duration.millis(11_054))
      }
    })
  )

  it.effect("for good, where a limit left no answer or cut a call", () =>
    Effect.gen(function* () {
      const cut = called("a", "x", "{}", { status: "incomplete" })
      const cases: ReadonlyArray<[ReadonlyArray<object>, string]> = [
        [[thought], "wire/empty-answer"],
        [[said("x"), cut], "wire/cut-tool-call"]
      ]
      for (const [output, rule] of cases) {
        const whole = yield* Effect.flip(generate({ body: incomplete("max_output_tokens", output) }))
        const items = output.map((item, index) => done(index, item))
        const { failure, parts } = yield* collect(
          stream({ body: events(created, ...items, ended("max_output_tokens")) })
        )
        for (const one of [whole, failure]) {
          assert.strictEqual(one?._tag, "InvalidResponse")
          assert.strictEqual(one?.rule, rule)
          assert.isFalse(one?.retryable)
        }
        assert.isTrue(parts.every((part) => part.type !== "tool-call"))
      }
    })
  )
})
