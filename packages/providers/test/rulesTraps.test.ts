import { describe } from "@effect/vitest"
import { check, http } from "./rulesCheck.ts"

const error = (message: string, extra: object = {}) => ({
  error: { message, type: "invalid_request_error", param: null, code: null, ...extra }
})

describe("traps", () => {
  check(
    "a page about quotas is a 500",
    http(
      "openai",
      500,
      "<html><title>500</title><p>You exceeded your current quota. overloaded, rate limit</p></html>"
    ),
    { class: "ServiceUnavailable" }
  )
  check(
    "a proxy's page about time",
    http("anthropic", 502, "<html><h1>502 Bad Gateway</h1>upstream timed out (110: Connection timed out)</html>"),
    { class: "ServiceUnavailable" }
  )
  check(
    "a 500 that names a rate limiter",
    http(
      "openai",
      500,
      error("Internal error in module `rate_limiter`: index 429 out of range", { type: "server_error" })
    ),
    { class: "ServiceUnavailable" }
  )
  check(
    "a 500 that names a policy",
    http("openai", 500, error("Failed to load content policy configuration", { type: "server_error" })),
    { class: "ServiceUnavailable" }
  )
  check(
    "a 401 that names a quota",
    http(
      "openai",
      401,
      error("Incorrect API key provided: sk-quota-503. You exceeded nothing.", { code: "invalid_api_key" })
    ),
    { class: "Authentication" }
  )
  check(
    "a 400 about a tool called timeout",
    http("gemini", 400, {
      error: {
        code: 400,
        status: "INVALID_ARGUMENT",
        message: "Function `timeout` was called with `overloaded` arguments"
      }
    }),
    { class: "InvalidRequest", failover: false }
  )
  check(
    "a 400 that repeats the user's words",
    http(
      "openai",
      400,
      error("Invalid content: got 'Error: rate limit exceeded, insufficient credits, maximum context length'")
    ),
    { class: "InvalidRequest", failover: false }
  )
  check(
    "a 400 with JSON of the user",
    http("anthropic", 400, {
      type: "error",
      error: {
        type: "invalid_request_error",
        message: 'messages.3: tool result {"error":{"type":"overloaded_error","code":529}} is not allowed here'
      }
    }),
    { class: "InvalidRequest" }
  )
  check(
    "a 429 with x-should-retry and a billing code",
    http("openai", 429, error("x", { type: "insufficient_quota", code: "insufficient_quota" }), {
      "retry-after": "5",
      "x-should-retry": "true"
    }),
    { class: "QuotaExceeded" }
  )
  check(
    "a 400 about a header called authorization",
    http(
      "openai",
      400,
      error("Unknown parameter: 'metadata.authorization'.", {
        code: "unknown_parameter",
        param: "metadata.authorization"
      })
    ),
    { class: "InvalidRequest", failover: false }
  )
  check(
    "a model named after a status",
    http(
      "openai",
      404,
      error("The model `gpt-429-timeout` does not exist or you do not have access to it.", { code: "model_not_found" })
    ),
    { class: "ModelNotFound" }
  )
  check(
    "a gateway 502 around an upstream 401",
    http("openrouter", 502, {
      error: {
        code: 502,
        message: "Provider returned error",
        metadata: {
          raw: '{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}'
        }
      }
    }),
    { class: "Authentication" }
  )
  check(
    "a gateway 500 around an upstream 429",
    http("openai", 500, {
      error: {
        message:
          '{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}',
        code: 500
      }
    }),
    { class: "RateLimit" }
  )
  check(
    "an upstream body in plain text after an introduction",
    http("openai", 500, {
      error: {
        message:
          'Upstream request failed with status 429: {"error":{"message":"slow","type":"insufficient_quota","code":"insufficient_quota"}}'
      }
    }),
    { class: "QuotaExceeded" }
  )
  check(
    "a limit of ten is not a limit of none",
    http("gemini", 429, {
      error: {
        code: 429,
        status: "RESOURCE_EXHAUSTED",
        message: "You exceeded your current quota\n* Quota exceeded for metric: m, limit: 10, model: x"
      }
    }),
    { class: "RateLimit" }
  )
  check(
    "a limit of none",
    http("gemini", 429, {
      error: {
        code: 429,
        status: "RESOURCE_EXHAUSTED",
        message: "You exceeded your current quota\n* Quota exceeded for metric: m, limit: 0, model: x"
      }
    }),
    { class: "QuotaExceeded" }
  )
  check(
    "a text that speaks of a retry is no promise",
    http(
      "openai",
      400,
      error("Unsupported value. Please retry after changing your request. Try again in 20s.", { code: "invalid_value" })
    ),
    { class: "InvalidRequest" }
  )
  check(
    "a schema limit is no context limit",
    http("gemini", 400, {
      error: {
        code: 400,
        status: "INVALID_ARGUMENT",
        message: "The specified schema produces a constraint that has too many states for serving."
      }
    }),
    { class: "InvalidRequest", failover: false }
  )
  check(
    "too many images is no context limit",
    http("anthropic", 400, {
      type: "error",
      error: { type: "invalid_request_error", message: "messages.1.content: Too many images. At most 100 are allowed." }
    }),
    { class: "InvalidRequest" }
  )
  check(
    "a terms-of-service block is access",
    http("gemini", 403, {
      error: {
        code: 403,
        status: "PERMISSION_DENIED",
        message: "This service has been disabled in this account for violation of Terms of Service."
      }
    }),
    { class: "PermissionDenied" }
  )
  check(
    "a firewall's page",
    http("openai", 403, "<html><title>Attention Required! | Cloudflare</title>You have been rate limited? No.</html>"),
    { class: "PermissionDenied" }
  )
  check("Cloudflare 1015 is a rate limit", http("openai", 429, "error code: 1015"), { class: "RateLimit" })
  check("Cloudflare 1020 is access", http("openai", 403, "error code: 1020"), { class: "PermissionDenied" })
  check(
    "a page where an API was expected",
    http("openai", 404, "<!DOCTYPE html><html><head><title>404 Not Found</title></head></html>"),
    { class: "InvalidRequest", failover: true }
  )
  check("a redirect to a login page", http("openai", 302, ""), { class: "InvalidRequest", failover: true })
  check("a captive portal", http("openai", 511, "<html>login</html>"), { class: "Network", failover: false })
  check("an empty 404", http("vllm", 404, ""), { class: "ModelNotFound" })
  check("an empty 503", http("vllm", 503, null), { class: "ServiceUnavailable" })
  check("an empty 418", http("vllm", 418, null), { class: "InvalidRequest" })
  for (const status of [520, 521, 523, 525, 526, 530])
    check(`Cloudflare ${status}`, http("openai", status, `error code: ${status}`), { class: "ServiceUnavailable" })
  for (const status of [522, 524])
    check(`Cloudflare ${status}`, http("openai", status, `error code: ${status}`), { class: "Timeout" })
  check("no status and no body", { provider: "openai", kind: "http" }, { class: "Unknown" })
  check(
    "a message that is an answer",
    {
      provider: "openai",
      kind: "response-200",
      status: 200,
      body: { choices: [{ finish_reason: "stop", message: { content: "" } }] }
    },
    { class: "InvalidResponse" }
  )
})
