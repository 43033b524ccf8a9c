/** A run for a terminal: its figures, and its course as sparklines. */
import type * as Result from "../Result.ts"
import { count, percent, span, usd } from "./figures.ts"

const width = 60
const bars = "▁▂▃▄▅▆▇█"

/** So many values as bars between a least and a greatest one; a dot where there is none. */
export const sparkline = (values: ReadonlyArray<number | null>, least: number, greatest: number): string =>
  values
    .map((value) => {
      if (value === null) return "·"
      const part = greatest <= least ? 1 : (value - least) / (greatest - least)
      return bars[Math.min(bars.length - 1, Math.max(0, Math.round(part * (bars.length - 1))))]
    })
    .join("")

/** The report of one run. */
export const render = (result: Result.Result): string => {
  const { latencyMs, firstContentMs, series, wasted } = result
  const groups = grouped(series)
  const p95 = groups.map((slices) => most(slices.map((slice) => slice.p95)))
  const failures = Object.entries(result.failures).toSorted(([, a], [, b]) => b - a)
  const lines: ReadonlyArray<readonly [name: string, value: string, course?: string]> = [
    ["success", percent(result.successRate), sparkline(groups.map(successOf), 0, 1)],
    ["p50 · p95 · p99", quantiles(latencyMs), sparkline(p95, 0, Math.max(...p95.map((value) => value ?? 0)))],
    ...(firstContentMs.p50 === null ? [] : [["first content", quantiles(firstContentMs)] as const]),
    ["attempts", `${count(result.attempts)} (${result.amplification.toFixed(2)} per operation)`],
    ["wasted", `${count(wasted.calls)} calls, ${usd(wasted.usd)} of ${usd(result.costUsd)}`],
    ...(result.outages.length === 0
      ? []
      : [["found · recovered", `${span(result.detectMs)} · ${span(result.recoveryMs)}`] as const]),
    ...(failures.length === 0
      ? []
      : [["failed with", failures.map(([tag, times]) => `${tag} ${count(times)}`).join(", ")] as const])
  ]
  return [
    `${result.scenario} · ${result.policy} · seed ${result.seed}: ` +
      `${count(result.operations)} operations in ${span(result.virtualMs)} (worked out in ${span(result.wallMs)})`,
    ...lines.map(([name, value, course]) =>
      course === undefined ? `  ${name.padEnd(18)}${value}` : `  ${name.padEnd(18)}${value.padEnd(26)}${course}`
    ),
    ...result.lanes.map(({ answered, attempts, lane }, index) => {
      const offered = groups.map((slices) => slices.reduce((sum, slice) => sum + (slice.offered[index] ?? 0), 0))
      const calls = `${count(answered)} of ${count(attempts)} answered`
      return `  ${lane.slice(0, 17).padEnd(18)}${calls.padEnd(26)}${sparkline(offered, 0, Math.max(...offered))}`
    })
  ].join("\n")
}

const quantiles = ({ p50, p95, p99 }: Result.Quantiles): string => `${span(p50)} · ${span(p95)} · ${span(p99)}`

const successOf = (slices: ReadonlyArray<Result.Slice>): number | null => {
  const arrived = slices.reduce((sum, slice) => sum + slice.arrived, 0)
  return arrived === 0 ? null : slices.reduce((sum, slice) => sum + slice.succeeded, 0) / arrived
}

const most = (values: ReadonlyArray<number | null>): number | null =>
  values.reduce((most, value) => (value === null || (most !== null && most > value) ? most : value), null)

/** The slices in as many groups as a line has room for. */
const grouped = ({ slices }: Result.Series): ReadonlyArray<ReadonlyArray<Result.Slice>> => {
  const size = Math.max(1, Math.ceil(slices.length / width))
  return Array.from({ length: Math.ceil(slices.length / size) }, (_, index) =>
    slices.slice(index * size, (index + 1) * size)
  )
}
