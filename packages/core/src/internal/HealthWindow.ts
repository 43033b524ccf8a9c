/**
 * The recent results of one lane: the last `capacity` of them, none older than `maxAgeMillis`. A function of its events
 * and the present instant; recording is O(1) amortised, a summary sorts what is there. It is updated in place and owned by
 * one service.
 */
import type * as Failure from "../Failure.ts"
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
  /** A ring: the oldest is at `first`, and `calls` of them count. */
  readonly ring: Array<Result | undefined>
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

export const make = (capacity: number, maxAgeMillis: number): Window => ({
  capacity,
  maxAgeMillis,
  ring: Array.from({ length: capacity }, () => undefined),
  first: 0,
  calls: 0,
  successes: 0
})

/** Forgets what is too old. */
export const expire = (window: Window, now: number): void => {
  for (let oldest = window.ring[window.first]; oldest !== undefined; oldest = window.ring[window.first]) {
    if (now - oldest.at < window.maxAgeMillis) return
    drop(window)
  }
}

/** Remembers one result, and forgets what no longer counts. */
export const record = (window: Window, result: Result): void => {
  expire(window, result.at)
  if (window.calls === window.capacity) drop(window)
  const next = window.first + window.calls
  window.ring[next < window.capacity ? next : next - window.capacity] = result
  window.calls += 1
  if (result.failure === undefined) window.successes += 1
}

/** Forgets everything. */
export const clear = (window: Window): void => {
  window.ring.fill(undefined)
  window.first = 0
  window.calls = 0
  window.successes = 0
}

export const status = (window: Window): HealthStatus.HealthStatus => HealthStatus.of(window.calls, window.successes)

export const summarise = (window: Window, now: number): Summary => {
  expire(window, now)
  const { calls } = window
  const results = window.ring.filter((result) => result !== undefined)
  const durations = sorted(results.map((result) => result.durationMillis))
  const firstContents = sorted(
    results.flatMap((result) => (result.firstContentMillis === undefined ? [] : [result.firstContentMillis]))
  )
  const errors: { [Class in Failure.Class]?: number } = {}
  for (const { failure } of results) {
    if (failure !== undefined) errors[failure] = (errors[failure] ?? 0) + 1
  }
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
const percentile = (ascending: ReadonlyArray<number>, part: number): number | undefined =>
  ascending[Math.max(0, Math.ceil(part * ascending.length) - 1)]

const sorted = (values: Array<number>): Array<number> => values.toSorted((a, b) => a - b)

const drop = (window: Window): void => {
  const oldest = window.ring[window.first]
  if (oldest === undefined) return
  window.ring[window.first] = undefined
  window.first = window.first + 1 === window.capacity ? 0 : window.first + 1
  window.calls -= 1
  if (oldest.failure === undefined) window.successes -= 1
}
