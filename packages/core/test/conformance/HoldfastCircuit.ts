/** Our own circuit breaker as a subject of the suite. What it cannot express is known by the names of its settings. */
import { Duration, Effect, Layer } from "effect"
import { CircuitBreaker, EventBus, type Failure } from "@holdfast/core"
import { recorder } from "../Recorder.ts"
import * as EffectCalls from "./EffectCalls.ts"
import { errorOf, refusalOf } from "./holdfastErrors.ts"
import { cannot, type Circuit, type CircuitSettings, type Trip } from "./Subject.ts"

/** The settings of our breaker for what a scenario asks of it. */
const tripSettings = (trip: Trip): Record<string, unknown> => {
  if ("failures" in trip) return { consecutiveFailures: trip.failures }
  if ("consecutiveFailures" in trip) return { consecutiveFailures: trip.consecutiveFailures }
  const { minimumCalls } = trip
  if ("slowRate" in trip) {
    return { consecutiveFailures: 0, slowRate: trip.slowRate, slowCall: Duration.millis(trip.slowMillis), minimumCalls }
  }
  const { failureRate: rate, window } = trip
  const over = window === "any" ? {} : { window: Duration.millis(window.millis) }
  return { consecutiveFailures: 0, rate, minimumCalls, ...over }
}

const circuitSettings = ({ growth, leaseMillis, maxHintMillis, openMillis, probes, trip }: CircuitSettings) => ({
  ...tripSettings(trip),
  open: openMillis,
  openJitter: 0,
  openGrowth: growth?.factor ?? 1,
  openMax: growth?.maxMillis ?? maxHintMillis ?? openMillis,
  ...(leaseMillis === undefined ? {} : { probeLease: leaseMillis }),
  ...(probes === undefined ? {} : { probes: probes.calls, probeSuccesses: probes.successes })
})

const settingsOf = Effect.fnUntraced(function* (settings: CircuitSettings) {
  const options = circuitSettings(settings)
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(CircuitBreaker.Settings.fields, name)) return yield* cannot(`its breaker has no \`${name}\``)
  }
  // The names are those of the settings, and `guard` refuses impossible values when it is made.
  return options
})

const breakers = CircuitBreaker.layer.pipe(Layer.provideMerge(EventBus.layer))

export const circuit = Effect.fnUntraced(function* (settings: CircuitSettings) {
  const options = yield* settingsOf(settings)
  const services = yield* Layer.build(breakers)
  const events = yield* Effect.provideContext(recorder, services)
  const guard = CircuitBreaker.guard("acme/anvil", options)
  const snapshot = Effect.provideContext(CircuitBreaker.state("acme/anvil"), services)
  const opened = Effect.map(events.of("CircuitChanged"), (changes) => changes.filter(({ to }) => to === "open"))
  const told = (name: string) =>
    Effect.flatMap(snapshot, (all) =>
      name in all
        ? Effect.succeed(Object.entries(all).find(([key]) => key === name)?.[1])
        : cannot(`its snapshot has no \`${name}\``)
    )
  const made: Circuit = {
    ...EffectCalls.starting<Failure.Failure>({
      guard: (self) => Effect.provideContext(guard(self), services),
      errorOf,
      refusalOf
    }),
    state: Effect.map(snapshot, ({ state }) => state),
    openings: Effect.map(opened, (all) => all.length),
    openedBecause: Effect.map(opened, (all) => all.at(-1)?.reason ?? ""),
    refusals: Effect.map(told("refused"), Number),
    failureRate: Effect.map(told("failureRate"), (rate) => (typeof rate === "number" ? rate : undefined)),
    isolate: cannot("its breaker has no holds"),
    observe: cannot("its breaker has no holds"),
    reload: cannot("its breaker cannot be written down")
  }
  return made
})
