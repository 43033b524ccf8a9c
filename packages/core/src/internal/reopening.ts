/** When lanes that are closed to calls open again, and waiting for the first of them. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Lane from "../Lane.ts"
import * as breakerSettings from "./breakerSettings.ts"
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
    for (const key of guards.circuitsOf(lane)) changes.push(yield* shared.breaker.nextChange(key))
  }
  const now = yield* Clock.currentTimeMillis
  let soonest: { readonly lane: Lane.Lane; readonly millis: number } | undefined
  for (const lane of lanes) {
    // Whole milliseconds: a fraction too small to move the clock would end at once, and for ever.
    const millis = Math.ceil(boundMillis(shared, operation, lane, now))
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
const boundMillis = (shared: guards.Shared, operation: Operation, lane: Lane.Lane, now: number): number => {
  const patience = Duration.toMillis(operation.policy.retry.patience)
  const settings = breakerSettings.machine(operation.policy.breaker)
  let longest = shared.cooldown.waitMillisUnsafe(lane, now)
  for (const key of guards.circuitsOf(lane)) {
    const circuit = shared.breaker.circuitUnsafe(key, operation.policy.breaker)
    const millis = circuit.waitMillis(now, settings)
    // A probe that is under way decides long before its lease ends; patience bounds the wait for it.
    longest = Math.max(longest, circuit.isProbed(now) ? Math.min(millis, patience) : millis)
  }
  return longest
}

/** How long until the first of the closed lanes opens; `undefined` when none is closed, or only by hand. */
export const earliest = (
  shared: guards.Shared,
  operation: Operation,
  lanes: ReadonlyArray<Lane.Lane>
): Effect.Effect<Duration.Duration | undefined> =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const waits = lanes
      .map((lane) => guards.waitMillis(shared, operation, lane, now))
      .filter((millis) => millis > 0 && Number.isFinite(millis))
    return waits.length === 0 ? undefined : Duration.millis(Math.min(...waits))
  })
