/** OpenRouter: its own limits and routing; what its hosts say is read by their own tables. */
import type { Table } from "./Rule.ts"

export const openrouter: Table = {
  name: "openrouter",
  rules: [
    {
      id: "openrouter/in-flight",
      reads: "code",
      is: ["openrouter_in_flight_budget"],
      verdict: "RateLimit",
      source: "OpenRouter: in-flight spending budget, the one 402 to wait for"
    },
    {
      id: "openrouter/daily",
      reads: "message",
      says: /^rate limit exceeded\b.{0,40}\bper-day/,
      verdict: "QuotaExceeded",
      source: "OpenRouter: limits, free-models-per-day ends at midnight UTC"
    },
    {
      id: "openrouter/daily-name",
      reads: "message",
      says: /^(?:free-models-per-day|limit_rpd|free-models-per-month)/,
      verdict: "QuotaExceeded",
      source: "OpenRouter: limits, the name of the daily limit after `Rate limit exceeded:`"
    },
    {
      id: "openrouter/demand-of-a-day",
      reads: "message",
      says: /^high demand for .{0,60}\blimited to # requests per day/,
      verdict: "QuotaExceeded",
      source: "OpenRouter: a cap of calls per model and day, explained by demand"
    },
    {
      id: "openrouter/demand",
      reads: "message",
      says: /^high demand for .{0,60}\blimited to # requests\b/,
      within: ["RateLimit", "Unknown"],
      verdict: "RateLimit",
      source: "OpenRouter: a cap of calls per model and minute, explained by demand"
    },
    {
      id: "openrouter/invalid-prompt",
      reads: "code",
      is: ["invalid_prompt"],
      presumes: true,
      verdict: "InvalidRequest",
      source: "OpenRouter: error_type, a message of the request is malformed"
    },
    {
      id: "openrouter/token-budget",
      reads: "code",
      is: ["token_limit_exceeded"],
      verdict: "QuotaExceeded",
      source: "OpenRouter: error_type, a budget based on credits"
    },
    {
      id: "openrouter/data-policy",
      reads: "message",
      says: /^no endpoints (?:found|available) (?:matching|that match) your (?:data policy|guardrail)/,
      verdict: "PermissionDenied",
      source: "OpenRouter: privacy settings of the account exclude every host of the model"
    },
    {
      id: "openrouter/capability",
      reads: "message",
      says: /^no endpoints found that (?:support|can handle)\b/,
      failover: true,
      verdict: "InvalidRequest",
      source: "OpenRouter: no host of this model has the feature"
    },
    {
      id: "openrouter/no-provider",
      reads: "message",
      says: /^(?:no (?:allowed )?providers (?:are )?available|all providers have been ignored|no instances available)/,
      verdict: "ModelOverloaded",
      source: "OpenRouter: nobody to route to at the moment"
    },
    {
      id: "openrouter/moderation",
      reads: "message",
      says: /^¤ requires moderation/,
      verdict: "ContentPolicy",
      source: "OpenRouter: moderation errors, 403 with the reasons"
    }
  ]
}
