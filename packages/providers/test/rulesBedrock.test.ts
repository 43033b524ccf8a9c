import type * as Classifier from "@holdfast/providers/Classifier"
import { describe } from "@effect/vitest"
import { check } from "./rulesCheck.ts"

const bedrock = (status: number, type: string, message: string): Classifier.Evidence => ({
  provider: "bedrock",
  kind: "http",
  status,
  headers: { "x-amzn-errortype": `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/` },
  body: { message }
})

describe("Bedrock", () => {
  check(
    "requests",
    bedrock(
      429,
      "ThrottlingException",
      "Too many requests, please wait before trying again. You have sent too many requests.  Wait before trying again."
    ),
    { class: "RateLimit" }
  )
  check(
    "tokens of a day",
    bedrock(429, "ThrottlingException", "Too many tokens per day, please wait before trying again."),
    { class: "QuotaExceeded" }
  )
  check(
    "connections",
    bedrock(503, "ServiceUnavailableException", "Too many connections, please wait before trying again."),
    { class: "ServiceUnavailable" }
  )
  check("an unknown model", bedrock(400, "ValidationException", "The provided model identifier is invalid."), {
    class: "ModelNotFound"
  })
  check(
    "a model at the end of its life",
    bedrock(
      404,
      "ResourceNotFoundException",
      "This model version has reached the end of its life. Please refer to the AWS documentation for more details."
    ),
    { class: "ModelNotFound" }
  )
  check(
    "a use case form",
    bedrock(
      404,
      "ResourceNotFoundException",
      "Model use case details have not been submitted for this account. Fill out the Anthropic use case details form before using the model. If you have already filled out the form, try again in 15 minutes."
    ),
    {
      class: "PermissionDenied"
    }
  )
  check(
    "an expired token",
    bedrock(403, "ExpiredTokenException", "The security token included in the request is expired"),
    { class: "Authentication" }
  )
  check(
    "an unknown token",
    bedrock(403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    { class: "Authentication" }
  )
  check(
    "a Bedrock key that is wrong",
    bedrock(403, "AccessDeniedException", "Authentication failed: Please make sure your API Key is valid."),
    { class: "Authentication" }
  )
  check(
    "an IAM policy",
    bedrock(
      403,
      "AccessDeniedException",
      "User: arn:aws:iam::0:user/x is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/x because no identity-based policy allows the action"
    ),
    {
      class: "PermissionDenied"
    }
  )
  check(
    "a payment instrument",
    bedrock(
      403,
      "AccessDeniedException",
      "Model access is denied due to INVALID_PAYMENT_INSTRUMENT:A valid payment instrument must be provided."
    ),
    { class: "QuotaExceeded" }
  )
  check("an account that may not", bedrock(400, "ValidationException", "Operation not allowed"), {
    class: "PermissionDenied"
  })
  check(
    "too long, with a prefix",
    bedrock(
      400,
      "ValidationException",
      "The model returned the following errors: Input is too long for requested model."
    ),
    { class: "ContextLengthExceeded" }
  )
  check(
    "too long, in Anthropic's words",
    bedrock(
      400,
      "ValidationException",
      "The model returned the following errors: prompt is too long: 204299 tokens > 200000 maximum"
    ),
    { class: "ContextLengthExceeded" }
  )
  check("a model without tools", bedrock(400, "ValidationException", "This model doesn't support tool use."), {
    class: "InvalidRequest",
    failover: true
  })
  check(
    "a malformed body",
    bedrock(
      400,
      "ValidationException",
      "Malformed input request: #: required key [max_tokens] not found, please reformat your input and try again."
    ),
    { class: "InvalidRequest", failover: false }
  )
  check("a model that timed out", bedrock(408, "ModelTimeoutException", "The request took too long to process."), {
    class: "Timeout"
  })
  check(
    "a broken model stream",
    {
      provider: "bedrock",
      kind: "stream",
      status: 200,
      headers: { ":exception-type": "modelStreamErrorException" },
      body: { message: "The system encountered an unexpected error during processing. Try your request again." }
    },
    {
      class: "ServiceUnavailable"
    }
  )
  check(
    "an internal error thrown by the SDK",
    {
      provider: "bedrock",
      kind: "sdk",
      error: {
        name: "InternalServerException",
        message: "The system encountered an unexpected error.",
        $fault: "server",
        $metadata: { httpStatusCode: 500 }
      }
    },
    {
      class: "ServiceUnavailable"
    }
  )
  check(
    "a type in the body",
    {
      provider: "bedrock",
      kind: "http",
      status: 400,
      body: { __type: "com.amazon.coral.availability#ThrottlingException", message: "Rate exceeded" }
    },
    { class: "RateLimit" }
  )
  check(
    "a filtered answer",
    {
      provider: "bedrock",
      kind: "response-200",
      status: 200,
      body: { output: { message: { role: "assistant", content: [] } }, stopReason: "content_filtered" }
    },
    { class: "ContentPolicy" }
  )
  check(
    "a broken tool call",
    {
      provider: "bedrock",
      kind: "response-200",
      status: 200,
      body: { output: { message: { role: "assistant", content: [] } }, stopReason: "malformed_tool_use" }
    },
    { class: "InvalidResponse" }
  )
})
