/**
 * What we do about each class of failure: retry here, fail over, surface, and what circuits learn. Pure data; leaving a
 * class out does not compile. Retry, fail over and surface are three separate decisions.
 */
import * as Failure from "./Failure.ts"
import type * as Refusal from "./Refusal.ts"

/** What a circuit learns from an attempt. `trip` opens it at once. */
export type Outcome = "success" | "failure" | "throttled" | "neutral" | "trip"

/** Whose circuit learns it: the lane's own, or a wider one that several lanes share. */
export type Circuit = "lane" | "credential" | "model" | "provider"

export interface Disposition {
  /** Retries on the same lane after the first call, at most; the policy's own `maxRetries` bounds it too. */
  readonly maxRetries: number
  /** Multiplies the policy's base delay. */
  readonly baseFactor: number
  /**
   * Whether another lane may be asked. `larger-window` only one with a larger context window; `opt-in` only when the
   * policy says so.
   */
  readonly failover: "yes" | "no" | "larger-window" | "opt-in"
  /** What the circuit learns. */
  readonly outcome: Outcome
  /** Which circuit learns it. */
  readonly circuit: Circuit
  /** Whether it says something about the lane's health, or only about what the caller sent or did. */
  readonly blames: "lane" | "caller"
  /** Whether a person should be told at once. */
  readonly alert: boolean
}

const unlimited = Number.POSITIVE_INFINITY
const transient: Disposition = {
  maxRetries: unlimited,
  baseFactor: 1,
  failover: "yes",
  outcome: "failure",
  circuit: "lane",
  blames: "lane",
  alert: false
}
const requestFault: Disposition = {
  maxRetries: 0,
  baseFactor: 1,
  failover: "no",
  outcome: "neutral",
  circuit: "lane",
  blames: "caller",
  alert: false
}

/** The table. Why each line reads as it does: `docs/dispositions.md`. */
export const table: { readonly [Class in Failure.Class]: Disposition } = {
  RateLimit: { ...transient, baseFactor: 2, outcome: "throttled", circuit: "credential" },
  ServiceUnavailable: transient,
  ModelOverloaded: { ...transient, circuit: "model" },
  QuotaExceeded: { ...transient, maxRetries: 1, outcome: "throttled", circuit: "credential", alert: true },
  Authentication: {
    ...requestFault,
    failover: "yes",
    outcome: "trip",
    circuit: "credential",
    blames: "lane",
    alert: true
  },
  PermissionDenied: { ...requestFault, failover: "yes", blames: "lane", alert: true },
  Timeout: transient,
  ContentPolicy: { ...requestFault, failover: "opt-in" },
  Network: transient,
  InvalidRequest: requestFault,
  ContextLengthExceeded: { ...requestFault, failover: "larger-window" },
  ModelNotFound: { ...requestFault, failover: "yes", blames: "lane", alert: true },
  InvalidResponse: transient,
  StreamTruncated: transient,
  Cancelled: requestFault,
  Unknown: { ...transient, maxRetries: 0 }
}

/** The line for one failure. */
export const of = (failure: Failure.Failure): Disposition => table[failure._tag]

/**
 * How many retries on the same lane could help: the class's, unless the payload says that none would. Where the class
 * itself knows nothing (`Unknown`), a payload that asks for a retry gets one. The policy bounds it too.
 */
export const retriesOf = (failure: Failure.Failure): number => {
  if (failure.retryable === false) return 0
  return failure._tag === "Unknown" && failure.retryable === true ? 1 : of(failure).maxRetries
}

/** Whether another lane may be asked at all: the payload's own word, else the class's. Nobody revives what was cancelled. */
export const failover = (failure: Failure.Failure): Disposition["failover"] => {
  const line = of(failure).failover
  if (failure.failover === undefined || failure._tag === "Cancelled") return line
  if (line === "opt-in" || line === "larger-window") return line
  return failure.failover ? "yes" : "no"
}

/**
 * Whether the caller has to change something: the request is at fault, or nobody can serve it. Then no other answer should
 * stand in for one, since that would only hide it.
 */
export const blamesCaller = (error: Failure.Failure | Refusal.Refusal): boolean => {
  if (Failure.isFailure(error)) return of(error).blames === "caller"
  if (error._tag === "NoCapableLane") return true
  return error._tag === "AllLanesFailed" && error.trail.every((entry) => blamesCaller(entry.error))
}
