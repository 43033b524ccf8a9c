/** What every fault is to a lane. Leaving a fault out does not compile. */
import type { Failure } from "@holdfast/core"
import type { HintForm, Input } from "../../../src/Fault.ts"
import type { Input as Healthy } from "../../../src/Healthy.ts"
import type { Subject } from "../Subject.ts"

type Outcome = Failure.Class | "answer"

/** The least and the most that a wait may be, in milliseconds. */
type Range = readonly [number, number]

export interface Case {
  readonly fault: Input
  readonly whole: Outcome
  /** Default: the same. */
  readonly streamed?: Outcome
  /** Words that come before a stream fails. Default 0. */
  readonly words?: number
  /** The wait that the provider asks for. Default: none. */
  readonly hint?: Range
  /** The same where one provider differs. */
  readonly hintOf?: { readonly [Format in Subject["format"]]?: Range }
  /** What becomes of the connection. Default: it serves the next call. */
  readonly socket?: "kept" | "closed"
  /** The same in a stream. */
  readonly streamSocket?: "kept" | "closed"
  /** The provider answers in a sentence of its own, to which the key can be added. */
  readonly isWorded?: true
  readonly healthy?: Healthy
}

const worded = (fault: Input, whole: Outcome, more: Partial<Case> = {}): Case => ({
  fault,
  whole,
  isWorded: true,
  ...more
})

const limited = (form: HintForm, [least, most]: Range = [7000, 7000]): Case =>
  worded({ _tag: "RateLimit", retryAfter: "7 seconds", form }, "RateLimit", { hint: [least, most] })

/** Dates have whole seconds, and some of the time is over when they are read. */
const byDate: Range = [5000, 8000]

const paced = { chunkDelay: "5 millis" } as const

const short = "20 millis"

export const cases: { readonly [Tag in Input["_tag"]]: ReadonlyArray<Case> } = {
  RateLimit: [
    worded({ _tag: "RateLimit" }, "RateLimit"),
    worded({ _tag: "RateLimit", retryAfter: "7 seconds" }, "RateLimit", { hint: [7000, 7000] }),
    limited("retry-after"),
    limited("retry-after-ms"),
    limited("retry-after-date", byDate),
    limited("x-ratelimit-reset"),
    limited("anthropic-ratelimit-reset", byDate),
    limited("RetryInfo"),
    limited("message")
  ],
  ServerError: [worded({ _tag: "ServerError" }, "ServiceUnavailable")],
  ServiceUnavailable: [worded({ _tag: "ServiceUnavailable" }, "ServiceUnavailable")],
  Overloaded: [
    worded({ _tag: "Overloaded" }, "ModelOverloaded"),
    worded({ _tag: "Overloaded", code: "overloaded" }, "ModelOverloaded")
  ],
  QuotaExhausted: [
    // Gemini sends the seconds of its rate limit along, which the class must not be taken for.
    worded({ _tag: "QuotaExhausted" }, "QuotaExceeded", { hintOf: { gemini: [36_000, 36_000] } }),
    worded({ _tag: "QuotaExhausted", billing: "payment" }, "QuotaExceeded", { hintOf: { gemini: [36_000, 36_000] } })
  ],
  BadKey: [worded({ _tag: "BadKey" }, "Authentication")],
  PermissionDenied: [worded({ _tag: "PermissionDenied" }, "PermissionDenied")],
  InvalidRequest: [
    worded({ _tag: "InvalidRequest" }, "InvalidRequest"),
    worded({ _tag: "InvalidRequest", code: "unsupported_value" }, "InvalidRequest")
  ],
  ContextLength: [worded({ _tag: "ContextLength" }, "ContextLengthExceeded")],
  ModelNotFound: [worded({ _tag: "ModelNotFound" }, "ModelNotFound")],
  ContentBlock: [
    { fault: { _tag: "ContentBlock" }, whole: "ContentPolicy" },
    { fault: { _tag: "ContentBlock", at: "answer" }, whole: "ContentPolicy" },
    { fault: { _tag: "ContentBlock", at: "answer", after: 4 }, whole: "ContentPolicy", words: 4 }
  ],
  Hang: [{ fault: { _tag: "Hang", for: short }, whole: "Network", socket: "closed" }],
  SlowFirstByte: [
    { fault: { _tag: "SlowFirstByte", delay: short }, whole: "answer" },
    { fault: { _tag: "SlowFirstByte", delay: short, before: "content" }, whole: "answer" }
  ],
  Stall: [
    { fault: { _tag: "Stall", after: 4, for: short }, whole: "Network", words: 4, socket: "closed" },
    { fault: { _tag: "Stall", after: 4, for: short, afterwards: "continue" }, whole: "answer" }
  ],
  Reset: [
    { fault: { _tag: "Reset" }, whole: "Network", socket: "closed" },
    { fault: { _tag: "Reset", after: 4 }, whole: "Network", words: 4, socket: "closed", healthy: paced }
  ],
  Truncate: [
    { fault: { _tag: "Truncate", after: 4 }, whole: "Network", words: 4, socket: "closed" },
    {
      fault: { _tag: "Truncate", after: 4, ending: "clean" },
      whole: "InvalidResponse",
      streamed: "StreamTruncated",
      words: 4
    },
    // All words, but no word of the end.
    {
      fault: { _tag: "Truncate", after: 60, ending: "clean" },
      whole: "InvalidResponse",
      streamed: "StreamTruncated",
      words: 60
    }
  ],
  MalformedChunk: [
    // The provider would go on, so the lane hangs up.
    {
      fault: { _tag: "MalformedChunk", before: 5 },
      whole: "InvalidResponse",
      words: 4,
      streamSocket: "closed",
      healthy: paced
    }
  ],
  StreamError: [
    { fault: { _tag: "StreamError" }, whole: "ServiceUnavailable", words: 1 },
    { fault: { _tag: "StreamError", after: 4, error: "Overloaded" }, whole: "ModelOverloaded", words: 4 },
    { fault: { _tag: "StreamError", after: 0, error: "RateLimit" }, whole: "RateLimit" }
  ],
  NoDone: [{ fault: { _tag: "NoDone" }, whole: "answer" }],
  HtmlPage: [
    { fault: { _tag: "HtmlPage" }, whole: "ServiceUnavailable" },
    { fault: { _tag: "HtmlPage", status: 200 }, whole: "InvalidResponse" }
  ],
  WrongShape: [{ fault: { _tag: "WrongShape" }, whole: "InvalidResponse" }],
  EmptyBody: [{ fault: { _tag: "EmptyBody" }, whole: "InvalidResponse" }]
}
