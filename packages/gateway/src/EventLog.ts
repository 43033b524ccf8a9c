/** Says in the log what the pipeline decided, one line per decision, with operation, lane, class and rule as fields. */
import type * as Event from "@holdfast/core/Event"
import * as EventBus from "@holdfast/core/EventBus"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

/** Writes every event of the bus to the log until its scope closes. */
export const layer: Layer.Layer<never, never, EventBus.EventBus> = Layer.effectDiscard(
  Effect.gen(function* () {
    const bus = yield* EventBus.EventBus
    const subscription = yield* bus.subscribe()
    yield* Effect.forkScoped(Stream.runForEach(subscription.stream, log))
  })
)

const log = (event: Event.Event): Effect.Effect<void> => {
  switch (event._tag) {
    case "AttemptEnded":
      return event.result === "Success" || event.result === "Cancelled"
        ? Effect.logDebug(`${event.lane}: ${event.result} in ${event.durationMillis} ms`).pipe(
            annotate("ai_resilience", event)
          )
        : Effect.logInfo(event.message ?? `${event.lane}: ${event.result}`).pipe(annotate("ai_resilience", event))
    case "RetryScheduled":
      return Effect.logInfo(
        `${event.lane}: ${event.reason}, attempt ${event.attempt} follows in ${Math.round(event.delayMillis)} ms`
      ).pipe(annotate("ai_resilience", event))
    case "RetrySuppressed":
      return Effect.logInfo(
        `${event.lane}: ${event.reason}, not retried: ${event.budget === undefined ? "the lane's retry budget" : `the operation's budget (${event.budget})`} is spent`
      ).pipe(annotate("ai_resilience", event))
    case "LaneRefused":
      return Effect.logDebug(`${event.lane} not called: ${event.reason}`).pipe(annotate("ai_resilience", event))
    case "StreamContinued":
      return Effect.logInfo(
        event.mode === "continue"
          ? `${event.route}: ${event.to} goes on with the stream of ${event.from}, which ended with ${event.reason}`
          : `${event.route}: ${event.to} begins the stream of ${event.from} anew, which ended with ${event.reason}`
      ).pipe(annotate("ai_resilience", event))
    case "FailedOver":
      // While a circuit is open every operation passes it by; that it is open has been said once.
      return (event.reason === "CircuitOpen" || event.reason === "LimitReached" ? Effect.logDebug : Effect.logInfo)(
        `${event.route}: on to ${event.to}, because ${event.from}: ${event.reason}`
      ).pipe(annotate("ai_resilience", event))
    case "Hedged":
      return Effect.logDebug(
        `${event.route}: ${event.from} is slow after ${Math.round(event.delayMillis)} ms, ${event.to} is asked as well`
      ).pipe(annotate("ai_resilience", event))
    case "WaitingForLane":
      return Effect.logInfo(`${event.route}: waits ${Math.round(event.delayMillis)} ms for ${event.lane}`).pipe(
        annotate("ai_resilience", event)
      )
    case "OperationEnded":
      if (event.instead !== undefined) {
        return Effect.logWarning(`${event.route}: ${event.source} answer, because of ${event.instead}`).pipe(
          annotate("ai_resilience", event)
        )
      }
      return event.result === "Success" || event.result === "Cancelled"
        ? Effect.logDebug(`${event.route}: ${event.result} after ${event.attempts} attempts`).pipe(
            annotate("ai_resilience", event)
          )
        : Effect.logWarning(`${event.route}: ${event.result} after ${event.attempts} attempts`).pipe(
            annotate("ai_resilience", event)
          )
    case "CircuitChanged": {
      const until = event.openMillis === undefined ? "" : ` for ${Math.round(event.openMillis)} ms`
      return (event.to === "open" ? Effect.logWarning : Effect.logInfo)(
        `${event.circuit}: ${event.from} to ${event.to}${until} (${event.reason})`
      ).pipe(annotate("circuit_breaker", event))
    }
    case "CircuitHeld":
      return Effect.logWarning(
        `${event.circuit}: ${event.mode} ${event.held ? "from now on" : "no longer"} (${event.reason})`
      ).pipe(annotate("circuit_breaker", event))
    case "LaneCooling":
      return Effect.logInfo(`${event.lane} cools (${event.reason})`).pipe(annotate("ai_resilience", event))
    case "HealthChanged":
      return (event.to === "healthy" || event.to === "idle" ? Effect.logInfo : Effect.logWarning)(
        `${event.lane} is ${event.to}, was ${event.from} (${Math.round(event.successRate * 100)} % succeed)`
      ).pipe(annotate("health_monitor", event))
    case "SharingChanged":
      return (event.to === "shared" ? Effect.logInfo : Effect.logWarning)(
        event.to === "shared"
          ? `Circuits and cool-downs are shared with the other instances (${event.reason})`
          : `Circuits and cool-downs are this instance's alone until the shared store is back (${event.reason})`
      ).pipe(annotate("ai_resilience", event))
    case "CacheStoreChanged":
      return (event.available ? Effect.logInfo : Effect.logWarning)(
        `The cache's store is ${event.available ? "back" : "away"} (${event.reason})`
      ).pipe(annotate("ai_resilience", event))
    case "AttentionNeeded":
      return Effect.logError(`Somebody must look at this: ${event.message}`).pipe(
        Effect.annotateLogs({ alert: true }),
        annotate("ai_resilience", event)
      )
  }
}

const annotate = (logger: string, event: Event.Event) => {
  const fields: Record<string, unknown> = { logger }
  for (const key of ["operation", "route", "lane", "circuit", "attempt", "result", "reason", "rule"] as const) {
    const value: unknown = Reflect.get(event, key)
    if (value !== undefined) fields[key] = value
  }
  return Effect.annotateLogs(fields)
}
