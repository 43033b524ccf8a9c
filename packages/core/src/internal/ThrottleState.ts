/**
 * Adaptive throttling on the client's side, as a pure machine: a backend that accepts only a part of what it is sent is
 * sent less, by refusing new calls here with the probability
 *
 *     max(0, (requests − k × accepts) / (requests + 1))
 *
 * where `requests` are all calls that were wanted in the window, those refused here included, and `accepts` those of them
 * that the backend took: Beyer et al., *Site Reliability Engineering* (2016), chapter 21, "Client-Side Throttling", with
 * its k = 2 and two minutes of history.
 *
 * A call counts in the slice in which it was sent, not when it ends, and as accepted until `refuse` says otherwise. Else
 * calls that take half a minute would be requests without accepts for as long, and a lane that only just woke up would
 * throttle itself. It is updated in place, owned by one service, and O(1) per step.
 */
import { atLeast, part } from "./bounds.ts"
import * as TimeSlices from "../TimeSlices.ts"

export interface Settings {
  /** How many calls are let through for each that is accepted. Nearer to 1 throttles earlier. */
  readonly k: number
  /** Longer than the longest call, or its refusal comes too late to count. */
  readonly windowMillis: number
  /**
   * Added to the requests in the denominator: more of it makes few calls count less. The book's 1; gRPC's throttler
   * (`balancer/rls/internal/adaptive`) has 8.
   */
  readonly padding: number
  /**
   * The highest probability. The book has none, so that after a long outage about one call per window would find out that
   * it is over; failsafe-go's adaptive throttler has 0.9.
   */
  readonly maxProbability: number
}

export const defaults: Settings = { k: 2, windowMillis: 120_000, padding: 1, maxProbability: 0.9 }

export interface Throttle {
  readonly settings: Settings
  readonly history: TimeSlices.TimeSlices
}

/** The slice a call was sent in. */
export type Ticket = number

const requests = 0
const accepts = 1

/** Throws a `RangeError` that names an impossible option. */
export const make = (settings: Settings = defaults): Throttle => {
  atLeast("k", 1, settings.k)
  atLeast("padding", 1, settings.padding)
  part("maxProbability", settings.maxProbability)
  return { settings, history: TimeSlices.make(settings.windowMillis, 12, 2) }
}

/** The probability with which the next call would be refused, 0 to `maxProbability`. */
export const probability = (throttle: Throttle, now: number): number => {
  const { k, maxProbability, padding } = throttle.settings
  TimeSlices.advance(throttle.history, now)
  const wanted = TimeSlices.total(throttle.history, requests)
  const excess = (wanted - k * TimeSlices.total(throttle.history, accepts)) / (wanted + padding)
  return Math.min(maxProbability, Math.max(0, excess))
}

/** Whether a call should be refused here, given a random number in [0, 1). Counts nothing. */
export const shouldReject = (throttle: Throttle, random: number, now: number): boolean =>
  random < probability(throttle, now)

/** Asks to call, and counts that. A ticket if it may, for `refuse`; `undefined` if not. */
export const admit = (throttle: Throttle, random: number, now: number): Ticket | undefined => {
  if (!shouldReject(throttle, random, now)) return send(throttle, now)
  reject(throttle, now)
  return undefined
}

/** Counts a call that is sent. */
export const send = (throttle: Throttle, now: number): Ticket => {
  TimeSlices.add(throttle.history, requests, 1, now)
  TimeSlices.add(throttle.history, accepts, 1, now)
  return throttle.history.newest
}

/** Counts a call that was wanted and is refused here. */
export const reject = (throttle: Throttle, now: number): void => TimeSlices.add(throttle.history, requests, 1, now)

/** The backend did not take the call: it refused it, was overloaded or did not answer. At most once per ticket. */
export const refuse = (throttle: Throttle, ticket: Ticket): void =>
  TimeSlices.takeBack(throttle.history, ticket, accepts)
