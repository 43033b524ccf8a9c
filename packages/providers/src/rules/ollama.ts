/** Ollama: bodies of one sentence about a local runner. */
import type { Table } from "./Rule.ts"

export const ollama: Table = {
  name: "ollama",
  rules: [
    {
      id: "ollama/loading",
      reads: "message",
      says: /^timed out waiting for (?:llama runner|server)/,
      verdict: "Timeout",
      source: "Ollama: the model was not loaded in time, sent as 500"
    },
    {
      id: "ollama/queue",
      reads: "message",
      says: /^(?:server busy|maximum pending requests exceeded)/,
      verdict: "ModelOverloaded",
      source: "Ollama: FAQ, OLLAMA_MAX_QUEUE, sent as 503"
    },
    {
      id: "ollama/lacks",
      reads: "message",
      says: /^¤ does not support\b/,
      failover: true,
      verdict: "InvalidRequest",
      source: "Ollama: capabilities of this one model"
    }
  ]
}
