/**
 * What a circuit knows about its recent calls: how many, how many failed, how many were slow; over a time window or over
 * the last so many calls. Recording and reading are O(1), ageing is O(slices). It is updated in place and owned by one
 * service.
 */
import { whole } from "./bounds.ts"
import * as TimeSlices from "../TimeSlices.ts"

export type Settings =
  /** The calls of the last `windowMillis`, forgotten a slice at a time: the oldest whole slice when a new one begins. */
  | { readonly _tag: "Time"; readonly windowMillis: number; readonly slices: number }
  /** The last `calls` calls, however old. */
  | { readonly _tag: "Count"; readonly calls: number }

export interface Rates {
  readonly calls: number
  readonly failures: number
  /** Slow calls, whether they succeeded or failed. */
  readonly slow: number
}

interface CountWindow {
  readonly _tag: "Count"
  /** A mark per call, a ring in which the next is written at `next`. */
  readonly marks: Uint8Array
  next: number
  calls: number
  failures: number
  slow: number
}

export type SlidingWindow = { readonly _tag: "Time"; readonly history: TimeSlices.TimeSlices } | CountWindow

/** Counters of the time window. */
const calls = 0
const failures = 1
const slow = 2
const begun = 3

/** Bits of a mark of the count window. */
const failed = 1
const wasSlow = 2

/** Throws a `RangeError` that names an impossible option. */
export const make = (settings: Settings): SlidingWindow =>
  settings._tag === "Time"
    ? { _tag: "Time", history: TimeSlices.make(settings.windowMillis, settings.slices, 4) }
    : {
        _tag: "Count",
        marks: new Uint8Array(whole("calls", 1, settings.calls)),
        next: 0,
        calls: 0,
        failures: 0,
        slow: 0
      }

/** Remembers one call. */
export const record = (window: SlidingWindow, outcome: "success" | "failure", isSlow: boolean, now: number): void => {
  if (window._tag === "Count") return mark(window, (outcome === "failure" ? failed : 0) | (isSlow ? wasSlow : 0))
  TimeSlices.add(window.history, calls, 1, now)
  if (outcome === "failure") TimeSlices.add(window.history, failures, 1, now)
  if (isSlow) TimeSlices.add(window.history, slow, 1, now)
}

/** So many more calls were sent. A window of calls takes no notice: it is about those that have ended. */
export const send = (window: SlidingWindow, count: number, now: number): void => {
  if (window._tag === "Time") TimeSlices.add(window.history, begun, count, now)
}

/** Forgets how many were sent, but for so many. */
export const sendAnew = (window: SlidingWindow, count: number, now: number): void => {
  if (window._tag === "Count") return
  TimeSlices.advance(window.history, now)
  TimeSlices.reset(window.history, begun)
  TimeSlices.add(window.history, begun, count, now)
}

/** How many were sent in the window, as of its last record; 0 for a window of calls. */
export const sent = (window: SlidingWindow): number =>
  window._tag === "Time" ? TimeSlices.total(window.history, begun) : 0

/** What the window holds now. */
export const rates = (window: SlidingWindow, now: number): Rates => {
  if (window._tag === "Count") return { calls: window.calls, failures: window.failures, slow: window.slow }
  TimeSlices.advance(window.history, now)
  return {
    calls: TimeSlices.total(window.history, calls),
    failures: TimeSlices.total(window.history, failures),
    slow: TimeSlices.total(window.history, slow)
  }
}

/** Whether any of the calls that were in the window at its last record has failed. */
export const hasFailures = (window: SlidingWindow): boolean =>
  window._tag === "Time" ? TimeSlices.total(window.history, failures) > 0 : window.failures > 0

/** The part of the calls that failed, 0 to 1; `undefined` (not evaluable) below `minCalls`, and always without calls. */
export const failureRate = (counted: Rates, minCalls: number): number | undefined =>
  isEvaluable(counted, minCalls) ? counted.failures / counted.calls : undefined

/** The part of the calls that were slow, 0 to 1; `undefined` (not evaluable) below `minCalls`, and always without calls. */
export const slowRate = (counted: Rates, minCalls: number): number | undefined =>
  isEvaluable(counted, minCalls) ? counted.slow / counted.calls : undefined

/** Forgets everything. */
export const clear = (window: SlidingWindow): void => {
  if (window._tag === "Time") return TimeSlices.clear(window.history)
  window.calls = 0
  window.failures = 0
  window.slow = 0
}

const isEvaluable = (counted: Rates, minCalls: number): boolean => counted.calls > 0 && counted.calls >= minCalls

const mark = (window: CountWindow, bits: number): void => {
  if (window.calls === window.marks.length) {
    const oldest = window.marks[window.next] ?? 0
    window.failures -= oldest & failed
    window.slow -= (oldest & wasSlow) >> 1
  } else window.calls += 1
  window.marks[window.next] = bits
  window.failures += bits & failed
  window.slow += (bits & wasSlow) >> 1
  window.next = window.next + 1 === window.marks.length ? 0 : window.next + 1
}
