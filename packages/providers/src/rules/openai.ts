/** OpenAI, beside what it shares with compatible servers (`codes.ts`). */
import type { Table } from "./Rule.ts"

export const openai: Table = {
  name: "openai",
  rules: [
    {
      id: "openai/flagged-prompt",
      reads: "code",
      is: ["invalid_prompt"],
      verdict: "ContentPolicy",
      source: "OpenAI: reasoning guide, the prompt was flagged as a violation of the usage policy"
    },
    {
      id: "openai/rolling-window",
      reads: "message",
      says: /^rate limit reached for\b/,
      within: ["RateLimit"],
      verdict: "RateLimit",
      source: "OpenAI: rate limits guide; a day is a rolling bucket here, with a true reset in the headers and the text"
    }
  ]
}
