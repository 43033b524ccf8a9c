/**
 * What an HTTP status means by itself. Most of them only presume: the same 400, 403, 404 and 429 stand for many things,
 * which the body tells apart. Those that decide leave nothing to tell.
 */
import type { Table } from "./Rule.ts"

const rfc = "RFC 9110"
const cloudflare = "Cloudflare: 5xx errors"

export const http: Table = {
  name: "http",
  rules: [
    {
      id: "http/bad-request",
      reads: "status",
      is: [400, 406, 411, 412, 414, 415, 416, 417, 418, 422, 423, 428, 431],
      presumes: true,
      verdict: "InvalidRequest",
      source: `${rfc}, section 15.5: the request is at fault`
    },
    {
      id: "http/unauthorized",
      reads: "status",
      is: [401],
      verdict: "Authentication",
      source: `${rfc}, section 15.5.2; a code that says more (region, address, money) is read before`
    },
    {
      id: "http/payment-required",
      reads: "status",
      is: [402],
      verdict: "QuotaExceeded",
      source: "DeepSeek, OpenRouter, Anthropic, Together: balance or credits are gone"
    },
    {
      id: "http/forbidden",
      reads: "status",
      is: [403, 451],
      presumes: true,
      verdict: "PermissionDenied",
      source: `${rfc}, section 15.5.4; RFC 7725`
    },
    {
      id: "http/not-found",
      reads: "status",
      is: [404, 410],
      presumes: true,
      verdict: "ModelNotFound",
      source: `${rfc}, sections 15.5.5 and 15.5.11: of what a completion request names, only the model may be missing`
    },
    {
      id: "http/wrong-address",
      reads: "status",
      is: [405, 426, 300, 301, 302, 303, 307, 308],
      presumes: true,
      verdict: "InvalidRequest",
      failover: true,
      source: `${rfc}, sections 15.4 and 15.5.6: the base URL of this provider's configuration is wrong`
    },
    {
      id: "http/proxy-authentication",
      reads: "status",
      is: [407, 511],
      verdict: "Network",
      retryable: false,
      failover: false,
      source: `${rfc}, section 15.5.8; RFC 6585, section 6: a proxy or portal on the caller's side answers, not the provider`
    },
    {
      id: "http/timeout",
      reads: "status",
      is: [408, 504, 522, 524, 598, 599],
      verdict: "Timeout",
      source: `${rfc}, sections 15.5.9 and 15.6.5; ${cloudflare}: 522, 524`
    },
    {
      id: "http/too-large",
      reads: "status",
      is: [413],
      verdict: "ContextLengthExceeded",
      source: `${rfc}, section 15.5.14; Groq sends it for one request above the whole limit of a minute`
    },
    {
      id: "http/too-many-requests",
      reads: "status",
      is: [429, 509],
      presumes: true,
      verdict: "RateLimit",
      source: "RFC 6585, section 4"
    },
    {
      id: "http/client-closed",
      reads: "status",
      is: [499],
      presumes: true,
      verdict: "Cancelled",
      source: "nginx: client closed request; google.rpc CANCELLED"
    },
    {
      id: "http/capacity",
      reads: "status",
      is: [498, 529],
      verdict: "ModelOverloaded",
      source: "Groq: 498 flex tier capacity exceeded; Anthropic: 529 overloaded"
    },
    {
      id: "http/not-implemented",
      reads: "status",
      is: [501, 505],
      presumes: true,
      verdict: "InvalidRequest",
      failover: true,
      source: `${rfc}, section 15.6.2: this server does not have it, another may`
    },
    {
      id: "http/server-fault",
      reads: "status",
      is: [409, 421, 424, 425, 500, 502, 503, 506, 507, 508, 510, 520, 521, 523, 525, 526, 527, 530],
      presumes: true,
      verdict: "ServiceUnavailable",
      source: `${rfc}, section 15.6; ${cloudflare}: 520, 521, 523, 525 to 527, 530; Bedrock: 424 model error; OpenAI, Anthropic: 409, another request holds the resource`
    },
    {
      id: "http/challenge",
      reads: "header",
      is: ["cf-mitigated: challenge", "cf-mitigated: block"],
      verdict: "PermissionDenied",
      source: "Cloudflare: the firewall stopped the request before the provider saw it"
    },
    {
      id: "http/envoy-overloaded",
      reads: "header",
      is: ["x-envoy-overloaded: true"],
      verdict: "ModelOverloaded",
      source: "Envoy: overload manager"
    },
    {
      id: "http/page-not-found",
      reads: "answer",
      is: ["html"],
      statuses: [404, 405, 410],
      verdict: "InvalidRequest",
      failover: true,
      source: "A page instead of an error object: the address is wrong, the model was never looked up"
    },
    {
      id: "http/cloudflare-rate",
      reads: "code",
      is: ["cloudflare-1015", "cloudflare-1027"],
      verdict: "RateLimit",
      source: "Cloudflare: 1xxx errors, rate limits of the site"
    },
    {
      id: "http/cloudflare-denied",
      reads: "code",
      is: [
        "cloudflare-1006",
        "cloudflare-1007",
        "cloudflare-1008",
        "cloudflare-1009",
        "cloudflare-1010",
        "cloudflare-1011",
        "cloudflare-1012",
        "cloudflare-1020",
        "cloudflare-1106"
      ],
      verdict: "PermissionDenied",
      source: "Cloudflare: 1xxx errors, address, country, browser or rule is banned"
    },
    {
      id: "http/cloudflare-origin",
      reads: "code",
      is: [
        "cloudflare-1000",
        "cloudflare-1001",
        "cloudflare-1016",
        "cloudflare-1033",
        "cloudflare-1101",
        "cloudflare-1102"
      ],
      verdict: "ServiceUnavailable",
      source: "Cloudflare: 1xxx errors, the origin cannot be resolved or its worker failed"
    }
  ]
}
