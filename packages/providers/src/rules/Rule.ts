/**
 * What one classification rule is: a fact that a provider documents (or was seen to send), as data. A table of them per
 * provider stands in front of the common base; reading them is the engine's business (`internal/classifyEngine.ts`).
 */
import type { Class, Scope, TimeoutPhase } from "@holdfast/core/Failure"

/**
 * Where a rule looks.
 *
 * - `transport`: a code, or the name of an error class, in the chain of causes of something thrown (`ECONNRESET`)
 * - `code`: the provider's own `code`, `type`, `status`, `reason` or exception name, innermost body first
 * - `quota`: the window that a violated quota is named after (`minute`, `day`, …), `zero` for a limit of none, or
 *   `larger-than-limit` for one request above a whole window's limit
 * - `answer`: what is wrong with an answer that says 200 (`finish:safety`, `blocked`, `html`, `no-choices`, …)
 * - `status`: the HTTP status, or the one that the innermost body names
 * - `header`: a response header, as `name: value`
 * - `message`: a sentence of the provider's message, last of all
 */
export type Field = "transport" | "code" | "quota" | "answer" | "status" | "header" | "message"

interface Common {
  /** `table/slug`; what `Classification.rule` carries. */
  readonly id: string
  readonly verdict: Class
  /** Only where it departs from the class. */
  readonly retryable?: boolean
  /** Only where it departs from the class. */
  readonly failover?: boolean
  /** Only where it departs from `scopes`. */
  readonly scope?: Scope
  /** Which clock a `Timeout` means. Default: `provider`. */
  readonly phase?: TimeoutPhase
  /** Only under these HTTP statuses; `0` stands for none, and a 200 that failed counts as none too. */
  readonly statuses?: ReadonlyArray<number>
  /**
   * The field is general (`invalid_request_error`, 429): the verdict stands unless a later field says more, and the
   * message may sharpen it into a class that `sharpens` allows, or into any if the field says no more than "error".
   */
  readonly presumes?: true | "anything"
  /** Where this is documented or was seen, and why it holds. */
  readonly source: string
}

/** A rule over a structured field. Values are compared by letters and digits only, so case and separators are free. */
export interface ValueRule extends Common {
  readonly reads: Exclude<Field, "message">
  readonly is: ReadonlyArray<string | number>
}

/**
 * A rule over wording. The pattern is anchored at the start of a sentence; the sentence is lower case and has its quoted
 * parts, addresses and identifiers replaced by `¤` and its numbers by `#`, so what a user wrote cannot match.
 */
export interface MessageRule extends Common {
  readonly reads: "message"
  readonly says: RegExp
  /** Which presumptions it may sharpen. Default: `sharpens[verdict]`. */
  readonly within?: ReadonlyArray<Class>
}

export type Rule = ValueRule | MessageRule

/** The rules of one provider. */
export interface Table {
  readonly name: string
  readonly rules: ReadonlyArray<Rule>
}

/** How far each class reaches unless a rule says otherwise. Who shares the credential shares its limits; and so on. */
export const scopes: { readonly [C in Class]: Scope } = {
  RateLimit: "credential",
  ServiceUnavailable: "provider",
  ModelOverloaded: "model",
  QuotaExceeded: "credential",
  Authentication: "credential",
  PermissionDenied: "credential",
  // A slow model is slow by itself; the rules for connect timeouts widen this to the provider.
  Timeout: "model",
  ContentPolicy: "request",
  Network: "provider",
  InvalidRequest: "request",
  ContextLengthExceeded: "request",
  ModelNotFound: "model",
  InvalidResponse: "model",
  StreamTruncated: "provider",
  Cancelled: "request",
  Unknown: "request"
}

/**
 * Which presumptions wording may sharpen into a class. A 500 that mentions safety settings stays a server fault and a
 * 401 stays a credential fault, whatever their text says: policy, credentials and access are faults of a request that
 * was understood, so they need a status that says so. A 429 that calls something too large speaks of its window, hence
 * only the sentences about one request that never fits name 429 themselves.
 */
export const sharpens: { readonly [C in Class]: ReadonlyArray<Class> } = {
  QuotaExceeded: ["InvalidRequest", "RateLimit", "PermissionDenied", "ServiceUnavailable", "Unknown"],
  ContextLengthExceeded: ["InvalidRequest", "PermissionDenied", "ServiceUnavailable", "Unknown"],
  ContentPolicy: ["InvalidRequest", "PermissionDenied", "Unknown"],
  Authentication: ["InvalidRequest", "PermissionDenied", "Unknown"],
  PermissionDenied: ["InvalidRequest", "ModelNotFound", "Unknown"],
  ModelNotFound: ["InvalidRequest", "PermissionDenied", "ServiceUnavailable", "Unknown"],
  ModelOverloaded: ["InvalidRequest", "RateLimit", "ServiceUnavailable", "Unknown"],
  RateLimit: ["InvalidRequest", "PermissionDenied", "ServiceUnavailable", "Unknown"],
  Timeout: ["ServiceUnavailable", "Unknown"],
  ServiceUnavailable: ["Unknown"],
  InvalidRequest: ["InvalidRequest", "ModelNotFound", "Unknown"],
  InvalidResponse: ["InvalidRequest", "ServiceUnavailable", "Unknown"],
  Network: ["Unknown"],
  Cancelled: ["Unknown"],
  StreamTruncated: ["Unknown"],
  Unknown: []
}

/** How values are compared: `rate_limit_exceeded`, `RateLimitExceeded` and `rateLimitExceeded` are one. */
export const canonical = (value: string | number): string =>
  typeof value === "number" ? String(value) : value.toLowerCase().replace(/[^a-z0-9]+/g, "")

/** A pattern of alternatives at the start of a sentence. */
export const anchored = (...alternatives: ReadonlyArray<string>): RegExp => new RegExp(`^(?:${alternatives.join("|")})`)
