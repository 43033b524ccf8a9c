/**
 * What an emulated provider can do wrong, as data: a plan in TypeScript, YAML or JSON names these. Values hold no
 * state.
 *
 * "Chunk" means a piece of content as the healthy plan cuts it (one word unless told otherwise); events without content
 * (OpenAI's role event, the finish and usage events) do not count. Where a fault speaks of a stream and the request
 * asked for a whole answer, its comment says what happens instead.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A finite, non-negative time written as text, such as `"250 millis"` or `"2 seconds"`. */
export const Wait = Schema.DurationFromString.check(
  Schema.makeFilter((duration: Duration.Duration) => Duration.isFinite(duration) && !Duration.isNegative(duration), {
    expected: "a finite, non-negative duration"
  })
)

/** How a rate limit tells the wait it wants. Only the named form carries it; the message stays silent otherwise. */
export const HintForm = Schema.Literals([
  "retry-after",
  "retry-after-ms",
  "retry-after-date",
  "x-ratelimit-reset",
  "anthropic-ratelimit-reset",
  "RetryInfo",
  "message"
])
export type HintForm = typeof HintForm.Type

const chunks = (minimum: number, byDefault: number) =>
  Schema.Int.check(Schema.isGreaterThanOrEqualTo(minimum)).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(byDefault))
  )

export const Fault = Schema.TaggedUnion({
  /**
   * 429 for a window of seconds. Without `retryAfter` no hint is given at all. `form` defaults to the provider's own:
   * `retry-after` for OpenAI and Anthropic, `RetryInfo` for Gemini.
   */
  RateLimit: { retryAfter: Schema.optionalKey(Wait), form: Schema.optionalKey(HintForm) },
  /** 500 in the provider's words. */
  ServerError: {},
  /** 503 without a word about load. */
  ServiceUnavailable: {},
  /**
   * 503, Anthropic 529, that says the model is overloaded. `code` is OpenAI's `error.code`. `retryAfter` is the wait that it
   * names, in the provider's own form. Default: none.
   */
  Overloaded: {
    retryAfter: Schema.optionalKey(Wait),
    code: Schema.Literals(["server_is_overloaded", "overloaded"]).pipe(
      Schema.withDecodingDefaultKey(Effect.succeed("server_is_overloaded"))
    )
  },
  /**
   * 429 that no wait cures: `insufficient_quota`; Gemini's per-day violation beside a misleading `RetryInfo`. Anthropic
   * tells of its `billing` otherwise: an empty `credit` balance is a 400 (the default), a failed `payment` a 402.
   */
  QuotaExhausted: { billing: Schema.optionalKey(Schema.Literals(["credit", "payment"])) },
  /** OpenAI 401 `invalid_api_key`, Gemini 400 `API_KEY_INVALID`, Anthropic 401 `authentication_error`. */
  BadKey: {},
  /** 403: the key is good, access is not. */
  PermissionDenied: {},
  /** 400 that blames the request. `code` is OpenAI's `error.code` (default null). */
  InvalidRequest: { code: Schema.optionalKey(Schema.String) },
  /** 400: the prompt is larger than the window. */
  ContextLength: {},
  /** 404: no such model. */
  ModelNotFound: {},
  /**
   * A safety stop. `prompt`: OpenAI 400 `content_policy_violation`, Gemini 200 with `promptFeedback.blockReason`,
   * Anthropic 200 that stops with `refusal` and no content. `answer`: 200 whose finish reason is `content_filter`,
   * `SAFETY` or `refusal`, after that many chunks.
   */
  ContentBlock: {
    at: Schema.Literals(["prompt", "answer"]).pipe(Schema.withDecodingDefaultKey(Effect.succeed("prompt"))),
    after: chunks(0, 0)
  },
  /** The request is read and never answered: until the client leaves, or a plain close after `for`. */
  Hang: { for: Schema.optionalKey(Wait) },
  /** A healthy answer, late: `delay` before the headers, or between headers and first content. */
  SlowFirstByte: {
    delay: Wait,
    before: Schema.Literals(["headers", "content"]).pipe(Schema.withDecodingDefaultKey(Effect.succeed("headers")))
  },
  /** Silence after `after` chunks (whole answer: after the headers), then a plain close, or the rest. */
  Stall: {
    after: chunks(0, 1),
    for: Wait,
    afterwards: Schema.Literals(["close", "continue"]).pipe(Schema.withDecodingDefaultKey(Effect.succeed("close")))
  },
  /** TCP RST before any byte, or after `after` chunks (whole answer: in the middle of the body). */
  Reset: { after: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))) },
  /**
   * The answer stops after `after` chunks (whole answer: in the middle of the body) without a finish event. `cut`
   * closes the socket (FIN) without ending the body; `clean` ends the body as if all were well.
   */
  Truncate: {
    after: chunks(0, 1),
    ending: Schema.Literals(["cut", "clean"]).pipe(Schema.withDecodingDefaultKey(Effect.succeed("cut")))
  },
  /**
   * One extra event of broken JSON before chunk `before`, all else intact. Whole answer: half the JSON, well framed.
   */
  MalformedChunk: { before: chunks(1, 1) },
  /**
   * An error event inside a 200 stream after `after` chunks, then the end. Whole answer: a 200 that holds the error.
   */
  StreamError: {
    after: chunks(0, 1),
    error: Schema.Literals(["ServerError", "Overloaded", "RateLimit"]).pipe(
      Schema.withDecodingDefaultKey(Effect.succeed("ServerError"))
    )
  },
  /** OpenAI's stream without its last `[DONE]`. Changes nothing where there is none. */
  NoDone: {},
  /** A page of HTML from something in between, with this status. */
  HtmlPage: {
    status: Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 599 })).pipe(
      Schema.withDecodingDefaultKey(Effect.succeed(502))
    )
  },
  /** 200 with `{}`; in a stream, one event of `{}`. */
  WrongShape: {},
  /** 200 and nothing in it; in a stream, no event. */
  EmptyBody: {}
})
export type Fault = typeof Fault.Type

/** A fault as a plan writes it: durations as text, fields with a default left out. */
export type Input = typeof Fault.Encoded
