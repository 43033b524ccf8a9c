/**
 * Two subjects under the same storms with the same seeds, so that both meet the same operations and the same weather. What
 * is compared is the difference within each pair, which varies far less than what both have in common.
 */
import type * as Result from "./Result.ts"

/** A mean with its 95 % confidence interval. */
export interface Interval {
  readonly mean: number
  readonly low: number
  readonly high: number
}

/** By how much B may be worse before it counts. */
export interface Margins {
  /** Of success, as a part of the operations: 0.005 is half a percentage point. */
  readonly success: number
  /** Of p95 and of cost, as a part of A's: 0.1 is a tenth. */
  readonly latency: number
  readonly cost: number
}

export const margins: Margins = { success: 0.005, latency: 0.1, cost: 0.1 }

export interface Measure {
  readonly name: "success" | "p95" | "cost"
  readonly a: number
  readonly b: number
  /** B less A: of success, as a part of the operations; of p95 and cost, as a part of A's. */
  readonly difference: Interval
  /** The whole interval is on the worse side of the margin. */
  readonly isWorse: boolean
}

export interface Comparison {
  readonly scenario: string
  readonly a: string
  readonly b: string
  readonly runs: number
  readonly measures: ReadonlyArray<Measure>
}

/** Compares runs in pairs of the same scenario and seed. Throws a `RangeError` where they are none, or fewer than two. */
export const of = (
  pairs: ReadonlyArray<readonly [a: Result.Summary, b: Result.Summary]>,
  limits: Margins = margins
): Comparison => {
  const [first] = pairs
  if (first === undefined || pairs.length < 2) throw new RangeError("a comparison needs at least two pairs of runs")
  if (pairs.some(([a, b]) => a.scenario !== b.scenario || a.seed !== b.seed)) {
    throw new RangeError("a pair is two runs of the same scenario and seed")
  }
  const measure = (
    name: Measure["name"],
    value: (result: Result.Summary) => number,
    isWorse: (difference: Interval) => boolean
  ): Measure => {
    const a = mean(pairs.map(([one]) => value(one)))
    const b = mean(pairs.map(([, other]) => value(other)))
    const scale = name === "success" || a === 0 ? 1 : a
    const difference = interval(pairs.map(([one, other]) => (value(other) - value(one)) / scale))
    return { name, a, b, difference, isWorse: isWorse(difference) }
  }
  return {
    scenario: first[0].scenario,
    a: first[0].policy,
    b: first[1].policy,
    runs: pairs.length,
    measures: [
      measure(
        "success",
        ({ successRate }) => successRate,
        ({ high }) => high < -limits.success
      ),
      measure(
        "p95",
        ({ latencyMs }) => latencyMs.p95 ?? 0,
        ({ low }) => low > limits.latency
      ),
      measure(
        "cost",
        ({ costUsd }) => costUsd,
        ({ low }) => low > limits.cost
      )
    ]
  }
}

/** The mean of some values and its 95 % confidence interval by Student's t. */
export const interval = (values: ReadonlyArray<number>): Interval => {
  const middle = mean(values)
  if (values.length < 2) return { mean: middle, low: middle, high: middle }
  const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1)
  const half = student(values.length - 1) * Math.sqrt(variance / values.length)
  return { mean: middle, low: middle - half, high: middle + half }
}

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

const few = [12.706, 4.303, 3.182, 2.776]

/** The 97.5th percentile of Student's t: from a table, and beyond by the expansion of Abramowitz and Stegun 26.7.5. */
const student = (freedom: number): number => {
  const known = few[freedom - 1]
  if (known !== undefined) return known
  const z = 1.959_964
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  )
}
