/** xAI: codes that are sentences or have a colon in them. */
import type { Table } from "./Rule.ts"

export const xai: Table = {
  name: "xai",
  rules: [
    {
      id: "xai/blocked-by-spend",
      reads: "code",
      is: ["personal-team-blocked:spending-limit", "team-blocked:spending-limit", "spending-limit", "team-blocked"],
      verdict: "QuotaExceeded",
      source: "xAI: code of a team that reached its spending limit, sent as 403"
    },
    {
      id: "xai/credentials",
      reads: "code",
      is: [
        "unauthenticated:bad-credentials",
        "unauthenticated:no-credentials",
        "bad-credentials",
        "invalid-credentials"
      ],
      verdict: "Authentication",
      source: "xAI: code"
    }
  ]
}
