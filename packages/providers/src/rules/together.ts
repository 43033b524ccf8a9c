/** Together: the type of its rate limit. */
import type { Table } from "./Rule.ts"

export const together: Table = {
  name: "together",
  rules: [
    {
      id: "together/credit-limit",
      reads: "code",
      is: ["credit_limit"],
      presumes: true,
      verdict: "RateLimit",
      source: "Together: the type of its rate limit, whatever its name says"
    }
  ]
}
