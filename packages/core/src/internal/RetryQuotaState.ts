/**
 * A retry quota as a pure machine: a store that retries are paid from and that time does not refill. A retry takes its cost
 * out; where it is answered that cost comes back, and an answer without a retry adds a little. So retries end while nothing
 * is answered, and come back as fast as answers do.
 *
 * The rule and the numbers are those of the AWS SDKs' standard retry mode (`smithy-typescript`,
 * `packages/core/src/submodules/retry/util-retry`, `DefaultRetryToken` and its bucket of 500). Updated in place, owned by
 * one service, O(1) per step.
 */
import { atLeast, positive } from "./bounds.ts"

export interface Settings {
  /** What it holds at first and at most. */
  readonly capacity: number
  /** Taken by a retry. */
  readonly cost: number
  /** Taken by a retry of what the provider has throttled. */
  readonly throttledCost: number
  /** Added by an answer that was no retry's. */
  readonly gain: number
}

export const defaults: Settings = { capacity: 500, cost: 10, throttledCost: 5, gain: 1 }

export interface RetryQuota {
  readonly settings: Settings
  /** What is left, 0 to the capacity. */
  left: number
}

/** Throws a `RangeError` that names an impossible option. */
export const make = (settings: Settings = defaults): RetryQuota => {
  atLeast("cost", 0, settings.cost)
  atLeast("throttledCost", 0, settings.throttledCost)
  atLeast("gain", 0, settings.gain)
  return { settings, left: positive("capacity", settings.capacity) }
}

/** What a retry takes. */
export const costOf = ({ settings }: RetryQuota, isThrottled: boolean): number =>
  isThrottled ? settings.throttledCost : settings.cost

/** Whether there is enough for a retry. */
export const canPay = (quota: RetryQuota, cost: number): boolean => quota.left >= cost

/** Takes the cost of a retry out, which it `canPay`. */
export const pay = (quota: RetryQuota, cost: number): void => {
  quota.left -= cost
}

/** An answer has come, to a retry that was paid with `paid`, or to a call that was none. */
export const answer = (quota: RetryQuota, paid: number | undefined): void => {
  quota.left = Math.min(quota.settings.capacity, quota.left + (paid ?? quota.settings.gain))
}
