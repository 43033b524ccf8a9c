/** DeepSeek: policy and model faults behind invalid_request_error. */
import type { Table } from "./Rule.ts"

export const deepseek: Table = {
  name: "deepseek",
  rules: [
    {
      id: "deepseek/risk",
      reads: "message",
      says: /^content exists risk/,
      verdict: "ContentPolicy",
      source: "DeepSeek: the moderation of prompt or answer, sent as 400 invalid_request_error"
    },
    {
      id: "deepseek/model",
      reads: "message",
      says: /^model not exist/,
      verdict: "ModelNotFound",
      source: "DeepSeek: 400 invalid_request_error"
    }
  ]
}
