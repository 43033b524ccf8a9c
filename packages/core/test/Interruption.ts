/** Interruption at a chosen step of an effect, so that a test can go through all of them and leaves none to luck. */
import { Effect, Fiber, Scheduler } from "effect"

class Interrupting extends Scheduler.MixedScheduler {
  steps = 0
  readonly at: number
  constructor(at: number) {
    super()
    this.at = at
  }
  // Asked before every step of a fiber, and before no two at once.
  override shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    this.steps += 1
    if (this.steps === this.at) fiber.interruptUnsafe()
    return super.shouldYield(fiber)
  }
}

/** Runs the effect in a fiber that is interrupted before the given step, 1 for the first; `isOver`: it has fewer. */
export const interruptedAt = Effect.fnUntraced(function* <A, E, R>(step: number, effect: Effect.Effect<A, E, R>) {
  const scheduler = new Interrupting(step)
  const fiber = yield* Effect.forkChild(Effect.provideService(effect, Scheduler.Scheduler, scheduler))
  const exit = yield* Fiber.await(fiber)
  return { exit, isOver: scheduler.steps < step }
})
