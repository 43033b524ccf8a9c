import type * as Failure from "@holdfast/core/Failure"
import type * as Classifier from "@holdfast/providers/Classifier"
import { describe } from "@effect/vitest"
import { check } from "./rulesCheck.ts"

const google = (
  code: number,
  status: string,
  message: string,
  details?: ReadonlyArray<unknown>,
  provider = "gemini"
): Classifier.Evidence => ({
  provider,
  kind: "http",
  status: code,
  body: { error: { code, message, status, ...(details === undefined ? {} : { details }) } }
})

const info = (reason: string, metadata: { readonly [key: string]: string } = {}) => ({
  "@type": "type.googleapis.com/google.rpc.ErrorInfo",
  reason,
  domain: "googleapis.com",
  metadata
})

const quota = (...violations: ReadonlyArray<{ readonly [key: string]: string }>) => ({
  "@type": "type.googleapis.com/google.rpc.QuotaFailure",
  violations
})

const plan = "You exceeded your current quota, please check your plan and billing details."

describe("Gemini and Vertex", () => {
  check(
    "a minute's quota",
    google(429, "RESOURCE_EXHAUSTED", plan, [
      quota({ quotaId: "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", quotaValue: "15" })
    ]),
    {
      class: "RateLimit"
    }
  )
  check(
    "a day's quota",
    google(429, "RESOURCE_EXHAUSTED", plan, [
      quota({ quotaId: "GenerateRequestsPerDayPerProjectPerModel", quotaValue: "50" })
    ]),
    {
      class: "QuotaExceeded"
    }
  )
  check(
    "no quota in this tier",
    google(429, "RESOURCE_EXHAUSTED", plan, [
      quota({ quotaId: "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", quotaValue: "0" })
    ]),
    {
      class: "QuotaExceeded"
    }
  )
  check(
    "the plan text alone decides nothing",
    google(429, "RESOURCE_EXHAUSTED", `${plan} For more information on this error, head to: https://ai.google.dev`),
    {
      class: "RateLimit"
    }
  )
  check(
    "shared quota without details",
    google(
      429,
      "RESOURCE_EXHAUSTED",
      "Resource exhausted. Please try again later. Please refer to https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details.",
      undefined,
      "vertex"
    ),
    {
      class: "RateLimit"
    }
  )
  check("the older text", google(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."), {
    class: "RateLimit"
  })
  check(
    "out of capacity",
    google(
      429,
      "RESOURCE_EXHAUSTED",
      "Unable to submit request because the service is temporarily out of capacity. Try again later.",
      undefined,
      "vertex"
    ),
    {
      class: "ModelOverloaded"
    }
  )
  check(
    "high demand",
    google(
      503,
      "UNAVAILABLE",
      "This model is currently experiencing high demand. Spikes in demand are usually temporary. Please try again later."
    ),
    {
      class: "ModelOverloaded"
    }
  )
  check(
    "capacity of Code Assist",
    google(503, "UNAVAILABLE", "No capacity available for model on the server", [info("MODEL_CAPACITY_EXHAUSTED")]),
    {
      class: "ModelOverloaded"
    }
  )
  check(
    "quota of Code Assist",
    google(
      429,
      "RESOURCE_EXHAUSTED",
      "You have exhausted your capacity on this model. Your quota will reset after 19h14m47s.",
      [info("QUOTA_EXHAUSTED", { quotaResetDelay: "19h14m47s" })]
    ),
    {
      class: "QuotaExceeded"
    }
  )
  check("a bad key", google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), {
    class: "Authentication"
  })
  check(
    "no key",
    google(
      403,
      "PERMISSION_DENIED",
      "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API."
    ),
    {
      class: "Authentication"
    }
  )
  check(
    "a disabled API",
    google(
      403,
      "PERMISSION_DENIED",
      "Generative Language API has not been used in project 1 before or it is disabled. Enable it by visiting https://console.developers.google.com then retry. If you enabled this API recently, wait a few minutes.",
      [info("SERVICE_DISABLED")]
    ),
    {
      class: "PermissionDenied"
    }
  )
  check(
    "a key for other services",
    google(
      403,
      "PERMISSION_DENIED",
      "Requests to this API generativelanguage.googleapis.com method google.ai.generativelanguage.v1beta.GenerativeService.GenerateContent are blocked.",
      [info("API_KEY_SERVICE_BLOCKED")]
    ),
    {
      class: "PermissionDenied"
    }
  )
  check(
    "a referrer that is not allowed",
    google(403, "PERMISSION_DENIED", "Requests from referer <empty> are blocked.", [
      info("API_KEY_HTTP_REFERRER_BLOCKED")
    ]),
    { class: "PermissionDenied" }
  )
  check(
    "too few scopes",
    google(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.", [
      info("ACCESS_TOKEN_SCOPE_INSUFFICIENT")
    ]),
    { class: "PermissionDenied" }
  )
  check("a region", google(400, "FAILED_PRECONDITION", "User location is not supported for the API use."), {
    class: "PermissionDenied"
  })
  check(
    "an unknown model",
    google(
      404,
      "NOT_FOUND",
      "models/gemini-9-pro is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models."
    ),
    {
      class: "ModelNotFound"
    }
  )
  check(
    "an unknown publisher model",
    google(
      404,
      "NOT_FOUND",
      "Publisher Model `projects/p/locations/l/publishers/google/models/gemini-429` was not found or your project does not have access to it. Please ensure you are using a valid model version.",
      undefined,
      "vertex"
    ),
    {
      class: "ModelNotFound"
    }
  )
  check(
    "a missing file is nobody's model, yet nothing says so",
    google(403, "PERMISSION_DENIED", "You do not have permission to access the File abc or it may not exist."),
    { class: "PermissionDenied" }
  )
  check(
    "too many tokens",
    google(
      400,
      "INVALID_ARGUMENT",
      "The input token count (150304) exceeds the maximum number of tokens allowed (131072)."
    ),
    {
      class: "ContextLengthExceeded",
      failover: true
    }
  )
  check(
    "more tokens than any window",
    google(
      400,
      "INVALID_ARGUMENT",
      "The input token count (1504290) exceeds the maximum number of tokens allowed (1048576)."
    ),
    {
      class: "ContextLengthExceeded",
      failover: false
    }
  )
  check(
    "a request of a million bytes says nothing about windows",
    google(400, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes."),
    {
      class: "ContextLengthExceeded",
      failover: true
    }
  )
  check(
    "a model without tools",
    google(400, "INVALID_ARGUMENT", "Function calling is not enabled for models/gemma-3-27b-it"),
    { class: "InvalidRequest", failover: true }
  )
  check(
    "a model without system prompts",
    google(400, "INVALID_ARGUMENT", "Developer instruction is not enabled for models/gemma-3-4b-it"),
    { class: "InvalidRequest", failover: true }
  )
  check("a model without thinking", google(400, "INVALID_ARGUMENT", "Thinking is not supported by this model."), {
    class: "InvalidRequest",
    failover: true
  })
  check(
    "a schema",
    google(
      400,
      "INVALID_ARGUMENT",
      "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties[rate_limit].items: missing field."
    ),
    {
      class: "InvalidRequest",
      failover: false
    }
  )
  check(
    "turns out of order",
    google(
      400,
      "INVALID_ARGUMENT",
      "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
    ),
    {
      class: "InvalidRequest",
      failover: false
    }
  )
  check(
    "a policy stop of Vertex",
    google(
      400,
      "INVALID_ARGUMENT",
      "The prompt could not be submitted. This prompt contains sensitive words that violate Google's Responsible AI practices. Try rephrasing the prompt.",
      undefined,
      "vertex"
    ),
    {
      class: "ContentPolicy"
    }
  )
  check("a deadline", google(504, "DEADLINE_EXCEEDED", "The request timed out. Please try again."), {
    class: "Timeout"
  })
  check("unknown", google(500, "UNKNOWN", "An internal error has occurred."), { class: "ServiceUnavailable" })
  check("unimplemented", google(501, "UNIMPLEMENTED", "Operation is not implemented, or supported, or enabled."), {
    class: "InvalidRequest",
    failover: true
  })
  check("aborted", google(409, "ABORTED", "The operation was aborted."), { class: "ServiceUnavailable" })
  check(
    "billing is off",
    google(
      403,
      "PERMISSION_DENIED",
      "This API method requires billing to be enabled.",
      [info("BILLING_DISABLED")],
      "vertex"
    ),
    { class: "QuotaExceeded" }
  )
  check(
    "billing is off, by the text alone",
    google(
      403,
      "PERMISSION_DENIED",
      "This API method requires billing to be enabled. Please enable billing on project #p."
    ),
    { class: "QuotaExceeded" }
  )
  check(
    "the old client's text",
    {
      provider: "gemini",
      kind: "sdk",
      error: {
        name: "GoogleGenerativeAIFetchError",
        message:
          "[GoogleGenerativeAI Error]: Error fetching from https://generativelanguage.googleapis.com/v1beta/models/gemini-1.5-pro:generateContent: [503 Service Unavailable] The model is overloaded. Please try again later.",
        status: 503
      }
    },
    { class: "ModelOverloaded" }
  )
  check(
    "the old client's text without its status",
    {
      provider: "gemini",
      kind: "sdk",
      error: {
        name: "Error",
        message:
          "[GoogleGenerativeAI Error]: Error fetching from https://generativelanguage.googleapis.com/v1beta/models/gemini-1.5-pro:generateContent: [429 Too Many Requests] Resource has been exhausted (e.g. check quota)."
      }
    },
    { class: "RateLimit" }
  )
  check(
    "Claude on Vertex keeps its own body",
    {
      provider: "vertex",
      kind: "http",
      status: 529,
      body: { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }
    },
    {
      class: "ModelOverloaded"
    }
  )
  check(
    "Interactions: a code in small letters",
    {
      provider: "gemini",
      kind: "http",
      status: 429,
      body: { error: { code: "quota_exceeded", message: "Daily limit." } }
    },
    { class: "QuotaExceeded" }
  )
  check(
    "Interactions: a stream event",
    {
      provider: "gemini",
      kind: "stream",
      status: 200,
      body: { event_type: "error", error: { code: "too_many_requests", message: "Slow." } }
    },
    { class: "RateLimit" }
  )
  for (const reason of ["SAFETY", "RECITATION", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "SPII", "BLOCKLIST"]) {
    check(
      `an answer stopped by ${reason}`,
      { provider: "gemini", kind: "response-200", status: 200, body: { candidates: [{ finishReason: reason }] } },
      { class: "ContentPolicy" }
    )
  }
  for (const reason of ["MALFORMED_FUNCTION_CALL", "OTHER", "UNEXPECTED_TOOL_CALL", "NO_IMAGE"]) {
    check(
      `an answer spoilt by ${reason}`,
      {
        provider: "gemini",
        kind: "response-200",
        status: 200,
        body: { candidates: [{ finishReason: reason, content: {} }] }
      },
      { class: "InvalidResponse" }
    )
  }
  check(
    "an empty list of candidates",
    {
      provider: "gemini",
      kind: "response-200",
      status: 200,
      body: { candidates: [], usageMetadata: { promptTokenCount: 529 } }
    },
    { class: "InvalidResponse" }
  )
  check(
    "a finished answer without text",
    {
      provider: "gemini",
      kind: "response-200",
      status: 200,
      body: { candidates: [{ finishReason: "STOP", content: { role: "model", parts: [{ text: "" }] } }] }
    },
    {
      class: "InvalidResponse",
      retryable: true
    }
  )
  const grpc: ReadonlyArray<readonly [number, string, Failure.Class]> = [
    [1, "CANCELLED", "Cancelled"],
    [3, "INVALID_ARGUMENT", "InvalidRequest"],
    [4, "DEADLINE_EXCEEDED", "Timeout"],
    [5, "NOT_FOUND", "ModelNotFound"],
    [7, "PERMISSION_DENIED", "PermissionDenied"],
    [8, "RESOURCE_EXHAUSTED", "RateLimit"],
    [13, "INTERNAL", "ServiceUnavailable"],
    [14, "UNAVAILABLE", "ServiceUnavailable"],
    [16, "UNAUTHENTICATED", "Authentication"]
  ]
  for (const [code, name, expected] of grpc) {
    check(
      `gRPC ${code}`,
      {
        provider: "vertex",
        kind: "sdk",
        error: { name: "Error", message: `${code} ${name}: something`, code, details: "something" }
      },
      { class: expected }
    )
  }
  check(
    "gRPC 8 with a day's quota",
    {
      provider: "vertex",
      kind: "sdk",
      error: {
        name: "Error",
        message: "8 RESOURCE_EXHAUSTED: Quota exceeded for aiplatform.googleapis.com/requests_per_day_per_project.",
        code: 8,
        details: "Quota exceeded for aiplatform.googleapis.com/requests_per_day_per_project."
      }
    },
    { class: "QuotaExceeded" }
  )
  check(
    "no credentials of the machine",
    {
      provider: "vertex",
      kind: "sdk",
      error: {
        name: "Error",
        message:
          "Could not load the default credentials. Browse to https://cloud.google.com/docs/authentication/getting-started for more information."
      }
    },
    {
      class: "Authentication"
    }
  )
  check(
    "a refresh token that ended",
    {
      provider: "vertex",
      kind: "sdk",
      status: 400,
      error: {
        name: "GaxiosError",
        message: "invalid_grant",
        status: 400,
        response: {
          status: 400,
          data: { error: "invalid_grant", error_description: "Token has been expired or revoked." }
        }
      }
    },
    {
      class: "Authentication"
    }
  )
})
