/** opossum as a subject of the suite. */
import { Effect } from "effect"
import CircuitBreaker from "opossum"
import { installed } from "./installed.ts"
import * as PromiseCalls from "./PromiseCalls.ts"
import { cannot, type CircuitSettings, type Refusing, type Subject, type Trip } from "./Subject.ts"
import * as VirtualTimers from "./VirtualTimers.ts"

type Breaker = CircuitBreaker<[body: PromiseCalls.Body, signal: AbortSignal], string>

const make = (options: CircuitBreaker.Options) =>
  Effect.acquireRelease(
    Effect.sync(
      (): Breaker =>
        new CircuitBreaker((body, signal) => body(signal), {
          timeout: false,
          enableSnapshots: false,
          errorFilter: (error) => error instanceof PromiseCalls.Neutral,
          ...options
        })
    ),
    (breaker) => Effect.sync(() => breaker.shutdown())
  )

const trip = Effect.fnUntraced(function* (settings: Trip) {
  // Every failure is above 0 %, so the volume alone decides.
  if ("failures" in settings) return { errorThresholdPercentage: 0, volumeThreshold: settings.failures }
  if ("consecutiveFailures" in settings) return yield* cannot("it counts a rate only, not consecutive failures")
  if ("slowRate" in settings) return yield* cannot("it does not count slow calls")
  const { failureRate, minimumCalls, window } = settings
  return {
    errorThresholdPercentage: failureRate * 100,
    volumeThreshold: minimumCalls,
    rollingCountTimeout: window === "any" ? 60_000 : window.millis,
    rollingCountBuckets: 10
  }
})

const circuit = Effect.fnUntraced(function* (settings: CircuitSettings) {
  if (settings.growth !== undefined) return yield* cannot("it has one open time, which does not grow")
  if (settings.probes !== undefined) return yield* cannot("it lets one probe through, and one success closes")
  if (settings.maxHintMillis !== undefined) return yield* cannot("a failure cannot say how long to stay open")
  const breaker = yield* make({
    ...(yield* trip(settings.trip)),
    resetTimeout: settings.openMillis,
    // The nearest it has to a lease: the time limit of every call.
    timeout: settings.leaseMillis ?? false
  })
  let openings = 0
  breaker.on("open", () => {
    openings += 1
  })
  return {
    ...PromiseCalls.starting({
      execute: (body, signal) => breaker.fire(body, signal),
      isRefusal: (error) => CircuitBreaker.isOurError(error)
    }),
    state: Effect.sync(() => (breaker.opened ? "open" : breaker.halfOpen ? "half-open" : "closed")),
    openings: Effect.sync(() => openings),
    openedBecause: cannot("it does not say why it opened"),
    refusals: Effect.sync(() => breaker.stats.rejects),
    failureRate: cannot("it tells counts, not a rate"),
    isolate: cannot("open() lasts until the reset timer, shutdown() for good; neither can be held and released"),
    observe: cannot("disable() neither counts nor announces"),
    reload: cannot("it has one open time, which does not grow")
  } as const
})

const { signal } = new AbortController()

/** A refusal of an inner breaker, inside an outer one that opens at the first failure. */
const refusing = Effect.gen(function* () {
  const inside = Effect.fnUntraced(function* (source: Refusing["source"], inner: Breaker) {
    const outer = yield* make({ errorThresholdPercentage: 0, volumeThreshold: 1 })
    return {
      source,
      opensOuterCircuit: Effect.gen(function* () {
        outer.fire(() => inner.fire(() => Promise.resolve("hello"), signal), signal).catch(() => undefined)
        yield* VirtualTimers.settle
        return outer.opened
      }),
      timesAsked: Effect.undefined
    }
  })
  const openCircuit = yield* make({ errorThresholdPercentage: 0, volumeThreshold: 1 })
  openCircuit.fire(() => Promise.reject(new PromiseCalls.Failed(1, true)), signal).catch(() => undefined)
  const full = yield* make({ errorThresholdPercentage: 100, capacity: 1 })
  void full.fire(() => new Promise<string>(() => {}), signal)
  yield* VirtualTimers.settle
  return [yield* inside("open circuit", openCircuit), yield* inside("full bulkhead", full)]
})

const noRetry = cannot("it has no retry")

export const opossum: Subject = {
  name: "opossum",
  version: installed("opossum"),
  install: VirtualTimers.install,
  advance: VirtualTimers.advance,
  idle: VirtualTimers.idle,
  circuit,
  backoffResets: "at once",
  circuitWithoutStore: () => cannot("it has no store"),
  refusing,
  bulkhead: () => cannot("its capacity has no queue"),
  retrying: () => noRetry,
  jitters: noRetry,
  quota: () => noRetry,
  budget: () => noRetry,
  hedged: () => cannot("it does not hedge")
}
