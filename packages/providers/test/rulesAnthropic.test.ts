import type * as Classifier from "@holdfast/providers/Classifier"
import { describe } from "@effect/vitest"
import { check } from "./rulesCheck.ts"

const anthropic = (status: number, type: string, message: string, extra: object = {}): Classifier.Evidence => ({
  provider: "anthropic",
  kind: "http",
  status,
  body: { type: "error", error: { type, message, ...extra }, request_id: "req_1" }
})

describe("Anthropic", () => {
  check(
    "input tokens of a minute",
    anthropic(
      429,
      "rate_limit_error",
      "This request would exceed your organization's rate limit of 40,000 input tokens per minute. For details, refer to: https://docs.anthropic.com/en/api/rate-limits; see the response headers for current usage. Please reduce the prompt length or the maximum tokens requested, or try again later."
    ),
    {
      class: "RateLimit"
    }
  )
  check(
    "the account's rate limit",
    anthropic(429, "rate_limit_error", "This request would exceed your account's rate limit. Please try again later."),
    { class: "RateLimit" }
  )
  check(
    "tokens of a day",
    anthropic(
      429,
      "rate_limit_error",
      "Number of request tokens has exceeded your daily rate limit (https://docs.anthropic.com/en/api/rate-limits); see the response headers for current usage."
    ),
    {
      class: "QuotaExceeded"
    }
  )
  check(
    "a spend limit by its code",
    anthropic(429, "rate_limit_error", "You have reached your monthly limit.", {
      details: { error_code: "enforced_spend_limit_reached" }
    }),
    { class: "QuotaExceeded" }
  )
  check(
    "a spend limit by its text",
    anthropic(
      400,
      "invalid_request_error",
      "You have reached your specified API usage limits. You will regain access on 2026-04-01 at 00:00 UTC."
    ),
    { class: "QuotaExceeded" }
  )
  check(
    "a workspace limit",
    anthropic(
      400,
      "invalid_request_error",
      "You have reached your specified workspace API usage limits. You will regain access on 2026-04-01 at 00:00 UTC."
    ),
    { class: "QuotaExceeded" }
  )
  check("credits for a model", anthropic(429, "rate_limit_error", "Usage credits are required for this model."), {
    class: "QuotaExceeded"
  })
  check("billing by its type", anthropic(402, "billing_error", "There is an issue with your billing."), {
    class: "QuotaExceeded"
  })
  check("overload as 503 by a proxy", anthropic(503, "overloaded_error", "Overloaded"), { class: "ModelOverloaded" })
  check("an answer that timed out", anthropic(500, "timeout_error", "The request timed out"), { class: "Timeout" })
  check("a disabled organization", anthropic(400, "invalid_request_error", "This organization has been disabled."), {
    class: "PermissionDenied"
  })
  check(
    "a token for another client",
    anthropic(
      400,
      "invalid_request_error",
      "This credential is only authorized for use with Claude Code and cannot be used for other API requests."
    ),
    { class: "PermissionDenied" }
  )
  check(
    "a permission",
    anthropic(403, "permission_error", "Your API key does not have permission to use the specified resource."),
    { class: "PermissionDenied" }
  )
  check(
    "a policy stop of the output",
    anthropic(400, "invalid_request_error", "Output blocked by content filtering policy"),
    { class: "ContentPolicy" }
  )
  check(
    "a policy stop of the request",
    anthropic(
      400,
      "invalid_request_error",
      "Claude is unable to respond to this request, which appears to violate our Usage Policy (https://www.anthropic.com/legal/aup)."
    ),
    { class: "ContentPolicy" }
  )
  check(
    "input and output together",
    anthropic(
      400,
      "invalid_request_error",
      "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length or `max_tokens` and try again"
    ),
    {
      class: "ContextLengthExceeded"
    }
  )
  check(
    "a request of too many bytes",
    anthropic(
      413,
      "request_too_large",
      "Request exceeds the maximum allowed number of bytes. The maximum request size is 32 MB."
    ),
    { class: "ContextLengthExceeded" }
  )
  check(
    "an output cap",
    anthropic(
      400,
      "invalid_request_error",
      "max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens for claude-3-5-sonnet-20241022"
    ),
    {
      class: "InvalidRequest",
      failover: true
    }
  )
  check(
    "a feature of another model",
    anthropic(400, "invalid_request_error", "'claude-3-haiku-20240307' does not support thinking."),
    { class: "InvalidRequest", failover: true }
  )
  check(
    "too many cache marks",
    anthropic(400, "invalid_request_error", "A maximum of 4 blocks with cache_control may be provided. Found 5."),
    { class: "InvalidRequest", failover: false }
  )
  check(
    "a trailing blank",
    anthropic(400, "invalid_request_error", "messages: final assistant content cannot end with trailing whitespace"),
    { class: "InvalidRequest", failover: false }
  )
  check(
    "a tool that is not there",
    anthropic(
      400,
      "invalid_request_error",
      "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"
    ),
    { class: "InvalidRequest", failover: false }
  )
  check(
    "a quoted user text changes nothing",
    anthropic(
      400,
      "invalid_request_error",
      'messages.0.content: invalid text "You exceeded your current quota. Your credit balance is too low"'
    ),
    {
      class: "InvalidRequest",
      failover: false
    }
  )
  check("a conflict may pass", anthropic(409, "conflict_error", "The resource was modified."), {
    class: "ServiceUnavailable",
    retryable: true
  })
  check(
    "an event in a stream",
    {
      provider: "anthropic",
      kind: "stream",
      status: 200,
      event: "error",
      body: { type: "error", error: { type: "api_error", message: "Internal server error" } }
    },
    {
      class: "ServiceUnavailable"
    }
  )
  check(
    "a stream cut short, by the SDK",
    {
      provider: "anthropic",
      kind: "sdk",
      error: { name: "AnthropicError", message: "stream ended without producing a Message with role=assistant" }
    },
    {
      class: "Network"
    }
  )
  check(
    "no key in the SDK",
    {
      provider: "anthropic",
      kind: "sdk",
      error: {
        name: "Error",
        message: "Could not resolve authentication method. Expected either apiKey or authToken to be set."
      }
    },
    {
      class: "Authentication"
    }
  )
})
