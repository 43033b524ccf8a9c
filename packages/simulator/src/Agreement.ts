/**
 * How far a replay in real time is from the same storm in virtual time. The virtual runs differ among themselves in the
 * pipeline's own chance alone (its jitter), so their mean is what is to be expected, and their spread is what a single run,
 * the real one included, is off by without anybody's fault.
 */
import type * as Result from "./Result.ts"

/** How far apart the two may be. */
export interface Margins {
  /** Of success, as a part of the operations: 0.01 is a percentage point. */
  readonly success: number
  /** Of p95, as a part of the virtual one: 0.1 is a tenth. */
  readonly latency: number
}

export const margins: Margins = { success: 0.01, latency: 0.1 }

export interface Measure {
  readonly name: "success" | "p95"
  readonly real: number
  /** The mean of the virtual runs, and their least and greatest. */
  readonly virtual: { readonly mean: number; readonly least: number; readonly greatest: number }
  /** Real less virtual: of success, as a part of the operations; of p95, as a part of the virtual one. */
  readonly difference: number
  readonly agrees: boolean
}

export interface Agreement {
  readonly scenario: string
  readonly seed: number
  /** How many virtual runs. */
  readonly runs: number
  readonly measures: ReadonlyArray<Measure>
  readonly agrees: boolean
}

/** Compares a replay with at least one virtual run of the same scenario and seed; throws a `RangeError` for another one. */
export const of = (
  real: Result.Summary,
  virtual: readonly [Result.Summary, ...ReadonlyArray<Result.Summary>],
  limits: Margins = margins
): Agreement => {
  if (virtual.some(({ scenario, seed }) => scenario !== real.scenario || seed !== real.seed)) {
    throw new RangeError("a replay is compared with runs of the same scenario and seed")
  }
  const measure = (
    name: Measure["name"],
    value: (result: Result.Summary) => number,
    relative: boolean,
    margin: number
  ): Measure => {
    const values = virtual.map(value)
    const mean = values.reduce((sum, one) => sum + one, 0) / values.length
    const apart = value(real) - mean
    const difference = relative && mean > 0 ? apart / mean : apart
    return {
      name,
      real: value(real),
      virtual: { mean, least: Math.min(...values), greatest: Math.max(...values) },
      difference,
      agrees: Math.abs(difference) <= margin
    }
  }
  const measures = [
    measure("success", ({ successRate }) => successRate, false, limits.success),
    measure("p95", ({ latencyMs }) => latencyMs.p95 ?? 0, true, limits.latency)
  ]
  return {
    scenario: real.scenario,
    seed: real.seed,
    runs: virtual.length,
    measures,
    agrees: measures.every(({ agrees }) => agrees)
  }
}
