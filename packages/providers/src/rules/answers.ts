/** What is wrong with an answer whose status says 200, by the provider's own stop reasons and by its shape. */
import type { Table } from "./Rule.ts"

const gemini = "Gemini API: Candidate.FinishReason"

export const answers: Table = {
  name: "answer",
  rules: [
    {
      id: "answer/prompt-blocked",
      reads: "answer",
      is: ["blocked"],
      verdict: "ContentPolicy",
      source: "Gemini API, Vertex AI: PromptFeedback.BlockReason, every value of it"
    },
    {
      id: "answer/policy",
      reads: "answer",
      is: [
        "finish:SAFETY",
        "finish:RECITATION",
        "finish:BLOCKLIST",
        "finish:PROHIBITED_CONTENT",
        "finish:SPII",
        "finish:IMAGE_SAFETY",
        "finish:IMAGE_PROHIBITED_CONTENT",
        "finish:IMAGE_RECITATION",
        "finish:MODEL_ARMOR",
        "finish:content_filter",
        "finish:content_filtered",
        "finish:guardrail_intervened",
        "finish:refusal",
        "finish:ERROR_TOXIC",
        "finish:sensitive",
        "refusal"
      ],
      verdict: "ContentPolicy",
      source: `${gemini}; OpenAI: finish_reason, refusal; Anthropic: stop_reason; Bedrock: StopReason; Cohere: finish_reason`
    },
    {
      id: "answer/window-full",
      reads: "answer",
      is: ["finish:model_context_window_exceeded", "finish:model_length", "finish:ERROR_LIMIT"],
      verdict: "ContextLengthExceeded",
      source: "Anthropic, Bedrock: stop reasons; Mistral: model_length; Cohere: ERROR_LIMIT"
    },
    {
      id: "answer/broken-tool-call",
      reads: "answer",
      is: [
        "finish:MALFORMED_FUNCTION_CALL",
        "finish:UNEXPECTED_TOOL_CALL",
        "finish:TOO_MANY_TOOL_CALLS",
        "finish:MALFORMED_RESPONSE",
        "finish:MISSING_THOUGHT_SIGNATURE",
        "finish:malformed_tool_use",
        "finish:malformed_model_output",
        "finish:OTHER",
        "finish:IMAGE_OTHER",
        "finish:NO_IMAGE",
        "finish:LANGUAGE",
        "finish:FINISH_REASON_UNSPECIFIED"
      ],
      verdict: "InvalidResponse",
      source: `${gemini}; Bedrock: StopReason. The model wrote something unusable, another try may not`
    },
    {
      id: "answer/no-resources",
      reads: "answer",
      is: ["finish:insufficient_system_resource"],
      verdict: "ServiceUnavailable",
      source: "DeepSeek: finish_reason, the inference system broke off inside the answer"
    },
    {
      id: "answer/timed-out",
      reads: "answer",
      is: ["finish:TIMEOUT"],
      verdict: "Timeout",
      source: "Cohere: finish_reason"
    },
    {
      id: "answer/cancelled",
      reads: "answer",
      is: ["finish:USER_CANCEL", "response:cancelled"],
      verdict: "Cancelled",
      source: "Cohere: finish_reason; OpenAI Responses: status"
    },
    {
      id: "answer/failed",
      reads: "answer",
      is: ["finish:ERROR", "response:failed"],
      presumes: true,
      verdict: "ServiceUnavailable",
      source:
        "OpenRouter, Mistral, Cohere: finish_reason; OpenAI Responses: status. The generation failed on the server"
    },
    {
      id: "answer/empty-at-limit",
      reads: "answer",
      is: ["empty-at-limit"],
      verdict: "InvalidResponse",
      retryable: false,
      source: "The output budget went into reasoning: the same request yields the same emptiness"
    },
    {
      id: "answer/empty",
      reads: "answer",
      is: ["empty", "no-candidates", "no-choices"],
      presumes: true,
      verdict: "InvalidResponse",
      source: "A finished answer without content"
    },
    {
      id: "answer/said-error",
      reads: "answer",
      is: ["said-error"],
      presumes: "anything",
      verdict: "ServiceUnavailable",
      source: "An `error` without a code inside an answer that began as a success: the server broke off"
    },
    {
      id: "answer/unrecognised",
      reads: "answer",
      is: ["unrecognised"],
      presumes: "anything",
      verdict: "InvalidResponse",
      source: "A 2xx body that is neither an answer nor an error of any known form"
    },
    {
      id: "answer/not-an-answer",
      reads: "answer",
      is: ["html", "cut-json", "nothing", "text"],
      statuses: [0],
      presumes: true,
      verdict: "InvalidResponse",
      source: "A page, a cut body, keep-alive comments or nothing where JSON belongs"
    }
  ]
}
