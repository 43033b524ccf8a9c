import { describe } from "@effect/vitest"
import { check, http } from "./rulesCheck.ts"

describe("OpenAI-compatible providers", () => {
  check(
    "Groq: a window of a day that rolls",
    http("groq", 429, {
      error: {
        message:
          "Rate limit reached for model `llama-3.1-8b-instant` in organization `org_x` service tier `on_demand` on requests per day (RPD): Limit 14400, Used 14400, Requested 1. Please try again in 6s.",
        type: "requests",
        code: "rate_limit_exceeded"
      }
    }),
    { class: "RateLimit" }
  )
  check(
    "Groq: one request above a minute's tokens",
    http("groq", 413, {
      error: {
        message:
          "Request too large for model `llama-3.1-8b-instant` in organization `org_x` on tokens per minute (TPM): Limit 6000, Requested 7011, please reduce your message size and try again.",
        type: "tokens",
        code: "rate_limit_exceeded"
      }
    }),
    { class: "ContextLengthExceeded", retryable: false }
  )
  check(
    "Groq: flex capacity",
    http("groq", 498, {
      error: { message: "Flex tier capacity exceeded.", type: "invalid_request_error", code: "flex_capacity_exceeded" }
    }),
    {
      class: "ModelOverloaded"
    }
  )
  check(
    "Groq: JSON that the model broke",
    http("groq", 400, {
      error: {
        message: "Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details.",
        type: "invalid_request_error",
        code: "json_validate_failed",
        failed_generation: '{"quota":'
      }
    }),
    { class: "InvalidResponse", retryable: true }
  )
  check(
    "Groq: a restricted organization",
    http("groq", 400, {
      error: {
        message: "Organization has been restricted. Please reach out to support if you believe this was in error.",
        type: "invalid_request_error",
        code: "organization_restricted"
      }
    }),
    { class: "PermissionDenied" }
  )
  check(
    "Groq: over capacity",
    http("groq", 503, {
      error: {
        message: "llama-3.3-70b-versatile is currently over capacity. Please try again and back off exponentially.",
        type: "internal_server_error"
      }
    }),
    {
      class: "ModelOverloaded"
    }
  )
  check(
    "DeepSeek: balance",
    http("deepseek", 402, {
      error: { message: "Insufficient Balance", type: "unknown_error", param: null, code: "invalid_request_error" }
    }),
    {
      class: "QuotaExceeded"
    }
  )
  check(
    "DeepSeek: model",
    http("deepseek", 400, {
      error: { message: "Model Not Exist", type: "invalid_request_error", param: null, code: "invalid_request_error" }
    }),
    {
      class: "ModelNotFound"
    }
  )
  check(
    "DeepSeek: rate",
    http("deepseek", 429, {
      error: { message: "Rate limit reached, please slow down.", type: "rate_limit_error", code: null }
    }),
    { class: "RateLimit" }
  )
  check(
    "DeepSeek: context",
    http("deepseek", 400, {
      error: {
        message:
          "This model's maximum context length is 65536 tokens. However, you requested 70001 tokens (70001 in the messages, 0 in the completion). Please reduce the length of the messages or completion.",
        type: "invalid_request_error",
        code: "invalid_request_error"
      }
    }),
    { class: "ContextLengthExceeded" }
  )
  check(
    "xAI: a new team without credits",
    http("xai", 403, {
      code: "The caller does not have permission to execute the specified operation",
      error:
        "Your newly created team doesn't have any credits or licenses yet. You can purchase those on https://console.x.ai/team/0."
    }),
    { class: "QuotaExceeded" }
  )
  check(
    "xAI: a policy stop",
    http("xai", 403, {
      code: "The caller does not have permission to execute the specified operation",
      error:
        "Content violates usage guidelines. Team: 0, API key ID: 1, Model: grok-4, Failed check: SAFETY_CHECK_TYPE_BIO"
    }),
    { class: "ContentPolicy" }
  )
  check(
    "xAI: a key without the endpoint",
    http("xai", 403, {
      code: "permission-denied",
      error:
        "Access to the chat endpoint is denied. Please ensure you're using the correct credentials. If you believe this is a mistake, please log into console.x.ai."
    }),
    { class: "PermissionDenied" }
  )
  check(
    "xAI: a spending limit by its code",
    http("xai", 403, {
      code: "personal-team-blocked:spending-limit",
      error: "You have run out of credits or need a Grok subscription."
    }),
    {
      class: "QuotaExceeded"
    }
  )
  check(
    "xAI: too many requests",
    http("xai", 429, {
      code: "Some resource has been exhausted",
      error:
        "Too many requests for team 0 and model grok-4. Your team's rate limit is requests per minute (actual/limit): 61/60"
    }),
    {
      class: "RateLimit"
    }
  )
  check(
    "xAI: context",
    http("xai", 400, {
      code: "Client specified an invalid argument",
      error: "This model's maximum prompt length is 131072 but the request contains 140000 tokens."
    }),
    { class: "ContextLengthExceeded" }
  )
  check(
    "Together: a dedicated model",
    http("together", 400, {
      error: {
        message:
          "Unable to access non-serverless model meta-llama/Llama-3-8b. Please visit https://api.together.ai/models/x to create and start a new dedicated endpoint for the model.",
        type: "invalid_request_error",
        code: "model_not_available"
      }
    }),
    { class: "ModelNotFound" }
  )
  check(
    "Together: context as 422",
    http("together", 422, {
      error: {
        message:
          "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 7500 `inputs` tokens and 1000 `max_new_tokens`",
        type: "invalid_request_error",
        code: null
      }
    }),
    { class: "ContextLengthExceeded" }
  )
  check(
    "Together: credits",
    http("together", 402, {
      error: {
        message:
          "Credit limit exceeded, please navigate to https://api.together.xyz/settings/billing to pay your bill.",
        type: "credit_limit"
      }
    }),
    {
      class: "QuotaExceeded"
    }
  )
  check(
    "Ollama: a model that must be pulled",
    http("ollama", 404, { error: 'model "qwen3:8b" not found, try pulling it first' }),
    { class: "ModelNotFound" }
  )
  check(
    "Ollama: a model without tools",
    http("ollama", 400, { error: "registry.ollama.ai/library/gemma:2b does not support tools" }),
    { class: "InvalidRequest", failover: true }
  )
  check(
    "Ollama: a full queue",
    http("ollama", 503, { error: "server busy, please try again.  maximum pending requests exceeded" }),
    { class: "ModelOverloaded" }
  )
  check(
    "Ollama: an embedding input that is too long",
    http("ollama", 400, { error: "the input length exceeds the context length" }),
    { class: "ContextLengthExceeded" }
  )
  check(
    "Ollama: a path that is not there",
    { provider: "ollama", kind: "http", status: 404, body: "404 page not found" },
    { class: "InvalidRequest", failover: true }
  )
  check(
    "vLLM: no room for output",
    http("vllm", 400, {
      object: "error",
      message: "max_tokens must be at least 1, got -2203.",
      type: "BadRequestError",
      param: null,
      code: 400
    }),
    {
      class: "ContextLengthExceeded"
    }
  )
  check(
    "vLLM: a newer body for a missing model",
    http("vllm", 404, {
      error: { message: "The model `x` does not exist.", type: "NotFoundError", param: null, code: 404 }
    }),
    {
      class: "ModelNotFound"
    }
  )
  check(
    "vLLM: no tool parser",
    http("vllm", 400, {
      object: "error",
      message: '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
      type: "BadRequestError",
      code: 400
    }),
    {
      class: "InvalidRequest"
    }
  )
  check(
    "vLLM: an engine that died",
    http("vllm", 500, {
      object: "error",
      message: "EngineCore encountered an issue. See stack trace for the root cause.",
      type: "InternalServerError",
      code: 500
    }),
    {
      class: "ServiceUnavailable"
    }
  )
  check("Mistral: a bare unauthorized", http("mistral", 401, { message: "Unauthorized", request_id: "0" }), {
    class: "Authentication"
  })
  check(
    "Mistral: the numbered rate limit",
    http("mistral", 429, {
      object: "error",
      message: "Rate limit exceeded",
      type: "rate_limited",
      param: null,
      code: "1300",
      raw_status_code: 429
    }),
    {
      class: "RateLimit"
    }
  )
  check(
    "Mistral: the numbered capacity",
    http("mistral", 429, {
      object: "error",
      message: "Service tier capacity exceeded for this model.",
      type: "service_tier_capacity_exceeded",
      code: "3505"
    }),
    {
      class: "ModelOverloaded"
    }
  )
  check(
    "Mistral: an unknown model as 400",
    http("mistral", 400, {
      object: "error",
      message: "Invalid model: mistral-tiny-503",
      type: "invalid_model",
      param: null,
      code: "1500"
    }),
    {
      class: "ModelNotFound"
    }
  )
  check(
    "Mistral: roles out of order",
    http("mistral", 400, {
      object: "error",
      message: "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant",
      type: "invalid_request_message_order",
      code: "3230"
    }),
    {
      class: "InvalidRequest",
      failover: false
    }
  )
  check(
    "Cohere: tokens of the prompt",
    http("cohere", 400, {
      message:
        "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292. Try using a shorter prompt, or enabling prompt truncating."
    }),
    {
      class: "ContextLengthExceeded"
    }
  )
  check("Cohere: a token", http("cohere", 401, { message: "invalid api token" }), { class: "Authentication" })
  check(
    "Cohere: a model",
    http("cohere", 404, {
      message:
        "model 'command-x' not found, make sure the correct model ID was used and that you have access to the model."
    }),
    {
      class: "ModelNotFound"
    }
  )
  check(
    "Cohere: production key limits",
    http("cohere", 429, {
      message: "You are using a Production key, which is limited to 500 API calls / minute."
    }),
    { class: "RateLimit" }
  )
  check(
    "Ollama: a runner that died mid-stream",
    {
      provider: "ollama",
      kind: "stream",
      status: 200,
      body: { error: "an error was encountered while running the model: unexpected EOF" }
    },
    {
      class: "ServiceUnavailable"
    }
  )
  check(
    "Mistral: tokens of a month",
    http("mistral", 429, { object: "error", message: "Monthly token limit exceeded", type: "rate_limited" }),
    { class: "QuotaExceeded" }
  )
  check("Mistral: no such path", http("mistral", 404, { message: "no Route matched with those values" }), {
    class: "InvalidRequest",
    failover: true
  })
  check("Cohere: a deny-listed token", http("cohere", 498, { message: "blocked output" }), { class: "ContentPolicy" })
  check("Cohere: a payment method", http("cohere", 402, { message: "Please add or update your payment method." }), {
    class: "QuotaExceeded"
  })
  check(
    "xAI: a parameter of other models",
    http("xai", 400, {
      code: "Client specified an invalid argument",
      error: "Argument not supported on this model: presencePenalty"
    }),
    {
      class: "InvalidRequest",
      failover: true
    }
  )
  check(
    "Together: request rate limiting",
    http("together", 429, {
      error: {
        message: "Request was rejected due to request rate limiting. Your rate limits are 60 RPM (1 QPS).",
        type: null
      }
    }),
    { class: "RateLimit" }
  )
  check(
    "vLLM: a queue that is full",
    http("vllm", 503, { object: "error", message: "Server is overloaded, queue is full", code: 503 }),
    { class: "ModelOverloaded" }
  )
  check(
    "Codex: a plan's usage limit",
    http("openai", 429, {
      error: { type: "usage_limit_reached", message: "The usage limit has been reached", resets_in_seconds: 3600 }
    }),
    { class: "QuotaExceeded" }
  )
  check(
    "Codex: a model of another plan",
    http("openai", 400, {
      error: {
        type: "invalid_request_error",
        message: "The 'gpt-5' model is not supported when using Codex with a ChatGPT account."
      }
    }),
    { class: "ModelNotFound" }
  )
  check(
    "a response that is no longer stored",
    http("openai", 404, {
      error: {
        message: "Previous response with id 'resp_1' not found.",
        code: "previous_response_not_found",
        param: "previous_response_id"
      }
    }),
    { class: "InvalidRequest" }
  )
  check(
    "a file that is not there",
    http("openai", 404, {
      error: { message: "No such File object: file-abc", type: "invalid_request_error", param: "id", code: null }
    }),
    { class: "InvalidRequest" }
  )
})
