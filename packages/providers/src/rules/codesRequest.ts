/** The vocabulary of `code`, `type` and `reason` that OpenAI began and compatible servers and gateways share: faults of one request. */
import type { Table } from "./Rule.ts"

const openai = "OpenAI: error codes guide; API reference, ResponseError.code"

export const codesRequest: Table = {
  name: "code",
  rules: [
    {
      id: "code/larger-than-limit",
      reads: "quota",
      is: ["larger-than-limit"],
      verdict: "ContextLengthExceeded",
      source: "OpenAI, Groq: `Limit …, Requested …` with more requested than a whole window allows, so no wait helps"
    },
    {
      id: "code/larger-than-any-window",
      reads: "quota",
      is: ["larger-than-any-window"],
      failover: false,
      verdict: "ContextLengthExceeded",
      source: "Gemini, Vertex AI: the limit named is a million tokens or more, the widest window on offer"
    },
    {
      id: "code/content-policy",
      reads: "code",
      is: [
        "content_filter",
        "content_filter_error",
        "content_filtered",
        "content_policy",
        "content_policy_violation",
        "content_moderation",
        "responsible_ai_policy_violation",
        "policy_violation",
        "usage_policy_violation",
        "moderation_blocked",
        "moderation_failed",
        "input_moderation",
        "image_content_policy_violation",
        "misalignment_policy_violation",
        "cyber_policy",
        "bio_policy",
        "safety_error",
        "safety_violation",
        "safety_check_failed",
        "prompt_blocked",
        "prompt_injection_detected",
        "flagged_input",
        "refusal",
        "sensitive_words_detected",
        "data_inspection_failed",
        "data_inspection_failed_error",
        "ContentFilterFinishReasonError"
      ],
      verdict: "ContentPolicy",
      source: `${openai}; Azure: innererror.code; OpenRouter: moderation metadata; openai package: parse helper`
    },
    {
      id: "code/context-length",
      reads: "code",
      is: [
        "context_length_exceeded",
        "context_window_exceeded",
        "max_context_length_exceeded",
        "model_context_window_exceeded",
        "ContextWindowExceededError",
        "exceed_context_size_error",
        "input_too_long",
        "prompt_too_long",
        "input_too_large",
        "request_too_large",
        "request_too_large_error",
        "request_entity_too_large",
        "payload_too_large",
        "content_too_large",
        "ContentTooLargeError",
        "tokens_limit_reached",
        "token_limit_reached",
        "string_above_max_length@messages",
        "string_above_max_length@input",
        "string_above_max_length@prompt",
        "string_above_max_length@instructions",
        "array_above_max_length@messages",
        "array_above_max_length@input",
        "string_too_long"
      ],
      verdict: "ContextLengthExceeded",
      source: `${openai}; Anthropic: errors, 413; GitHub Models; llama.cpp server: error types`
    },
    {
      id: "code/model-wrote-nonsense",
      reads: "code",
      is: ["tool_use_failed", "json_validate_failed", "invalid_tool_call", "malformed_function_call"],
      verdict: "InvalidResponse",
      source: "Groq: the model's own tool call or JSON is broken, another try may not be"
    },
    {
      id: "code/output-cut",
      reads: "code",
      is: ["LengthFinishReasonError", "max_tokens_exceeded"],
      retryable: false,
      verdict: "InvalidResponse",
      source: "openai package: parse helper; OpenRouter: error_type. The output budget ended, and will again"
    },
    {
      id: "code/not-for-this-model",
      reads: "code",
      is: [
        "unsupported_parameter",
        "unsupported_value",
        "unsupported_feature",
        "OperationNotSupported",
        "feature_not_supported"
      ],
      presumes: true,
      failover: true,
      verdict: "InvalidRequest",
      source: `${openai}: this one model lacks the parameter, the value or the operation`
    },
    {
      id: "code/wrong-address",
      reads: "code",
      is: [
        "unknown_url",
        "invalid_url",
        "route_not_found",
        "endpoint_not_found",
        "method_not_allowed",
        "invalid_api_version"
      ],
      failover: true,
      verdict: "InvalidRequest",
      source: `${openai}: the base URL of this provider's configuration is wrong`
    },
    {
      id: "code/stale-reference",
      reads: "code",
      is: [
        "previous_response_not_found",
        "file_not_found",
        "thread_not_found",
        "conversation_not_found",
        "container_not_found",
        "item_not_found"
      ],
      verdict: "InvalidRequest",
      source: `${openai}: the request refers to something that is no longer stored`
    },
    {
      id: "code/invalid-request",
      reads: "code",
      is: [
        "invalid_request_error",
        "invalid_request",
        "bad_request",
        "bad_request_error",
        "BadRequestError",
        "UnprocessableEntityError",
        "invalid_argument",
        "invalid_parameter",
        "invalid_parameter_error",
        "invalid_value",
        "invalid_type",
        "invalid_input",
        "invalid_prompt",
        "missing_required_parameter",
        "unknown_parameter",
        "unprocessable_entity",
        "unprocessable_entity_error",
        "validation_error",
        "RequestValidationError",
        "invalid_function_parameters",
        "invalid_json_schema",
        "invalid_encrypted_content",
        "invalid_image",
        "invalid_image_mode",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "image_file_too_large",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
        "integer_above_max_value",
        "integer_below_min_value",
        "decimal_above_max_value",
        "decimal_below_min_value",
        "string_above_max_length",
        "string_below_min_length",
        "array_above_max_length",
        "array_below_min_length",
        "empty_array",
        "empty_string",
        "idempotency_error",
        "extra_forbidden"
      ],
      presumes: true,
      statuses: [0, 400, 406, 415, 422],
      verdict: "InvalidRequest",
      source: `${openai}; under another status the status is the better witness`
    }
  ]
}
