/**
 * A circuit as a pure machine: functions of a state, an event and the present instant, with no clock, timer or randomness
 * of their own. Instants and lengths are milliseconds. The recent results are in a `SlidingWindow` that lives and dies with
 * the closed state and is updated in place.
 *
 * Every admission is a permit: while closed the state's generation, for a probe a number of its own below zero. A result
 * under a permit that no longer holds, because the circuit has moved on or the probe's lease has lapsed, changes nothing.
 * On the way that matters, closed and succeeding, nothing is allocated: `admit` and `settle` return the state they got.
 */
import * as SlidingWindow from "./SlidingWindow.ts"

export interface Settings {
  /** Consecutive failures that open the circuit; 0: they do not. */
  readonly consecutiveFailures: number
  /** The part of recent calls that failed, at or above which it opens; 0: it does not. */
  readonly rate: number
  /** The part of recent calls that were slow, at or above which it opens; 0: it does not. */
  readonly slowRate: number
  /** Fewer recent calls than this say nothing about rates. */
  readonly minimumCalls: number
  /** How long it stays open the first time, the second time in a row, …; the last one holds for all further. */
  readonly openTimes: ReadonlyArray<number>
  /** Part of the open time that chance takes off, 0 to 1, so that a fleet does not probe in step. */
  readonly openJitter: number
  /** The longest open time that a provider's hint may ask for. */
  readonly hintMaxMillis: number
  /** Probes that may be out at once, and results that decide. */
  readonly probes: number
  /** Successful probes that close the circuit. More failures than leave room for them open it again. */
  readonly probeSuccesses: number
  /** A probe that has not reported by then has lost its slot. */
  readonly probeMillis: number
  /** After closing, the time over which admission grows from a tenth to all; 0: all at once. */
  readonly rampMillis: number
}

/** Why a circuit is open. */
export type Reason = "consecutive" | "rate" | "slow" | "trip" | "probe"

interface Lease {
  /** Below zero, never used twice in a circuit's life. */
  readonly permit: number
  readonly until: number
}

export interface Closed {
  readonly _tag: "Closed"
  readonly generation: number
  readonly failures: number
  /** Openings without a healthy time in between; they lengthen the next one. */
  readonly openings: number
  readonly probesIssued: number
  /** While it ramps: since when, until when, and the admissions that have added up to less than one. */
  readonly ramp: { readonly from: number; readonly until: number; readonly credit: number } | undefined
}

export interface Open {
  readonly _tag: "Open"
  readonly generation: number
  readonly failures: number
  readonly openings: number
  readonly probesIssued: number
  readonly reason: Reason
  readonly until: number
}

export interface HalfOpen {
  readonly _tag: "HalfOpen"
  readonly generation: number
  readonly failures: number
  readonly openings: number
  readonly probesIssued: number
  readonly leases: ReadonlyArray<Lease>
  readonly succeeded: number
  readonly failed: number
}

export type State = Closed | Open | HalfOpen

export type Outcome = "success" | "failure" | "neutral" | "trip"

export const initial: State = {
  _tag: "Closed",
  generation: 1,
  failures: 0,
  openings: 0,
  probesIssued: 0,
  ramp: undefined
}

/** A tenth is let through at once when a circuit closes; the rest grows in evenly over the ramp. */
const rampStart = 0.1
/** What is refused during a ramp may come back this soon, at the latest. */
const rampPatienceMillis = 1000

/** Milliseconds until a call may be admitted; 0 when one may be now. Changes nothing. */
export const waitMillis = (state: State, now: number, settings: Settings): number => {
  switch (state._tag) {
    case "Closed":
      return state.ramp === undefined || now >= state.ramp.until || rampCredit(state.ramp, now) >= 1
        ? 0
        : Math.min(rampPatienceMillis, state.ramp.until - now)
    case "Open":
      return Math.max(0, state.until - now)
    case "HalfOpen": {
      const out = live(state.leases, now)
      if (out.length + decided(state) < settings.probes) return 0
      return out.length === 0 ? 0 : Math.min(...out.map((lease) => lease.until)) - now
    }
  }
}

/**
 * Admits one call, where `waitMillis` says 0; the state that follows, whose permit is `permitOf`. An open circuit whose
 * time is over becomes half-open and issues its first probe.
 */
export const admit = (state: State, now: number, settings: Settings): State => {
  switch (state._tag) {
    case "Closed":
      if (state.ramp === undefined) return state
      return now >= state.ramp.until
        ? { ...state, openings: 0, ramp: undefined }
        : { ...state, ramp: { ...state.ramp, credit: rampCredit(state.ramp, now) - 1 } }
    case "Open":
      return probe(
        {
          _tag: "HalfOpen",
          generation: state.generation + 1,
          failures: state.failures,
          openings: state.openings,
          probesIssued: state.probesIssued,
          leases: [],
          succeeded: 0,
          failed: 0
        },
        now,
        settings
      )
    case "HalfOpen":
      return probe(state, now, settings)
  }
}

/** The permit that the last admission gave out. */
export const permitOf = (state: State): number => (state._tag === "Closed" ? state.generation : -state.probesIssued)

/** A call was refused while it ramps: part of an admission has added up. */
export const refuse = (state: State, now: number): State =>
  state._tag === "Closed" && state.ramp !== undefined && now < state.ramp.until
    ? { ...state, ramp: { ...state.ramp, credit: rampCredit(state.ramp, now) } }
    : state

export interface Settlement {
  /** The wait the provider named: it lengthens the open time, never shortens it. */
  readonly hintMillis: number
  /** In [0, 1). */
  readonly random: number
}

/** Records how the call under `permit` ended. */
export const settle = (
  state: State,
  window: SlidingWindow.SlidingWindow,
  permit: number,
  outcome: Outcome,
  isSlow: boolean,
  settlement: Settlement,
  now: number,
  settings: Settings
): State => {
  switch (state._tag) {
    case "Open":
      return state
    case "Closed":
      return permit === state.generation
        ? settleClosed(state, window, outcome, isSlow, settlement, now, settings)
        : state
    case "HalfOpen":
      return settleProbe(state, window, permit, outcome, settlement, now, settings)
  }
}

const settleClosed = (
  state: Closed,
  window: SlidingWindow.SlidingWindow,
  outcome: Outcome,
  isSlow: boolean,
  settlement: Settlement,
  now: number,
  settings: Settings
): State => {
  switch (outcome) {
    case "neutral":
      return state
    case "trip":
      return open(state, "trip", state.failures + 1, settlement, now, settings)
    case "success": {
      if (settings.rate > 0 || settings.slowRate > 0) SlidingWindow.record(window, "success", isSlow, now)
      const reason = isSlow ? overRate(window, now, settings) : undefined
      if (reason !== undefined) return open(state, reason, state.failures, settlement, now, settings)
      return state.failures === 0 ? state : { ...state, failures: 0 }
    }
    case "failure": {
      if (settings.rate > 0 || settings.slowRate > 0) SlidingWindow.record(window, "failure", isSlow, now)
      const failures = state.failures + 1
      const reason =
        settings.consecutiveFailures > 0 && failures >= settings.consecutiveFailures
          ? "consecutive"
          : overRate(window, now, settings)
      return reason === undefined ? { ...state, failures } : open(state, reason, failures, settlement, now, settings)
    }
  }
}

const overRate = (window: SlidingWindow.SlidingWindow, now: number, settings: Settings): Reason | undefined => {
  if (settings.rate === 0 && settings.slowRate === 0) return undefined
  const { calls, failures, slow } = SlidingWindow.rates(window, now)
  if (calls === 0 || calls < settings.minimumCalls) return undefined
  if (settings.rate > 0 && failures / calls >= settings.rate) return "rate"
  return settings.slowRate > 0 && slow / calls >= settings.slowRate ? "slow" : undefined
}

const settleProbe = (
  state: HalfOpen,
  window: SlidingWindow.SlidingWindow,
  permit: number,
  outcome: Outcome,
  settlement: Settlement,
  now: number,
  settings: Settings
): State => {
  const lease = state.leases.find((one) => one.permit === permit)
  if (lease === undefined || lease.until <= now) return state
  const leases = state.leases.filter((one) => one !== lease)
  switch (outcome) {
    case "neutral":
      return { ...state, leases }
    case "trip":
      return open(state, "trip", state.failures + 1, settlement, now, settings)
    case "failure": {
      const failed = state.failed + 1
      return failed > settings.probes - settings.probeSuccesses
        ? open(state, "probe", state.failures + 1, settlement, now, settings)
        : { ...state, leases, failed, failures: state.failures + 1 }
    }
    case "success": {
      const succeeded = state.succeeded + 1
      if (succeeded < settings.probeSuccesses) return { ...state, leases, succeeded }
      SlidingWindow.clear(window)
      return {
        _tag: "Closed",
        generation: state.generation + 1,
        failures: 0,
        openings: settings.rampMillis > 0 ? state.openings : 0,
        probesIssued: state.probesIssued,
        ramp:
          settings.rampMillis > 0 ? { from: now, until: now + settings.rampMillis, credit: 1 - rampStart } : undefined
      }
    }
  }
}

/**
 * Opens: the open time of this opening, shortened by chance, but never shorter than the provider's hint. It opens anew also
 * from a ramp, which then counts as one more opening in a row.
 */
const open = (
  state: Closed | HalfOpen,
  reason: Reason,
  failures: number,
  settlement: Settlement,
  now: number,
  settings: Settings
): Open => {
  const openings = state.openings + 1
  const nominal = settings.openTimes[Math.min(openings, settings.openTimes.length) - 1] ?? 0
  const length = Math.max(
    nominal * (1 - settings.openJitter * settlement.random),
    Math.min(settlement.hintMillis, settings.hintMaxMillis)
  )
  return {
    _tag: "Open",
    generation: state.generation + 1,
    failures,
    openings,
    probesIssued: state.probesIssued,
    reason,
    until: now + length
  }
}

const probe = (state: HalfOpen, now: number, settings: Settings): HalfOpen => {
  const probesIssued = state.probesIssued + 1
  return {
    ...state,
    probesIssued,
    leases: [...live(state.leases, now), { permit: -probesIssued, until: now + settings.probeMillis }]
  }
}

const live = (leases: ReadonlyArray<Lease>, now: number): ReadonlyArray<Lease> =>
  leases.filter((lease) => lease.until > now)

const decided = (state: HalfOpen): number => state.succeeded + state.failed

const rampCredit = (ramp: { readonly from: number; readonly until: number; readonly credit: number }, now: number) =>
  ramp.credit + rampStart + (1 - rampStart) * Math.min(1, (now - ramp.from) / (ramp.until - ramp.from))
