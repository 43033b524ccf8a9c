/**
 * What a provider did wrong, as a flat tagged union: one class per kind of trouble that deserves its own answer.
 * A failure is a value about one attempt; what we refuse to do ourselves is in `Refusal.ts`.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/** How far a fault reaches: this request only, the credential, the model, or the whole provider. */
export const Scope = Schema.Literals(["request", "credential", "model", "provider"])
export type Scope = typeof Scope.Type

/** Which clock ran out. `provider` means that the provider said so itself (408, 504, `DEADLINE_EXCEEDED`). */
export const TimeoutPhase = Schema.Literals(["connect", "first-content", "chunk-gap", "attempt", "provider"])
export type TimeoutPhase = typeof TimeoutPhase.Type

const fields = {
  provider: Schema.String,
  model: Schema.String,
  /** Where the attempt went, such as `openai/gpt-mini`. */
  lane: Schema.String,
  /** How far the fault reaches. */
  scope: Scope,
  /** The classification rule that decided, for the person who asks why. */
  rule: Schema.String,
  /** HTTP status, where there was one. */
  status: Schema.optional(Schema.Int),
  /** The provider's own code or type, as it was sent. */
  providerCode: Schema.optional(Schema.String),
  /** The provider's id of the request, for its support desk. */
  requestId: Schema.optional(Schema.String),
  /** The wait the provider named, if it named one. */
  retryAfter: Schema.optional(Schema.DurationFromMillis),
  /** Set only where the payload departs from its class: would the same request to the same lane help later? */
  retryable: Schema.optional(Schema.Boolean),
  /** Set only where the payload departs from its class: could another lane plausibly serve this request? */
  failover: Schema.optional(Schema.Boolean),
  /**
   * The provider's own sentence, shortened and with keys removed. It may quote the request, so it goes to the caller
   * who sent that request and to nobody else: never into logs, spans, rows or `message`.
   */
  detail: Schema.optional(Schema.String),
  /** What was thrown, for debugging in process. It is not logged or stored. */
  cause: Schema.optional(Schema.Defect())
}

/** Too many requests or tokens for now: waiting and repeating the same request helps. */
export class RateLimit extends Schema.TaggedError<RateLimit>()("RateLimit", fields) {
  override get message() {
    return sentence(this, "limits the rate of")
  }
}

/** The provider is up but answers 5xx: the same request may succeed shortly. */
export class ServiceUnavailable extends Schema.TaggedError<ServiceUnavailable>()("ServiceUnavailable", fields) {
  override get message() {
    return sentence(this, "is unavailable for")
  }
}

/** The model has no capacity left for anyone: waiting helps, so does another model. */
export class ModelOverloaded extends Schema.TaggedError<ModelOverloaded>()("ModelOverloaded", fields) {
  override get message() {
    return sentence(this, "is overloaded on")
  }
}

/** Money or a calendar quota is gone: waiting seconds does not help, another provider does. */
export class QuotaExceeded extends Schema.TaggedError<QuotaExceeded>()("QuotaExceeded", fields) {
  override get message() {
    return sentence(this, "has no quota left for")
  }
}

/** The credential is missing, wrong or expired. */
export class Authentication extends Schema.TaggedError<Authentication>()("Authentication", fields) {
  override get message() {
    return sentence(this, "does not accept the credential for")
  }
}

/** The credential is good, but it may not do this. */
export class PermissionDenied extends Schema.TaggedError<PermissionDenied>()("PermissionDenied", fields) {
  override get message() {
    return sentence(this, "does not permit the use of")
  }
}

/** A clock ran out: ours (see `phase`) or the provider's own. */
export class Timeout extends Schema.TaggedError<Timeout>()("Timeout", { ...fields, phase: TimeoutPhase }) {
  override get message() {
    return sentence(this, `ran out of time (${this.phase}) on`)
  }
}

/** The provider's safety or usage policy stopped the prompt or the answer. */
export class ContentPolicy extends Schema.TaggedError<ContentPolicy>()("ContentPolicy", fields) {
  override get message() {
    return sentence(this, "stopped the content by policy on")
  }
}

/**
 * Nothing usable came over the wire: DNS, refused, reset, TLS, a forward proxy. With a `status` the connection was lost
 * when the answer had begun.
 */
export class Network extends Schema.TaggedError<Network>()("Network", fields) {
  override get message() {
    return sentence(this, this.status === undefined ? "cannot be reached for" : "broke off while it answered for")
  }
}

/** The request itself is at fault: repeating it anywhere fails again. */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()("InvalidRequest", fields) {
  override get message() {
    return sentence(this, "rejects the request to")
  }
}

/** Input plus reserved output is larger than the model's window. */
export class ContextLengthExceeded extends Schema.TaggedError<ContextLengthExceeded>()(
  "ContextLengthExceeded",
  fields
) {
  override get message() {
    return sentence(this, "says the request is too long for")
  }
}

/** The model or deployment is unknown to the provider, or retired. */
export class ModelNotFound extends Schema.TaggedError<ModelNotFound>()("ModelNotFound", fields) {
  override get message() {
    return sentence(this, "does not know")
  }
}

/** The provider answered with something that is not an answer: HTML, cut JSON, an empty choice. */
export class InvalidResponse extends Schema.TaggedError<InvalidResponse>()("InvalidResponse", fields) {
  override get message() {
    return sentence(this, "sent an unusable answer from")
  }
}

/** A stream ended without the provider's terminal event. */
export class StreamTruncated extends Schema.TaggedError<StreamTruncated>()("StreamTruncated", fields) {
  override get message() {
    return sentence(this, "cut the stream of")
  }
}

/** The caller went away. Neutral for every circuit, and final. */
export class Cancelled extends Schema.TaggedError<Cancelled>()("Cancelled", fields) {
  override get message() {
    return sentence(this, "was left by the caller on")
  }
}

/** Nothing in the failure to decide on. */
export class Unknown extends Schema.TaggedError<Unknown>()("Unknown", fields) {
  override get message() {
    return sentence(this, "failed in an unknown way on")
  }
}

const classes = {
  RateLimit,
  ServiceUnavailable,
  ModelOverloaded,
  QuotaExceeded,
  Authentication,
  PermissionDenied,
  Timeout,
  ContentPolicy,
  Network,
  InvalidRequest,
  ContextLengthExceeded,
  ModelNotFound,
  InvalidResponse,
  StreamTruncated,
  Cancelled,
  Unknown
} as const

/** Any failure, as a codec: encoded it is plain JSON, with durations in milliseconds. */
export const Failure = Schema.Union([
  RateLimit,
  ServiceUnavailable,
  ModelOverloaded,
  QuotaExceeded,
  Authentication,
  PermissionDenied,
  Timeout,
  ContentPolicy,
  Network,
  InvalidRequest,
  ContextLengthExceeded,
  ModelNotFound,
  InvalidResponse,
  StreamTruncated,
  Cancelled,
  Unknown
])
export type Failure = typeof Failure.Type

/** The name of a class of failure. */
export type Class = Failure["_tag"]
export const Class = Schema.Literals([
  "RateLimit",
  "ServiceUnavailable",
  "ModelOverloaded",
  "QuotaExceeded",
  "Authentication",
  "PermissionDenied",
  "Timeout",
  "ContentPolicy",
  "Network",
  "InvalidRequest",
  "ContextLengthExceeded",
  "ModelNotFound",
  "InvalidResponse",
  "StreamTruncated",
  "Cancelled",
  "Unknown"
])

/** What every failure carries, whatever its class. */
export interface Fields {
  readonly provider: string
  readonly model: string
  readonly lane: string
  readonly scope: Scope
  readonly rule: string
  readonly status?: number | undefined
  readonly providerCode?: string | undefined
  readonly requestId?: string | undefined
  readonly retryAfter?: Duration.Duration | undefined
  readonly retryable?: boolean | undefined
  readonly failover?: boolean | undefined
  readonly detail?: string | undefined
  readonly cause?: unknown
}

/** Builds the failure of a class. `phase` is read for `Timeout` only and defaults to `provider`. */
export const make = (class_: Class, fields: Fields, phase: TimeoutPhase = "provider"): Failure =>
  class_ === "Timeout" ? new Timeout({ ...fields, phase }) : new classes[class_](fields)

/** The failure as it may leave the process: without what was thrown, and without the provider's own sentence. */
export const withoutCause = (failure: Failure): Failure =>
  make(
    failure._tag,
    {
      provider: failure.provider,
      model: failure.model,
      lane: failure.lane,
      scope: failure.scope,
      rule: failure.rule,
      status: failure.status,
      providerCode: failure.providerCode,
      requestId: failure.requestId,
      retryAfter: failure.retryAfter,
      retryable: failure.retryable,
      failover: failure.failover
    },
    failure._tag === "Timeout" ? failure.phase : undefined
  )

const isOfUnion = Schema.is(Failure)

/** Whether a value is a failure of this union. */
export const isFailure = (u: unknown): u is Failure => {
  // Asked of every error of every attempt: nearly always the tag alone decides.
  if (typeof u !== "object" || u === null || !("_tag" in u) || typeof u._tag !== "string") return false
  if (!Object.hasOwn(classes, u._tag)) return false
  return isOfUnion(u)
}

const sentence = (failure: Fields, what: string): string => {
  const status = failure.status === undefined ? "" : `, HTTP ${failure.status}`
  const wait = failure.retryAfter === undefined ? "" : `, asks to wait ${Duration.format(failure.retryAfter)}`
  return `${failure.provider} ${what} ${failure.model}${status}${wait} (${failure.rule})`
}
