/** Cohere: bodies of one sentence, so wording and status decide. */
import type { Table } from "./Rule.ts"

export const cohere: Table = {
  name: "cohere",
  rules: [
    {
      id: "cohere/deny-listed",
      reads: "status",
      is: [498],
      verdict: "ContentPolicy",
      source: "Cohere: HTTP errors, 498 the request or the answer has a deny-listed token"
    },
    {
      id: "cohere/too-many-tokens",
      reads: "message",
      says: /^too many tokens\b/,
      within: ["InvalidRequest"],
      verdict: "ContextLengthExceeded",
      source: "Cohere: the prompt cannot hold more; elsewhere these words are a throttle"
    },
    {
      id: "cohere/trial-month",
      reads: "message",
      says: /^you are using a trial key which is limited to # api calls \/ month/,
      verdict: "QuotaExceeded",
      source: "Cohere: rate limits, the trial key's calls of a month; the same sentence with `minute` is a rate limit"
    }
  ]
}
