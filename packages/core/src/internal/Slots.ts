/**
 * The slots of one lane and the line in front of them, synchronous and updated in place: looking and taking are one step.
 * Owned by one bulkhead.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as AdaptiveLimitState from "./AdaptiveLimitState.ts"

/** How many may run at once: a fixed number, or one that is found by trying. */
export type Bound = number | AdaptiveLimitState.AdaptiveLimit

export const numberOf = (bound: Bound): number => (typeof bound === "number" ? bound : AdaptiveLimitState.limit(bound))

export interface Waiter {
  readonly turn: Deferred.Deferred<void>
  /** Routes with different policies may share a lane: each is held to its own number. */
  readonly bound: Bound
  granted: boolean
}

export interface Slots {
  running: number
  readonly queues: { readonly high: Array<Waiter>; readonly normal: Array<Waiter> }
}

export const make = (): Slots => ({ running: 0, queues: { high: [], normal: [] } })

export const waiting = (slots: Slots): number => slots.queues.high.length + slots.queues.normal.length

/** Whether a slot is free. */
export const hasRoom = (slots: Slots, bound: Bound): boolean => slots.running < numberOf(bound)

/** Takes a slot, if one is free. */
export const tryTake = (slots: Slots, bound: Bound): boolean => {
  if (!hasRoom(slots, bound)) return false
  slots.running += 1
  return true
}

/** Joins the line. */
export const join = (slots: Slots, priority: "high" | "normal", bound: Bound): Waiter => {
  const waiter: Waiter = { turn: Deferred.makeUnsafe(), bound, granted: false }
  slots.queues[priority].push(waiter)
  return waiter
}

/** Leaves the line; a waiter whose turn had come is not in it any more. */
export const leave = (slots: Slots, waiter: Waiter): void => {
  for (const queue of [slots.queues.high, slots.queues.normal]) {
    const index = queue.indexOf(waiter)
    if (index !== -1) queue.splice(index, 1)
  }
}

/**
 * Gives a slot back. It passes on in the same step to the next in line, so nobody can overtake; to more than one where a
 * bound has grown meanwhile.
 */
export const give = (slots: Slots): void => {
  slots.running -= 1
  while (true) {
    const next = takeNext(slots.queues.high, slots.running) ?? takeNext(slots.queues.normal, slots.running)
    if (next === undefined) return
    slots.running += 1
    next.granted = true
    Deferred.doneUnsafe(next.turn, Effect.void)
  }
}

/** Takes the first in line whose own limit has room beside `running` calls. */
const takeNext = (queue: Array<Waiter>, running: number): Waiter | undefined => {
  if (queue.length === 0) return undefined
  const index = queue.findIndex((waiter) => running < numberOf(waiter.bound))
  return index === -1 ? undefined : queue.splice(index, 1)[0]
}
