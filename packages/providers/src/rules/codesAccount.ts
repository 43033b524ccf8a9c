/** The vocabulary of `code`, `type` and `reason` that OpenAI began and compatible servers and gateways share: faults of the account. */
import type { Table } from "./Rule.ts"

const openai = "OpenAI: error codes guide; API reference, ResponseError.code"

export const codesAccount: Table = {
  name: "code",
  rules: [
    {
      id: "code/quota",
      reads: "code",
      is: [
        "insufficient_quota",
        "insufficient_quota_error",
        "insufficient_balance",
        "insufficient_credits",
        "insufficient_funds",
        "credit_balance_exhausted",
        "credits_exhausted",
        "out_of_credits",
        "balance_not_enough",
        "account_balance_not_enough",
        "billing_error",
        "billing_not_active",
        "billing_hard_limit_reached",
        "billing_limit_reached",
        "spend_limit_reached",
        "spending_limit_reached",
        "spend_limit_exceeded",
        "budget_exceeded",
        "contract_spend_limit_reached",
        "enforced_spend_limit_reached",
        "usage_limit_reached",
        "usage_limit_exceeded",
        "usage_not_included",
        "quota_exceeded",
        "quota_exhausted",
        "monthly_limit_exceeded",
        "daily_limit_exceeded",
        "payment_required",
        "payment_required_error",
        "insufficient_user_quota",
        "free_tier_exhausted",
        "exceeded_current_quota_error",
        "arrearage"
      ],
      verdict: "QuotaExceeded",
      source: `${openai}: money or a spend limit is gone; the type is insufficient_quota even where the code is newer`
    },
    {
      id: "code/authentication",
      reads: "code",
      is: [
        "invalid_api_key",
        "incorrect_api_key",
        "missing_api_key",
        "expired_api_key",
        "api_key_expired",
        "api_key_not_found",
        "api_key_revoked",
        "no_api_key",
        "invalid_authentication",
        "invalid_authentication_error",
        "authentication_error",
        "authentication_failed",
        "authentication_required",
        "auth_error",
        "invalid_credentials",
        "bad_credentials",
        "invalid_token",
        "token_expired",
        "expired_token",
        "invalid_jwt",
        "unauthenticated",
        "account_deactivated",
        "invalid_issuer",
        "invalid_organization",
        "mismatched_organization",
        "mismatched_project",
        "invalid_grant",
        "invalid_client"
      ],
      verdict: "Authentication",
      source: `${openai}; RFC 6750, section 3.1; RFC 6749, section 5.2`
    },
    {
      id: "code/unauthorized",
      reads: "code",
      is: ["unauthorized", "unauthorized_error", "AuthenticationError"],
      presumes: true,
      verdict: "Authentication",
      source: "The name of status 401, of the SDK class for it, and of Azure and Mistral for both"
    },
    {
      id: "code/region",
      reads: "code",
      is: [
        "unsupported_country_region_territory",
        "ip_not_authorized",
        "data_residency_mismatch",
        "region_not_supported",
        "unsupported_region",
        "unsupported_location",
        "location_not_supported",
        "model_not_available_in_region",
        "organization_not_verified",
        "verification_required"
      ],
      verdict: "PermissionDenied",
      source: `${openai}: region, address or verification of the account`
    },
    {
      id: "code/permission",
      reads: "code",
      is: [
        "permission_denied",
        "permission_error",
        "permission_denied_error",
        "insufficient_permissions",
        "insufficient_scope",
        "missing_scope",
        "access_denied",
        "forbidden",
        "forbidden_error",
        "request_forbidden",
        "not_authorized",
        "PermissionDeniedError",
        "access_terminated",
        "account_suspended",
        "organization_disabled"
      ],
      presumes: true,
      verdict: "PermissionDenied",
      statuses: [0, 400, 403, 404],
      source: "The name of status 403; under 401 the status is the better witness"
    }
  ]
}
