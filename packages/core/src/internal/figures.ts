/** The numbers of a policy as the pipeline needs them: in milliseconds and machines' units, worked out once per policy. */
import * as Duration from "effect/Duration"
import type * as Hedge from "../Hedge.ts"
import type * as Policy from "../Policy.ts"
import type * as BreakerState from "./BreakerState.ts"
import type * as RetryQuotaState from "./RetryQuotaState.ts"
import type * as ThrottleState from "./ThrottleState.ts"
import * as breakerSettings from "./breakerSettings.ts"

export interface Figures {
  readonly breaker: BreakerState.Settings
  /** Of a credential's circuit: what speaks about a credential trips it at once, so there is nothing to count. */
  readonly credentialBreaker: BreakerState.Settings
  readonly maxAttempts: number
  /** Infinite where there is no limit. */
  readonly maxTokens: number
  readonly maxUsd: number
  readonly maxConcurrent: number
  /** Absent where nothing is throttled. */
  readonly throttle: ThrottleState.Settings | undefined
  /** Absent where retries are paid from the budget alone. */
  readonly retryQuota: RetryQuotaState.Settings | undefined
  /** Absent where nobody hedges. */
  readonly hedge: Hedge.Settings | undefined
  /** One attempt at anything that is not a stream. */
  readonly plainAttemptMillis: number
  readonly totalMillis: number
  /** Infinite where no call is slow. */
  readonly slowCallMillis: number
}

const known = new WeakMap<Policy.Policy, Figures>()

export const of = (policy: Policy.Policy): Figures => {
  const before = known.get(policy)
  if (before !== undefined) return before
  const { breaker, budget, bulkhead, clocks } = policy
  const machine = breakerSettings.machine(breaker)
  const made: Figures = {
    breaker: machine,
    credentialBreaker: { ...machine, consecutiveFailures: 0, rate: 0, slowRate: 0 },
    maxAttempts: budget.maxAttempts,
    maxTokens: budget.maxTokens ?? Number.POSITIVE_INFINITY,
    maxUsd: budget.maxUsd ?? Number.POSITIVE_INFINITY,
    maxConcurrent: bulkhead.maxConcurrent,
    throttle: policy.throttle.enabled
      ? {
          k: policy.throttle.k,
          padding: policy.throttle.padding,
          maxProbability: policy.throttle.maxProbability,
          windowMillis: Duration.toMillis(
            Duration.max(policy.throttle.window, Duration.max(clocks.attempt, clocks.plainAttempt))
          )
        }
      : undefined,
    retryQuota: policy.retryQuota.enabled ? policy.retryQuota : undefined,
    hedge: policy.hedge.enabled ? policy.hedge : undefined,
    plainAttemptMillis: Duration.toMillis(clocks.plainAttempt),
    totalMillis: Duration.toMillis(clocks.total),
    slowCallMillis: breaker.slowCall === undefined ? Number.POSITIVE_INFINITY : Duration.toMillis(breaker.slowCall)
  }
  known.set(policy, made)
  return made
}
