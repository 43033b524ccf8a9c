/** Amazon Bedrock and what every AWS service may throw; the type is in a header or the exception's name. */
import type { Table } from "./Rule.ts"

const docs = "Amazon Bedrock: InvokeModel, Converse errors"
const common = "AWS: common errors"

export const bedrock: Table = {
  name: "bedrock",
  rules: [
    {
      id: "bedrock/throttled",
      reads: "code",
      is: [
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "ProvisionedThroughputExceededException",
        "SlowDown",
        "PriorRequestNotComplete",
        "TransactionInProgressException",
        "BandwidthLimitExceeded"
      ],
      presumes: true,
      verdict: "RateLimit",
      source: `${docs}; ${common}`
    },
    {
      id: "bedrock/service-quota",
      reads: "code",
      is: ["ServiceQuotaExceededException", "LimitExceededException"],
      verdict: "QuotaExceeded",
      source: `${docs}: the account's quota of the service`
    },
    {
      id: "bedrock/credentials",
      reads: "code",
      is: [
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidClientTokenIdException",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "ExpiredTokenException",
        "ExpiredToken",
        "RequestExpired",
        "InvalidAccessKeyId",
        "AuthFailure",
        "InvalidIdentityToken",
        "CredentialsProviderError",
        "TokenProviderError",
        "RequestTimeTooSkewed"
      ],
      verdict: "Authentication",
      source: `${common}; AWS SDK: credential providers`
    },
    {
      id: "bedrock/access",
      reads: "code",
      is: [
        "AccessDeniedException",
        "AccessDenied",
        "NotAuthorized",
        "NotAuthorizedException",
        "OptInRequired",
        "UnauthorizedOperation",
        "UnauthorizedException",
        "FTUFormNotFilled",
        "MPAgreementBeingCreated",
        "AccountProblem"
      ],
      presumes: true,
      verdict: "PermissionDenied",
      source: `${docs}; ${common}`
    },
    {
      id: "bedrock/not-found",
      reads: "code",
      is: ["ResourceNotFoundException"],
      presumes: true,
      verdict: "ModelNotFound",
      source: docs
    },
    {
      id: "bedrock/not-ready",
      reads: "code",
      is: ["ModelNotReadyException"],
      verdict: "ModelOverloaded",
      source: `${docs}: the model is being loaded, sent as 429`
    },
    {
      id: "bedrock/timeout",
      reads: "code",
      is: ["ModelTimeoutException", "RequestTimeoutException"],
      verdict: "Timeout",
      source: docs
    },
    {
      id: "bedrock/model-error",
      reads: "code",
      is: ["ModelErrorException", "ModelStreamErrorException"],
      presumes: true,
      scope: "model",
      verdict: "ServiceUnavailable",
      source: `${docs}: the model failed, sent as 424`
    },
    {
      id: "bedrock/server-fault",
      reads: "code",
      is: [
        "InternalServerException",
        "InternalFailure",
        "InternalFailureException",
        "InternalErrorException",
        "ServiceUnavailableException",
        "ServiceUnavailable",
        "DependencyFailedException",
        "BadGatewayException",
        "ConflictException"
      ],
      presumes: true,
      verdict: "ServiceUnavailable",
      source: `${docs}; ${common}; inside a stream its status may read 400`
    },
    {
      id: "bedrock/invalid",
      reads: "code",
      is: [
        "ValidationException",
        "ValidationError",
        "SerializationException",
        "MalformedHttpRequestException",
        "InvalidAction",
        "InvalidParameterCombination",
        "InvalidParameterValue",
        "MalformedQueryString",
        "MissingAction",
        "MissingParameter",
        "UnknownOperationException",
        "InvalidInputException"
      ],
      presumes: true,
      verdict: "InvalidRequest",
      source: `${docs}; ${common}`
    },
    {
      id: "bedrock/daily-tokens",
      reads: "message",
      says: /^too many (?:tokens|requests) per (?:day|month)\b/,
      verdict: "QuotaExceeded",
      source: "Amazon Bedrock: quotas per day, in the words of a throttle"
    },
    {
      id: "bedrock/payment",
      reads: "message",
      says: /^model access is denied due to ¤/,
      verdict: "QuotaExceeded",
      within: ["PermissionDenied"],
      source: "Amazon Bedrock: INVALID_PAYMENT_INSTRUMENT, the marketplace cannot charge the account"
    },
    {
      id: "bedrock/use-case",
      reads: "message",
      says: /^model use case details have not been submitted\b/,
      verdict: "PermissionDenied",
      source: "Amazon Bedrock: API error codes, FTUFormNotFilled, sent as 404"
    },
    {
      id: "bedrock/operation-not-allowed",
      reads: "message",
      says: /^operation not allowed$/,
      verdict: "PermissionDenied",
      source: "Amazon Bedrock: a new or restricted account, sent as ValidationException"
    },
    {
      id: "bedrock/on-demand",
      reads: "message",
      says: /^invocation of model id ¤ with on-demand throughput isn't supported/,
      failover: true,
      verdict: "InvalidRequest",
      source: "Amazon Bedrock: this model needs an inference profile, another does not"
    },
    {
      id: "bedrock/too-many-tokens",
      reads: "message",
      says: /^too many (?:tokens|requests|connections)\b/,
      within: ["RateLimit", "InvalidRequest", "Unknown"],
      verdict: "RateLimit",
      source: "Amazon Bedrock: a throttle, where other providers would mean the context"
    }
  ]
}
