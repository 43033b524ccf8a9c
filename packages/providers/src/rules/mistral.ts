/** Mistral: its numbered codes. */
import type { Table } from "./Rule.ts"

export const mistral: Table = {
  name: "mistral",
  rules: [
    {
      id: "mistral/rate-limit",
      reads: "code",
      is: ["1300"],
      presumes: true,
      verdict: "RateLimit",
      source: "Mistral: code 1300, type rate_limited"
    },
    {
      id: "mistral/model",
      reads: "code",
      is: ["1500"],
      presumes: true,
      verdict: "ModelNotFound",
      source: "Mistral: code 1500, type invalid_model"
    },
    {
      id: "mistral/prompt",
      reads: "code",
      is: ["3051"],
      presumes: true,
      verdict: "InvalidRequest",
      source: "Mistral: code 3051, type invalid_request_prompt; its wording tells an overflow"
    },
    {
      id: "mistral/capacity",
      reads: "code",
      is: ["3505"],
      verdict: "ModelOverloaded",
      source: "Mistral: code 3505, type service_tier_capacity_exceeded"
    },
    {
      id: "mistral/no-route",
      reads: "message",
      says: /^not found$/,
      within: ["ModelNotFound"],
      failover: true,
      verdict: "InvalidRequest",
      source: 'Mistral is served by FastAPI: `{ detail: "Not Found" }` is a path that does not exist, not a model'
    }
  ]
}
