import type * as Classifier from "@holdfast/providers/Classifier"
import { describe } from "@effect/vitest"
import { check } from "./rulesCheck.ts"

const fetchFailed = (code: string, message = code): Classifier.Evidence => ({
  provider: "openai",
  kind: "transport",
  error: new TypeError("fetch failed", { cause: Object.assign(new Error(message), { code }) })
})

const thrown = (error: unknown): Classifier.Evidence => ({ provider: "network", kind: "transport", error })

describe("fetch and Node", () => {
  for (const code of [
    "ECONNREFUSED",
    "ECONNRESET",
    "EPIPE",
    "EHOSTUNREACH",
    "UND_ERR_SOCKET",
    "ERR_HTTP2_GOAWAY_SESSION",
    "ERR_STREAM_PREMATURE_CLOSE",
    "ENOTFOUND",
    "HPE_INVALID_HEADER_TOKEN"
  ]) {
    check(code, fetchFailed(code), { class: "Network", retryable: true, failover: true })
  }
  for (const code of ["EAI_AGAIN", "ENETUNREACH", "ENETDOWN", "EADDRNOTAVAIL", "EMFILE"]) {
    check(`${code} is the caller's machine`, fetchFailed(code), { class: "Network", retryable: true, failover: false })
  }
  for (const code of [
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
  ]) {
    check(`${code} is a proxy or a missing root`, fetchFailed(code), {
      class: "Network",
      retryable: false,
      failover: false
    })
  }
  for (const code of [
    "CERT_HAS_EXPIRED",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "EPROTO",
    "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
    "ERR_SSL_SOMETHING_NEW"
  ]) {
    check(`${code} is this host`, fetchFailed(code), { class: "Network", retryable: false, failover: true })
  }
  for (const code of [
    "ETIMEDOUT",
    "ESOCKETTIMEDOUT",
    "UND_ERR_CONNECT_TIMEOUT",
    "UND_ERR_HEADERS_TIMEOUT",
    "UND_ERR_BODY_TIMEOUT"
  ]) {
    check(code, fetchFailed(code), { class: "Timeout" })
  }
  check("an unknown code of undici", fetchFailed("UND_ERR_SOMETHING_NEW"), { class: "Network" })
  check("a broken body", fetchFailed("Z_BUF_ERROR"), { class: "InvalidResponse" })
  check("a malformed address", thrown(Object.assign(new TypeError("Invalid URL"), { code: "ERR_INVALID_URL" })), {
    class: "InvalidRequest",
    failover: true
  })
  check(
    "an address that fetch cannot parse",
    thrown(new TypeError("Failed to parse URL from api.openai.com/v1/chat")),
    { class: "InvalidRequest", failover: true }
  )
  check(
    "a header that fetch cannot send",
    thrown(new TypeError('Headers.append: "Bearer …" is an invalid header value.')),
    { class: "InvalidRequest", failover: true }
  )
  check("a caller's abort", thrown(new DOMException("This operation was aborted", "AbortError")), {
    class: "Cancelled"
  })
  check("a caller's timeout", thrown(new DOMException("The operation was aborted due to timeout", "TimeoutError")), {
    class: "Timeout"
  })
  check(
    "both families refused",
    thrown(
      new TypeError("fetch failed", {
        cause: Object.assign(
          new AggregateError([Object.assign(new Error("connect ECONNREFUSED ::1:80"), { code: "ECONNREFUSED" })]),
          { code: "ECONNREFUSED" }
        )
      })
    ),
    {
      class: "Network"
    }
  )
  check(
    "both families refused, the code only inside",
    thrown(
      new TypeError("fetch failed", {
        cause: new AggregateError([Object.assign(new Error("connect ETIMEDOUT"), { code: "ETIMEDOUT" })])
      })
    ),
    {
      class: "Timeout"
    }
  )
  check("only the text was kept", thrown(new Error("connect ECONNREFUSED 127.0.0.1:11434")), { class: "Network" })
  check("only the text of a lookup was kept", thrown(new Error("getaddrinfo EAI_AGAIN api.anthropic.com")), {
    class: "Network",
    failover: false
  })
  check("a hang up", thrown(new Error("socket hang up")), { class: "Network" })
  check(
    "axios: a timeout",
    thrown(Object.assign(new Error("timeout of 30000ms exceeded"), { name: "AxiosError", code: "ECONNABORTED" })),
    { class: "Timeout" }
  )
  check(
    "axios: an abort",
    thrown(Object.assign(new Error("canceled"), { name: "CanceledError", code: "ERR_CANCELED" })),
    { class: "Cancelled" }
  )
  check(
    "axios: no network",
    thrown(Object.assign(new Error("Network Error"), { name: "AxiosError", code: "ERR_NETWORK" })),
    { class: "Network" }
  )
  check(
    "a proxy that refuses",
    thrown(
      new TypeError("fetch failed", {
        cause: Object.assign(new Error("Proxy response (403) !== 200 when HTTP Tunneling"), {
          name: "AbortError",
          code: "UND_ERR_ABORTED"
        })
      })
    ),
    {
      class: "Network",
      failover: false
    }
  )
  check(
    "a proxy that cannot reach the host",
    thrown(
      new TypeError("fetch failed", {
        cause: Object.assign(new Error("Proxy response (502) !== 200 when HTTP Tunneling"), {
          name: "AbortError",
          code: "UND_ERR_ABORTED"
        })
      })
    ),
    {
      class: "Network",
      failover: true
    }
  )
  check(
    "HTTP/2 that says slow down",
    thrown(
      Object.assign(new Error("Stream closed with error code NGHTTP2_ENHANCE_YOUR_CALM"), {
        code: "ERR_HTTP2_STREAM_ERROR"
      })
    ),
    { class: "RateLimit" }
  )
  check(
    "HTTP/2 that refuses a stream",
    thrown(
      Object.assign(new Error("Stream closed with error code NGHTTP2_REFUSED_STREAM"), {
        code: "ERR_HTTP2_STREAM_ERROR"
      })
    ),
    { class: "Network" }
  )
  check("JSON that is cut", thrown(new SyntaxError("Unexpected end of JSON input")), { class: "InvalidResponse" })
  check("a browser's failure", thrown(new TypeError("Failed to fetch")), { class: "Network" })
  check("Safari's failure", thrown(new TypeError("Load failed")), { class: "Network" })
  for (const value of [undefined, null, 42, true, Symbol("x"), "", "a string", [], {}, () => 1]) {
    check(`nothing to decide on: a ${value === null ? "null" : typeof value}`, thrown(value), {
      class: "Unknown",
      retryable: false,
      failover: true
    })
  }
})

describe("SDK errors", () => {
  const sdk = (error: unknown, provider = "openai"): Classifier.Evidence => ({ provider, kind: "sdk", error })
  class APIConnectionTimeoutError extends Error {}
  class APIUserAbortError extends Error {}
  class RateLimitError extends Error {
    readonly status = 429
    readonly code = "insufficient_quota"
    readonly error = {
      message: "You exceeded your current quota",
      type: "insufficient_quota",
      code: "insufficient_quota"
    }
  }
  check("openai: the class is known by its constructor", sdk(new APIConnectionTimeoutError("Request timed out.")), {
    class: "Timeout"
  })
  check("openai: a caller's abort", sdk(new APIUserAbortError("Request was aborted.")), { class: "Cancelled" })
  check("openai: RateLimitError may be billing", sdk(new RateLimitError("429 You exceeded your current quota")), {
    class: "QuotaExceeded"
  })
  check(
    "openai: a connection error without a cause",
    sdk({ name: "Error", className: "APIConnectionError", message: "Connection error." }),
    { class: "Network" }
  )
  check(
    "openai: a status alone",
    sdk({ name: "Error", className: "InternalServerError", message: "500 status code (no body)", status: 500 }),
    { class: "ServiceUnavailable" }
  )
  check(
    "openai: a key that is not set",
    sdk({
      name: "Error",
      className: "OpenAIError",
      message:
        "The OPENAI_API_KEY environment variable is missing or empty; either provide it, or instantiate the OpenAI client with an apiKey option."
    }),
    {
      class: "Authentication"
    }
  )
  check(
    "genai: JSON in the message",
    sdk(
      {
        name: "ApiError",
        message:
          '{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}',
        status: 503
      },
      "gemini"
    ),
    {
      class: "ModelOverloaded"
    }
  )
  check(
    "genai: a page wrapped into JSON",
    sdk(
      {
        name: "ApiError",
        message:
          '{"error":{"message":"<html><title>502 Bad Gateway</title></html>","code":502,"status":"Bad Gateway"}}',
        status: 502
      },
      "gemini"
    ),
    {
      class: "ServiceUnavailable"
    }
  )
  check(
    "anthropic: the body twice",
    sdk(
      {
        name: "OverloadedError",
        message: '529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        status: 529,
        error: { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }
      },
      "anthropic"
    ),
    {
      class: "ModelOverloaded"
    }
  )
  check(
    "AWS: a connection timeout",
    sdk({ name: "TimeoutError", message: "Connection timed out after 1000 ms", $metadata: { attempts: 3 } }, "bedrock"),
    { class: "Timeout" }
  )
  check(
    "AWS: no credentials",
    sdk(
      {
        name: "CredentialsProviderError",
        message: "Token is expired. To refresh this SSO session run 'aws sso login' with the corresponding profile."
      },
      "bedrock"
    ),
    { class: "Authentication" }
  )
  check(
    "AI SDK: the body as text",
    sdk({
      name: "AI_APICallError",
      message: "Provider returned error",
      statusCode: 429,
      responseBody: '{"error":{"message":"x","type":"insufficient_quota","code":"insufficient_quota"}}'
    }),
    {
      class: "QuotaExceeded"
    }
  )
  check(
    "AI SDK: the last error of several",
    sdk(
      {
        name: "AI_RetryError",
        message: "Failed after 3 attempts. Last error: Overloaded",
        reason: "maxRetriesExceeded",
        lastError: { name: "AI_APICallError", message: "Overloaded", statusCode: 529 }
      },
      "anthropic"
    ),
    {
      class: "ModelOverloaded"
    }
  )
  check(
    "axios: the answer inside",
    sdk({
      name: "AxiosError",
      message: "Request failed with status code 401",
      code: "ERR_BAD_REQUEST",
      response: { status: 401, data: { error: { message: "bad", code: "invalid_api_key" } } }
    }),
    {
      class: "Authentication"
    }
  )
  check(
    "effect/http: a transport error",
    sdk({
      _tag: "HttpClientError",
      name: "HttpClientError",
      message: "Transport: x",
      reason: {
        _tag: "TransportError",
        name: "TransportError",
        message: "Transport",
        cause: new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code: "ECONNRESET" }) })
      }
    }),
    {
      class: "Network"
    }
  )
})
