/**
 * How fast a route uses up its error budget, over several windows at once: multi-window, multi-burn-rate alerting as in
 * "The Site Reliability Workbook", chapter 5 ("Alerting on SLOs", table 5-8). A burn rate of 1 spends exactly the budget of
 * the objective's period (30 days). Each condition needs its long window, which says that it matters, and its short one,
 * which says that it still goes on. Recording and evaluating are O(windows); it is updated in place and owned by one watch.
 */
import * as TimeSlices from "@holdfast/core/TimeSlices"

const minute = 60_000
const hour = 60 * minute

/** Windows in milliseconds. A slice is a thirtieth of one: what is forgotten late is forgotten that much too late. */
const windows = [5 * minute, 30 * minute, hour, 6 * hour, 72 * hour] as const
const slices = 30

export interface Burn {
  /** Someone has to get up, or it can wait for the morning. */
  readonly level: "fast" | "slow"
  readonly rate: number
  readonly longMillis: number
  readonly shortMillis: number
}

/** 2 % of the budget in an hour, 5 % in six hours, 10 % in three days. */
export const burns: ReadonlyArray<Burn> = [
  { level: "fast", rate: 14.4, longMillis: hour, shortMillis: 5 * minute },
  { level: "fast", rate: 6, longMillis: 6 * hour, shortMillis: 30 * minute },
  { level: "slow", rate: 1, longMillis: 72 * hour, shortMillis: 6 * hour }
]

const good = 0
const bad = 1

export interface BurnRate {
  readonly windows: ReadonlyMap<number, TimeSlices.TimeSlices>
}

export const make = (): BurnRate => ({
  windows: new Map(windows.map((millis) => [millis, TimeSlices.make(millis, slices, 2)]))
})

/** Counts an operation. */
export const record = (self: BurnRate, isGood: boolean, now: number): void => {
  for (const window of self.windows.values()) TimeSlices.add(window, isGood ? good : bad, 1, now)
}

/** What is burning now. */
export interface Burning {
  readonly burn: Burn
  /** How many times as fast as the budget allows, over the long window. */
  readonly rate: number
  readonly failures: number
  readonly operations: number
}

/** The most urgent condition that holds; nothing if none does. */
export const evaluate = (
  self: BurnRate,
  settings: { readonly objective: number; readonly minimumFailures: number },
  now: number
): Burning | undefined => {
  const budget = 1 - settings.objective
  for (const burn of burns) {
    const long = countOf(self, burn.longMillis, now)
    if (long.failures < settings.minimumFailures) continue
    const short = countOf(self, burn.shortMillis, now)
    const [rate, recent] = [ratio(long) / budget, ratio(short) / budget]
    if (rate >= burn.rate && recent >= burn.rate) return { burn, rate, ...long }
  }
  return undefined
}

interface Count {
  readonly failures: number
  readonly operations: number
}

const countOf = (self: BurnRate, millis: number, now: number): Count => {
  const window = self.windows.get(millis)
  if (window === undefined) return { failures: 0, operations: 0 }
  TimeSlices.advance(window, now)
  const failures = TimeSlices.total(window, bad)
  return { failures, operations: failures + TimeSlices.total(window, good) }
}

const ratio = ({ failures, operations }: Count): number => (operations === 0 ? 0 : failures / operations)

/** What the windows hold, as plain data, by their length in milliseconds. */
export type Snapshot = { readonly [millis: string]: TimeSlices.Snapshot }

export const snapshot = (self: BurnRate): Snapshot => {
  const held: Record<string, TimeSlices.Snapshot> = {}
  for (const [millis, window] of self.windows) {
    const one = TimeSlices.snapshot(window)
    if (one !== undefined) held[millis] = one
  }
  return held
}

/** Puts back what was held. */
export const restore = (self: BurnRate, held: Snapshot): void => {
  for (const [millis, window] of self.windows) {
    const one = held[millis]
    if (one !== undefined) TimeSlices.restore(window, one)
  }
}
