/** Several runs of one scenario and subject as one: counts and costs are sums, quantiles are those of the median run. */
import * as Comparison from "./Comparison.ts"
import * as Result from "./Result.ts"

export interface Aggregate extends Result.Summary {
  readonly runs: number
  /** The 95 % confidence interval of the success rate, over the runs. */
  readonly successRateInterval: Comparison.Interval
  /** Each run, in the order of their seeds. */
  readonly each: ReadonlyArray<Pick<Result.Summary, "seed" | "successRate" | "latencyMs" | "costUsd" | "recoveryMs">>
}

/** `seed` is the first run's, and what is about outages and lanes is the first run's. */
export const of = (results: readonly [Result.Result, ...ReadonlyArray<Result.Result>]): Aggregate => {
  const sum = (of: (result: Result.Result) => number) => results.reduce((total, result) => total + of(result), 0)
  const [operations, succeeded, attempts] = [
    sum((result) => result.operations),
    sum((result) => result.succeeded),
    sum((result) => result.attempts)
  ]
  const failures = new Map<string, number>()
  for (const result of results) {
    for (const [tag, times] of Object.entries(result.failures)) failures.set(tag, (failures.get(tag) ?? 0) + times)
  }
  return {
    ...Result.summary(results[0]),
    operations,
    succeeded,
    successRate: operations === 0 ? 1 : succeeded / operations,
    attempts,
    amplification: operations === 0 ? 0 : attempts / operations,
    latencyMs: quantiles(results.map(({ latencyMs }) => latencyMs)),
    costUsd: sum(({ costUsd }) => costUsd),
    recoveryMs: median(results.map(({ recoveryMs }) => recoveryMs)),
    virtualMs: sum(({ virtualMs }) => virtualMs),
    wallMs: sum(({ wallMs }) => wallMs),
    firstContentMs: quantiles(results.map(({ firstContentMs }) => firstContentMs)),
    detectMs: median(results.map(({ detectMs }) => detectMs)),
    wasted: { calls: sum(({ wasted }) => wasted.calls), usd: sum(({ wasted }) => wasted.usd) },
    resubmissions: sum(({ resubmissions }) => resubmissions),
    failures: Object.fromEntries([...failures].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    runs: results.length,
    successRateInterval: Comparison.interval(results.map(({ successRate }) => successRate)),
    each: results.map(({ costUsd, latencyMs, recoveryMs, seed, successRate }) => ({
      seed,
      successRate,
      latencyMs,
      costUsd,
      recoveryMs
    }))
  }
}

const quantiles = (all: ReadonlyArray<Result.Quantiles>): Result.Quantiles => ({
  p50: median(all.map(({ p50 }) => p50)),
  p95: median(all.map(({ p95 }) => p95)),
  p99: median(all.map(({ p99 }) => p99))
})

/** The middle one of those that there are, the lower of two. */
const median = (values: ReadonlyArray<number | null>): number | null => {
  const present = values.filter((value) => value !== null).toSorted((a, b) => a - b)
  return present[Math.floor((present.length - 1) / 2)] ?? null
}
