/** Our own circuit breaker as a subject of the suite. */
import { type Context, Duration, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, EventBus, type Failure, Limits, Sharing, SharingStore } from "@holdfast/core"
import { recorder } from "../Recorder.ts"
import * as EffectCalls from "./EffectCalls.ts"
import { errorOf, refusalOf } from "./holdfastErrors.ts"
import type { Circuit, CircuitSettings, Trip } from "./Subject.ts"

type Options = NonNullable<Parameters<typeof CircuitBreaker.guard>[1]>

/** The settings of our breaker for what a scenario asks of it. Nothing else opens the circuit. */
const tripSettings = (trip: Trip): Options => {
  if ("failures" in trip) return { consecutiveFailures: trip.failures, rate: 0 }
  if ("consecutiveFailures" in trip) return { consecutiveFailures: trip.consecutiveFailures, rate: 0 }
  const { minimumCalls } = trip
  if ("slowRate" in trip) {
    const { slowMillis, slowRate } = trip
    return { consecutiveFailures: 0, rate: 0, slowRate, slowCall: Duration.millis(slowMillis), minimumCalls }
  }
  const { failureRate: rate, window } = trip
  const over = window === "any" ? {} : { window: Duration.millis(window.millis) }
  return { consecutiveFailures: 0, rate, minimumCalls, ...over }
}

const optionsOf = ({ growth, leaseMillis, maxHintMillis, openMillis, probes, trip }: CircuitSettings): Options => ({
  ...tripSettings(trip),
  open: openMillis,
  openJitter: 0,
  openGrowth: growth?.factor ?? 1,
  openMax: growth?.maxMillis ?? openMillis,
  ...(maxHintMillis === undefined ? {} : { hintMax: maxHintMillis }),
  ...(leaseMillis === undefined ? {} : { probeLease: leaseMillis }),
  ...(probes === undefined ? {} : { probes: probes.calls, probeSuccesses: probes.successes })
})

const breakers = CircuitBreaker.layer.pipe(Layer.provideMerge(EventBus.layer))
const id = "acme/anvil"

/** A breaker that shares nothing with any other. */
const fresh = Layer.build(Layer.fresh(breakers))

const circuitIn = Effect.fnUntraced(function* (
  options: Options,
  services: Context.Context<CircuitBreaker.CircuitBreaker | EventBus.EventBus>
) {
  const breaker = yield* Effect.provideContext(CircuitBreaker.CircuitBreaker, services)
  const events = yield* Effect.provideContext(recorder, services)
  const guard = CircuitBreaker.guard(id, options)
  const snapshot = breaker.snapshot(id)
  const opened = Effect.map(events.of("CircuitChanged"), (changes) => changes.filter(({ to }) => to === "open"))
  const made: Circuit = {
    ...EffectCalls.starting<Failure.Failure>({
      guard: (self) => Effect.provideContext(guard(self), services),
      errorOf,
      refusalOf
    }),
    state: Effect.map(snapshot, ({ state }) => state),
    openings: Effect.map(opened, (all) => all.length),
    openedBecause: Effect.map(opened, (all) => all.at(-1)?.reason ?? ""),
    refusals: Effect.map(snapshot, ({ refused }) => refused),
    failureRate: Effect.map(snapshot, ({ failureRate }) => failureRate),
    isolate: breaker.hold(id, "force-open", "the suite isolates it"),
    observe: Effect.as(
      breaker.hold(id, "observe", "the suite only observes it"),
      Effect.map(opened, (all) => all.filter(({ observed }) => observed === true).length)
    ),
    reload: Effect.gen(function* () {
      const written = yield* breaker.persisted
      const services = yield* fresh
      yield* Effect.provideContext(
        CircuitBreaker.CircuitBreaker.use((later) => later.restore(written)),
        services
      )
      return yield* circuitIn(options, services)
    })
  }
  return made
})

/** A store that nobody can connect to. */
const away = Layer.succeed(SharingStore.SharingStore, {
  connect: Effect.fail(new SharingStore.StoreAway({ reason: "connection refused" }))
})

/**
 * Circuits count in their own process, with or without a store; what they ask it for is the turn to probe. So the circuit
 * that is to fail is one whose time to probe has come.
 */
export const circuitWithoutStore = Effect.fnUntraced(function* (onStoreError: "allow" | "fail") {
  const sharing = Sharing.layer({ whenAway: onStoreError === "allow" ? "probe" : "refuse" })
  const services = yield* Layer.build(
    Layer.fresh(sharing.pipe(Layer.provide([away, Limits.layer]), Layer.provideMerge(breakers)))
  )
  const made = yield* circuitIn(optionsOf({ trip: { failures: 10 }, openMillis: 1000 }), services)
  if (onStoreError === "allow") return made
  for (const call of yield* made.startMany(10)) yield* call.end("failure")
  yield* TestClock.adjust(1000)
  return made
})

export const circuit = (settings: CircuitSettings) =>
  Effect.flatMap(fresh, (services) => circuitIn(optionsOf(settings), services))
