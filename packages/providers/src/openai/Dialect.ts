/** Where hosts of the OpenAI wire format differ. */
export interface Dialect {
  /** The name the limit of output tokens goes by. */
  readonly maxTokens: "max_completion_tokens" | "max_tokens"
  /** Whether the host reads `top_k`, which OpenAI itself does not. */
  readonly topK: boolean
  /** Stop sequences a request may have. */
  readonly maxStop: number
  /** Whether the host can be asked for the usage of a stream. */
  readonly streamUsage: boolean
  /** Texts one embedding request may have. */
  readonly maxInputs: number
}

/** Limits as in OpenAI's own API reference. */
export const openAi: Dialect = {
  maxTokens: "max_completion_tokens",
  topK: false,
  maxStop: 4,
  streamUsage: true,
  maxInputs: 2048
}
