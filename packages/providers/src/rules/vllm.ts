/** vLLM: arithmetic that comes out negative. */
import type { Table } from "./Rule.ts"

export const vllm: Table = {
  name: "vllm",
  rules: [
    {
      id: "vllm/negative-room",
      reads: "message",
      says: /^¤ must be at least # got -#/,
      verdict: "ContextLengthExceeded",
      source: "vLLM: the room left for the output is negative, because the prompt is longer than the window"
    },
    {
      id: "vllm/no-route",
      reads: "message",
      says: /^not found$/,
      within: ["ModelNotFound"],
      failover: true,
      verdict: "InvalidRequest",
      source: 'vLLM is served by FastAPI: `{ detail: "Not Found" }` is a path that does not exist, not a model'
    }
  ]
}
