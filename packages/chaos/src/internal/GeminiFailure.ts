/** Gemini's errors: `{error: {code, message, status, details}}`, google.rpc details included. */
import * as Duration from "effect/Duration"
import * as Answer from "./Answer.ts"
import { event } from "./GeminiAnswer.ts"
import * as Hint from "./Hint.ts"
import type { Failing, Failure } from "./Surface.ts"

export const fail = (failure: Failure, failing: Failing): Answer.Answer => {
  const model = failing.model ?? "unknown"
  switch (failure._tag) {
    case "RateLimit": {
      const { form = "RetryInfo", retryAfter } = failure
      const hinted = retryAfter !== undefined && form === "message" ? `\nPlease retry in ${seconds(retryAfter)}s.` : ""
      const details = [violation("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", model, "15"), help]
      return error(429, `${exceeded(model, 15)}${hinted}`, "RESOURCE_EXHAUSTED", {
        details: retryAfter !== undefined && form === "RetryInfo" ? [...details, Hint.retryInfo(retryAfter)] : details,
        headers: Hint.headers(retryAfter, form, failing.now)
      })
    }
    case "QuotaExhausted":
      return error(429, `${exceeded(model, 20)}\nPlease retry in 36.429760048s.`, "RESOURCE_EXHAUSTED", {
        details: [
          violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier", model, "20"),
          help,
          Hint.retryInfo(Duration.seconds(36))
        ]
      })
    case "ServerError":
      return error(500, "An internal error has occurred. Please retry.", "INTERNAL")
    case "ServiceUnavailable":
      return error(503, "The service is currently unavailable.", "UNAVAILABLE")
    case "Overloaded":
      return error(503, "The model is overloaded. Please try again later.", "UNAVAILABLE", {
        details: failure.retryAfter === undefined ? [] : [Hint.retryInfo(failure.retryAfter)]
      })
    case "BadKey":
      return error(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", {
        details: [
          {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            reason: "API_KEY_INVALID",
            domain: "googleapis.com",
            metadata: { service: "generativelanguage.googleapis.com" }
          }
        ]
      })
    case "MissingKey":
      return error(
        403,
        "Method doesn't allow unregistered callers (callers without established identity).",
        "PERMISSION_DENIED"
      )
    case "PermissionDenied":
      return error(403, "Your project has been denied access. Please contact support.", "PERMISSION_DENIED")
    case "InvalidRequest":
      return error(400, "Request contains an invalid argument.", "INVALID_ARGUMENT")
    case "ContextLength":
      return error(
        400,
        "The input token count (9631) exceeds the maximum number of tokens allowed (8192).",
        "INVALID_ARGUMENT"
      )
    case "ModelNotFound":
      return error(404, `models/${model} is not found for API version v1beta.`, "NOT_FOUND")
    case "BlockedPrompt": {
      const body = {
        promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
        usageMetadata: { promptTokenCount: 13, totalTokenCount: 13 },
        modelVersion: model
      }
      return failing.stream ? Answer.events({ closing: [event(body)] }) : Answer.json(200, body)
    }
    case "UnknownPath":
      return error(404, `The requested URL ${failing.path} was not found on this server.`, "NOT_FOUND")
    case "Unreadable":
      return error(400, failure.message, "INVALID_ARGUMENT", {
        details:
          failure.param === undefined
            ? undefined
            : [
                {
                  "@type": "type.googleapis.com/google.rpc.BadRequest",
                  fieldViolations: [{ field: failure.param, description: failure.message }]
                }
              ]
      })
  }
}

const error = (
  code: number,
  message: string,
  status: string,
  more: {
    readonly details?: ReadonlyArray<unknown> | undefined
    readonly headers?: Readonly<Record<string, string>>
  } = {}
): Answer.Answer =>
  Answer.json(code, { error: { code, message, status, ...(more.details && { details: more.details }) } }, more.headers)

/** The wording of every 429, a window of seconds included: only the violation's `quotaId` tells them apart. */
const exceeded = (model: string, limit: number): string =>
  "You exceeded your current quota, please check your plan and billing details. For more information on this error, " +
  "head to: https://ai.google.dev/gemini-api/docs/rate-limits. \n* Quota exceeded for metric: " +
  `generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: ${limit}, model: ${model}`

const violation = (quotaId: string, model: string, quotaValue: string) => ({
  "@type": "type.googleapis.com/google.rpc.QuotaFailure",
  violations: [
    {
      quotaMetric: "generativelanguage.googleapis.com/generate_content_free_tier_requests",
      quotaId,
      quotaDimensions: { location: "global", model },
      quotaValue
    }
  ]
})

const help = {
  "@type": "type.googleapis.com/google.rpc.Help",
  links: [
    { description: "Learn more about Gemini API quotas", url: "https://ai.google.dev/gemini-api/docs/rate-limits" }
  ]
}

const seconds = (hint: Duration.Duration): number => Duration.toSeconds(hint)
