/** OpenAI's errors: `{error: {message, type, param, code}}` under the status the real service uses. */
import * as Answer from "./Answer.ts"
import * as Hint from "./Hint.ts"
import { headers } from "./OpenAiAnswer.ts"
import type { Failing, Failure } from "./Surface.ts"

export const fail = (failure: Failure, failing: Failing): Answer.Answer => {
  const model = failing.model ?? "unknown"
  const isResponses = failing.path.endsWith("/responses")
  const param = isResponses ? "input" : "messages"
  const error = (
    status: number,
    message: string,
    type: string,
    code: string | null = null,
    more: {
      readonly param?: string | undefined
      readonly headers?: Readonly<Record<string, string>>
      readonly details?: ReadonlyArray<unknown> | undefined
    } = {}
  ) =>
    Answer.json(
      status,
      { error: { message, type, param: more.param ?? null, code, ...(more.details && { details: more.details }) } },
      { ...headers(failing.id), ...more.headers }
    )
  const invalid = "invalid_request_error"

  switch (failure._tag) {
    case "RateLimit": {
      const { form = "retry-after", retryAfter } = failure
      const reached = `Rate limit reached for ${model} on requests per min (RPM): Limit 3, Used 3, Requested 1.`
      const text =
        retryAfter !== undefined && form === "message"
          ? `${reached} Please try again in ${Hint.goDuration(retryAfter)}.`
          : reached
      return error(429, text, "requests", "rate_limit_exceeded", {
        headers: Hint.headers(retryAfter, form, failing.now),
        details: retryAfter !== undefined && form === "RetryInfo" ? [Hint.retryInfo(retryAfter)] : undefined
      })
    }
    case "ServerError":
      return error(500, "The server had an error while processing your request. Sorry about that!", "server_error")
    case "ServiceUnavailable":
      return error(503, "The service is temporarily unavailable.", "service_unavailable_error")
    case "Overloaded":
      return error(
        503,
        "The server is currently overloaded. Please try again later.",
        "service_unavailable_error",
        failure.code,
        { headers: Hint.headers(failure.retryAfter, "retry-after", failing.now) }
      )
    case "QuotaExhausted":
      return error(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota"
      )
    case "BadKey":
      return error(401, "Incorrect API key provided.", invalid, "invalid_api_key")
    case "MissingKey":
      return error(401, "You didn't provide an API key.", invalid)
    case "PermissionDenied":
      return error(
        403,
        "Country, region, or territory not supported",
        "request_forbidden",
        "unsupported_country_region_territory"
      )
    case "InvalidRequest":
      return error(400, "The request is not valid for this model.", invalid, failure.code, { param })
    case "ContextLength":
      return error(
        400,
        isResponses
          ? "Your input exceeds the context window of this model. Please adjust your input and try again."
          : "This model's maximum context length is 8192 tokens. However, your messages resulted in 9631 tokens. " +
              "Please reduce the length of the messages.",
        invalid,
        "context_length_exceeded",
        { param }
      )
    case "ModelNotFound":
      return error(
        404,
        `The model \`${model}\` does not exist or you do not have access to it.`,
        invalid,
        "model_not_found"
      )
    case "BlockedPrompt":
      return error(
        400,
        "Your request was rejected as a result of our safety system.",
        invalid,
        "content_policy_violation"
      )
    case "UnknownPath":
      return error(404, `Invalid URL (${failing.method} ${failing.path})`, invalid)
    case "Unreadable":
      return error(400, failure.message, invalid, null, { param: failure.param })
  }
}
