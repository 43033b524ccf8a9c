import { NodeHttpClient } from "@effect/platform-node"
import type { Failure, TextModel } from "@holdfast/core"
import { Anthropic } from "@holdfast/providers"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Redacted, Schema, Stream } from "effect"
import { Prompt, Response } from "effect/ai"
import * as AnthropicEmulator from "../src/AnthropicEmulator.ts"
import type { Emulator } from "../src/Emulator.ts"
import type { Input } from "../src/Fault.ts"
import { sixtyWords } from "../src/Healthy.ts"
import { question } from "./support/anthropic.ts"
import { always } from "./support/clients.ts"

const request = (prompt: Prompt.RawInput, more: Partial<TextModel.Request> = {}): TextModel.Request => ({
  tools: [],
  toolChoice: "auto",
  responseFormat: { type: "text" },
  sampling: {},
  ...more,
  prompt: Prompt.make(prompt)
})

const asking = request(question)

const weather: TextModel.Tool = {
  name: "weather",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] }
}

const laneTo = (emulator: Emulator, options: Anthropic.Options = {}, model = "claude-x") =>
  Anthropic.lane(model, { apiKey: Redacted.make("sk-ant-test-key"), baseUrl: emulator.url, ...options })

/** The text model of a lane to an emulator that has this one fault, if any. */
const under = (fault: Input | undefined, options?: Anthropic.Options) =>
  Effect.gen(function* () {
    const emulator = yield* AnthropicEmulator.make(fault === undefined ? {} : { plan: always(fault) })
    return { emulator, text: (yield* laneTo(emulator, options)).text! }
  })

/** What a stream gave out, and the failure it ended with, if it failed. */
const collected = <E>(stream: Stream.Stream<Response.StreamPartEncoded, E>) =>
  Effect.gen(function* () {
    const parts: Array<Response.StreamPartEncoded> = []
    const failure = yield* stream.pipe(
      Stream.runForEach((part) => Effect.sync(() => void parts.push(part))),
      Effect.flip,
      Effect.orElseSucceed(() => undefined)
    )
    const text = parts.flatMap((part) => (part.type === "text-delta" ? [part.delta] : [])).join("")
    return { failure, text, isFinished: parts.at(-1)?.type === "finish" }
  })

const textOf = (parts: ReadonlyArray<Response.PartEncoded>) =>
  parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("")

const words = (count: number) => sixtyWords.split(" ").slice(0, count).join(" ")

describe("the lane to Anthropic and its emulator", () => {
  for (const options of [{}, { auth: "x-api-key", version: "2023-06-01" }] as const) {
    it.live(`understand each other, whole and streamed: ${JSON.stringify(options)}`, () =>
      Effect.gen(function* () {
        const emulator = yield* AnthropicEmulator.make({ keys: [Redacted.make("sk-ant-test-key")] })
        const lane = yield* laneTo(emulator, options)
        const parts = yield* lane.text!.generate(asking)
        assert.strictEqual(textOf(parts), sixtyWords)
        const streamed = yield* collected(lane.text!.stream(asking))
        assert.deepStrictEqual(streamed, { failure: undefined, text: sixtyWords, isFinished: true })
        yield* lane.check!
        const entries = yield* emulator.journal
        assert.deepStrictEqual(
          entries.map((entry) => [entry.operation, entry.stream, entry.outcome, entry.keyGiven]),
          [
            ["chat", false, "completed", true],
            ["chat", true, "completed", true],
            ["models", false, "completed", true]
          ]
        )
        for (const { headerNames, headers } of entries) {
          for (const name of ["traceparent", "tracestate", "b3", "baggage"]) assert.notInclude(headerNames, name)
          assert.strictEqual(headers["anthropic-version"], "version" in options ? options.version : "2026-10-21")
          assert.strictEqual(headerNames.includes("x-api-key"), "auth" in options)
          assert.strictEqual(headerNames.includes("authorization"), !("auth" in options))
        }
        assert.notInclude(JSON.stringify(entries), "sk-ant-test-key")
      }).pipe(Effect.provide(NodeHttpClient.layerUndici))
    )
  }

  it.live("take turns with tools and thoughts, whose signatures come back unharmed", () =>
    Effect.gen(function* () {
      const { emulator, text } = yield* under(undefined)
      const decode = Schema.decodeUnknownEffect(Schema.Array(Response.StreamPart()))
      const first = Prompt.make("Use the tool, please")
      const options = { tools: [weather], sampling: { reasoningEffort: "low" } } as const
      const parts = yield* decode(yield* Stream.runCollect(text.stream(request(first, options))))
      const call = parts.find((part) => part.type === "tool-call")
      assert.deepStrictEqual<unknown>(call?.params, { city: "sample" })
      const result = { type: "tool-result" as const, id: call?.id ?? "", name: "weather", isFailure: false, result: 21 }
      const second = Prompt.concat(
        Prompt.concat(first, Prompt.fromResponseParts(parts)),
        Prompt.make([{ role: "tool", content: [result] }])
      )
      const answer = yield* text.generate(request(second, options))
      assert.strictEqual(textOf(answer), sixtyWords)
      const sent = (yield* emulator.journal).at(-1)?.body
      assert.include(JSON.stringify(sent), `"signature":"signature_00000001"`)
      const reasoning = answer.find((part) => part.type === "reasoning")
      assert.include(reasoning?.text, "kelp")
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.live("agree on JSON, limits, forced tools and an answer that is begun", () =>
    Effect.gen(function* () {
      const emulator = yield* AnthropicEmulator.make()
      const { text: older } = yield* laneTo(emulator, {}, "claude-sonnet-4-5")
      const text = older!
      const format = {
        type: "json",
        name: "answer",
        schema: { ...weather.parameters, additionalProperties: true }
      } as const
      assert.strictEqual(textOf(yield* text.generate(request("x", { responseFormat: format }))), '{"city":"sample"}')
      const short = yield* text.generate(request("x", { sampling: { maxOutputTokens: 2 } }))
      assert.strictEqual(textOf(short), "A holdfast")
      const finish = short.at(-1)
      assert.strictEqual(finish?.type === "finish" ? finish.reason : undefined, "length")
      for (const toolChoice of ["required", { tool: "weather" }] as const) {
        const forced = yield* text.generate(request("x", { tools: [weather], toolChoice }))
        assert.isTrue(forced.some((part) => part.type === "tool-call"))
      }
      const begun = yield* text.generate(
        request([
          { role: "user", content: "x" },
          { role: "assistant", content: words(40) }
        ])
      )
      assert.strictEqual(words(40) + textOf(begun), sixtyWords)
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )
})

interface Seen {
  readonly tag: Failure.Failure["_tag"]
  readonly status?: number
  readonly code?: string
  readonly wait?: Duration.Input
  readonly retryable?: boolean
}

const assertSeen = (failure: Failure.Failure | undefined, seen: Seen) => {
  assert.strictEqual(failure?._tag, seen.tag, failure?.rule)
  assert.strictEqual(failure?.lane, "anthropic/claude-x")
  if (seen.status !== undefined) {
    assert.strictEqual(failure?.status, seen.status)
    assert.match(failure?.requestId ?? "", /^req_\d+$/)
  }
  if (seen.code !== undefined) assert.strictEqual(failure?.providerCode, seen.code)
  const wait = seen.wait === undefined ? undefined : Duration.fromInputUnsafe(seen.wait)
  const waits = failure?.retryAfter
  // An instant is written to the second.
  if (wait === undefined) assert.isUndefined(waits)
  else assert.closeTo(Duration.toMillis(waits ?? Duration.zero), Duration.toMillis(wait), 1100)
}

describe("a fault of Anthropic that answers in its own words", () => {
  const faults: ReadonlyArray<[Input, Seen]> = [
    [{ _tag: "RateLimit" }, { tag: "RateLimit", status: 429, code: "rate_limit_error" }],
    [
      { _tag: "RateLimit", retryAfter: "7 seconds" },
      { tag: "RateLimit", status: 429, wait: "7 seconds" }
    ],
    [
      { _tag: "RateLimit", retryAfter: "1500 millis", form: "retry-after-ms" },
      { tag: "RateLimit", status: 429, wait: "1500 millis" }
    ],
    [
      { _tag: "RateLimit", retryAfter: "20 seconds", form: "retry-after-date" },
      { tag: "RateLimit", status: 429, wait: "20 seconds" }
    ],
    [
      { _tag: "RateLimit", retryAfter: "20 seconds", form: "anthropic-ratelimit-reset" },
      { tag: "RateLimit", status: 429, wait: "20 seconds" }
    ],
    [
      { _tag: "RateLimit", retryAfter: "20 seconds", form: "message" },
      { tag: "RateLimit", status: 429, wait: "20 seconds" }
    ],
    [{ _tag: "ServerError" }, { tag: "ServiceUnavailable", status: 500, code: "api_error" }],
    [{ _tag: "ServiceUnavailable" }, { tag: "ServiceUnavailable", status: 503, code: "api_error" }],
    [{ _tag: "Overloaded" }, { tag: "ModelOverloaded", status: 529, code: "overloaded_error" }],
    [{ _tag: "QuotaExhausted" }, { tag: "QuotaExceeded", status: 400, code: "invalid_request_error" }],
    [
      { _tag: "QuotaExhausted", billing: "payment" },
      { tag: "QuotaExceeded", status: 402, code: "billing_error" }
    ],
    [{ _tag: "BadKey" }, { tag: "Authentication", status: 401, code: "authentication_error" }],
    [{ _tag: "PermissionDenied" }, { tag: "PermissionDenied", status: 403, code: "permission_error" }],
    [{ _tag: "InvalidRequest" }, { tag: "InvalidRequest", status: 400, code: "invalid_request_error" }],
    [{ _tag: "ContextLength" }, { tag: "ContextLengthExceeded", status: 400, code: "invalid_request_error" }],
    [{ _tag: "ModelNotFound" }, { tag: "ModelNotFound", status: 404, code: "not_found_error" }],
    [{ _tag: "ContentBlock" }, { tag: "ContentPolicy", status: 200 }],
    [{ _tag: "HtmlPage" }, { tag: "ServiceUnavailable" }],
    [{ _tag: "HtmlPage", status: 200 }, { tag: "InvalidResponse" }],
    [{ _tag: "WrongShape" }, { tag: "InvalidResponse", status: 200 }],
    [{ _tag: "EmptyBody" }, { tag: "InvalidResponse", status: 200 }]
  ]
  for (const [fault, seen] of faults) {
    it.live(`${JSON.stringify(fault)} is a ${seen.tag}, whole and streamed`, () =>
      Effect.gen(function* () {
        const { emulator, text } = yield* under(fault)
        assertSeen(yield* Effect.flip(text.generate(asking)), seen)
        const { failure, isFinished } = yield* collected(text.stream(asking))
        assertSeen(failure, seen)
        assert.isFalse(isFinished)
        assert.strictEqual((yield* emulator.journal).length, 2)
      }).pipe(Effect.provide(NodeHttpClient.layerUndici))
    )
  }
})

describe("a fault of Anthropic in the middle", () => {
  /** What a whole answer fails with, and a stream, after how many words; `undefined` where it succeeds. */
  const faults: ReadonlyArray<
    [Input, Failure.Failure["_tag"] | undefined, Failure.Failure["_tag"] | undefined, number]
  > = [
    [{ _tag: "ContentBlock", at: "answer", after: 5 }, "ContentPolicy", "ContentPolicy", 5],
    [{ _tag: "StreamError", after: 3 }, "ServiceUnavailable", "ServiceUnavailable", 3],
    [{ _tag: "StreamError", after: 3, error: "Overloaded" }, "ModelOverloaded", "ModelOverloaded", 3],
    [{ _tag: "StreamError", after: 0, error: "RateLimit" }, "RateLimit", "RateLimit", 0],
    [{ _tag: "MalformedChunk", before: 11 }, "InvalidResponse", "InvalidResponse", 10],
    [{ _tag: "Truncate", after: 40 }, "Network", "Network", 40],
    [{ _tag: "Truncate", after: 40, ending: "clean" }, "InvalidResponse", "StreamTruncated", 40],
    [{ _tag: "Truncate", after: 60, ending: "clean" }, "InvalidResponse", "StreamTruncated", 60],
    [{ _tag: "Reset" }, "Network", "Network", 0],
    [{ _tag: "Hang", for: "20 millis" }, "Network", "Network", 0],
    [{ _tag: "Stall", after: 20, for: "20 millis" }, "Network", "Network", 20],
    [{ _tag: "Stall", after: 20, for: "20 millis", afterwards: "continue" }, undefined, undefined, 60],
    [{ _tag: "SlowFirstByte", delay: "20 millis" }, undefined, undefined, 60],
    [{ _tag: "SlowFirstByte", delay: "20 millis", before: "content" }, undefined, undefined, 60],
    [{ _tag: "NoDone" }, undefined, undefined, 60]
  ]
  for (const [fault, whole, streamed, count] of faults) {
    it.live(`${JSON.stringify(fault)} is a ${whole ?? "success"}, and in a stream a ${streamed ?? "success"}`, () =>
      Effect.gen(function* () {
        const { text } = yield* under(fault)
        const failure = yield* Effect.flip(text.generate(asking)).pipe(Effect.orElseSucceed(() => undefined))
        assert.strictEqual(failure?._tag, whole, failure?.rule)
        const seen = yield* collected(text.stream(asking))
        assert.strictEqual(seen.failure?._tag, streamed, seen.failure?.rule)
        assert.strictEqual(seen.text, words(count))
        assert.strictEqual(seen.isFinished, streamed === undefined)
      }).pipe(Effect.provide(NodeHttpClient.layerUndici))
    )
  }

  it.live("a reset in mid-answer and in mid-stream is a failure of the network", () =>
    Effect.gen(function* () {
      const { text } = yield* under({ _tag: "Reset", after: 2 })
      assert.strictEqual((yield* Effect.flip(text.generate(asking)))._tag, "Network")
      assert.strictEqual((yield* collected(text.stream(asking))).failure?._tag, "Network")
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.live("a broken event is left out where the lane skips it", () =>
    Effect.gen(function* () {
      const { text } = yield* under({ _tag: "MalformedChunk", before: 11 }, { onBadEvent: "skip" })
      assert.deepStrictEqual(yield* collected(text.stream(asking)), {
        failure: undefined,
        text: sixtyWords,
        isFinished: true
      })
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.live("a provider that is down cannot be reached", () =>
    Effect.gen(function* () {
      const { emulator, text } = yield* under(undefined)
      yield* emulator.takeDown
      assert.strictEqual((yield* Effect.flip(text.generate(asking)))._tag, "Network")
      yield* emulator.bringUp
      assert.strictEqual(textOf(yield* text.generate(asking)), sixtyWords)
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )
})

describe("a call to Anthropic that is left", () => {
  const places: ReadonlyArray<[string, Input, "generate" | "stream", number]> = [
    ["before the headers", { _tag: "Hang" }, "generate", 0],
    ["before the headers", { _tag: "Hang" }, "stream", 0],
    ["within the body", { _tag: "Stall", after: 0, for: "1 hour" }, "generate", 0],
    ["before the first word", { _tag: "SlowFirstByte", delay: "1 hour", before: "content" }, "stream", 0],
    ["in mid-stream", { _tag: "Stall", after: 3, for: "1 hour" }, "stream", 3]
  ]
  for (const [where, fault, method, chunks] of places) {
    it.live(`${where} (${method}) closes its socket at once`, () =>
      Effect.gen(function* () {
        const { emulator, text } = yield* under(fault)
        const call = method === "generate" ? text.generate(asking) : Stream.runDrain(text.stream(asking))
        const fiber = yield* Effect.forkChild(call, { startImmediately: true })
        const entry = yield* emulator.awaitEntry(
          ({ chunksSent, status }) => chunksSent >= chunks && (fault._tag === "Hang" || status !== undefined)
        )
        const start = performance.now()
        yield* Fiber.interrupt(fiber)
        const closed = yield* emulator.awaitClosed(entry.id)
        assert.isBelow(performance.now() - start, 1_000)
        assert.deepStrictEqual([closed.outcome, closed.closedBy], ["aborted", "client"])
      }).pipe(Effect.provide(NodeHttpClient.layerUndici))
    )
  }
})
