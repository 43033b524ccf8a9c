/**
 * What the requests of one policy have to pass for one credential and model: what the provider says and asks for, which is
 * the same for everybody, and the limits that the policy sets itself. Two machines of `RateLimitState.ts`, looked at
 * together; whoever waits stands in the line of the one that holds it back the longest. Synchronous, owned by one service.
 */
import type * as LimitedResource from "./LimitedResource.ts"
import * as RateLimitState from "./RateLimitState.ts"

export interface Gate {
  /** The provider's word and the cool-down, for all who use the credential and the model. */
  readonly shared: RateLimitState.RateLimit
  /** The policy's own limits; absent where it sets none. */
  readonly own: RateLimitState.RateLimit | undefined
}

/** What a response says is left. */
export interface Stated {
  readonly requests?: LimitedResource.Stated | undefined
  readonly tokens?: LimitedResource.Stated | undefined
}

/** Leave to send one request. */
export interface Pass {
  readonly gate: Gate
  readonly shared: RateLimitState.Reservation
  readonly own: RateLimitState.Reservation | undefined
}

/** A place in the line in front of a gate. It must be taken or left. */
export interface Place {
  readonly gate: Gate
  readonly tokens: number
  /** The machine whose line it is in. */
  line: RateLimitState.RateLimit
  /** When its turn comes. */
  turnAt: number
}

/** Whether nothing is limited and nobody cools: who finds it so needs no pass. */
export const isQuiet = (gate: Gate, now: number): boolean =>
  gate.own === undefined && RateLimitState.isQuiet(gate.shared, now)

/** Whether the number of tokens makes a difference. */
export const countsTokens = ({ own, shared }: Gate): boolean =>
  RateLimitState.countsTokens(shared) || (own !== undefined && RateLimitState.countsTokens(own))

/** Milliseconds until a new request of about so many tokens would be let through; 0 when it would be now. */
export const waitMillis = ({ own, shared }: Gate, tokens: number, now: number): number =>
  Math.max(
    RateLimitState.waitMillis(shared, tokens, now),
    own === undefined ? 0 : RateLimitState.waitMillis(own, tokens, now)
  )

/** What holds such a request back the longest. */
export const binding = (gate: Gate, tokens: number, now: number): RateLimitState.Binding =>
  RateLimitState.binding(slower(gate, tokens, now, RateLimitState.waitMillis), tokens)

/**
 * Joins those who wait. `undefined` if the turn would come later than patience allows, and nothing has changed. `random`
 * is in [0, 1).
 */
export const join = (
  gate: Gate,
  tokens: number,
  patienceMillis: number,
  random: number,
  now: number
): Place | undefined => {
  const line = slower(gate, tokens, now, RateLimitState.waitMillis)
  const wait = RateLimitState.join(line, tokens, patienceMillis, random, now)
  return wait === undefined ? undefined : { gate, tokens, line, turnAt: now + wait }
}

/**
 * Milliseconds until somebody in the line may go: 0 when its turn has come and the gate is open. One who comes in time and
 * finds it shut gets a new turn. `random` is in [0, 1).
 */
export const turnMillis = (place: Place, random: number, now: number): number => {
  const { gate, tokens } = place
  if (now >= place.turnAt) {
    const line = slower(gate, tokens, now, RateLimitState.readyMillis)
    if (RateLimitState.readyMillis(line, tokens, now) === 0) return 0
    if (line === place.line) place.turnAt = now + RateLimitState.again(line, tokens, random, now)
    else {
      const wait = RateLimitState.join(line, tokens, Number.POSITIVE_INFINITY, random, now) ?? 0
      RateLimitState.leave(place.line)
      place.line = line
      place.turnAt = now + wait
    }
  }
  return Math.max(0, place.turnAt - now)
}

/** Gives up a place in the line. */
export const leave = (place: Place): void => RateLimitState.leave(place.line)

/** Lets a request through that has just been found to have nothing to wait for. */
export const pass = (gate: Gate, tokens: number, now: number): Pass => ({
  gate,
  shared: RateLimitState.reserve(gate.shared, tokens, now),
  own: gate.own === undefined ? undefined : RateLimitState.reserve(gate.own, tokens, now)
})

/** Replaces the estimate by the tokens that were used. Once. */
export const settle = ({ gate, own, shared }: Pass, tokens: number, now: number): void => {
  RateLimitState.settle(gate.shared, shared, tokens, now)
  if (gate.own !== undefined && own !== undefined) RateLimitState.settle(gate.own, own, tokens, now)
}

/** The request was never sent: everything comes back. Once, and not after `settle`. */
export const cancel = ({ gate, own, shared }: Pass, now: number): void => {
  RateLimitState.cancel(gate.shared, shared, now)
  if (gate.own !== undefined && own !== undefined) RateLimitState.cancel(gate.own, own, now)
}

/** Takes over what the headers of the response to a request say is left. */
export const correct = ({ gate, shared }: Pass, said: Stated, now: number): void => {
  RateLimitState.correct(gate.shared, shared, said, now)
}

/** The one of the two machines for which the wait is the longer; the shared one where it is the same. */
const slower = (
  { own, shared }: Gate,
  tokens: number,
  now: number,
  millis: (state: RateLimitState.RateLimit, tokens: number, now: number) => number
): RateLimitState.RateLimit =>
  own !== undefined && millis(own, tokens, now) > millis(shared, tokens, now) ? own : shared
