/** What an adaptive number of calls at once learns from a call that has ended. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Failure from "../Failure.ts"
import * as AdaptiveLimitState from "./AdaptiveLimitState.ts"
import type * as Slots from "./Slots.ts"

/** Whether the call was dropped: refused for load, or not answered in time. */
export const isDropped = (failure: Failure.Failure | undefined): boolean =>
  failure !== undefined &&
  (failure._tag === "RateLimit" || failure._tag === "ModelOverloaded" || failure._tag === "Timeout")

/** For a call that begins: what to do when it has ended. What ends in another way than these two says nothing. */
export const start = (
  bound: Slots.Bound,
  slots: Slots.Slots
): Effect.Effect<(exit: Exit.Exit<unknown, unknown>) => Effect.Effect<void>> => {
  if (typeof bound === "number") return Effect.succeed(() => Effect.void)
  return Effect.withFiber((fiber) => {
    const clock = fiber.getRef(Clock.Clock)
    const random = fiber.getRef(Random.Random)
    const startedAt = clock.currentTimeMillisUnsafe()
    const inFlight = slots.running
    return Effect.succeed((exit) =>
      Effect.sync(() => {
        const error = Exit.isSuccess(exit) ? undefined : Cause.squash(exit.cause)
        const dropped = isDropped(Failure.isFailure(error) ? error : undefined)
        if (!dropped && Exit.isFailure(exit)) return
        const now = clock.currentTimeMillisUnsafe()
        AdaptiveLimitState.record(bound, now - startedAt, inFlight, dropped, random.nextDoubleUnsafe(), now)
      })
    )
  })
}
