import { ApiError } from "@google/genai"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Input } from "../src/Fault.ts"
import * as GeminiEmulator from "../src/GeminiEmulator.ts"
import { sixtyWords } from "../src/Healthy.ts"
import { always, drained, gemini, rejection } from "./support/clients.ts"
import { ask, lastChunk } from "./support/raw.ts"

const model = "gemini-x"
const contents = "What holds a kelp to its rock?"

const under = (fault: Input) => GeminiEmulator.make({ plan: always(fault) })

const whole = (fault: Input) =>
  Effect.flatMap(under(fault), (emulator) =>
    rejection(() => gemini(emulator).models.generateContent({ model, contents }))
  )

const streamed = (fault: Input) =>
  Effect.map(
    Effect.flatMap(under(fault), (emulator) =>
      drained(() => gemini(emulator).models.generateContentStream({ model, contents }))
    ),
    ({ error, items }) => ({ error, items, text: items.map((item) => item.text ?? "").join("") })
  )

const raw = (fault: Input, stream = false) =>
  Effect.flatMap(under(fault), (emulator) =>
    ask(emulator, {
      path: `/v1/models/${model}:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
      body: { contents: [{ role: "user", parts: [{ text: contents }] }] }
    })
  )

const words = (count: number) => sixtyWords.split(" ").slice(0, count).join(" ")

describe("Gemini's errors, as the SDK sees them", () => {
  const cases: ReadonlyArray<readonly [fault: Input, status: number, grpc: string, text: string]> = [
    [{ _tag: "RateLimit" }, 429, "RESOURCE_EXHAUSTED", "PerMinute"],
    [{ _tag: "QuotaExhausted" }, 429, "RESOURCE_EXHAUSTED", "PerDay"],
    [{ _tag: "ServerError" }, 500, "INTERNAL", "internal error"],
    [{ _tag: "ServiceUnavailable" }, 503, "UNAVAILABLE", "currently unavailable"],
    [{ _tag: "Overloaded" }, 503, "UNAVAILABLE", "The model is overloaded"],
    [{ _tag: "BadKey" }, 400, "INVALID_ARGUMENT", "API_KEY_INVALID"],
    [{ _tag: "PermissionDenied" }, 403, "PERMISSION_DENIED", "denied access"],
    [{ _tag: "InvalidRequest" }, 400, "INVALID_ARGUMENT", "invalid argument"],
    [{ _tag: "ContextLength" }, 400, "INVALID_ARGUMENT", "input token count"],
    [{ _tag: "ModelNotFound" }, 404, "NOT_FOUND", "models/gemini-x is not found"]
  ]
  for (const [fault, status, grpc, text] of cases) {
    it.live(`${JSON.stringify(fault)} is a ${status} ${grpc}`, () =>
      Effect.gen(function* () {
        for (const error of [yield* whole(fault), (yield* streamed(fault)).error]) {
          assert.instanceOf(error, ApiError)
          assert.strictEqual(error.status, status)
          const body = JSON.parse(error.message)
          assert.deepInclude(body.error, { code: status, status: grpc })
          assert.include(error.message, text)
        }
      })
    )
  }

  it.live("a rate limit names its wait in RetryInfo, elsewhere if asked, or nowhere", () =>
    Effect.gen(function* () {
      const infoOf = (body: string): unknown =>
        JSON.parse(body).error.details.find((detail: { "@type": string }) => detail["@type"].endsWith("RetryInfo"))
      const silent = yield* raw({ _tag: "RateLimit" })
      assert.isUndefined(infoOf(silent.body))
      assert.notInclude(silent.body, "retry in")

      const info = yield* raw({ _tag: "RateLimit", retryAfter: "6500 millis" })
      assert.deepStrictEqual(infoOf(info.body), {
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        retryDelay: "6.5s"
      })
      assert.notInclude(info.body, "retry in")
      assert.notProperty(info.headers, "retry-after")

      const overloaded = yield* raw({ _tag: "Overloaded", retryAfter: "6500 millis" })
      assert.deepStrictEqual(infoOf(overloaded.body), infoOf(info.body))
      assert.isUndefined(infoOf((yield* raw({ _tag: "Overloaded" })).body))

      const header = yield* raw({ _tag: "RateLimit", retryAfter: "6 seconds", form: "retry-after" })
      assert.strictEqual(header.headers["retry-after"], "6")
      assert.isUndefined(infoOf(header.body))

      const message = yield* raw({ _tag: "RateLimit", retryAfter: "6500 millis", form: "message" })
      assert.include(message.body, "Please retry in 6.5s.")
      assert.isUndefined(infoOf(message.body))
    })
  )

  it.live("an exhausted day quota misleads with a RetryInfo of seconds", () =>
    Effect.gen(function* () {
      const { body } = yield* raw({ _tag: "QuotaExhausted" })
      assert.include(body, "GenerateRequestsPerDayPerProjectPerModel")
      assert.include(body, `"retryDelay":"36s"`)
    })
  )
})

describe("Gemini's 200s that are failures", () => {
  it.live("a prompt is blocked: no candidates", () =>
    Effect.gen(function* () {
      const emulator = yield* under({ _tag: "ContentBlock" })
      const response = yield* Effect.promise(() => gemini(emulator).models.generateContent({ model, contents }))
      assert.strictEqual(response.promptFeedback?.blockReason, "PROHIBITED_CONTENT")
      assert.isUndefined(response.candidates)
      const { error, items } = yield* streamed({ _tag: "ContentBlock" })
      assert.isUndefined(error)
      assert.deepStrictEqual(
        items.map((item) => item.promptFeedback?.blockReason),
        ["PROHIBITED_CONTENT"] as never
      )
    })
  )

  it.live("an answer is stopped for safety, without parts", () =>
    Effect.gen(function* () {
      const emulator = yield* under({ _tag: "ContentBlock", at: "answer" })
      const response = yield* Effect.promise(() => gemini(emulator).models.generateContent({ model, contents }))
      assert.strictEqual(response.candidates?.[0]?.finishReason, "SAFETY")
      assert.isUndefined(response.candidates?.[0]?.content)
      const { items, text } = yield* streamed({ _tag: "ContentBlock", at: "answer", after: 5 })
      assert.strictEqual(text, words(5))
      assert.strictEqual(items.at(-1)?.candidates?.[0]?.finishReason, "SAFETY")
    })
  )

  it.live("an error arrives inside the stream, in a data line", () =>
    Effect.gen(function* () {
      const { error, text } = yield* streamed({ _tag: "StreamError", after: 3, error: "Overloaded" })
      assert.strictEqual(text, words(3))
      assert.instanceOf(error, ApiError)
      assert.strictEqual(error.status, 503)
      const { body } = yield* raw({ _tag: "StreamError", after: 3 }, true)
      assert.include(body, `data: {"error":{"code":500,`)
      assert.isTrue(body.endsWith(lastChunk))
    })
  )

  it.live("HTML, a wrong shape, nothing at all", () =>
    Effect.gen(function* () {
      const page = yield* whole({ _tag: "HtmlPage", status: 200 })
      assert.instanceOf(page, SyntaxError)
      assert.strictEqual((yield* raw({ _tag: "HtmlPage" })).status, 502)
      assert.strictEqual((yield* raw({ _tag: "WrongShape" })).body, "{}")
      assert.strictEqual((yield* raw({ _tag: "EmptyBody" })).headers["content-length"], "0")
      assert.strictEqual((yield* raw({ _tag: "EmptyBody" }, true)).body, lastChunk)
    })
  )

  it.live("a broken event stands before a word", () =>
    Effect.gen(function* () {
      const { error, text } = yield* streamed({ _tag: "MalformedChunk", before: 11 })
      assert.strictEqual(text, words(10))
      assert.isDefined(error)
      assert.instanceOf(yield* whole({ _tag: "MalformedChunk" }), SyntaxError)
    })
  )

  it.live("a missing [DONE] is nothing new here", () =>
    Effect.gen(function* () {
      const { error, text } = yield* streamed({ _tag: "NoDone" })
      assert.isUndefined(error)
      assert.strictEqual(text, sixtyWords)
    })
  )
})

describe("Gemini's connection", () => {
  it.live("is cut, or ends early without a finish reason", () =>
    Effect.gen(function* () {
      const cut = yield* raw({ _tag: "Truncate", after: 40 }, true)
      assert.strictEqual(cut.closed, "fin")
      assert.isFalse(cut.body.endsWith(lastChunk))
      const clean = yield* streamed({ _tag: "Truncate", after: 40, ending: "clean" })
      assert.isUndefined(clean.error)
      assert.strictEqual(clean.text, words(40))
      assert.isUndefined(clean.items.at(-1)?.candidates?.[0]?.finishReason)
    })
  )

  it.live("is reset, hangs, stalls and is late", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* raw({ _tag: "Reset" })).closed, "reset")
      assert.instanceOf(yield* whole({ _tag: "Reset" }), TypeError)
      assert.deepStrictEqual((yield* raw({ _tag: "Hang", for: "10 millis" })).status, undefined)
      const stalled = yield* raw({ _tag: "Stall", after: 20, for: "10 millis" }, true)
      assert.deepStrictEqual([stalled.status, stalled.closed], [200, "fin"])
      assert.isFalse(stalled.body.endsWith(lastChunk))
      const late = yield* streamed({ _tag: "SlowFirstByte", delay: "10 millis", before: "content" })
      assert.strictEqual(late.text, sixtyWords)
    })
  )
})
