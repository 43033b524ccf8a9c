import type * as Classifier from "@holdfast/providers/Classifier"
import { describe } from "@effect/vitest"
import { check } from "./rulesCheck.ts"

const openai = (status: number, error: { readonly [key: string]: unknown }): Classifier.Evidence => ({
  provider: "openai",
  kind: "http",
  status,
  body: { error: { type: "invalid_request_error", param: null, code: null, ...error } }
})

describe("OpenAI", () => {
  check(
    "a request limit with its window is a rate limit",
    openai(429, {
      message:
        "Rate limit reached for gpt-4o in organization org-1 on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.",
      type: "requests",
      code: "rate_limit_exceeded"
    }),
    { class: "RateLimit" }
  )
  check(
    "one request above the limit of a whole minute never fits",
    openai(429, {
      message:
        "Request too large for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Requested 48211. The input or output tokens must be reduced in order to run successfully.",
      type: "tokens",
      code: "rate_limit_exceeded"
    }),
    { class: "ContextLengthExceeded", retryable: false }
  )
  check(
    "a request above the limit never fits, however the sentence begins",
    openai(429, {
      message:
        "Rate limit reached for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Used 0, Requested 31000.",
      type: "tokens",
      code: "rate_limit_exceeded"
    }),
    { class: "ContextLengthExceeded" }
  )
  check(
    "an inactive account is billing",
    openai(429, {
      message: "Your account is not active, please check your billing details on our website.",
      code: "billing_not_active"
    }),
    { class: "QuotaExceeded", retryable: false }
  )
  check(
    "a billing hard limit is billing, though the status is 400",
    openai(400, { message: "Billing hard limit has been reached", code: "billing_hard_limit_reached" }),
    { class: "QuotaExceeded" }
  )
  check(
    "a credit balance code wins over the type",
    openai(429, { message: "You have no credits.", type: "insufficient_quota", code: "credit_balance_exhausted" }),
    { class: "QuotaExceeded" }
  )
  check(
    "a steep ramp is a rate limit even as 503",
    openai(503, { message: "Slow down.", type: "service_unavailable_error", code: "slow_down" }),
    { class: "RateLimit" }
  )
  check(
    "flex without resources is capacity",
    openai(429, { message: "Resource unavailable.", type: "server_error", code: "resource_unavailable" }),
    { class: "ModelOverloaded" }
  )
  check(
    "no key at all",
    openai(401, {
      message: "You didn't provide an API key. You need to provide your API key in an Authorization header."
    }),
    {
      class: "Authentication"
    }
  )
  check(
    "no such organization",
    openai(401, { message: "No such organization: org-x.", code: "invalid_organization" }),
    {
      class: "Authentication"
    }
  )
  check("not a member", openai(401, { message: "You must be a member of an organization to use the API." }), {
    class: "Authentication"
  })
  check(
    "an address that is not allowed is access",
    openai(401, { message: "Your IP address is not authorized.", code: "ip_not_authorized" }),
    {
      class: "PermissionDenied"
    }
  )
  check(
    "an organization that is not verified is access, though the code says the model is missing",
    openai(404, {
      message:
        "Your organization must be verified to use the model `o3`. Please go to: https://platform.openai.com/settings.",
      code: "model_not_found"
    }),
    { class: "PermissionDenied" }
  )
  check(
    "a project without access to a model",
    openai(403, { message: "You are not allowed to sample from this model", type: "invalid_request_error" }),
    { class: "PermissionDenied" }
  )
  check(
    "a deprecated model",
    openai(404, {
      message: "The model `text-davinci-003` has been deprecated, learn more here: https://platform.openai.com/docs",
      code: "model_not_found"
    }),
    { class: "ModelNotFound" }
  )
  check("a misspelled model as 400", openai(400, { message: "invalid model ID", code: null }), {
    class: "ModelNotFound"
  })
  check("a wrong path is the configuration", openai(404, { message: "Invalid URL (POST /v1/chat/completion)" }), {
    class: "InvalidRequest",
    failover: true
  })
  check(
    "a parameter this model lacks",
    openai(400, {
      message:
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      param: "max_tokens",
      code: "unsupported_parameter"
    }),
    { class: "InvalidRequest", failover: true }
  )
  check(
    "a value this model lacks",
    openai(400, {
      message:
        "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
      param: "temperature",
      code: "unsupported_value"
    }),
    { class: "InvalidRequest", failover: true }
  )
  check(
    "a chat model on the completions endpoint",
    openai(404, {
      message:
        "This is a chat model and not supported in the v1/completions endpoint. Did you mean to use v1/chat/completions?",
      param: "model"
    }),
    { class: "InvalidRequest", failover: true }
  )
  check(
    "a missing parameter is the request",
    openai(400, {
      message: "Missing required parameter: 'messages'.",
      param: "messages",
      code: "missing_required_parameter"
    }),
    { class: "InvalidRequest", failover: false }
  )
  check(
    "a tool name that is too long is the request, not the context",
    openai(400, {
      message:
        "Invalid 'tools[0].function.name': string too long. Expected a string with maximum length 64, but got a string with length 71 instead.",
      param: "tools[0].function.name",
      code: "string_above_max_length"
    }),
    { class: "InvalidRequest", failover: false }
  )
  check(
    "a tool schema whose words are traps",
    openai(400, {
      message: "Invalid schema for function 'quota_exceeded': In context=(), object schema missing properties.",
      param: "tools[0].function.parameters",
      code: "invalid_function_parameters"
    }),
    { class: "InvalidRequest", failover: false }
  )
  check(
    "an image that cannot be fetched",
    openai(400, { message: "Timeout while downloading https://example.com/503.png.", code: "invalid_image_url" }),
    { class: "InvalidRequest", failover: false }
  )
  check(
    "a flagged prompt",
    openai(400, {
      message:
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt.",
      code: "invalid_prompt"
    }),
    { class: "ContentPolicy" }
  )
  check(
    "an image prompt that the safety system rejects",
    openai(400, {
      message:
        "Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed by our safety system.",
      type: "image_generation_user_error",
      code: "moderation_blocked"
    }),
    { class: "ContentPolicy" }
  )
  check(
    "the same without a code",
    openai(400, { message: "Your request was rejected as a result of our safety system." }),
    { class: "ContentPolicy" }
  )
  check(
    "context by wording alone",
    openai(400, {
      message:
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9013 tokens. Please reduce the length of the messages."
    }),
    { class: "ContextLengthExceeded" }
  )
  check(
    "an embedding input that is too long",
    openai(400, {
      message:
        "This model's maximum context length is 8192 tokens, however you requested 10000 tokens (10000 in your prompt; 0 for the completion). Please reduce your prompt; or completion length."
    }),
    {
      class: "ContextLengthExceeded"
    }
  )
  check(
    "a gateway timeout page",
    { provider: "openai", kind: "http", status: 504, body: "<html><title>504 Gateway Time-out</title></html>" },
    { class: "Timeout" }
  )
  check(
    "the engine is overloaded",
    openai(503, { message: "The engine is currently overloaded, please try again later", type: "server_error" }),
    {
      class: "ModelOverloaded"
    }
  )
  check(
    "a fault of the server inside a Responses stream",
    {
      provider: "openai",
      kind: "stream",
      status: 200,
      event: "response.failed",
      body: {
        type: "response.failed",
        response: {
          status: "failed",
          error: { code: "server_error", message: "An error occurred while processing your request." }
        }
      }
    },
    { class: "ServiceUnavailable" }
  )
  check(
    "an error event with the code at the top",
    {
      provider: "openai",
      kind: "stream",
      status: 200,
      event: "error",
      body: {
        type: "error",
        code: "rate_limit_exceeded",
        message: "Rate limit reached for gpt-5",
        param: null,
        sequence_number: 3
      }
    },
    { class: "RateLimit" }
  )
  check(
    "a completion that was filtered",
    {
      provider: "openai",
      kind: "response-200",
      status: 200,
      body: {
        object: "chat.completion",
        choices: [{ index: 0, finish_reason: "content_filter", message: { role: "assistant", content: "" } }]
      }
    },
    { class: "ContentPolicy" }
  )
  check(
    "no choices",
    { provider: "openai", kind: "response-200", status: 200, body: { object: "chat.completion", choices: [] } },
    {
      class: "InvalidResponse",
      retryable: true
    }
  )
  check(
    "reasoning that ate the budget of a response",
    {
      provider: "openai",
      kind: "response-200",
      status: 200,
      body: {
        object: "response",
        status: "incomplete",
        incomplete_details: { reason: "max_output_tokens" },
        output: [{ type: "reasoning", summary: [] }]
      }
    },
    { class: "InvalidResponse", retryable: false }
  )
  check(
    "a login page with status 200",
    {
      provider: "openai",
      kind: "response-200",
      status: 200,
      body: "<!DOCTYPE html><title>Sign in: rate limit</title>"
    },
    {
      class: "InvalidResponse"
    }
  )
  const failedEvent = (code: string): Classifier.Evidence => ({
    provider: "openai",
    kind: "stream",
    status: 200,
    event: "response.failed",
    body: { type: "response.failed", response: { status: "failed", error: { code, message: "The request failed." } } }
  })
  check("a response that a policy ended", failedEvent("misalignment_policy_violation"), { class: "ContentPolicy" })
  check("reasoning sealed by another account", failedEvent("invalid_encrypted_content"), { class: "InvalidRequest" })
  check("an image that is too large", failedEvent("image_file_too_large"), { class: "InvalidRequest" })
  check("an image of a mode that is not read", failedEvent("invalid_image_mode"), { class: "InvalidRequest" })
  check("an account of another region", failedEvent("data_residency_mismatch"), {
    class: "PermissionDenied",
    retryable: false,
    failover: true
  })
  check(
    "an item of an earlier response that was not stored",
    openai(404, {
      message: "Item with id 'rs_123' not found. Items are not persisted when `store` is set to false."
    }),
    { class: "InvalidRequest" }
  )
})
