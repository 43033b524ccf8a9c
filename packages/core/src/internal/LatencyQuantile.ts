/**
 * Quantiles of recent latencies in fixed memory, good enough for "after the lane's p95". Latencies are counted in buckets
 * that grow by a constant factor, so that an answer is off by at most `relativeError` of the true one (the mapping of
 * DDSketch: Masson, Rim and Lee, PVLDB 12(12), 2019, section 2); what lies outside `minMillis` and `maxMillis` counts as
 * these. The buckets of two half windows rotate, so that an answer is about the last half to whole window.
 *
 * Recording is O(1), an answer O(buckets). It is updated in place and owned by one service.
 */
import { positive } from "./bounds.ts"
import * as TimeSlices from "../TimeSlices.ts"

export interface Settings {
  readonly windowMillis: number
  /** Between 0 and 1. Memory grows as it shrinks: 5 % from 1 ms to 1 h are 153 buckets. */
  readonly relativeError: number
  readonly minMillis: number
  readonly maxMillis: number
}

export const defaults: Settings = { windowMillis: 600_000, relativeError: 0.05, minMillis: 1, maxMillis: 3_600_000 }

export interface LatencyQuantile {
  readonly settings: Settings
  /** Each bucket reaches up to this many times where it begins. */
  readonly growth: number
  /** 1 / ln(growth). */
  readonly scale: number
  /** A counter per bucket, and the last for all of them. */
  readonly history: TimeSlices.TimeSlices
}

/** Throws a `RangeError` that names an impossible option. */
export const make = (settings: Settings = defaults): LatencyQuantile => {
  const { maxMillis, minMillis, relativeError, windowMillis } = settings
  if (!(relativeError > 0 && relativeError < 1)) {
    throw new RangeError(`relativeError must be between 0 and 1, got ${relativeError}`)
  }
  if (positive("maxMillis", maxMillis) <= positive("minMillis", minMillis)) {
    throw new RangeError(`maxMillis must be above minMillis (${minMillis}), got ${maxMillis}`)
  }
  const growth = (1 + relativeError) / (1 - relativeError)
  const scale = 1 / Math.log(growth)
  const buckets = Math.ceil(Math.log(maxMillis / minMillis) * scale) + 1
  return { settings, growth, scale, history: TimeSlices.make(windowMillis, 2, buckets + 1) }
}

/** Remembers one latency. */
export const record = (self: LatencyQuantile, millis: number, now: number): void => {
  TimeSlices.add(self.history, bucketOf(self, millis), 1, now)
  TimeSlices.add(self.history, self.history.counters - 1, 1, now)
}

/** How many latencies the answers are about. */
export const count = (self: LatencyQuantile, now: number): number => {
  TimeSlices.advance(self.history, now)
  return TimeSlices.total(self.history, self.history.counters - 1)
}

/**
 * The latency that at least the given part (0 to 1) of the recent ones did not exceed, by nearest rank, within the
 * relative error. `undefined` without any.
 */
export const quantile = (self: LatencyQuantile, part: number, now: number): number | undefined => {
  const latencies = count(self, now)
  if (latencies === 0) return undefined
  const rank = Math.min(latencies, Math.max(1, Math.ceil(part * latencies)))
  let below = 0
  let bucket = -1
  while (below < rank) below += TimeSlices.total(self.history, ++bucket)
  // Bucket n holds (minMillis × growth ** (n − 1), minMillis × growth ** n]: this value is equally far from both ends.
  return (self.settings.minMillis * 2 * self.growth ** bucket) / (self.growth + 1)
}

/** Whatever is no number counts as the shortest. */
const bucketOf = (self: LatencyQuantile, millis: number): number => {
  const { maxMillis, minMillis } = self.settings
  return millis > minMillis ? Math.ceil(Math.log(Math.min(millis, maxMillis) / minMillis) * self.scale) : 0
}
