/**
 * A circuit as a pure machine: a function of events and the present instant, with no clock, timer or randomness of its
 * own. Instants and lengths are milliseconds. Every admission carries the generation it was made under; a result that
 * arrives under another one changes nothing.
 */

export interface Settings {
  /** Consecutive failures that open the circuit. */
  readonly consecutiveFailures: number
  /** How long it stays open the first time. */
  readonly openMillis: number
  /** Growth of the open time per reopening without a close in between. */
  readonly openGrowth: number
  /** Ceiling of our own open time; a provider's hint may be longer. */
  readonly openMaxMillis: number
  /** Part of the open time that chance may take off, 0 to 1, so that a fleet does not probe in step. */
  readonly openJitter: number
  /** A probe that has not reported by then has lost its slot. */
  readonly probeMillis: number
}

export type State =
  | { readonly _tag: "Closed"; readonly generation: number; readonly failures: number }
  | {
      readonly _tag: "Open"
      readonly generation: number
      readonly failures: number
      readonly openings: number
      readonly until: number
    }
  | {
      readonly _tag: "HalfOpen"
      readonly generation: number
      readonly failures: number
      readonly openings: number
      /** The probe's slot is taken until then. */
      readonly leaseUntil: number
    }

export type Outcome = "success" | "failure" | "neutral" | "trip"

export const initial: State = { _tag: "Closed", generation: 0, failures: 0 }

/** Milliseconds until a call may be admitted; 0 when one may be now. Changes nothing. */
export const waitMillis = (state: State, now: number): number => {
  switch (state._tag) {
    case "Closed":
      return 0
    case "Open":
      return Math.max(0, state.until - now)
    case "HalfOpen":
      return Math.max(0, state.leaseUntil - now)
  }
}

/**
 * Asks to call: the generation to settle under, or `undefined` when refused. An open circuit whose time is over admits
 * one probe; a probe whose lease has lapsed is replaced by the next caller, and its late result is void.
 */
export const admit = (state: State, now: number, settings: Settings): [number | undefined, State] => {
  if (state._tag === "Closed") return [state.generation, state]
  if (waitMillis(state, now) > 0) return [undefined, state]
  const generation = state.generation + 1
  return [
    generation,
    {
      _tag: "HalfOpen",
      generation,
      failures: state.failures,
      openings: state.openings,
      leaseUntil: now + settings.probeMillis
    }
  ]
}

export interface Settlement {
  readonly generation: number
  readonly outcome: Outcome
  /** The wait the provider named, in milliseconds: it lengthens the open time, never shortens it. */
  readonly hintMillis: number
  /** In [0, 1). */
  readonly random: number
}

/** Records an outcome. Under another generation than the present one, or while open, it changes nothing. */
export const settle = (state: State, settlement: Settlement, now: number, settings: Settings): State => {
  if (settlement.generation !== state.generation || state._tag === "Open") return state
  switch (settlement.outcome) {
    case "neutral":
      return state._tag === "HalfOpen" ? { ...state, leaseUntil: now } : state
    case "success":
      return state._tag === "HalfOpen"
        ? { _tag: "Closed", generation: state.generation + 1, failures: 0 }
        : state.failures === 0
          ? state
          : { ...state, failures: 0 }
    case "failure": {
      const failures = state.failures + 1
      return state._tag === "Closed" && failures < settings.consecutiveFailures
        ? { ...state, failures }
        : open(state, failures, settlement, now, settings)
    }
    case "trip":
      return open(state, state.failures + 1, settlement, now, settings)
  }
}

const open = (
  state: Exclude<State, { readonly _tag: "Open" }>,
  failures: number,
  settlement: Settlement,
  now: number,
  settings: Settings
): State => {
  const openings = state._tag === "HalfOpen" ? state.openings + 1 : 1
  const grown = Math.min(settings.openMaxMillis, settings.openMillis * settings.openGrowth ** (openings - 1))
  const length = Math.max(grown * (1 - settings.openJitter * settlement.random), settlement.hintMillis)
  return { _tag: "Open", generation: state.generation + 1, failures, openings, until: now + length }
}
