/**
 * What a lane whose slots are all taken gives away: an operation that would have to stand in its line goes to another lane
 * that takes it at once. It waits where there is none, so that the order of the lanes holds again as soon as all are full.
 */
import type * as Lane from "../Lane.ts"
import * as laneState from "./laneState.ts"
import * as paying from "./paying.ts"
import type { Operation } from "./running.ts"

/** Whether the operation should not stand in the lane's line. */
export const shouldSpill = (shared: laneState.Shared, operation: Operation, lane: Lane.Lane, now: number): boolean =>
  operation.policy.fallback.spillOver &&
  // Who finds slots gone again and again stands in line in the end.
  operation.spilled < operation.plan.lanes.length &&
  taker(shared, operation, lane, operation.spare, now) !== undefined

/**
 * The lanes to ask next by an operation that was not to stand in a lane's line: who takes it at once, then the lane itself,
 * if nothing was sent to it, then the others in their order.
 */
export const next = (
  shared: laneState.Shared,
  operation: Operation,
  lane: Lane.Lane,
  others: ReadonlyArray<Lane.Lane>,
  wasSent: boolean,
  now: number
): ReadonlyArray<Lane.Lane> => {
  operation.spilled += 1
  const first = taker(shared, operation, lane, others, now)
  const rest = [...(wasSent ? [] : [lane]), ...others.filter((other) => other !== first)]
  return first === undefined ? rest : [first, ...rest]
}

/** The first of the lanes that takes a call at once and is well; of lanes that are not, only one in place of another. */
const taker = (
  shared: laneState.Shared,
  operation: Operation,
  lane: Lane.Lane,
  others: ReadonlyArray<Lane.Lane>,
  now: number
): Lane.Lane | undefined =>
  others.find((other) => {
    const { circuits, health } = laneState.stateOf(shared, operation, other)
    return (
      // A circuit that wants to be probed is no place to send a crowd.
      circuits.lane.state._tag === "Closed" &&
      laneState.waitMillis(shared, operation, other, now) === 0 &&
      laneState.hasRoom(shared, operation, other) &&
      paying.refusal(operation, other) === undefined &&
      (health.standing(now) !== "unhealthy" ||
        laneState.stateOf(shared, operation, lane).health.standing(now) === "unhealthy")
    )
  })
