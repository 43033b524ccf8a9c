/** Anthropic's errors: `{type: "error", error: {type, message, details?}, request_id}`. */
import * as Answer from "./Answer.ts"
import * as AnthropicAnswer from "./AnthropicAnswer.ts"
import * as Hint from "./Hint.ts"
import type { Failing, Failure } from "./Surface.ts"

type ErrorType =
  | "invalid_request_error"
  | "authentication_error"
  | "billing_error"
  | "permission_error"
  | "not_found_error"
  | "rate_limit_error"
  | "api_error"
  | "overloaded_error"

export const fail = (failure: Failure, failing: Failing): Answer.Answer => {
  const model = failing.model ?? "unknown"
  const error = (
    status: number,
    type: ErrorType,
    message: string,
    more: { readonly headers?: Readonly<Record<string, string>>; readonly details?: unknown } = {}
  ) =>
    Answer.json(
      status,
      {
        type: "error",
        error: { type, message, ...(more.details !== undefined && { details: more.details }) },
        request_id: AnthropicAnswer.requestId(failing.id)
      },
      { ...AnthropicAnswer.headers(failing.id), ...more.headers }
    )
  const invalid = (message: string, details?: unknown) => error(400, "invalid_request_error", message, { details })

  switch (failure._tag) {
    case "RateLimit": {
      const { form = "retry-after", retryAfter } = failure
      const reached = `This request would exceed your organization's rate limit of 50 requests per minute (model: ${model}).`
      const text =
        retryAfter !== undefined && form === "message"
          ? `${reached} Please try again in ${Hint.goDuration(retryAfter)}.`
          : reached
      return error(429, "rate_limit_error", text, {
        headers: {
          "anthropic-ratelimit-requests-limit": "50",
          "anthropic-ratelimit-requests-remaining": "0",
          ...Hint.headers(retryAfter, form, failing.now)
        },
        details: retryAfter !== undefined && form === "RetryInfo" ? [Hint.retryInfo(retryAfter)] : undefined
      })
    }
    case "ServerError":
      return error(500, "api_error", "Internal server error")
    case "ServiceUnavailable":
      return error(503, "api_error", "The service is temporarily unavailable.")
    case "Overloaded":
      return error(529, "overloaded_error", "Overloaded", {
        headers: Hint.headers(failure.retryAfter, "retry-after", failing.now)
      })
    case "QuotaExhausted":
      return failure.billing === "payment"
        ? error(402, "billing_error", "There's an issue with your billing or payment information.")
        : invalid(
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or " +
              "purchase credits."
          )
    case "BadKey":
      return error(401, "authentication_error", "invalid x-api-key")
    case "MissingKey":
      return error(401, "authentication_error", "x-api-key header is required")
    case "PermissionDenied":
      return error(403, "permission_error", "Your API key does not have permission to use the specified resource.")
    case "InvalidRequest":
      return invalid(
        "messages.0.content: Input should be a valid list",
        failure.code === undefined ? undefined : { error_code: failure.code }
      )
    case "ContextLength":
      return invalid("prompt is too long: 9631 tokens > 8192 maximum")
    case "ModelNotFound":
      return error(404, "not_found_error", `model: ${model}`)
    case "BlockedPrompt":
      return AnthropicAnswer.refused(model, failing.id, failing.stream)
    case "UnknownPath":
      return error(404, "not_found_error", "Not found")
    case "Unreadable":
      return invalid(failure.param === undefined ? failure.message : `${failure.param}: ${failure.message}`)
  }
}
