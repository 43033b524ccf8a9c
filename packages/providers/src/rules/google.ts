/** Gemini API, Vertex AI and Code Assist: `google.rpc.ErrorInfo` reasons, violated quotas, and their texts. */
import type { Table } from "./Rule.ts"

const reasons = "google.api.ErrorReason"
const legacy = "Google APIs: error.errors[].reason"

export const google: Table = {
  name: "google",
  rules: [
    {
      id: "google/key",
      reads: "code",
      is: [
        "API_KEY_INVALID",
        "CREDENTIALS_MISSING",
        "ACCESS_TOKEN_EXPIRED",
        "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        "ACCOUNT_STATE_INVALID",
        "SESSION_COOKIE_INVALID",
        "SESSION_COOKIE_EXPIRED",
        "OVERLOADED_CREDENTIALS",
        "keyInvalid",
        "keyExpired",
        "authError"
      ],
      verdict: "Authentication",
      source: `${reasons}; ${legacy}`
    },
    {
      id: "google/access",
      reads: "code",
      is: [
        "SERVICE_DISABLED",
        "API_KEY_SERVICE_BLOCKED",
        "API_KEY_HTTP_REFERRER_BLOCKED",
        "API_KEY_IP_ADDRESS_BLOCKED",
        "API_KEY_ANDROID_APP_BLOCKED",
        "API_KEY_IOS_APP_BLOCKED",
        "CONSUMER_INVALID",
        "CONSUMER_SUSPENDED",
        "USER_PROJECT_DENIED",
        "USER_BLOCKED_BY_ADMIN",
        "IAM_PERMISSION_DENIED",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "SECURITY_POLICY_VIOLATED",
        "LOCATION_POLICY_VIOLATED",
        "LOCATION_ORG_POLICY_VIOLATED",
        "LOCATION_TAX_POLICY_VIOLATED",
        "ORG_RESTRICTION_VIOLATION",
        "ORG_RESTRICTION_HEADER_INVALID",
        "SERVICE_NOT_VISIBLE",
        "RESOURCE_PROJECT_INVALID",
        "RESOURCE_USAGE_RESTRICTION_VIOLATED",
        "UNSUPPORTED_LOCATION",
        "VALIDATION_REQUIRED",
        "SUBSCRIPTION_REQUIRED",
        "RESTRICTED_CLIENT",
        "TOS_VIOLATION",
        "accessNotConfigured",
        "insufficientPermissions",
        "accountDisabled"
      ],
      verdict: "PermissionDenied",
      source: `${reasons}; ${legacy}; Code Assist: reasons of eligibility`
    },
    {
      id: "google/billing",
      reads: "code",
      is: [
        "BILLING_DISABLED",
        "GCP_SUSPENDED",
        "RESOURCE_QUOTA_EXCEEDED",
        "QUOTA_EXHAUSTED",
        "INSUFFICIENT_G1_CREDITS_BALANCE",
        "quotaExceeded",
        "dailyLimitExceeded",
        "dailyLimitExceededUnreg"
      ],
      verdict: "QuotaExceeded",
      source: `${reasons}; ${legacy}; Code Assist: QUOTA_EXHAUSTED`
    },
    {
      id: "google/cancelled-by-backend",
      reads: "code",
      is: ["backendError"],
      statuses: [499],
      retryable: true,
      failover: true,
      verdict: "Cancelled",
      source: `${legacy}: 499 CANCELLED by the backend under load, not by the caller`
    },
    {
      id: "google/backend",
      reads: "code",
      is: ["backendError", "internalError"],
      presumes: true,
      verdict: "ServiceUnavailable",
      source: legacy
    },
    {
      id: "google/capacity",
      reads: "code",
      is: ["MODEL_CAPACITY_EXHAUSTED"],
      verdict: "ModelOverloaded",
      source: "Code Assist: the model has no room for anyone"
    },
    {
      id: "google/no-quota",
      reads: "quota",
      is: ["zero"],
      verdict: "QuotaExceeded",
      source: "QuotaFailure, quotaValue or `limit: 0`: this tier never has the model, whatever RetryInfo says"
    },
    {
      id: "google/calendar-quota",
      reads: "quota",
      is: ["year", "month", "week", "day"],
      verdict: "QuotaExceeded",
      source: "QuotaFailure, quotaId: daily quotas reset at midnight Pacific time, whatever RetryInfo says"
    },
    {
      id: "google/window",
      reads: "quota",
      is: ["hour", "minute", "second"],
      verdict: "RateLimit",
      source: "QuotaFailure, quotaId: although the text says `check your plan and billing details`"
    },
    {
      id: "google/rate",
      reads: "code",
      is: ["RATE_LIMIT_EXCEEDED", "rateLimitExceeded", "userRateLimitExceeded"],
      presumes: true,
      verdict: "RateLimit",
      source: `${reasons}; ${legacy}: also sent for a day, hence the quota is read before`
    },
    {
      id: "google/location",
      reads: "message",
      says: /^user location is not supported/,
      verdict: "PermissionDenied",
      source: "Gemini API: 400 FAILED_PRECONDITION outside the available regions"
    },
    {
      id: "google/unregistered",
      reads: "message",
      says: /^method doesn't allow unregistered callers/,
      verdict: "Authentication",
      source: "Google API front end: 403 without any key"
    },
    {
      id: "google/any-quota-text",
      reads: "message",
      says: /^you exceeded your current quota/,
      within: ["RateLimit"],
      verdict: "RateLimit",
      source: "Gemini API: the opening of every 429, also for a window of seconds; it decides nothing"
    }
  ]
}
