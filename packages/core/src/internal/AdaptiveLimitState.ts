/**
 * How many calls a lane may run at once, found by trying: a concurrency limit that grows while latency says that nobody
 * waits at the provider, and shrinks when latency rises or calls are dropped. A pure machine, updated in place, owned by
 * one service, O(1) per step.
 *
 * The three algorithms, their formulas and constants are those of Netflix's concurrency-limits (`limit/Gradient2Limit`,
 * `VegasLimit`, `AIMDLimit`, over the sample window of `WindowedLimit`). Vegas follows Brakmo, O'Malley and Peterson, "TCP
 * Vegas: New Techniques for Congestion Detection and Avoidance" (SIGCOMM 1994) and Brakmo and Peterson (IEEE JSAC 13(8),
 * 1995); AIMD is Chiu and Jain (Computer Networks and ISDN Systems 17, 1989).
 *
 * Different on purpose: a dropped call never teaches latency (a refusal comes back in no time and would pass for the
 * latency of an idle provider); Gradient2, which ignores drops there, shrinks on them here as on the worst gradient; and a
 * sample window stays open until it has enough samples, where there it begins anew and a slow lane never learns.
 */
import { atLeast, positive, whole } from "./bounds.ts"

export type Algorithm =
  /**
   * Latency against its own long average. Bears latencies that vary much, if a sample is of some ten calls. A load that
   * never lets up and drops nothing teaches it to expect the queue: then only `max` holds it.
   */
  | { readonly _tag: "Gradient2" }
  /**
   * The queue at the provider, estimated from the lowest latency seen. The most exact, for calls that take about equally
   * long (time to first content, say); where they differ much the lowest is no base, and the limit sinks far too low.
   */
  | { readonly _tag: "Vegas" }
  /** Drops only, a mean longer than `timeoutMillis` being one. For providers whose latency says nothing. */
  | { readonly _tag: "Aimd"; readonly timeoutMillis: number }

export interface Settings {
  readonly algorithm: Algorithm
  readonly min: number
  readonly max: number
  readonly initial: number
  /** Calls that make a sample, averaged. */
  readonly windowCalls: number
  /** The least time that makes a sample. */
  readonly windowMillis: number
}

export const defaults: Settings = {
  algorithm: { _tag: "Gradient2" },
  min: 1,
  max: 200,
  initial: 20,
  windowCalls: 10,
  windowMillis: 1000
}

export interface AdaptiveLimit {
  readonly settings: Settings
  /** As estimated, not rounded. */
  estimate: number
  /** Gradient2: the long average of latency; Vegas: latency without load. 0 while unknown. */
  baseMillis: number
  /** Gradient2: samples in the average, while it warms up. Vegas: samples since the last probe. */
  samples: number
  /** Vegas: in [0.5, 1), when the next probe comes, so that a fleet does not probe in step. */
  probeJitter: number
  windowFrom: number
  windowCalls: number
  windowSum: number
  windowDrops: number
  windowInFlight: number
}

/** Throws a `RangeError` that names an impossible option. `random` is in [0, 1). */
export const make = (settings: Settings = defaults, random = 0.5): AdaptiveLimit => {
  const { algorithm, initial, max, min, windowCalls, windowMillis } = settings
  whole("min", 1, min)
  whole("max", min, max)
  if (!(initial >= min && initial <= max)) throw new RangeError(`initial must be from ${min} to ${max}, got ${initial}`)
  whole("windowCalls", 1, windowCalls)
  atLeast("windowMillis", 0, windowMillis)
  if (algorithm._tag === "Aimd") positive("timeoutMillis", algorithm.timeoutMillis)
  return {
    settings,
    estimate: initial,
    baseMillis: 0,
    samples: 0,
    probeJitter: jitter(random),
    windowFrom: 0,
    windowCalls: 0,
    windowSum: 0,
    windowDrops: 0,
    windowInFlight: 0
  }
}

/** How many calls may run at once. */
export const limit = (state: AdaptiveLimit): number => Math.floor(state.estimate)

/**
 * A call has ended: how long it took, how many ran when it began (itself among them), and whether it was dropped: refused
 * for load, or timed out. A call that ended otherwise without answering says nothing and is not recorded. `random` is in
 * [0, 1).
 */
export const record = (
  state: AdaptiveLimit,
  millis: number,
  inFlight: number,
  isDropped: boolean,
  random: number,
  now: number
): void => {
  const { windowCalls, windowMillis } = state.settings
  if (state.windowCalls + state.windowDrops === 0) state.windowFrom = now
  if (isDropped) state.windowDrops += 1
  else {
    state.windowCalls += 1
    state.windowSum += millis > 1 ? Math.min(millis, longestMillis) : 1
  }
  state.windowInFlight = Math.max(state.windowInFlight, inFlight)
  if (state.windowCalls + state.windowDrops < windowCalls) return
  // A clock that was set back must not keep the window open.
  if (Math.abs(now - state.windowFrom) < windowMillis) return

  const mean = state.windowCalls === 0 ? undefined : state.windowSum / state.windowCalls
  const next = update(state, mean, state.windowInFlight * 2 < state.estimate, state.windowDrops > 0, random)
  state.estimate = Math.max(state.settings.min, Math.min(state.settings.max, next))
  state.windowCalls = 0
  state.windowSum = 0
  state.windowDrops = 0
  state.windowInFlight = 0
}

/** A day: no call takes longer, and sums stay finite. */
const longestMillis = 86_400_000

/** The estimate after one sample. `isUnderused`: fewer than half of the allowed calls ran, so latency proves no more. */
const update = (
  state: AdaptiveLimit,
  millis: number | undefined,
  isUnderused: boolean,
  isDropped: boolean,
  random: number
): number => {
  switch (state.settings.algorithm._tag) {
    case "Gradient2":
      return gradient2(state, millis, isUnderused, isDropped)
    case "Vegas":
      return vegas(state, millis, isUnderused, isDropped, random)
    case "Aimd":
      return aimd(state.estimate, isUnderused, isDropped || (millis ?? 0) > state.settings.algorithm.timeoutMillis)
  }
}

/** Gradient2Limit.java: tolerance 1.5, smoothing 0.2, queue 4, gradient from 0.5 to 1. */
const gradient2 = (
  state: AdaptiveLimit,
  millis: number | undefined,
  isUnderused: boolean,
  isDropped: boolean
): number => {
  const baseMillis = millis === undefined ? 0 : learn(state, millis)
  if (isDropped || millis === undefined) return smooth(state.estimate, state.estimate * 0.5)
  if (isUnderused) return state.estimate
  const gradient = Math.max(0.5, Math.min(1, (1.5 * baseMillis) / millis))
  return smooth(state.estimate, state.estimate * gradient + 4)
}

/** ExpAvgMeasurement.java: the plain average of the first 10 samples, then an exponential one over a window of 600. */
const learn = (state: AdaptiveLimit, millis: number): number => {
  const weight = state.samples < 10 ? 1 / ++state.samples : 2 / (600 + 1)
  const average = state.baseMillis + (millis - state.baseMillis) * weight
  // After long overload it is too high: bring it down faster than averaging would.
  state.baseMillis = average > 2 * millis ? average * 0.95 : average
  return average
}

const smooth = (estimate: number, next: number): number => estimate * 0.8 + next * 0.2

/** VegasLimit.java: threshold, alpha and beta are 1, 3 and 6 times log10 of the limit; a probe every 30 × limit samples. */
const vegas = (
  state: AdaptiveLimit,
  millis: number | undefined,
  isUnderused: boolean,
  isDropped: boolean,
  random: number
): number => {
  const { estimate } = state
  const step = Math.max(1, Math.floor(Math.log10(estimate)))
  if (isDropped) return estimate - step
  if (millis === undefined) return estimate
  state.samples += 1
  if (state.probeJitter * 30 * estimate <= state.samples) {
    state.samples = 0
    state.probeJitter = jitter(random)
    state.baseMillis = millis
    return estimate
  }
  if (state.baseMillis === 0 || millis < state.baseMillis) {
    state.baseMillis = millis
    return estimate
  }
  if (isUnderused) return estimate
  const queue = Math.ceil(estimate * (1 - state.baseMillis / millis))
  if (queue <= step) return estimate + 6 * step
  if (queue < 3 * step) return estimate + step
  return queue > 6 * step ? estimate - step : estimate
}

const jitter = (random: number): number => 0.5 + random / 2

/** AIMDLimit.java: times 0.9 on a drop, plus 1 otherwise. */
const aimd = (estimate: number, isUnderused: boolean, isDropped: boolean): number => {
  if (isDropped) return Math.floor(estimate * 0.9)
  return isUnderused ? estimate : Math.floor(estimate) + 1
}
