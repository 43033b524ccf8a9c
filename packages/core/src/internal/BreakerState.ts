/**
 * A circuit as a pure machine: functions of a state, an event and the present instant, with no clock, timer or randomness
 * of their own. Instants and lengths are milliseconds, and instants never go back (`shift` is for a clock that was set
 * back). The recent results are in a `Recent`, which lives and dies with the closed state and is updated in place.
 *
 * Every admission is a permit, a number of its own: while closed one that holds the state's generation, for a probe one
 * below zero. A result under a permit that no longer holds, because the circuit has moved on or the probe's lease has
 * lapsed, changes nothing. On the way that matters, closed and succeeding, nothing is allocated: `admit` and `settle` return
 * the state they got.
 */
import * as Ramp from "./Ramp.ts"
import * as Runs from "./Runs.ts"
import * as SlidingWindow from "./SlidingWindow.ts"

export interface Settings {
  /**
   * Failures in a row, in the order in which the calls were sent, that open the circuit; more of them where so many would
   * often come by chance (`neededInARow`). 0: they do not.
   */
  readonly consecutiveFailures: number
  /** The part of recent calls that failed, at or above which it opens; 0: it does not. */
  readonly rate: number
  /** The part of recent calls that were slow, at or above which it opens; 0: it does not. */
  readonly slowRate: number
  /** Fewer recent calls than this say nothing about rates. */
  readonly minimumCalls: number
  /** How long it stays open the nth time in a row, 1 for the first. */
  readonly openMillis: (nth: number) => number
  /** Part of the open time that chance takes off, 0 to 1, so that a fleet does not probe in step. */
  readonly openJitter: number
  /** The longest open time that a provider's hint may ask for. */
  readonly hintMaxMillis: number
  /** Probes that may be out at once, and results that decide. */
  readonly probes: number
  /**
   * Successful probes that close the circuit. More failures than leave room for them open it again. Where slowness opens
   * it (`slowRate`), a slow probe has not succeeded.
   */
  readonly probeSuccesses: number
  /** A probe that has not reported by then has lost its slot. */
  readonly probeMillis: number
  /** After closing, the time over which admission grows from a tenth to all; 0: all at once. */
  readonly rampMillis: number
}

/**
 * What opened a circuit: failures in a row, the failure rate, slowness, a failure that trips at once, failed probes, or the
 * advice of another instance.
 */
export type Reason = "consecutive" | "rate" | "slow" | "trip" | "probe" | "advice"

/** What is remembered of the calls of a closed circuit. */
export interface Recent {
  readonly window: SlidingWindow.SlidingWindow
  readonly runs: Runs.Runs
}

interface Lease {
  /** Below zero, never used twice in a circuit's life. */
  readonly permit: number
  readonly until: number
}

interface Closed {
  readonly _tag: "Closed"
  readonly generation: number
  readonly failures: number
  /** Openings without a healthy time in between; they lengthen the next one. */
  readonly openings: number
  readonly probesIssued: number
  readonly ramp: Ramp.Ramp | undefined
}

interface Open {
  readonly _tag: "Open"
  readonly generation: number
  readonly failures: number
  readonly openings: number
  readonly probesIssued: number
  readonly reason: Reason
  readonly until: number
}

interface HalfOpen {
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

/**
 * The state of a circuit that is new but bears a name that others had before: above `epoch`, so that no permit of theirs
 * is one of its own.
 */
export const born = (epoch: number): State => ({ ...initial, generation: epoch + 1, probesIssued: epoch })

/** Where the permits of a successor have to begin. */
export const epochOf = (state: State): number => Math.max(state.generation, state.probesIssued)

/** Milliseconds until a call may be admitted; 0 when one may be now. Changes nothing. */
export const waitMillis = (state: State, now: number, settings: Settings): number => {
  switch (state._tag) {
    case "Closed":
      return state.ramp === undefined ? 0 : Ramp.waitMillis(state.ramp, now)
    case "Open":
      return Math.max(0, state.until - now)
    case "HalfOpen": {
      const out = live(state.leases, now)
      // All results in and undecided, it can be only under settings that ask for fewer of them: one more call decides.
      if (out.length === 0 || out.length + decided(state) < settings.probes) return 0
      return Math.min(...out.map((lease) => lease.until)) - now
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
      return Ramp.isOver(state.ramp, now)
        ? { ...state, openings: 0, ramp: undefined }
        : { ...state, ramp: Ramp.admit(state.ramp, now) }
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

/** The permit for the admission that the state came from, to be asked for once. */
export const permitOf = (state: State, runs: Runs.Runs): number =>
  state._tag === "Closed" ? permitsFrom(state) + Runs.send(runs) : -state.probesIssued

/** The permits of a closed state are this and the number of the call; by itself it is nobody's, and holds as well. */
export const permitsFrom = ({ generation }: State): number => generation * Runs.numbers

/** A call was refused. While it ramps that adds to the next admission; otherwise it changes nothing. */
export const refuse = (state: State, now: number): State =>
  isRamping(state, now) ? { ...state, ramp: Ramp.refuse(state.ramp, now) } : state

/** Openings without a healthy time in between: a ramp that was survived is one. */
export const openingsOf = (state: State, now: number): number =>
  state._tag === "Closed" && !isRamping(state, now) ? 0 : state.openings

/** The same state after the clock was set by `millis`: nothing comes sooner or later for it. */
export const shift = (state: State, millis: number): State => {
  switch (state._tag) {
    case "Closed":
      return state.ramp === undefined ? state : { ...state, ramp: Ramp.shift(state.ramp, millis) }
    case "Open":
      return { ...state, until: state.until + millis }
    case "HalfOpen":
      return { ...state, leases: state.leases.map((lease) => ({ ...lease, until: lease.until + millis })) }
  }
}

/**
 * The state that follows when another instance says that it keeps its circuit open until then. A probe that is out decides
 * for itself, and an open time only grows.
 */
export const openUntil = (state: State, until: number, now: number): State => {
  if (until <= now || (state._tag === "HalfOpen" && live(state.leases, now).length > 0)) return state
  if (state._tag === "Open") return until > state.until ? { ...state, until } : state
  return {
    _tag: "Open",
    generation: state.generation + 1,
    failures: state.failures,
    openings: Math.max(1, openingsOf(state, now)),
    probesIssued: state.probesIssued,
    reason: "advice",
    until
  }
}

/** The state that follows when there is reason to probe at once. */
export const probeFrom = (state: State, now: number): State =>
  state._tag === "Open" && state.until > now ? { ...state, until: now } : state

export interface Settlement {
  /** The wait the provider named: it lengthens the open time, never shortens it. */
  readonly hintMillis: number
  /** In [0, 1). */
  readonly random: number
}

/** Records how the call under `permit` ended. */
export const settle = (
  state: State,
  recent: Recent,
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
    case "Closed": {
      const call = permit - permitsFrom(state)
      return call >= 0 && call < Runs.numbers
        ? settleClosed(state, recent, call, outcome, isSlow, settlement, now, settings)
        : state
    }
    case "HalfOpen":
      return settleProbe(state, recent, permit, outcome, isSlow, settlement, now, settings)
  }
}

const settleClosed = (
  state: Closed,
  { runs, window }: Recent,
  call: number,
  outcome: Outcome,
  isSlow: boolean,
  settlement: Settlement,
  now: number,
  settings: Settings
): State => {
  switch (outcome) {
    case "neutral":
      if (settings.rate > 0) noteSent({ runs, window }, call, outcome, now)
      if (settings.consecutiveFailures > 0) Runs.end(runs, call, false)
      return state
    case "trip":
      return open(state, "trip", state.failures + 1, settlement, now, settings)
    case "success": {
      if (settings.rate > 0 || settings.slowRate > 0) SlidingWindow.record(window, "success", isSlow, now)
      // Nothing of this is needed while nothing fails.
      if (SlidingWindow.hasFailures(window) && settings.rate > 0) noteSent({ runs, window }, call, outcome, now)
      if (runs.stretches.size > 0) Runs.answer(runs)
      if (isSlow && isOverSlowRate(window, now, settings)) return open(state, "slow", 0, settlement, now, settings)
      return state.failures === 0 ? state : { ...state, failures: 0 }
    }
    case "failure": {
      if (settings.rate > 0) noteSent({ runs, window }, call, outcome, now)
      if (settings.rate > 0 || settings.slowRate > 0) SlidingWindow.record(window, "failure", isSlow, now)
      const failures = state.failures + 1
      const inARow = settings.consecutiveFailures > 0 ? Runs.end(runs, call, true) : 0
      const reason = reasonToOpen(window, failures, inARow, now, settings)
      return reason === undefined ? { ...state, failures } : open(state, reason, failures, settlement, now, settings)
    }
  }
}

/**
 * Counts the calls that were sent, from the first that has failed on: what hangs since before does not speak for those
 * behind it. Who says nothing is not counted.
 */
const noteSent = ({ runs, window }: Recent, call: number, outcome: Outcome, now: number): void => {
  const sent = Runs.tell(runs) - (outcome === "neutral" ? 1 : 0)
  if (outcome === "failure" && call > 0 && SlidingWindow.rates(window, now).failures === 0) {
    SlidingWindow.sendAnew(window, Math.max(1, runs.sent - call + 1), now)
  } else if (sent !== 0) SlidingWindow.send(window, sent, now)
}

/** What a failure opens for, if it does. */
const reasonToOpen = (
  window: SlidingWindow.SlidingWindow,
  failures: number,
  inARow: number,
  now: number,
  settings: Settings
): Reason | undefined => {
  const { consecutiveFailures } = settings
  const least = Math.min(failures, inARow)
  if (
    consecutiveFailures > 0 &&
    least >= consecutiveFailures &&
    least >= neededInARow(window, failures, now, settings)
  ) {
    return "consecutive"
  }
  if (settings.rate > 0) {
    const rates = SlidingWindow.rates(window, now)
    const rate = SlidingWindow.failureRate(rates, settings.minimumCalls)
    // Of a crowd the failures end first: those that are still under way may be answered.
    if (rate !== undefined && rate >= settings.rate && rates.failures >= settings.rate * SlidingWindow.sent(window)) {
      return "rate"
    }
  }
  return isOverSlowRate(window, now, settings) ? "slow" : undefined
}

/** A circuit that fails no more often than this opens on `consecutiveFailures` in a row. */
const rarely = 0.1

/**
 * How many failures in a row open the circuit. Where every seventh call fails, five in a row come by chance every few hours
 * at one call a second. So as many are needed as are as improbable, at the rate at which the other calls of the window have
 * failed (by the rule of succession), as `consecutiveFailures` are at one in ten; where too few are known, those.
 */
const neededInARow = (
  window: SlidingWindow.SlidingWindow,
  failures: number,
  now: number,
  { consecutiveFailures, minimumCalls }: Settings
): number => {
  const rates = SlidingWindow.rates(window, now)
  const calls = rates.calls - failures
  if (calls < minimumCalls) return consecutiveFailures
  const usually = (Math.max(0, rates.failures - failures) + 1) / (calls + 2)
  return usually <= rarely
    ? consecutiveFailures
    : Math.ceil((consecutiveFailures * Math.log(rarely)) / Math.log(usually))
}

const isOverSlowRate = (window: SlidingWindow.SlidingWindow, now: number, settings: Settings): boolean => {
  if (settings.slowRate === 0) return false
  const rate = SlidingWindow.slowRate(SlidingWindow.rates(window, now), settings.minimumCalls)
  return rate !== undefined && rate >= settings.slowRate
}

const settleProbe = (
  state: HalfOpen,
  recent: Recent,
  permit: number,
  outcome: Outcome,
  isSlow: boolean,
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
    case "failure":
    case "success": {
      const isTooSlow = outcome === "success" && isSlow && settings.slowRate > 0
      if (outcome === "success" && !isTooSlow) return succeed({ ...state, leases }, recent, now, settings)
      const failures = isTooSlow ? 0 : state.failures + 1
      const failed = state.failed + 1
      return failed > settings.probes - settings.probeSuccesses
        ? open(state, isTooSlow ? "slow" : "probe", failures, settlement, now, settings)
        : { ...state, leases, failed, failures }
    }
  }
}

const succeed = (state: HalfOpen, { runs, window }: Recent, now: number, settings: Settings): State => {
  const succeeded = state.succeeded + 1
  if (succeeded < settings.probeSuccesses) return { ...state, succeeded }
  SlidingWindow.clear(window)
  Runs.clear(runs)
  return {
    _tag: "Closed",
    generation: state.generation + 1,
    failures: 0,
    openings: settings.rampMillis > 0 ? state.openings : 0,
    probesIssued: state.probesIssued,
    ramp: settings.rampMillis > 0 ? Ramp.begin(now, settings.rampMillis) : undefined
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
  const openings = openingsOf(state, now) + 1
  const shortened = settings.openMillis(openings) * (1 - settings.openJitter * settlement.random)
  return {
    _tag: "Open",
    generation: state.generation + 1,
    failures,
    openings,
    probesIssued: state.probesIssued,
    reason,
    // A whole number and never zero, however much chance takes off.
    until: now + Math.ceil(Math.max(shortened, Math.min(settlement.hintMillis, settings.hintMaxMillis)))
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

const isRamping = (state: State, now: number): state is Closed & { readonly ramp: Ramp.Ramp } =>
  state._tag === "Closed" && state.ramp !== undefined && !Ramp.isOver(state.ramp, now)
