/**
 * How many retries a lane may make, as a pure machine: every call deposits a part of a retry, every retry withdraws a
 * whole one, both are forgotten after a while, and a reserve lets a lane with little traffic retry at all. So whatever the
 * callers do, a window holds at most `reserve + ratio × calls` retries.
 *
 * The rule is Finagle's: `finagle-core/…/service/RetryBudget.scala`, a leaky bucket over the ten slices of
 * `com.twitter.util.WindowedAdder`. It is updated in place, owned by one service, and O(1) per step.
 */
import { atLeast, positive } from "./bounds.ts"
import * as TimeSlices from "../TimeSlices.ts"

export interface Settings {
  /** Retries that one call pays for. */
  readonly ratio: number
  /** Retries per second that cost nothing. */
  readonly reservePerSecond: number
  /** How long a deposit and a withdrawal count, to a tenth. */
  readonly lifeMillis: number
}

export const defaults: Settings = { ratio: 0.2, reservePerSecond: 10, lifeMillis: 10_000 }

export interface RetryBudget {
  readonly ratio: number
  /** Retries of the reserve per life. */
  readonly reserve: number
  readonly history: TimeSlices.TimeSlices
}

const deposits = 0
const withdrawals = 1

/** Ten thousand deposits of 0.2 are two thousand retries, whatever binary fractions make of it. */
const rounding = 1e-9

/** Throws a `RangeError` that names an impossible option. Without ratio and reserve there is never a retry. */
export const make = (settings: Settings = defaults): RetryBudget => ({
  ratio: atLeast("ratio", 0, settings.ratio),
  reserve:
    (atLeast("reservePerSecond", 0, settings.reservePerSecond) * positive("lifeMillis", settings.lifeMillis)) / 1000,
  history: TimeSlices.make(settings.lifeMillis, 10, 2)
})

/** A call that is no retry has been made. */
export const deposit = (budget: RetryBudget, now: number): void => TimeSlices.add(budget.history, deposits, 1, now)

/** Takes one retry out. False: there is none to take, and nothing has changed. */
export const tryWithdraw = (budget: RetryBudget, now: number): boolean => {
  if (balance(budget, now) < 1) return false
  TimeSlices.add(budget.history, withdrawals, 1, now)
  return true
}

/**
 * Whole retries that may be made now. Deposits may be forgotten before the withdrawals they paid for; until those are
 * forgotten too there is none.
 */
export const balance = (budget: RetryBudget, now: number): number => {
  TimeSlices.advance(budget.history, now)
  const earned = budget.reserve + budget.ratio * TimeSlices.total(budget.history, deposits)
  return Math.max(0, Math.floor(earned - TimeSlices.total(budget.history, withdrawals) + rounding))
}
