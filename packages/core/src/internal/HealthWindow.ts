/**
 * The recent results of one lane: the last `capacity` of them, none older than `maxAgeMillis`. A function of its events
 * and the present instant; recording is O(1) amortised, a summary sorts what is there. It is updated in place and owned by
 * one service.
 */
import * as Failure from "../Failure.ts"
import * as HealthStatus from "../HealthStatus.ts"

export interface Result {
  readonly at: number
  readonly durationMillis: number
  /** Set for streams that reached their first content. */
  readonly firstContentMillis: number | undefined
  /** `undefined` for a success. */
  readonly failure: Failure.Class | undefined
}

export interface Window {
  readonly capacity: number
  readonly maxAgeMillis: number
  /** Rings, a column per field: the oldest result is at `first`, and `calls` of them count. */
  readonly at: Float64Array
  /** To seven digits. */
  readonly durations: Float32Array
  /** `NaN` where there was none. */
  readonly firstContents: Float32Array
  /** The number of the class, from 1; 0 for a success. */
  readonly failures: Uint8Array
  first: number
  calls: number
  successes: number
}

export interface Summary {
  readonly status: HealthStatus.HealthStatus
  readonly calls: number
  readonly successes: number
  /** 1 when there were no calls. */
  readonly successRate: number
  readonly meanMillis: number | undefined
  readonly p50Millis: number | undefined
  readonly p95Millis: number | undefined
  readonly p99Millis: number | undefined
  readonly firstContentP50Millis: number | undefined
  readonly firstContentP95Millis: number | undefined
  /** How many of each class of failure. */
  readonly errors: { readonly [Class in Failure.Class]?: number }
}

const classes = Failure.Class.literals

export const make = (capacity: number, maxAgeMillis: number): Window => ({
  capacity,
  maxAgeMillis,
  at: new Float64Array(capacity),
  durations: new Float32Array(capacity),
  firstContents: new Float32Array(capacity),
  failures: new Uint8Array(capacity),
  first: 0,
  calls: 0,
  successes: 0
})

/** Forgets what is too old. */
export const expire = (window: Window, now: number): void => {
  while (window.calls > 0 && now - (window.at[window.first] ?? now) >= window.maxAgeMillis) drop(window)
}

/** Remembers one result, and forgets what no longer counts. */
export const record = (window: Window, result: Result): void =>
  add(window, result.at, result.durationMillis, result.firstContentMillis, result.failure)

/** The same without a result to be made. */
export const add = (
  window: Window,
  at: number,
  durationMillis: number,
  firstContentMillis: number | undefined,
  failure: Failure.Class | undefined
): void => {
  expire(window, at)
  if (window.calls === window.capacity) drop(window)
  const next = indexOf(window, window.calls)
  window.at[next] = at
  window.durations[next] = durationMillis
  window.firstContents[next] = firstContentMillis ?? Number.NaN
  window.failures[next] = failure === undefined ? 0 : 1 + classes.indexOf(failure)
  window.calls += 1
  if (failure === undefined) window.successes += 1
}

/** Forgets everything. */
export const clear = (window: Window): void => {
  window.first = 0
  window.calls = 0
  window.successes = 0
}

export const status = (window: Window): HealthStatus.HealthStatus => HealthStatus.of(window.calls, window.successes)

export const summarise = (window: Window, now: number): Summary => {
  expire(window, now)
  const { calls } = window
  const durations: Array<number> = []
  const firstContents: Array<number> = []
  const errors: { [Class in Failure.Class]?: number } = {}
  for (let nth = 0; nth < calls; nth++) {
    const index = indexOf(window, nth)
    const { [index]: firstContent = Number.NaN } = window.firstContents
    const failure = classes[(window.failures[index] ?? 0) - 1]
    durations.push(window.durations[index] ?? 0)
    if (!Number.isNaN(firstContent)) firstContents.push(firstContent)
    if (failure !== undefined) errors[failure] = (errors[failure] ?? 0) + 1
  }
  durations.sort(ascending)
  firstContents.sort(ascending)
  return {
    status: status(window),
    calls,
    successes: window.successes,
    successRate: calls === 0 ? 1 : window.successes / calls,
    meanMillis: calls === 0 ? undefined : durations.reduce((sum, value) => sum + value, 0) / calls,
    p50Millis: percentile(durations, 0.5),
    p95Millis: percentile(durations, 0.95),
    p99Millis: percentile(durations, 0.99),
    firstContentP50Millis: percentile(firstContents, 0.5),
    firstContentP95Millis: percentile(firstContents, 0.95),
    errors
  }
}

/** The nearest-rank percentile of ascending values: the smallest value with at least that part at or below it. */
const percentile = (values: ReadonlyArray<number>, part: number): number | undefined =>
  values[Math.max(0, Math.ceil(part * values.length) - 1)]

const ascending = (a: number, b: number): number => a - b

/** Where the nth result is, 0 for the oldest. */
const indexOf = (window: Window, nth: number): number => {
  const index = window.first + nth
  return index < window.capacity ? index : index - window.capacity
}

const drop = (window: Window): void => {
  if (window.failures[window.first] === 0) window.successes -= 1
  window.first = indexOf(window, 1)
  window.calls -= 1
}
