/** What a circuit learns from how a call ended, where nobody says otherwise. */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import * as Disposition from "../Disposition.ts"
import * as Failure from "../Failure.ts"
import * as Refusal from "../Refusal.ts"
import type * as BreakerState from "./BreakerState.ts"

export interface Verdict {
  readonly outcome: BreakerState.Outcome
  readonly reason: string
  readonly retryAfter?: Duration.Duration | undefined
}

/**
 * Failures of the union by their disposition, any other error and defects as failures; interruption and our own refusals
 * say nothing.
 */
export const verdictOf = (exit: Exit.Exit<unknown, unknown>): Verdict => {
  if (Exit.isSuccess(exit)) return success
  if (Cause.hasInterruptsOnly(exit.cause)) return neutral
  const error = Cause.squash(exit.cause)
  if (Refusal.isRefusal(error)) return { outcome: "neutral", reason: error._tag }
  if (!Failure.isFailure(error)) return failure
  const { outcome } = Disposition.of(error)
  return {
    outcome: outcome === "throttled" ? "neutral" : outcome,
    reason: error._tag,
    retryAfter: error.retryAfter
  }
}

export const success: Verdict = { outcome: "success", reason: "Success" }
export const failure: Verdict = { outcome: "failure", reason: "failure" }
export const neutral: Verdict = { outcome: "neutral", reason: "neutral" }
