/**
 * The verdict of a classifier on one piece of trouble, before it is known on which lane it happened. Pure data: the
 * readers of provider errors produce it, `toFailure` turns it into the typed failure.
 */
import type * as Duration from "effect/Duration"
import * as Failure from "./Failure.ts"

export interface Classification {
  readonly class: Failure.Class
  /** Would waiting and repeating the same request to the same provider help? */
  readonly retryable: boolean
  /** Would another provider or model plausibly succeed? */
  readonly failover: boolean
  /** The wait the payload itself names. */
  readonly retryAfter?: Duration.Duration | undefined
  readonly scope: Failure.Scope
  /** Id of the rule that decided. */
  readonly rule: string
  readonly status?: number | undefined
  readonly providerCode?: string | undefined
  readonly requestId?: string | undefined
  /** The provider's sentence, shortened, keys removed. */
  readonly detail?: string | undefined
}

/**
 * What holds for a class unless the payload says otherwise: the facts that a classifier states. What we do about them is
 * in `Disposition.ts`; the two differ where policy does (an exhausted quota is not worth a retry, yet one is allowed).
 */
export const defaults: {
  readonly [Class in Failure.Class]: { readonly retryable: boolean; readonly failover: boolean }
} = {
  RateLimit: { retryable: true, failover: true },
  ServiceUnavailable: { retryable: true, failover: true },
  ModelOverloaded: { retryable: true, failover: true },
  QuotaExceeded: { retryable: false, failover: true },
  Authentication: { retryable: false, failover: true },
  PermissionDenied: { retryable: false, failover: true },
  Timeout: { retryable: true, failover: true },
  ContentPolicy: { retryable: false, failover: true },
  Network: { retryable: true, failover: true },
  InvalidRequest: { retryable: false, failover: false },
  ContextLengthExceeded: { retryable: false, failover: true },
  ModelNotFound: { retryable: false, failover: true },
  InvalidResponse: { retryable: true, failover: true },
  StreamTruncated: { retryable: true, failover: true },
  Cancelled: { retryable: false, failover: false },
  Unknown: { retryable: false, failover: true }
}

/** Where the trouble happened. */
export interface Target {
  readonly provider: string
  readonly model: string
  readonly lane: string
}

/** The failure a classification stands for. Verdicts equal to the class's default are not repeated on it. */
export const toFailure = (
  verdict: Classification,
  target: Target,
  options?: { readonly cause?: unknown; readonly phase?: Failure.TimeoutPhase | undefined }
): Failure.Failure => {
  const usual = defaults[verdict.class]
  return Failure.make(
    verdict.class,
    {
      ...target,
      scope: verdict.scope,
      rule: verdict.rule,
      status: verdict.status,
      providerCode: verdict.providerCode,
      requestId: verdict.requestId,
      retryAfter: verdict.retryAfter,
      retryable: verdict.retryable === usual.retryable ? undefined : verdict.retryable,
      failover: verdict.failover === usual.failover ? undefined : verdict.failover,
      detail: verdict.detail,
      ...(options?.cause === undefined ? {} : { cause: options.cause })
    },
    options?.phase
  )
}
