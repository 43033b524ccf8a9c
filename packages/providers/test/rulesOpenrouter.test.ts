import type * as Classifier from "@holdfast/providers/Classifier"
import { describe } from "@effect/vitest"
import { check } from "./rulesCheck.ts"

const openrouter = (code: number, message: string, metadata?: object, status = code): Classifier.Evidence => ({
  provider: "openrouter",
  kind: status === 200 ? "response-200" : "http",
  status,
  body: { error: { message, code, ...(metadata === undefined ? {} : { metadata }) }, user_id: "user_1" }
})

describe("OpenRouter", () => {
  check(
    "the shared pool upstream",
    openrouter(429, "Provider returned error", {
      raw: "z-ai/glm-5 is temporarily rate-limited upstream. Please retry shortly, or add your own key to accumulate your rate limits",
      provider_name: "BaseTen",
      limit_source: "upstream_provider_shared_pool"
    }),
    {
      class: "RateLimit"
    }
  )
  check(
    "free models of a day",
    openrouter(
      429,
      "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day",
      { headers: { "X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1741305600000" } }
    ),
    {
      class: "QuotaExceeded"
    }
  )
  check(
    "free models of a minute",
    openrouter(429, "Rate limit exceeded: free-models-per-min. ", { headers: { "X-RateLimit-Remaining": "0" } }),
    { class: "RateLimit" }
  )
  check("no credits", openrouter(402, "Insufficient credits. Add more using https://openrouter.ai/settings/credits"), {
    class: "QuotaExceeded"
  })
  check(
    "a key's limit as 403",
    openrouter(403, "Key limit exceeded (monthly limit). Manage it using https://openrouter.ai/settings/keys"),
    { class: "QuotaExceeded" }
  )
  check(
    "moderation",
    openrouter(403, 'meta/llama requires moderation. Your input was flagged for "violence".', {
      reasons: ["violence"],
      flagged_input: "…",
      provider_name: "x"
    }),
    { class: "ContentPolicy" }
  )
  check("an unknown model", openrouter(400, "foo/bar-503 is not a valid model ID"), { class: "ModelNotFound" })
  check(
    "no host with tools",
    openrouter(
      404,
      "No endpoints found that support tool use. To learn more about provider routing, visit: https://openrouter.ai/docs/provider-routing"
    ),
    { class: "InvalidRequest", failover: true }
  )
  check(
    "a data policy",
    openrouter(
      404,
      "No endpoints found matching your data policy (Free model publication). Configure: https://openrouter.ai/settings/privacy"
    ),
    { class: "PermissionDenied" }
  )
  check("no key", openrouter(401, "No auth credentials found"), { class: "Authentication" })
  check(
    "an upstream overload inside a 200",
    openrouter(
      502,
      "Provider returned error",
      {
        raw: '{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}',
        provider_name: "Google AI Studio"
      },
      200
    ),
    {
      class: "ModelOverloaded"
    }
  )
  check(
    "an upstream context inside a 400",
    openrouter(400, "Provider returned error", {
      raw: '{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 204290 tokens > 200000 maximum"}}',
      provider_name: "Anthropic"
    }),
    {
      class: "ContextLengthExceeded"
    }
  )
  check(
    "an upstream billing stop inside a 429",
    openrouter(429, "Provider returned error", {
      raw: '{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}',
      provider_name: "OpenAI"
    }),
    {
      class: "QuotaExceeded"
    }
  )
  check(
    "an upstream key inside a 401",
    openrouter(401, "Provider returned error", {
      raw: '{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}'
    }),
    {
      class: "Authentication"
    }
  )
  check("a typed error", openrouter(503, "Overloaded", { error_type: "provider_overloaded" }), {
    class: "ModelOverloaded"
  })
  check(
    "an error in a choice",
    {
      provider: "openrouter",
      kind: "response-200",
      status: 200,
      body: {
        choices: [{ error: { code: 429, message: "Rate limited" }, finish_reason: "error", message: { content: "" } }]
      }
    },
    { class: "RateLimit" }
  )
  check(
    "a provider that is down",
    openrouter(503, "There is no available model provider that meets your routing requirements"),
    { class: "ServiceUnavailable" }
  )
  check(
    "a cap per minute that is explained by demand",
    openrouter(
      429,
      "Rate limit exceeded: limit_rpm/google/gemini-2.5-pro. High demand for google/gemini-2.5-pro on OpenRouter - limited to 1 requests per minute. Please retry shortly."
    ),
    {
      class: "RateLimit"
    }
  )
  check(
    "an upstream window in plain FastAPI",
    openrouter(400, "Provider returned error", {
      raw: '{"detail":"Requested token count exceeds the model\'s maximum context length of 131072 tokens."}'
    }),
    {
      class: "ContextLengthExceeded"
    }
  )
  check(
    "a raw text that ends in the upstream body",
    openrouter(400, "Provider returned error", {
      raw: 'Gemini models require reasoning details. Upstream error: {"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"x"}}'
    }),
    {
      class: "RateLimit"
    }
  )
  check(
    "an upstream balance in other words",
    openrouter(403, "Provider returned error", {
      raw: '{"code":30001,"message":"Sorry, your account balance is insufficient","data":null}'
    }),
    {
      class: "QuotaExceeded"
    }
  )
  check("a context that no host has", openrouter(400, "This model does not support the requested context length"), {
    class: "ContextLengthExceeded"
  })
  check(
    "a tool choice that this model lacks",
    openrouter(400, "Provider returned error", {
      raw: '{"message":"tool_choice: type \\"tool\\" and \\"any\\" are not supported for this model."}'
    }),
    {
      class: "InvalidRequest",
      failover: true
    }
  )
  check("nobody to route to", openrouter(503, "No instances available"), { class: "ModelOverloaded" })
})
