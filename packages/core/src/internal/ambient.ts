/** What the pipeline needs of the fiber it runs in. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Tracer from "effect/Tracer"
import { Tenant } from "../Operation.ts"
import * as Provenance from "../Provenance.ts"
import * as Deadlines from "./Deadlines.ts"

export interface Ambient {
  readonly context: Context.Context<never>
  readonly clock: Clock.Clock
  readonly random: { nextDoubleUnsafe(): number }
  readonly deadlines: Deadlines.Deadlines
  /** Where the caller reads how it went, if it asked. */
  readonly sink: Provenance.Collector | undefined
  /** Under whose name the operation is accounted. */
  readonly tenant: string | undefined
  /** The trace that the caller is in. */
  readonly traceId: string | undefined
}

/** The trace that a fiber with these services is in. */
export const traceIdOf = (context: Context.Context<never>): string | undefined =>
  Context.getOrUndefined(context, Tracer.ParentSpan)?.traceId

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
      sink: fiber.getRef(Provenance.Sink),
      tenant: fiber.getRef(Tenant),
      traceId: traceIdOf(fiber.context)
    }
    return last
  }
}
