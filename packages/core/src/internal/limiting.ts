/**
 * The limits of a lane around one attempt: looked at before it, counted when it is let through, settled when it is over.
 * An operation that waits for a lane holds a place in the line in front of it.
 */
import * as Duration from "effect/Duration"
import type * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import * as Refusal from "../Refusal.ts"
import * as Gate from "./Gate.ts"
import type { Operation } from "./running.ts"
import { stackless } from "./stackless.ts"

/** Where chance comes from. */
export interface Random {
  nextDoubleUnsafe(): number
}

/** Refuses what would have to wait. `undefined`: it may go now, as long as nothing comes in between. */
export const look = (
  gate: Gate.Gate,
  operation: Operation,
  lane: Lane.Lane,
  random: Random,
  now: number
): Refusal.LimitReached | undefined => {
  const place = placeAt(gate, operation)
  const tokens = place?.tokens ?? tokensOn(gate, operation, lane)
  const wait =
    place === undefined ? Gate.waitMillis(gate, tokens, now) : Gate.turnMillis(place, chanceOf(operation, random), now)
  if (wait === 0) return undefined
  const reason = Gate.binding(gate, tokens, now)
  return stackless(() => new Refusal.LimitReached({ lane: lane.id, reason, retryAfter: Duration.millis(wait) }))
}

/** Counts a request that `look` has let through; a place in the line is given up with it. */
export const pass = (gate: Gate.Gate, operation: Operation, lane: Lane.Lane, now: number): Gate.Pass => {
  const tokens = placeAt(gate, operation)?.tokens ?? tokensOn(gate, operation, lane)
  if (placeAt(gate, operation) !== undefined) leave(operation)
  return Gate.pass(gate, tokens, now)
}

/**
 * Takes a place in the line in front of the lane: milliseconds until its turn, or `undefined` when patience does not reach
 * so far. An operation stands in one line at a time.
 */
export const join = (
  gate: Gate.Gate,
  operation: Operation,
  lane: Lane.Lane,
  patienceMillis: number,
  random: Random,
  now: number
): number | undefined => {
  const known = placeAt(gate, operation)
  if (known === undefined) {
    const place = Gate.join(gate, tokensOn(gate, operation, lane), patienceMillis, chanceOf(operation, random), now)
    if (place === undefined) return undefined
    leave(operation)
    operation.place = place
    return place.turnAt - now
  }
  const wait = Gate.turnMillis(known, chanceOf(operation, random), now)
  return wait <= patienceMillis ? wait : undefined
}

/** Gives up the operation's place, if it has one. */
export const leave = (operation: Operation): void => {
  if (operation.place === undefined) return
  Gate.leave(operation.place)
  operation.place = undefined
}

/** Milliseconds until the operation may ask the lane, by its place where it has one. */
export const waitMillis = (gate: Gate.Gate, operation: Operation, lane: Lane.Lane, now: number): number => {
  const place = placeAt(gate, operation)
  if (place !== undefined) return Math.max(0, place.turnAt - now)
  return Gate.isQuiet(gate, now) ? 0 : Gate.waitMillis(gate, tokensOn(gate, operation, lane), now)
}

/**
 * An attempt is over. What the answer says it used replaces the estimate; where a provider refused the request nothing was
 * used, and where nobody knows the estimate stands.
 */
export const settle = (
  pass: Gate.Pass,
  attempt: {
    readonly isSent: boolean
    readonly inputTokens: number | undefined
    readonly outputTokens: number | undefined
  },
  failure: Failure.Failure | undefined,
  now: number
): void => {
  const { inputTokens, isSent, outputTokens } = attempt
  if (!isSent) Gate.cancel(pass, now)
  else if (inputTokens !== undefined || outputTokens !== undefined) {
    Gate.settle(pass, (inputTokens ?? 0) + (outputTokens ?? 0), now)
  } else if (failure?.status !== undefined && failure.status >= 400) Gate.settle(pass, 0, now)
}

/** A number in [0, 1) that spreads those who wait; 0 where the policy wants no spread at all. */
export const chanceOf = (operation: Operation, random: Random): number =>
  operation.policy.retry.jitter === "none-unsafe" ? 0 : random.nextDoubleUnsafe()

const placeAt = (gate: Gate.Gate, { place }: Operation): Gate.Place | undefined =>
  place !== undefined && place.gate === gate ? place : undefined

const tokensOn = (gate: Gate.Gate, operation: Operation, lane: Lane.Lane): number =>
  Gate.countsTokens(gate) ? operation.tokensOn(lane) : 0
