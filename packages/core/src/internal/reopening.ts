/** When lanes that are closed to calls open again, and waiting for the first of them. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Lane from "../Lane.ts"
import * as guards from "./guards.ts"
import type { Operation } from "./running.ts"

/** Waits until one of the lanes may be called. False when that would be too late. */
export const wait = Effect.fnUntraced(function* (
  shared: guards.Shared,
  operation: Operation,
  lanes: ReadonlyArray<Lane.Lane>
) {
  // Subscribe before looking, so that a change in between is not missed.
  const changes: Array<Effect.Effect<void>> = []
  for (const lane of lanes) {
    for (const { key } of guards.circuitsOf(lane)) changes.push(yield* shared.breaker.nextChange(key))
  }
  const now = yield* Clock.currentTimeMillis
  let soonest: { readonly lane: Lane.Lane; readonly millis: number } | undefined
  for (const lane of lanes) {
    const millis = yield* boundMillis(shared, operation, lane)
    if (soonest === undefined || millis < soonest.millis) soonest = { lane, millis }
  }
  if (soonest === undefined || now + soonest.millis >= operation.deadlineAt) return false
  yield* shared.bus.publish({
    _tag: "WaitingForLane",
    operation: operation.id,
    route: operation.route,
    lane: soonest.lane.id,
    delayMillis: soonest.millis
  })
  yield* Effect.raceAllFirst([Effect.sleep(Duration.millis(soonest.millis)), ...changes])
  operation.waitedMillis += (yield* Clock.currentTimeMillis) - now
  return true
})

/** When to look at the lane again, at the latest. */
const boundMillis = Effect.fnUntraced(function* (shared: guards.Shared, operation: Operation, lane: Lane.Lane) {
  let longest = yield* shared.cooldown.waitMillis(lane)
  for (const { key } of guards.circuitsOf(lane)) {
    const millis = yield* shared.breaker.waitMillis(key, operation.policy.breaker)
    const { state } = yield* shared.breaker.snapshot(key)
    // A probe that is under way decides long before its lease ends; patience bounds the wait for it.
    const bound = state === "half-open" ? Math.min(millis, Duration.toMillis(operation.policy.retry.patience)) : millis
    longest = Math.max(longest, bound)
  }
  return longest
})

/** How long until the first of the closed lanes opens; `undefined` when none is closed. */
export const earliest = Effect.fnUntraced(function* (
  shared: guards.Shared,
  operation: Operation,
  lanes: ReadonlyArray<Lane.Lane>
) {
  const waits: Array<number> = []
  for (const lane of lanes) {
    const wait = yield* guards.waitMillis(shared, lane, operation.policy.breaker)
    // A lane that a person holds closed opens when they say so.
    if (wait > 0 && Number.isFinite(wait)) waits.push(wait)
  }
  return waits.length === 0 ? undefined : Duration.millis(Math.min(...waits))
})
