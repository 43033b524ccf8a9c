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
import { always, drained, openai, rejection } from "./support/clients.ts"
import { ask, lastChunk } from "./support/raw.ts"
import { body, eventsOf, input, responses, textOf, words } from "./support/responses.ts"

const under = (fault: Input) => OpenAiEmulator.make({ plan: always(fault) })

const whole = (fault: Input) =>
  Effect.flatMap(under(fault), (emulator) =>
    Effect.promise(() => openai(emulator).responses.create({ model: "m", input }))
  )

const rejected = (fault: Input) =>
  Effect.flatMap(under(fault), (emulator) => rejection(() => openai(emulator).responses.create({ model: "m", input })))

const streamed = (fault: Input) =>
  Effect.flatMap(under(fault), (emulator) =>
    drained(() => openai(emulator).responses.create({ model: "m", input, stream: true }))
  )

const raw = (fault: Input, stream = false) =>
  Effect.flatMap(under(fault), (emulator) => ask(emulator, { ...responses, body: body({ stream }) }))

const cases = [
  [{ _tag: "RateLimit" }, 429, "rate_limit_exceeded", RateLimitError],
  [{ _tag: "QuotaExhausted" }, 429, "insufficient_quota", RateLimitError],
  [{ _tag: "ServerError" }, 500, null, InternalServerError],
  [{ _tag: "ServiceUnavailable" }, 503, null, InternalServerError],
  [{ _tag: "Overloaded" }, 503, "server_is_overloaded", InternalServerError],
  [{ _tag: "BadKey" }, 401, "invalid_api_key", AuthenticationError],
  [{ _tag: "PermissionDenied" }, 403, "unsupported_country_region_territory", PermissionDeniedError],
  [{ _tag: "InvalidRequest", code: "unsupported_value" }, 400, "unsupported_value", BadRequestError],
  [{ _tag: "ContextLength" }, 400, "context_length_exceeded", BadRequestError],
  [{ _tag: "ContentBlock" }, 400, "content_policy_violation", BadRequestError],
  [{ _tag: "ModelNotFound" }, 404, "model_not_found", NotFoundError]
] as const

describe("OpenAI's errors, as the SDK sees them instead of a response", () => {
  for (const [fault, status, code, kind] of cases) {
    it.live(`${JSON.stringify(fault)} is a ${status} with code ${code}`, () =>
      Effect.gen(function* () {
        const error = yield* rejected(fault)
        assert.instanceOf(error, kind)
        assert.instanceOf(error, APIError)
        assert.deepStrictEqual([error.status, error.code], [status, code])
        assert.instanceOf((yield* streamed(fault)).error, kind)
      })
    )
  }

  it.live("blames the input, where the request is at fault", () =>
    Effect.gen(function* () {
      for (const fault of [{ _tag: "InvalidRequest" }, { _tag: "ContextLength" }] as const) {
        assert.strictEqual(JSON.parse((yield* raw(fault)).body).error.param, "input")
      }
      assert.include((yield* raw({ _tag: "ContextLength" })).body, "exceeds the context window")
    })
  )
})

describe("OpenAI's responses that are failures", () => {
  it.live("are incomplete by the content filter, at once or after some words", () =>
    Effect.gen(function* () {
      const response = yield* whole({ _tag: "ContentBlock", at: "answer", after: 5 })
      assert.deepStrictEqual(
        [response.status, response.incomplete_details?.reason, response.output_text],
        ["incomplete", "content_filter", words(5)]
      )
      const { error, items } = yield* streamed({ _tag: "ContentBlock", at: "answer" })
      assert.isUndefined(error)
      assert.strictEqual(textOf(items), "")
      const last = items.at(-1)
      assert.strictEqual(
        last?.type === "response.incomplete" ? last.response.incomplete_details?.reason : last?.type,
        "content_filter"
      )
    })
  )

  it.live("fail inside the stream: an error event, then the failed response, in sequence", () =>
    Effect.gen(function* () {
      for (const [kind, code] of [
        ["ServerError", "server_error"],
        ["Overloaded", "server_is_overloaded"],
        ["RateLimit", "rate_limit_exceeded"]
      ] as const) {
        const fault = { _tag: "StreamError", after: 3, error: kind } as const
        const { error, items } = yield* streamed(fault)
        assert.strictEqual(textOf(items), words(3))
        assert.instanceOf(error, APIError)
        assert.deepStrictEqual([error.status, error.code], [undefined, code])

        const { body } = yield* raw(fault, true)
        assert.isTrue(body.endsWith(lastChunk))
        const events = eventsOf(body)
        assert.isTrue(events.every(({ data, name }, n) => data.type === name && data.sequence_number === n))
        assert.deepStrictEqual(
          events.slice(-2).map(({ name }) => name),
          ["error", "response.failed"]
        )
        assert.deepInclude(JSON.parse(JSON.stringify(events.at(-1)?.data)).response, { status: "failed", output: [] })
        const late = eventsOf((yield* raw({ ...fault, after: 1000 }, true)).body)
        assert.isTrue(late.every(({ data }, n) => data.sequence_number === n))
        assert.strictEqual(late.length, 4 + 60 + 2)

        const failed = yield* whole(fault)
        assert.deepStrictEqual([failed.status, failed.error?.code, failed.output.length], ["failed", code, 0])
        assert.isAbove(failed.error?.message.length ?? 0, 0)
      }
    })
  )

  it.live("are a page of HTML, of another shape, or nothing", () =>
    Effect.gen(function* () {
      assert.instanceOf(yield* rejected({ _tag: "HtmlPage" }), InternalServerError)
      const page = yield* raw({ _tag: "HtmlPage", status: 200 }, true)
      assert.deepStrictEqual([page.status, page.headers["content-type"]], [200, "text/html; charset=utf-8"])
      assert.deepStrictEqual(JSON.parse((yield* raw({ _tag: "WrongShape" })).body), {})
      const shape = yield* streamed({ _tag: "WrongShape" })
      assert.deepStrictEqual([shape.error, shape.items], [undefined, [{}]] as never)
      assert.strictEqual((yield* raw({ _tag: "EmptyBody" })).body, "")
      assert.strictEqual((yield* raw({ _tag: "EmptyBody" }, true)).body, lastChunk)
    })
  )

  it.live("have a broken event before a word", () =>
    Effect.gen(function* () {
      const { error, items } = yield* streamed({ _tag: "MalformedChunk", before: 11 })
      assert.strictEqual(textOf(items), words(10))
      assert.instanceOf(error, SyntaxError)
      assert.instanceOf(yield* rejected({ _tag: "MalformedChunk" }), SyntaxError)
    })
  )

  it.live("have no [DONE] to leave out", () =>
    Effect.gen(function* () {
      const { error, items } = yield* streamed({ _tag: "NoDone" })
      assert.isUndefined(error)
      assert.deepStrictEqual([textOf(items), items.at(-1)?.type], [sixtyWords, "response.completed"])
    })
  )
})

describe("the connection of a response", () => {
  it.live("is cut after some words, or ends well framed but early", () =>
    Effect.gen(function* () {
      const emulator = yield* under({ _tag: "Truncate", after: 40 })
      const seen = yield* ask(emulator, { ...responses, body: body({ stream: true }) })
      assert.strictEqual(seen.closed, "fin")
      assert.isFalse(seen.body.endsWith(lastChunk))
      assert.notInclude(seen.body, "response.completed")
      const entry = yield* emulator.awaitEntry((entry) => entry.closedAt !== undefined)
      assert.deepStrictEqual([entry.outcome, entry.closedBy, entry.chunksSent], ["cut", "server", 40])
      const early = yield* streamed({ _tag: "Truncate", after: 40, ending: "clean" })
      assert.isUndefined(early.error)
      assert.strictEqual(textOf(early.items), words(40))
      assert.strictEqual(early.items.at(-1)?.type, "response.output_text.delta")
    })
  )

  it.live("is reset before a byte, or in the stream", () =>
    Effect.gen(function* () {
      assert.instanceOf(yield* rejected({ _tag: "Reset" }), APIConnectionError)
      const emulator = yield* under({ _tag: "Reset", after: 2 })
      assert.strictEqual((yield* ask(emulator, { ...responses, body: body({ stream: true }) })).closed, "reset")
      const entry = yield* emulator.awaitEntry((entry) => entry.closedAt !== undefined)
      assert.deepStrictEqual([entry.outcome, entry.chunksSent], ["reset", 2])
    })
  )

  it.live("hangs, is late, or stalls and goes on", () =>
    Effect.gen(function* () {
      const hung = yield* raw({ _tag: "Hang", for: "30 millis" })
      assert.deepStrictEqual([hung.status, hung.closed], [undefined, "fin"])
      const first = yield* under({ _tag: "SlowFirstByte", delay: "40 millis" })
      const late = yield* Effect.forkChild(ask(first, { ...responses, body: body({ stream: true }) }))
      assert.isUndefined((yield* first.awaitEntry(() => true)).status)
      assert.include((yield* Fiber.join(late)).body, "response.completed")
      const { items } = yield* streamed({ _tag: "Stall", after: 20, for: "30 millis", afterwards: "continue" })
      assert.strictEqual(textOf(items), sixtyWords)
    })
  )
})
