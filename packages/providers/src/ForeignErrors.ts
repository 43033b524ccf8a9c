/**
 * What an `AiError` means that was made elsewhere, by a provider package of somebody else, say: read as a classifier reads
 * any answer, from what it carries of one. Errors of ours come back as they were.
 */
import * as AiErrors from "@holdfast/core/AiErrors"
import * as Classification from "@holdfast/core/Classification"
import type * as Failure from "@holdfast/core/Failure"
import type * as Refusal from "@holdfast/core/Refusal"
import type * as AiError from "effect/ai/AiError"
import type * as Effect from "effect/Effect"
import * as Classifier from "./Classifier.ts"

type Typed = Failure.Failure | Refusal.Refusal

/** Where the error came from. */
export interface Options {
  /** Whose rules read it. Default: the module that the error names. */
  readonly provider?: string | undefined
  readonly model?: string | undefined
}

/**
 * The failure or refusal behind an `AiError`. The HTTP answer it carries decides first, then its own reason, then its
 * words where the reason says nothing.
 */
export const toTyped = (error: AiError.AiError, options: Options = {}): Typed => {
  const own = AiErrors.carriedBy(error)
  if (own !== undefined) return own
  const byReason = AiErrors.toTyped(error)
  const evidence = evidenceOf(error, options.provider ?? error.module, byReason)
  const verdict = evidence === undefined ? undefined : Classifier.classify(evidence)
  if (verdict === undefined || verdict.class === "Unknown") return byReason
  const provider = options.provider ?? error.module
  const model = options.model ?? "unknown"
  return Classification.toFailure(verdict, { provider, model, lane: `${provider}/${model}` }, { cause: error })
}

/** Puts our union in place of `AiError` in the error channel, reading those of others with the classifier. */
export const typed = (
  options: Options = {}
): (<A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, Exclude<E, AiError.AiError> | Typed, R>) =>
  AiErrors.typedBy((error) => toTyped(error, options))

const evidenceOf = (error: AiError.AiError, provider: string, byReason: Typed): Classifier.Evidence | undefined => {
  const { reason } = error
  const http = "http" in reason ? reason.http : undefined
  const status = http?.response?.status
  if (status !== undefined) {
    return {
      provider,
      kind: status >= 200 && status < 300 ? "response-200" : "http",
      status,
      headers: http?.response?.headers,
      body: http?.body
    }
  }
  if (reason._tag === "NetworkError" && reason.cause !== undefined) {
    return { provider, kind: "transport", error: reason.cause }
  }
  // The reason speaks for itself; words are read only where it does not.
  const isSilent = byReason._tag === "Unknown" || reason._tag === "InternalProviderError"
  return isSilent && "description" in reason && reason.description !== undefined
    ? { provider, kind: "sdk", error: { message: reason.description } }
    : undefined
}
