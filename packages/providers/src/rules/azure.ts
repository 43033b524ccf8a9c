/** Azure OpenAI: its own code names, and API Management in front of it. */
import type { Table } from "./Rule.ts"

const docs = "Azure OpenAI: error reference"

export const azure: Table = {
  name: "azure",
  rules: [
    {
      id: "azure/rate-limit",
      reads: "code",
      is: ["RateLimitReached", "TooManyRequests", "RateLimitExceeded", "CallRateLimitExceeded"],
      presumes: true,
      verdict: "RateLimit",
      source: docs
    },
    {
      id: "azure/quota",
      reads: "code",
      is: ["QuotaExceeded", "InsufficientQuota", "SpendingLimitReached"],
      verdict: "QuotaExceeded",
      source: `${docs}: subscription or free quota`
    },
    {
      id: "azure/server-busy",
      reads: "code",
      is: ["ServerBusy", "NoCapacity", "InsufficientCapacity", "ServiceOverloaded"],
      verdict: "ModelOverloaded",
      source: docs
    },
    {
      id: "azure/permission",
      reads: "code",
      is: ["PermissionDenied", "AccessDenied", "Forbidden", "AuthorizationFailed"],
      presumes: true,
      statuses: [0, 400, 403],
      verdict: "PermissionDenied",
      source: `${docs}: network rules, private endpoints, blocked resources`
    },
    {
      id: "azure/deployment",
      reads: "code",
      is: ["DeploymentNotFound", "ModelNotFound", "ResourceNotFound", "ModelDeprecated", "InvalidDeployment"],
      presumes: true,
      verdict: "ModelNotFound",
      source: docs
    },
    {
      id: "azure/operation",
      reads: "code",
      is: ["OperationNotSupported", "UnsupportedApiVersion", "UnsupportedOperation"],
      presumes: true,
      failover: true,
      verdict: "InvalidRequest",
      source: `${docs}: this deployment or API version lacks the operation`
    },
    {
      id: "azure/gateway-quota",
      reads: "message",
      says: /^(?:out of (?:call volume|bandwidth) quota|quota will be replenished)/,
      verdict: "QuotaExceeded",
      source: "Azure API Management: quota policies, 403 with the time of renewal"
    },
    {
      id: "azure/call-rate",
      reads: "message",
      says: /^(?:requests to the|rate limit is exceeded|your requests to)\b/,
      within: ["RateLimit"],
      verdict: "RateLimit",
      source: `${docs}: the limit of a deployment's minute, though the text may name 86400 seconds`
    }
  ]
}
