import {
  APIConnectionError,
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError
} from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import * as AnthropicEmulator from "../src/AnthropicEmulator.ts"
import type { Input } from "../src/Fault.ts"
import { sixtyWords } from "../src/Healthy.ts"
import { anthropic, asking, messages, model, post, streamedText, textOf } from "./support/anthropic.ts"
import { always, drained, rejection } from "./support/clients.ts"
import { lastChunk } from "./support/raw.ts"

const under = (fault: Input) => AnthropicEmulator.make({ plan: always(fault) })

const whole = (fault: Input) =>
  Effect.flatMap(under(fault), (emulator) => rejection(() => anthropic(emulator).messages.create(asking)))

const streamed = (fault: Input) =>
  Effect.flatMap(under(fault), (emulator) =>
    drained(() => anthropic(emulator).messages.create({ ...asking, stream: true }))
  )

const helped = (fault: Input) =>
  Effect.flatMap(under(fault), (emulator) =>
    rejection(() => anthropic(emulator).messages.stream(asking).finalMessage())
  )

const raw = (fault: Input, stream = false) => Effect.flatMap(under(fault), (emulator) => post(emulator, { stream }))

const words = (count: number) => sixtyWords.split(" ").slice(0, count).join(" ")

type Kind =
  | typeof APIError
  | typeof BadRequestError
  | typeof AuthenticationError
  | typeof PermissionDeniedError
  | typeof NotFoundError
  | typeof RateLimitError
  | typeof InternalServerError

describe("Anthropic's errors, as the SDK sees them", () => {
  const cases: ReadonlyArray<readonly [Input, number, string, Kind, string]> = [
    [{ _tag: "RateLimit" }, 429, "rate_limit_error", RateLimitError, "rate limit"],
    [{ _tag: "QuotaExhausted" }, 400, "invalid_request_error", BadRequestError, "credit balance is too low"],
    [{ _tag: "QuotaExhausted", billing: "payment" }, 402, "billing_error", APIError, "billing"],
    [{ _tag: "ServerError" }, 500, "api_error", InternalServerError, "Internal server error"],
    [{ _tag: "ServiceUnavailable" }, 503, "api_error", InternalServerError, "unavailable"],
    [{ _tag: "Overloaded" }, 529, "overloaded_error", InternalServerError, "Overloaded"],
    [{ _tag: "BadKey" }, 401, "authentication_error", AuthenticationError, "invalid x-api-key"],
    [{ _tag: "PermissionDenied" }, 403, "permission_error", PermissionDeniedError, "permission"],
    [{ _tag: "InvalidRequest" }, 400, "invalid_request_error", BadRequestError, "valid list"],
    [{ _tag: "InvalidRequest", code: "thread_not_found" }, 400, "invalid_request_error", BadRequestError, "error_code"],
    [{ _tag: "ContextLength" }, 400, "invalid_request_error", BadRequestError, "prompt is too long: "],
    [{ _tag: "ModelNotFound" }, 404, "not_found_error", NotFoundError, "model: claude-x"]
  ]
  for (const [fault, status, type, kind, text] of cases) {
    it.live(`${JSON.stringify(fault)} is a ${status} ${type}`, () =>
      Effect.gen(function* () {
        for (const error of [yield* whole(fault), (yield* streamed(fault)).error, yield* helped(fault)]) {
          assert.instanceOf(error, kind)
          assert.instanceOf(error, APIError)
          assert.deepStrictEqual([error.status, error.type], [status, type])
          assert.include(error.message, text)
          assert.match(error.requestID ?? "", /^req_/)
        }
        const { body, headers } = yield* raw(fault)
        const { error, request_id, type: kindOfBody } = JSON.parse(body)
        assert.deepStrictEqual([kindOfBody, error.type, request_id], ["error", type, headers["request-id"]])
      })
    )
  }

  it.live("a rate limit gives its hint in the form that was asked for, and in no other", () =>
    Effect.gen(function* () {
      const hints = (headers: Readonly<Record<string, string>>) =>
        Object.keys(headers).filter((name) => name.includes("retry") || name.endsWith("-reset"))
      const seen = (form?: "retry-after-ms" | "anthropic-ratelimit-reset" | "RetryInfo" | "message") =>
        raw({ _tag: "RateLimit", retryAfter: "1500 millis", ...(form && { form }) })

      const silent = yield* raw({ _tag: "RateLimit" })
      assert.deepStrictEqual(hints(silent.headers), [])
      assert.notMatch(silent.body, /again|retry/i)
      assert.strictEqual(silent.headers["anthropic-ratelimit-requests-limit"], "50")
      assert.strictEqual(silent.headers["anthropic-ratelimit-requests-remaining"], "0")

      const named = yield* seen()
      assert.strictEqual(named.headers["retry-after"], "1.5")
      assert.deepStrictEqual(hints(named.headers), ["retry-after"])
      assert.strictEqual((yield* seen("retry-after-ms")).headers["retry-after-ms"], "1500")
      const overloaded = yield* raw({ _tag: "Overloaded", retryAfter: "1500 millis" })
      assert.strictEqual(overloaded.headers["retry-after"], "1.5")
      assert.deepStrictEqual(hints((yield* raw({ _tag: "Overloaded" })).headers), [])
      const reset = yield* seen("anthropic-ratelimit-reset")
      assert.deepStrictEqual(hints(reset.headers), ["anthropic-ratelimit-requests-reset"])
      const instant = reset.headers["anthropic-ratelimit-requests-reset"] ?? ""
      assert.match(instant, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      assert.closeTo(Date.parse(instant) - (yield* Clock.currentTimeMillis), 1500, 2000)
      const info = yield* seen("RetryInfo")
      assert.strictEqual(JSON.parse(info.body).error.details[0].retryDelay, "1.5s")
      const message = yield* seen("message")
      assert.deepStrictEqual(hints(message.headers), [])
      assert.include(message.body, "Please try again in 1.5s.")
    })
  )

  it.live("meet token counts and the model list too", () =>
    Effect.gen(function* () {
      const client = anthropic(yield* under({ _tag: "Overloaded" }))
      assert.instanceOf(yield* rejection(() => client.messages.countTokens({ model, messages })), InternalServerError)
      assert.instanceOf(yield* rejection(async () => client.models.list()), InternalServerError)
    })
  )
})

describe("Anthropic's 200s that are failures", () => {
  it.live("a prompt is refused: no content, and details", () =>
    Effect.gen(function* () {
      const client = anthropic(yield* under({ _tag: "ContentBlock" }))
      const message = yield* Effect.promise(() => client.messages.create(asking))
      assert.strictEqual(message.stop_reason, "refusal")
      assert.deepStrictEqual(message.content, [])
      assert.strictEqual(message.stop_details?.type, "refusal")
      const final = yield* Effect.promise(() => client.messages.stream(asking).finalMessage())
      assert.strictEqual(final.stop_reason, "refusal")
      assert.deepStrictEqual(final.content, [])
    })
  )

  it.live("an answer is refused, at once or after some words", () =>
    Effect.gen(function* () {
      const client = anthropic(yield* under({ _tag: "ContentBlock", at: "answer", after: 5 }))
      const message = yield* Effect.promise(() => client.messages.create(asking))
      assert.strictEqual(message.stop_reason, "refusal")
      assert.strictEqual(textOf(message.content), words(5))
      const { error, items } = yield* streamed({ _tag: "ContentBlock", at: "answer" })
      assert.isUndefined(error)
      assert.strictEqual(streamedText(items), "")
    })
  )

  it.live("an error arrives inside the stream, under its own name", () =>
    Effect.gen(function* () {
      for (const [kind, type] of [
        ["ServerError", "api_error"],
        ["Overloaded", "overloaded_error"],
        ["RateLimit", "rate_limit_error"]
      ] as const) {
        const { error, items } = yield* streamed({ _tag: "StreamError", after: 3, error: kind })
        assert.strictEqual(streamedText(items), words(3))
        assert.instanceOf(error, APIError)
        assert.isUndefined(error.status)
        assert.strictEqual(error.type, type)
      }
      const { body } = yield* raw({ _tag: "StreamError", after: 3 }, true)
      assert.include(body, `event: error\ndata: {"type":"error","error":{"type":"api_error",`)
      assert.isTrue(body.endsWith(lastChunk))
      const unary = yield* raw({ _tag: "StreamError" })
      assert.strictEqual(unary.status, 200)
      assert.strictEqual(JSON.parse(unary.body).type, "error")
    })
  )

  it.live("a page of HTML, a wrong shape, nothing at all", () =>
    Effect.gen(function* () {
      const error = yield* whole({ _tag: "HtmlPage" })
      assert.instanceOf(error, InternalServerError)
      assert.strictEqual(error.status, 502)
      assert.match((yield* raw({ _tag: "HtmlPage", status: 200 }, true)).body, /^<html>/)
      assert.strictEqual((yield* raw({ _tag: "WrongShape" })).body, "{}")
      assert.include((yield* raw({ _tag: "WrongShape" }, true)).body, "data: {}\n\n")
      assert.strictEqual((yield* raw({ _tag: "EmptyBody" })).headers["content-length"], "0")
      assert.strictEqual((yield* raw({ _tag: "EmptyBody" }, true)).body, lastChunk)
    })
  )

  it.live("a broken event stands before a word, and every word still comes", () =>
    Effect.gen(function* () {
      const { error, items } = yield* streamed({ _tag: "MalformedChunk", before: 11 })
      assert.strictEqual(streamedText(items), words(10))
      assert.isDefined(error)
      const { body } = yield* raw({ _tag: "MalformedChunk", before: 11 }, true)
      const payloads = [...body.matchAll(/^data: (.*)$/gm)].map((match) => match[1] ?? "")
      const sound = payloads.filter(isJson)
      assert.strictEqual(payloads.length, sound.length + 1)
      assert.strictEqual(streamedText(sound.map((payload) => JSON.parse(payload))), sixtyWords)
      assert.instanceOf(yield* whole({ _tag: "MalformedChunk" }), SyntaxError)
    })
  )

  it.live("a missing [DONE] is nothing new here", () =>
    Effect.gen(function* () {
      const { error, items } = yield* streamed({ _tag: "NoDone" })
      assert.isUndefined(error)
      assert.strictEqual(streamedText(items), sixtyWords)
    })
  )
})

describe("Anthropic's connection", () => {
  it.live("is cut, or ends early without a message_stop", () =>
    Effect.gen(function* () {
      const cut = yield* raw({ _tag: "Truncate", after: 40 }, true)
      assert.strictEqual(cut.closed, "fin")
      assert.isFalse(cut.body.endsWith(lastChunk))
      assert.notInclude(cut.body, "message_delta")
      const clean = yield* streamed({ _tag: "Truncate", after: 40, ending: "clean" })
      assert.isUndefined(clean.error)
      assert.strictEqual(streamedText(clean.items), words(40))
      assert.instanceOf(yield* helped({ _tag: "Truncate", after: 40, ending: "clean" }), Error)
      const unary = yield* raw({ _tag: "Truncate" })
      assert.isBelow(Buffer.byteLength(unary.body), Number(unary.headers["content-length"]))
    })
  )

  it.live("is reset, hangs, stalls and is late", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* raw({ _tag: "Reset" })).closed, "reset")
      assert.instanceOf(yield* whole({ _tag: "Reset" }), APIConnectionError)
      const within = yield* raw({ _tag: "Reset", after: 2 }, true)
      assert.deepStrictEqual([within.status, within.closed], [200, "reset"])
      assert.isUndefined((yield* raw({ _tag: "Hang", for: "10 millis" })).status)
      const stalled = yield* raw({ _tag: "Stall", after: 20, for: "10 millis" }, true)
      assert.deepStrictEqual([stalled.status, stalled.closed], [200, "fin"])
      assert.isFalse(stalled.body.endsWith(lastChunk))
      const late = yield* streamed({ _tag: "SlowFirstByte", delay: "10 millis", before: "content" })
      assert.strictEqual(streamedText(late.items), sixtyWords)
    })
  )

  it.live("is let go of by a client that leaves in the middle of a stream", () =>
    Effect.gen(function* () {
      const emulator = yield* under({ _tag: "Stall", after: 3, for: "1 hour" })
      const signal = new AbortController()
      const reader = yield* Effect.forkChild(
        drained(() => anthropic(emulator).messages.create({ ...asking, stream: true }, { signal: signal.signal }))
      )
      const entry = yield* emulator.awaitEntry((entry) => entry.chunksSent >= 3)
      signal.abort()
      const closed = yield* emulator.awaitClosed(entry.id)
      assert.deepStrictEqual([closed.outcome, closed.closedBy], ["aborted", "client"])
      yield* Fiber.join(reader)
    })
  )
})

const isJson = (text: string) => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
