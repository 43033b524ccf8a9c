/** The vocabulary of `code`, `type` and `reason` that OpenAI began and compatible servers and gateways share: faults of the service. */
import type { Table } from "./Rule.ts"

const openai = "OpenAI: error codes guide; API reference, ResponseError.code"

export const codesService: Table = {
  name: "code",
  rules: [
    {
      id: "code/model-not-found",
      reads: "code",
      is: [
        "model_not_found",
        "model_not_found_error",
        "model_not_exist",
        "model_does_not_exist",
        "invalid_model",
        "invalid_model_id",
        "invalid_model_error",
        "unknown_model",
        "unsupported_model",
        "model_not_supported",
        "model_not_available",
        "model_unavailable",
        "model_decommissioned",
        "model_deprecated",
        "model_retired",
        "deployment_not_found",
        "no_such_model",
        "engine_not_found"
      ],
      presumes: true,
      verdict: "ModelNotFound",
      source: `${openai}; Groq: model_decommissioned; Together: model_not_available; Azure: DeploymentNotFound`
    },
    {
      id: "code/not-found",
      reads: "code",
      is: ["not_found", "not_found_error", "NotFoundError", "resource_not_found"],
      presumes: true,
      statuses: [0, 400, 404, 410],
      verdict: "ModelNotFound",
      source: "The name of status 404; of what a completion request names, only the model may be missing"
    },
    {
      id: "code/overloaded",
      reads: "code",
      is: [
        "overloaded",
        "overloaded_error",
        "OverloadedError",
        "server_overloaded",
        "server_is_overloaded",
        "engine_overloaded",
        "engine_overloaded_error",
        "model_overloaded",
        "provider_overloaded",
        "over_capacity",
        "at_capacity",
        "capacity_exceeded",
        "flex_capacity_exceeded",
        "no_capacity",
        "insufficient_capacity",
        "model_capacity_exhausted",
        "service_tier_capacity_exceeded",
        "resource_unavailable",
        "server_busy",
        "system_busy",
        "model_busy",
        "model_not_ready",
        "queue_full",
        "queue_exceeded",
        "insufficient_system_resource"
      ],
      verdict: "ModelOverloaded",
      source: `${openai}: server_is_overloaded, resource_unavailable; Anthropic: overloaded_error; Google: MODEL_CAPACITY_EXHAUSTED`
    },
    {
      id: "code/rate-limit",
      reads: "code",
      is: [
        "rate_limit_exceeded",
        "rate_limit_reached",
        "rate_limit_error",
        "rate_limit",
        "rate_limited",
        "rate_limited_error",
        "RateLimitError",
        "rate_limit_exceeded_error",
        "user_rate_limit_exceeded",
        "too_many_requests",
        "too_many_requests_error",
        "throttled",
        "throttling",
        "throttling_error",
        "throttled_error",
        "slow_down",
        "request_limit_exceeded",
        "requests_limit_exceeded",
        "concurrency_limit_exceeded",
        "tokens_rate_limit_exceeded",
        "rate_limit_exceeded@tokens"
      ],
      presumes: true,
      verdict: "RateLimit",
      source: `${openai}: rate_limit_exceeded, slow_down`
    },
    {
      id: "code/timeout",
      reads: "code",
      is: [
        "timeout",
        "timeout_error",
        "request_timeout",
        "request_timeout_error",
        "RequestTimeoutError",
        "gateway_timeout",
        "GatewayTimeoutError",
        "operation_timeout",
        "upstream_timeout",
        "deadline_exceeded",
        "inference_timeout",
        "vector_store_timeout"
      ],
      verdict: "Timeout",
      source: "The names of statuses 408 and 504; Anthropic: timeout_error; Azure: Timeout"
    },
    {
      id: "code/server-fault",
      reads: "code",
      is: [
        "server_error",
        "server",
        "api_error",
        "internal_error",
        "internal_server_error",
        "InternalServerError",
        "internal_failure",
        "service_unavailable",
        "service_unavailable_error",
        "ServiceUnavailableError",
        "bad_gateway",
        "upstream_error",
        "backend_error",
        "conversation_locked",
        "provider_unavailable",
        "provider_disconnected",
        "unmapped"
      ],
      presumes: true,
      statuses: [0, 409, 424, 429, 500, 502, 503, 520, 529],
      verdict: "ServiceUnavailable",
      source: `${openai}: server_error; Anthropic: api_error; OpenRouter: error_type`
    }
  ]
}
