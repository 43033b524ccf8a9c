/** Groq: days are rolling buckets. */
import type { Table } from "./Rule.ts"

export const groq: Table = {
  name: "groq",
  rules: [
    {
      id: "groq/rolling-window",
      reads: "message",
      says: /^rate limit reached for\b/,
      within: ["RateLimit"],
      verdict: "RateLimit",
      source: "Groq: rate limits; a day is a rolling bucket with a true reset in the text"
    }
  ]
}
