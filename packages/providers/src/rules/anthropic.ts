/** Anthropic: types of `error.type`, and the billing and access faults that hide in `invalid_request_error`. */
import type { Table } from "./Rule.ts"

const docs = "Anthropic: errors"

export const anthropic: Table = {
  name: "anthropic",
  rules: [
    {
      id: "anthropic/conflict",
      reads: "code",
      is: ["conflict_error"],
      verdict: "ServiceUnavailable",
      source: `${docs}: 409, the resource was changed meanwhile; another try may pass`
    },
    {
      id: "anthropic/regain",
      reads: "message",
      says: /^you will regain access on\b/,
      verdict: "QuotaExceeded",
      source: `${docs}: a spend limit, until the date it names`
    },
    {
      id: "anthropic/long-context-credits",
      reads: "message",
      says: /^(?:extra usage|usage credits|additional credits?) (?:is|are) required\b/,
      verdict: "QuotaExceeded",
      source: "Claude: long context needs extra usage credits, sent as 429 rate_limit_error"
    },
    {
      id: "anthropic/client-only",
      reads: "message",
      says: /^this credential is only authorized for use with\b/,
      verdict: "PermissionDenied",
      source: "Claude: subscription tokens outside their client, sent as 400"
    },
    {
      id: "anthropic/organization",
      reads: "message",
      says: /^(?:this|your) (?:organization|account|workspace) (?:has been|is) (?:disabled|suspended|banned|blocked)/,
      verdict: "PermissionDenied",
      source: "Claude: a disabled organization, sent as 400"
    }
  ]
}
