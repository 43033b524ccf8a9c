/**
 * Between our errors and the one error of `effect/ai`. Going out, an error keeps its class and fields in the `AiError`'s
 * metadata, so that it survives JSON; coming back in the same process it is the very same object. An `AiError` made by
 * somebody else is classified as well as its content allows.
 */
import * as AiError from "effect/ai/AiError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Failure from "./Failure.ts"
import * as Refusal from "./Refusal.ts"

type Typed = Failure.Failure | Refusal.Refusal

const Carried = Schema.Union([Failure.Failure, Refusal.Refusal])
const metadataKey = "holdfast"

/** The errors behind the reasons we made, while both live in this process. */
const originals = new WeakMap<AiError.AiErrorReason, Typed>()

/** The `AiError` that stands for a failure or a refusal. */
export const fromTyped = (error: Typed, method: string): AiError.AiError => {
  const reason = reasonOf(error)
  originals.set(reason, error)
  return AiError.make({ module: "Holdfast", method, reason })
}

/** The failure or refusal that an `AiError` stands for. One made elsewhere is read by its reason and its HTTP status. */
export const toTyped = (error: AiError.AiError): Typed => carriedBy(error) ?? classify(error)

/** The failure or refusal inside an `AiError` of ours; `undefined` for one made elsewhere. */
export const carriedBy = (error: AiError.AiError): Typed | undefined =>
  originals.get(error.reason) ?? carried(error.reason)

/** Puts our union in place of `AiError` in the error channel, as `read` reads it. Other errors stay. */
export const typedBy =
  (read: (error: AiError.AiError) => Typed) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, Exclude<E, AiError.AiError> | Typed, R> =>
    Effect.mapError(self, (error) => {
      if (AiError.isAiError(error)) return read(error)
      // An `AiError` has just been ruled out.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return error as Exclude<E, AiError.AiError>
    })

/**
 * Puts our union in place of `AiError` in the error channel, so that `Effect.catchTags` narrows it. Other errors stay. For
 * `AiError`s of other providers `ForeignErrors` of `@holdfast/providers` says more.
 */
export const typed: <A, E, R>(
  self: Effect.Effect<A, E, R>
) => Effect.Effect<A, Exclude<E, AiError.AiError> | Typed, R> = typedBy(toTyped)

const encode = Schema.encodeUnknownOption(Schema.toCodecJson(Carried))
const decode = Schema.decodeUnknownOption(Schema.toCodecJson(Carried))

const metadataOf = (error: Typed): AiError.ProviderMetadata => {
  const json = encode(withoutCause(error))
  const value = Option.flatMap(json, Schema.decodeUnknownOption(Schema.MutableJson))
  return { [metadataKey]: Option.getOrNull(value) }
}

/** The cause may hold requests and bodies, and the detail may quote them: neither leaves the process in metadata. */
const withoutCause = (error: Typed): Typed => {
  if (Failure.isFailure(error)) return Failure.withoutCause(error)
  if (error._tag !== "AllLanesFailed") return error
  return new Refusal.AllLanesFailed({
    route: error.route,
    trail: error.trail.map((entry) =>
      Failure.isFailure(entry.error) ? { ...entry, error: Failure.withoutCause(entry.error) } : entry
    ),
    retryAfter: error.retryAfter,
    reopensAt: error.reopensAt,
    blames: error.blames
  })
}

const carried = (reason: AiError.AiErrorReason): Typed | undefined =>
  "metadata" in reason ? Option.getOrUndefined(decode(reason.metadata[metadataKey])) : undefined

const reasonOf = (error: Typed): AiError.AiErrorReason => {
  const metadata = metadataOf(error)
  const description = error.message
  switch (error._tag) {
    case "RateLimit":
      return new AiError.RateLimitError({ metadata, ...waitOf(error) })
    case "QuotaExceeded":
      return new AiError.QuotaExhaustedError({ metadata })
    case "Authentication":
      return new AiError.AuthenticationError({ kind: "Unknown", description, metadata })
    case "PermissionDenied":
      return new AiError.AuthenticationError({ kind: "InsufficientPermissions", description, metadata })
    case "ContentPolicy":
      return new AiError.ContentPolicyError({ description, metadata })
    case "InvalidRequest":
    case "ContextLengthExceeded":
    case "ModelNotFound":
    case "NoCapableLane":
      return new AiError.InvalidRequestError({ description, metadata })
    case "InvalidResponse":
    case "StreamTruncated":
      return new AiError.InvalidResponseError({ description, metadata })
    case "ServiceUnavailable":
    case "ModelOverloaded":
    case "Timeout":
    case "Network":
    case "CircuitOpen":
    case "BulkheadFull":
    case "LimitReached":
    case "DeadlineExceeded":
    case "BudgetExhausted":
    case "AllLanesFailed":
      return new AiError.InternalProviderError({ description, metadata })
    case "Cancelled":
    case "Unknown":
      return new AiError.UnknownError({ description, metadata })
  }
}

const waitOf = (error: Failure.RateLimit) => (error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter })

/** A failure from an `AiError` we did not make, by its reason and, where that says little, by its HTTP status. */
const classify = (error: AiError.AiError): Failure.Failure => {
  const { reason } = error
  const http = "http" in reason ? reason.http : undefined
  const status = http?.response?.status
  const make = (class_: Failure.Class, scope: Failure.Scope): Failure.Failure =>
    Failure.make(class_, {
      provider: error.module,
      model: "unknown",
      lane: error.module,
      scope,
      rule: `ai-error/${reason._tag}`,
      status,
      cause: error,
      ...(reason._tag === "RateLimitError" ? { retryAfter: reason.retryAfter } : {})
    })
  switch (reason._tag) {
    case "RateLimitError":
      return make("RateLimit", "credential")
    case "QuotaExhaustedError":
      return make("QuotaExceeded", "credential")
    case "AuthenticationError":
      return make(reason.kind === "InsufficientPermissions" ? "PermissionDenied" : "Authentication", "credential")
    case "ContentPolicyError":
      return make("ContentPolicy", "request")
    case "InvalidRequestError":
    case "UnsupportedSchemaError":
      return make("InvalidRequest", "request")
    case "InternalProviderError":
      return status === 529 ? make("ModelOverloaded", "model") : make("ServiceUnavailable", "provider")
    case "NetworkError":
      return reason.reason === "TransportError" ? make("Network", "provider") : make("InvalidRequest", "request")
    case "InvalidResponseError":
    case "InvalidOutputError":
    case "StructuredOutputError":
      return make("InvalidResponse", "model")
    default:
      return byStatus(status, make)
  }
}

const byStatus = (
  status: number | undefined,
  make: (class_: Failure.Class, scope: Failure.Scope) => Failure.Failure
): Failure.Failure => {
  switch (status) {
    case 402:
      return make("QuotaExceeded", "credential")
    case 404:
      return make("ModelNotFound", "model")
    case 408:
    case 504:
      return make("Timeout", "provider")
    case 409:
    case 422:
      return make("InvalidRequest", "request")
    case 413:
      return make("ContextLengthExceeded", "request")
    default:
      return make("Unknown", "request")
  }
}
