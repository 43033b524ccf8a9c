/** The call of an attempt at a stream, made so that the attempt learns what its answer says about limits. */
import * as Stream from "effect/Stream"
import type * as Lane from "../Lane.ts"
import * as Limits from "../Limits.ts"
import * as guards from "./guards.ts"
import type { Operation } from "./running.ts"

export const stream = <A, E, R>(
  shared: guards.Shared,
  operation: Operation,
  started: guards.Started,
  call: (lane: Lane.Lane) => Stream.Stream<A, E, R>
): Stream.Stream<A, E, R> => {
  const { lane } = started.state
  started.isSent = true
  return lane.statesLimits === true
    ? Stream.provideService(call(lane), Limits.Listener, (said, now) =>
        guards.heed(shared, operation, started, said, now)
      )
    : call(lane)
}
