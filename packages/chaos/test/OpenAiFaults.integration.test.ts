import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import {
  APIConnectionError,
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError
} from "openai"
import type { Input } from "../src/Fault.ts"
import { sixtyWords } from "../src/Healthy.ts"
import * as OpenAiEmulator from "../src/OpenAiEmulator.ts"
import { always, drained, openai, question, rejection, textOf } from "./support/clients.ts"
import { ask, chat, chatBody, lastChunk } from "./support/raw.ts"

const under = (fault: Input) => OpenAiEmulator.make({ plan: always(fault) })

const whole = (fault: Input) =>
  Effect.flatMap(under(fault), (emulator) =>
    rejection(() => openai(emulator).chat.completions.create({ model: "m", messages: question }))
  )

const streamed = (fault: Input) =>
  Effect.flatMap(under(fault), (emulator) =>
    drained(() => openai(emulator).chat.completions.create({ model: "m", messages: question, stream: true }))
  )

const raw = (fault: Input, stream = false) =>
  Effect.flatMap(under(fault), (emulator) => ask(emulator, { ...chat, body: chatBody({ stream }) }))

const words = (count: number) => sixtyWords.split(" ").slice(0, count).join(" ")

type Kind =
  | typeof BadRequestError
  | typeof AuthenticationError
  | typeof PermissionDeniedError
  | typeof NotFoundError
  | typeof RateLimitError
  | typeof InternalServerError

describe("OpenAI's errors, as the SDK sees them", () => {
  const cases: ReadonlyArray<{
    readonly fault: Input
    readonly status: number
    readonly code: string | null
    readonly type: string
    readonly kind: Kind
  }> = [
    {
      fault: { _tag: "RateLimit" },
      status: 429,
      code: "rate_limit_exceeded",
      type: "requests",
      kind: RateLimitError
    },
    {
      fault: { _tag: "QuotaExhausted" },
      status: 429,
      code: "insufficient_quota",
      type: "insufficient_quota",
      kind: RateLimitError
    },
    {
      fault: { _tag: "ServerError" },
      status: 500,
      code: null,
      type: "server_error",
      kind: InternalServerError
    },
    {
      fault: { _tag: "ServiceUnavailable" },
      status: 503,
      code: null,
      type: "service_unavailable_error",
      kind: InternalServerError
    },
    {
      fault: { _tag: "Overloaded" },
      status: 503,
      code: "server_is_overloaded",
      type: "service_unavailable_error",
      kind: InternalServerError
    },
    {
      fault: { _tag: "Overloaded", code: "overloaded" },
      status: 503,
      code: "overloaded",
      type: "service_unavailable_error",
      kind: InternalServerError
    },
    {
      fault: { _tag: "BadKey" },
      status: 401,
      code: "invalid_api_key",
      type: "invalid_request_error",
      kind: AuthenticationError
    },
    {
      fault: { _tag: "PermissionDenied" },
      status: 403,
      code: "unsupported_country_region_territory",
      type: "request_forbidden",
      kind: PermissionDeniedError
    },
    {
      fault: { _tag: "InvalidRequest", code: "invalid_prefill" },
      status: 400,
      code: "invalid_prefill",
      type: "invalid_request_error",
      kind: BadRequestError
    },
    {
      fault: { _tag: "ContextLength" },
      status: 400,
      code: "context_length_exceeded",
      type: "invalid_request_error",
      kind: BadRequestError
    },
    {
      fault: { _tag: "ContentBlock" },
      status: 400,
      code: "content_policy_violation",
      type: "invalid_request_error",
      kind: BadRequestError
    },
    {
      fault: { _tag: "ModelNotFound" },
      status: 404,
      code: "model_not_found",
      type: "invalid_request_error",
      kind: NotFoundError
    }
  ]
  for (const { code, fault, kind, status, type } of cases) {
    it.live(`${JSON.stringify(fault)} is a ${status} with code ${code}`, () =>
      Effect.gen(function* () {
        const error = yield* whole(fault)
        assert.instanceOf(error, kind)
        assert.instanceOf(error, APIError)
        assert.deepStrictEqual([error.status, error.code, error.type], [status, code, type])
        assert.match(error.requestID ?? "", /^req_/)
        // The same before the first event of a stream.
        assert.instanceOf((yield* streamed(fault)).error, kind)
      })
    )
  }

  it.live("a rate limit gives its hint in the form that was asked for, and in no other", () =>
    Effect.gen(function* () {
      const hints = (headers: Readonly<Record<string, string>>) =>
        Object.keys(headers).filter((name) => name.includes("retry") || name.includes("ratelimit"))
      const seen = (form?: "retry-after-ms" | "x-ratelimit-reset" | "RetryInfo" | "message") =>
        raw({ _tag: "RateLimit", retryAfter: "1500 millis", ...(form && { form }) })

      const silent = yield* raw({ _tag: "RateLimit" })
      assert.deepStrictEqual(hints(silent.headers), [])
      assert.notMatch(silent.body, /again|retry/i)

      assert.strictEqual((yield* seen()).headers["retry-after"], "1.5")
      assert.strictEqual((yield* seen("retry-after-ms")).headers["retry-after-ms"], "1500")
      assert.strictEqual((yield* seen("x-ratelimit-reset")).headers["x-ratelimit-reset-requests"], "1.5s")
      const info = yield* seen("RetryInfo")
      assert.deepStrictEqual(hints(info.headers), [])
      assert.strictEqual(JSON.parse(info.body).error.details[0].retryDelay, "1.5s")
      const message = yield* seen("message")
      assert.deepStrictEqual(hints(message.headers), [])
      assert.include(message.body, "Please try again in 1.5s.")
    })
  )

  it.live("a Retry-After date lies the hint ahead of the answer's own date", () =>
    Effect.gen(function* () {
      const { headers } = yield* raw({ _tag: "RateLimit", retryAfter: "1 hour", form: "retry-after-date" })
      const ahead = Date.parse(headers["retry-after"] ?? "") - Date.parse(headers["date"] ?? "")
      assert.closeTo(ahead, 3_600_000, 2000)
    })
  )

  it.live("an overload may name the wait too, and does not unless it is told to", () =>
    Effect.gen(function* () {
      const { headers, status } = yield* raw({ _tag: "Overloaded", retryAfter: "1500 millis" })
      assert.deepStrictEqual([status, headers["retry-after"]], [503, "1.5"])
      assert.notProperty((yield* raw({ _tag: "Overloaded" })).headers, "retry-after")
    })
  )

  it.live("meets the embeddings and the model list too", () =>
    Effect.gen(function* () {
      const emulator = yield* under({ _tag: "Overloaded" })
      const client = openai(emulator)
      assert.instanceOf(
        yield* rejection(() => client.embeddings.create({ model: "e", input: "a" })),
        InternalServerError
      )
      assert.instanceOf(yield* rejection(() => client.models.list()), InternalServerError)
    })
  )
})

describe("OpenAI's 200s that are failures", () => {
  it.live("an answer is stopped by the content filter, at once or after some words", () =>
    Effect.gen(function* () {
      const emulator = yield* under({ _tag: "ContentBlock", at: "answer", after: 5 })
      const completion = yield* Effect.promise(() =>
        openai(emulator).chat.completions.create({ model: "m", messages: question })
      )
      assert.strictEqual(completion.choices[0]?.finish_reason, "content_filter")
      assert.strictEqual(completion.choices[0]?.message.content, words(5))
      const { error, items } = yield* streamed({ _tag: "ContentBlock", at: "answer" })
      assert.isUndefined(error)
      assert.strictEqual(textOf(items), "")
      assert.strictEqual(items.at(-1)?.choices[0]?.finish_reason, "content_filter")
    })
  )

  it.live("an error arrives inside the stream", () =>
    Effect.gen(function* () {
      for (const [kind, code] of [
        ["ServerError", null],
        ["Overloaded", "server_is_overloaded"]
      ] as const) {
        const { error, items } = yield* streamed({ _tag: "StreamError", after: 3, error: kind })
        assert.strictEqual(textOf(items), words(3))
        assert.instanceOf(error, APIError)
        assert.isUndefined(error.status)
        assert.strictEqual(error.code, code)
      }
      const unary = yield* raw({ _tag: "StreamError" })
      assert.strictEqual(unary.status, 200)
      assert.strictEqual(JSON.parse(unary.body).error.type, "server_error")
    })
  )

  it.live("a page of HTML comes instead, with 502 or with 200", () =>
    Effect.gen(function* () {
      const error = yield* whole({ _tag: "HtmlPage" })
      assert.instanceOf(error, InternalServerError)
      assert.strictEqual(error.status, 502)
      const page = yield* raw({ _tag: "HtmlPage", status: 200 }, true)
      assert.strictEqual(page.status, 200)
      assert.strictEqual(page.headers["content-type"], "text/html; charset=utf-8")
      assert.match(page.body, /^<html>/)
    })
  )

  it.live("the object has the wrong shape, or the body is empty", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(JSON.parse((yield* raw({ _tag: "WrongShape" })).body), {})
      const { error, items } = yield* streamed({ _tag: "WrongShape" })
      assert.isUndefined(error)
      assert.deepStrictEqual(
        items.map((item) => item.choices),
        [undefined] as never
      )
      const empty = yield* raw({ _tag: "EmptyBody" })
      assert.deepStrictEqual([empty.status, empty.headers["content-length"], empty.body], [200, "0", ""])
      assert.strictEqual((yield* raw({ _tag: "EmptyBody" }, true)).body, lastChunk)
    })
  )

  it.live("a broken event stands before a word, and every word still comes", () =>
    Effect.gen(function* () {
      const { error, items } = yield* streamed({ _tag: "MalformedChunk", before: 11 })
      assert.strictEqual(textOf(items), words(10))
      assert.instanceOf(error, SyntaxError)
      const { body } = yield* raw({ _tag: "MalformedChunk", before: 11 }, true)
      const payloads = [...body.matchAll(/^data: (.*)$/gm)].map((match) => match[1] ?? "")
      const parsed = payloads.filter((payload) => payload !== "[DONE]" && isJson(payload))
      assert.strictEqual(payloads.length, parsed.length + 2)
      assert.strictEqual(textOf(parsed.map((payload) => JSON.parse(payload))), sixtyWords)
      const unary = yield* whole({ _tag: "MalformedChunk" })
      assert.instanceOf(unary, SyntaxError)
    })
  )

  it.live("a stream lacks its [DONE]", () =>
    Effect.gen(function* () {
      const { error, items } = yield* streamed({ _tag: "NoDone" })
      assert.isUndefined(error)
      assert.strictEqual(textOf(items), sixtyWords)
      assert.strictEqual(items.at(-1)?.choices[0]?.finish_reason, "stop")
      const { body } = yield* raw({ _tag: "NoDone" }, true)
      assert.notInclude(body, "[DONE]")
      assert.isTrue(body.endsWith(lastChunk))
    })
  )
})

describe("OpenAI's connection", () => {
  it.live("is cut after some words: FIN, no finish event, no zero chunk", () =>
    Effect.gen(function* () {
      const emulator = yield* under({ _tag: "Truncate", after: 40 })
      const seen = yield* ask(emulator, { ...chat, body: chatBody({ stream: true }) })
      assert.strictEqual(seen.closed, "fin")
      assert.isFalse(seen.body.endsWith(lastChunk))
      assert.notInclude(seen.body, `"finish_reason":"stop"`)
      const entry = yield* emulator.awaitEntry((entry) => entry.closedAt !== undefined)
      assert.deepStrictEqual([entry.outcome, entry.closedBy, entry.chunksSent], ["cut", "server", 40])

      const { error, items } = yield* streamed({ _tag: "Truncate", after: 40 })
      assert.strictEqual(textOf(items), words(40))
      assert.isDefined(error)
    })
  )

  it.live("ends well framed but early: the SDK takes it for the end", () =>
    Effect.gen(function* () {
      const { error, items } = yield* streamed({ _tag: "Truncate", after: 40, ending: "clean" })
      assert.isUndefined(error)
      assert.strictEqual(textOf(items), words(40))
      assert.isNull(items.at(-1)?.choices[0]?.finish_reason)
    })
  )

  it.live("breaks off in the middle of a whole answer", () =>
    Effect.gen(function* () {
      const seen = yield* raw({ _tag: "Truncate" })
      assert.strictEqual(seen.closed, "fin")
      assert.isBelow(Buffer.byteLength(seen.body), Number(seen.headers["content-length"]))
      assert.isAbove(seen.body.length, 0)
    })
  )

  it.live("is reset before a byte, or in the stream", () =>
    Effect.gen(function* () {
      const before = yield* raw({ _tag: "Reset" })
      assert.deepStrictEqual([before.closed, before.status], ["reset", undefined])
      assert.instanceOf(yield* whole({ _tag: "Reset" }), APIConnectionError)

      const emulator = yield* under({ _tag: "Reset", after: 2 })
      const within = yield* ask(emulator, { ...chat, body: chatBody({ stream: true }) })
      assert.strictEqual(within.closed, "reset")
      const entry = yield* emulator.awaitEntry((entry) => entry.closedAt !== undefined)
      assert.deepStrictEqual([entry.outcome, entry.closedBy, entry.chunksSent], ["reset", "server", 2])
    })
  )

  it.live("hangs for a while and is then closed without a byte", () =>
    Effect.gen(function* () {
      const emulator = yield* under({ _tag: "Hang", for: "30 millis" })
      const seen = yield* ask(emulator, { ...chat, body: chatBody() })
      assert.deepStrictEqual([seen.status, seen.body, seen.closed], [undefined, "", "fin"])
      const entry = yield* emulator.awaitEntry((entry) => entry.closedAt !== undefined)
      assert.isUndefined(entry.status)
      assert.isAtLeast((entry.endedAt ?? 0) - entry.t, 29)
    })
  )

  it.live("is late before the headers, or after them", () =>
    Effect.gen(function* () {
      const first = yield* OpenAiEmulator.make({ plan: always({ _tag: "SlowFirstByte", delay: "40 millis" }) })
      const late = yield* Effect.forkChild(ask(first, { ...chat, body: chatBody({ stream: true }) }))
      const waiting = yield* first.awaitEntry(() => true)
      assert.isUndefined(waiting.status)
      assert.include((yield* Fiber.join(late)).body, "[DONE]")

      const second = yield* OpenAiEmulator.make({
        plan: always({ _tag: "SlowFirstByte", delay: "1 hour", before: "content" })
      })
      const controller = new AbortController()
      const { response } = yield* Effect.promise(() =>
        openai(second)
          .chat.completions.create({ model: "m", messages: question, stream: true }, { signal: controller.signal })
          .withResponse()
      )
      // The headers are here, and will be alone for an hour.
      assert.strictEqual(response.status, 200)
      const [entry] = yield* second.journal
      assert.deepStrictEqual([entry?.status, entry?.bytesSent], [200, 0])
      controller.abort()
    })
  )

  it.live("stalls in the stream, then closes or goes on", () =>
    Effect.gen(function* () {
      const closes = yield* under({ _tag: "Stall", after: 20, for: "30 millis" })
      const cut = yield* ask(closes, { ...chat, body: chatBody({ stream: true }) })
      assert.strictEqual(cut.closed, "fin")
      assert.isFalse(cut.body.endsWith(lastChunk))
      const entry = yield* closes.awaitEntry((entry) => entry.closedAt !== undefined)
      assert.deepStrictEqual([entry.outcome, entry.chunksSent], ["cut", 20])
      assert.isAtLeast((entry.endedAt ?? 0) - entry.t, 29)

      const { error, items } = yield* streamed({ _tag: "Stall", after: 20, for: "30 millis", afterwards: "continue" })
      assert.isUndefined(error)
      assert.strictEqual(textOf(items), sixtyWords)

      const headersOnly = yield* raw({ _tag: "Stall", for: "10 millis" })
      assert.deepStrictEqual([headersOnly.status, headersOnly.body, headersOnly.closed], [200, "", "fin"])
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
