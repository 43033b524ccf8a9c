/**
 * Errors as OpenAI's clients expect them: `{ error: { message, type, param, code } }` with the status and, where one is
 * known, `retry-after`. `x-should-retry: false` tells the official SDKs that the retrying has been done here.
 */
import * as Failure from "@holdfast/core/Failure"
import * as Redact from "@holdfast/core/Redact"
import type * as Refusal from "@holdfast/core/Refusal"
import * as Duration from "effect/Duration"
import type { BadRequest } from "./ChatRequest.ts"

export interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string | null
  }
}

export interface ErrorReply {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly body: ErrorBody
}

interface Line {
  readonly status: number
  readonly type: string
  readonly code: string
}

/** No route has the name that stands in `model`. */
export const noSuchRoute = (route: string, known: ReadonlyArray<string>): ErrorReply =>
  reply(
    { status: 404, type: "invalid_request_error", code: "model_not_found" },
    `There is no route ${JSON.stringify(route.slice(0, 200))}; there is: ${known.join(", ")}`,
    "model"
  )

/** The request cannot be read, or asks for what is not offered. */
export const ofBadRequest = (error: BadRequest): ErrorReply =>
  reply({ status: 400, type: "invalid_request_error", code: error.code }, error.message, error.param)

/** There is nothing at this path. */
export const unknownPath: ErrorReply = reply(
  { status: 404, type: "invalid_request_error", code: "unknown_url" },
  "There is no such endpoint; see /v1/chat/completions, /v1/embeddings and /v1/models"
)

/** Something broke in the gateway itself; what, is in its log. */
export const internal: ErrorReply = reply(
  { status: 500, type: "server_error", code: "internal_error" },
  "The gateway failed to handle the request; its log says more"
)

/** How an operation's failure or refusal is told to the caller. */
export const ofError = (error: Failure.Failure | Refusal.Refusal): ErrorReply => {
  if (Failure.isFailure(error)) {
    // What a socket says of itself ("other side closed") tells a caller nothing.
    if (error._tag === "Network") {
      return reply(error.status === undefined ? failures.Network : disconnected, error.message)
    }
    // The provider's own sentence may quote the request: it goes back to whoever sent that request.
    return reply(failures[error._tag], error.detail ?? error.message, null, error.retryAfter)
  }
  switch (error._tag) {
    case "CircuitOpen":
      return reply(unavailable("circuit_open"), error.message, null, error.retryAfter)
    case "LimitReached":
      return reply(
        { status: 429, type: "rate_limit_error", code: limitCodes[error.reason] },
        error.message,
        null,
        error.retryAfter
      )
    case "BulkheadFull":
      return reply(unavailable("bulkhead_full"), error.message)
    case "DeadlineExceeded":
      return reply({ status: 504, type: "timeout_error", code: "deadline_exceeded" }, error.message)
    case "BudgetExhausted":
      return reply(unavailable("budget_exhausted"), error.message)
    case "NoCapableLane":
      return reply({ status: 400, type: "invalid_request_error", code: "no_capable_lane" }, error.message)
    case "AllLanesFailed":
      if (error.blames === "request") return reply(breaking, error.message)
      return reply(
        error.trail.every((entry) => limits.has(entry.error._tag))
          ? { status: 429, type: "rate_limit_error", code: "all_lanes_failed" }
          : unavailable("all_lanes_failed"),
        error.message,
        null,
        error.retryAfter
      )
  }
}

const limitCodes: { readonly [One in Refusal.Limit]: string } = {
  cooling: "lane_cooling",
  requests: "lane_limited",
  tokens: "lane_limited",
  throttle: "lane_throttled"
}

const unavailable = (code: string): Line => ({ status: 503, type: "server_error", code })
const limits: ReadonlySet<string> = new Set(["RateLimit", "QuotaExceeded", "LimitReached"])

/** Several providers have, while they answer others. */
const breaking: Line = { status: 502, type: "server_error", code: "request_breaks_providers" }

/** The provider had begun to answer. */
const disconnected: Line = { status: 502, type: "server_error", code: "provider_disconnected" }

const failures: { readonly [Class in Failure.Class]: Line } = {
  RateLimit: { status: 429, type: "rate_limit_error", code: "rate_limit_exceeded" },
  QuotaExceeded: { status: 429, type: "insufficient_quota", code: "insufficient_quota" },
  ServiceUnavailable: unavailable("provider_unavailable"),
  ModelOverloaded: unavailable("server_is_overloaded"),
  // The gateway's own credential is refused, not the caller's: a 401 would send the caller looking for a wrong key.
  Authentication: { status: 502, type: "server_error", code: "provider_authentication_failed" },
  PermissionDenied: { status: 502, type: "server_error", code: "provider_permission_denied" },
  Timeout: { status: 504, type: "timeout_error", code: "provider_timeout" },
  ContentPolicy: { status: 400, type: "invalid_request_error", code: "content_policy_violation" },
  Network: { status: 502, type: "server_error", code: "provider_unreachable" },
  InvalidRequest: { status: 400, type: "invalid_request_error", code: "invalid_request" },
  ContextLengthExceeded: { status: 400, type: "invalid_request_error", code: "context_length_exceeded" },
  ModelNotFound: { status: 404, type: "invalid_request_error", code: "model_not_found" },
  InvalidResponse: { status: 502, type: "server_error", code: "invalid_provider_response" },
  StreamTruncated: { status: 502, type: "server_error", code: "stream_truncated" },
  Cancelled: { status: 499, type: "invalid_request_error", code: "cancelled" },
  Unknown: { status: 502, type: "server_error", code: "unknown_provider_error" }
}

function reply(line: Line, message: string, param: string | null = null, retryAfter?: Duration.Duration): ErrorReply {
  return {
    status: line.status,
    headers: {
      "x-should-retry": "false",
      ...(retryAfter === undefined
        ? {}
        : {
            "retry-after": String(Math.ceil(Duration.toSeconds(retryAfter))),
            "retry-after-ms": String(Math.ceil(Duration.toMillis(retryAfter)))
          })
    },
    // It may quote what the request holds, and callers put keys anywhere.
    body: { error: { message: Redact.redact(message), type: line.type, param, code: line.code } }
  }
}
