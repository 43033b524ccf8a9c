/**
 * What one lane did, by slices of ten seconds over the last hour: attempts that succeeded and failed, how long they took,
 * tokens and money. A function of its results and the present instant; updated in place, owned by one service. Slices in
 * which nothing happened take no room.
 */
import type * as Event from "@holdfast/core/Event"

export const sliceMillis = 10_000

/** Slices that are kept: an hour of them. */
export const keptSlices = 360

export interface Result {
  readonly at: number
  readonly durationMillis: number
  readonly result: Event.Result
  readonly tokens: number
  readonly usd: number
}

export interface Slice {
  ok: number
  failed: number
  tokens: number
  usd: number
  /** Durations, counted by `binOf`. */
  readonly durations: Uint16Array
  /** Failures by class. */
  readonly errors: Map<string, number>
}

export interface Tally {
  /** By the number of the slice since the epoch, oldest first. */
  readonly slices: Map<number, Slice>
}

/** Durations are told apart by a fifth, from one millisecond to fifteen minutes. */
const factor = Math.log(1.2)
const bins = 76

const binOf = (millis: number): number =>
  Math.min(bins - 1, Math.max(0, Math.floor(Math.log(Math.max(1, millis)) / factor)))

/** The middle of a bin, in milliseconds. */
const millisOf = (bin: number): number => Math.exp((bin + 0.5) * factor)

export const make = (): Tally => ({ slices: new Map() })

const emptySlice = (): Slice => ({
  ok: 0,
  failed: 0,
  tokens: 0,
  usd: 0,
  durations: new Uint16Array(bins),
  errors: new Map()
})

/** Remembers a result. One that ended before the last hour is not counted. */
export const add = (tally: Tally, result: Result): void => {
  const number = Math.floor(result.at / sliceMillis)
  let slice = tally.slices.get(number)
  if (slice === undefined) {
    slice = emptySlice()
    tally.slices.set(number, slice)
    for (const old of tally.slices.keys()) {
      if (old > number - keptSlices) break
      tally.slices.delete(old)
    }
  }
  if (result.result === "Success") slice.ok += 1
  else {
    slice.failed += 1
    slice.errors.set(result.result, (slice.errors.get(result.result) ?? 0) + 1)
  }
  slice.tokens += result.tokens
  slice.usd += result.usd
  const bin = binOf(result.durationMillis)
  slice.durations[bin] = Math.min(65_535, (slice.durations[bin] ?? 0) + 1)
}

/** Several slices as one. */
export const merge = (slices: Iterable<Slice>): Slice => {
  const sum = emptySlice()
  for (const slice of slices) {
    sum.ok += slice.ok
    sum.failed += slice.failed
    sum.tokens += slice.tokens
    sum.usd += slice.usd
    for (const [bin, count] of slice.durations.entries()) {
      if (count > 0) sum.durations[bin] = Math.min(65_535, (sum.durations[bin] ?? 0) + count)
    }
    for (const [name, count] of slice.errors) sum.errors.set(name, (sum.errors.get(name) ?? 0) + count)
  }
  return sum
}

/** What happened from one instant to before another, by whole slices. */
export const between = (tally: Tally, from: number, to: number): ReadonlyArray<Slice> => {
  const found: Array<Slice> = []
  for (const [number, slice] of tally.slices) {
    if (number * sliceMillis >= from && number * sliceMillis < to) found.push(slice)
  }
  return found
}

/** A percentile of the durations, in milliseconds, to a tenth of its value; `undefined` without calls. */
export const percentile = (slice: Slice, part: number): number | undefined => {
  let calls = 0
  for (const count of slice.durations) calls += count
  if (calls === 0) return undefined
  let seen = 0
  for (const [bin, count] of slice.durations.entries()) {
    seen += count
    if (seen >= part * calls) return Math.round(millisOf(bin))
  }
  return undefined
}

/** Over the last minute, per second of it that is over. */
export interface Rates {
  readonly perSecond: number
  readonly failedPerSecond: number
  readonly tokensPerSecond: number
  readonly usdPerHour: number
}

/** Over the last minute. */
export const rates = (tally: Tally, now: number): Rates => {
  const current = Math.floor(now / sliceMillis)
  const from = (current - 5) * sliceMillis
  const { failed, ok, tokens, usd } = merge(between(tally, from, now + 1))
  const seconds = Math.max(1, (now - from) / 1000)
  return {
    perSecond: (ok + failed) / seconds,
    failedPerSecond: failed / seconds,
    tokensPerSecond: tokens / seconds,
    usdPerHour: (usd / seconds) * 3600
  }
}

/** Successes and failures of the last `slices` slices, oldest first, the present one last. */
export const recent = (
  tally: Tally,
  now: number,
  slices: number
): { readonly ok: ReadonlyArray<number>; readonly failed: ReadonlyArray<number> } => {
  const last = Math.floor(now / sliceMillis)
  const numbers = Array.from({ length: slices }, (_, index) => last - slices + 1 + index)
  return {
    ok: numbers.map((number) => tally.slices.get(number)?.ok ?? 0),
    failed: numbers.map((number) => tally.slices.get(number)?.failed ?? 0)
  }
}
