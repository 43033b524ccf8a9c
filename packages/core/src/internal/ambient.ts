/** What the pipeline needs of the fiber it runs in. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Tracer from "effect/Tracer"
import type * as Event from "../Event.ts"
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
  /** The span that the caller is in, if anybody traces. */
  readonly trace: Event.Trace | undefined
}

/** The span that a fiber with these services is in. */
export const traceOf = (context: Context.Context<never>): Event.Trace | undefined => {
  const span = Context.getOrUndefined(context, Tracer.ParentSpan)
  return span === undefined ? undefined : { traceId: span.traceId, spanId: span.spanId, sampled: span.sampled }
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
      sink: fiber.getRef(Provenance.Sink),
      tenant: fiber.getRef(Tenant),
      trace: traceOf(fiber.context)
    }
    return last
  }
}
