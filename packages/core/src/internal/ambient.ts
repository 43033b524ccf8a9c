/** What the pipeline needs of the fiber it runs in. */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Provenance from "../Provenance.ts"
import * as Deadlines from "./Deadlines.ts"

export interface Ambient {
  readonly context: Context.Context<never>
  readonly clock: Clock.Clock
  readonly random: { nextDoubleUnsafe(): number }
  readonly deadlines: Deadlines.Deadlines
  /** Where the caller reads how it went, if it asked. */
  readonly sink: Provenance.Collector | undefined
}

/** Remembers the last one: calls in a row mostly come with the same services. */
export const reader = (): ((fiber: Fiber.Fiber<unknown, unknown>) => Ambient) => {
  let last: Ambient | undefined
  return (fiber) => {
    if (last?.context === fiber.context) return last
    const clock = fiber.getRef(Clock.Clock)
    last = {
      context: fiber.context,
      clock,
      random: fiber.getRef(Random.Random),
      deadlines: Deadlines.of(clock),
      sink: fiber.getRef(Provenance.Sink)
    }
    return last
  }
}
