import type * as Classifier from "@holdfast/providers/Classifier"
import { describe } from "@effect/vitest"
import { check } from "./rulesCheck.ts"

const azure = (status: number, code: string, message: string): Classifier.Evidence => ({
  provider: "azure-openai",
  kind: "http",
  status,
  body: { error: { code, message } }
})

describe("Azure OpenAI", () => {
  check(
    "a call rate limit",
    azure(
      429,
      "RateLimitReached",
      "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-02-01 have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 2 seconds."
    ),
    { class: "RateLimit" }
  )
  check(
    "API Management's own rate limit",
    {
      provider: "azure-openai",
      kind: "http",
      status: 429,
      body: { statusCode: 429, message: "Rate limit is exceeded. Try again in 26 seconds." }
    },
    { class: "RateLimit" }
  )
  check(
    "API Management's bandwidth quota",
    {
      provider: "azure-openai",
      kind: "http",
      status: 403,
      body: { statusCode: 403, message: "Out of bandwidth quota. Quota will be replenished in 3.01:00:00." }
    },
    { class: "QuotaExceeded" }
  )
  check(
    "no subscription key",
    {
      provider: "azure-openai",
      kind: "http",
      status: 401,
      body: {
        statusCode: 401,
        message:
          "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API."
      }
    },
    { class: "Authentication" }
  )
  check("network rules", azure(403, "403", "Access denied due to Virtual Network/Firewall rules."), {
    class: "PermissionDenied"
  })
  check(
    "a blocked resource",
    azure(
      403,
      "AccessDenied",
      "Your resource has been temporarily blocked because we detected behavior that may violate our content policy."
    ),
    {
      class: "PermissionDenied"
    }
  )
  check("an unknown resource path", azure(404, "404", "Resource not found"), { class: "ModelNotFound" })
  check(
    "high demand",
    azure(429, "429", "The service is temporarily unable to process your request. System is experiencing high demand."),
    {
      class: "ModelOverloaded"
    }
  )
  check("no capacity", azure(503, "NoCapacity", "We are unable to serve the request right now."), {
    class: "ModelOverloaded"
  })
  check(
    "internal server error",
    azure(500, "InternalServerError", "The server had an error while processing your request."),
    { class: "ServiceUnavailable" }
  )
  check(
    "a filter result deep inside",
    {
      provider: "azure-openai",
      kind: "http",
      status: 400,
      body: {
        error: {
          code: null,
          message: "The response was filtered",
          innererror: { code: "ResponsibleAIPolicyViolation" }
        }
      }
    },
    { class: "ContentPolicy" }
  )
  check(
    "an API version without the operation",
    azure(400, "UnsupportedApiVersion", "The requested API version is not supported."),
    {
      class: "InvalidRequest",
      failover: true
    }
  )
  check(
    "an expired token",
    azure(401, "Unauthorized", "Access token is missing, invalid, audience is incorrect, or have expired."),
    {
      class: "Authentication"
    }
  )
  check("a timeout", azure(408, "Timeout", "The operation was timeout."), { class: "Timeout" })
})
