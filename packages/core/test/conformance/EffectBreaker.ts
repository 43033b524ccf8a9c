/** Effect itself as a subject of the suite: its `CircuitBreaker`, `Schedule` and `HttpClient`. */
import { Data, Duration, Effect, Exit, Layer, References, Schedule, Stream } from "effect"
import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
import { CircuitBreaker } from "effect/persistence"
import { TestClock } from "effect/testing"
import * as EffectCalls from "./EffectCalls.ts"
import { installed } from "./installed.ts"
import {
  type Attempt,
  cannot,
  type Circuit,
  type CircuitSettings,
  type End,
  type Jitter,
  type Retrying,
  type RetrySettings,
  type Subject,
  type Trip
} from "./Subject.ts"

class Failed extends Data.TaggedError("Failed")<{ readonly attempt: number; readonly how: Exclude<End, "success"> }> {}

const key = "acme"

const classify = (exit: Exit.Exit<string, Failed>): CircuitBreaker.Outcome => {
  if (Exit.isSuccess(exit)) return CircuitBreaker.success
  const error = Exit.findErrorOption(exit)
  if (error._tag === "None") return CircuitBreaker.failure()
  const { how } = error.value
  if (how === "neutral") return CircuitBreaker.ignored
  return CircuitBreaker.failure(how === "failure" ? {} : { retryAfter: how.hintMillis })
}

const refusalOf = (error: unknown) => {
  if (!(error instanceof CircuitBreaker.CircuitBreakerError)) return undefined
  const { reason } = error
  return { retryAfterMillis: reason._tag === "CircuitOpen" ? Duration.toMillis(reason.retryAfter) : undefined }
}

const states = { Closed: "closed", Open: "open", HalfOpen: "half-open" } as const

const tripPolicy = Effect.fnUntraced(function* (trip: Trip) {
  if ("slowRate" in trip) return yield* cannot("it does not count slow calls")
  if ("failures" in trip) return CircuitBreaker.consecutive(trip.failures)
  if ("consecutiveFailures" in trip) return CircuitBreaker.consecutive(trip.consecutiveFailures)
  const { failureRate: threshold, minimumCalls, window } = trip
  if (window !== "any") return yield* cannot("it counts over calls only, not over time")
  return CircuitBreaker.rate({ threshold, minimumCalls, size: 100 })
})

/** Grows up to the last step that is within the ceiling; the last delay of a schedule repeats. */
const openDuration = ({ growth, openMillis }: CircuitSettings) => {
  if (growth === undefined) return openMillis
  const steps = 1 + Math.floor(Math.log(growth.maxMillis / openMillis) / Math.log(growth.factor))
  return Schedule.exponential(openMillis, growth.factor).pipe(Schedule.upTo({ times: steps }))
}

const circuitOn = Effect.fnUntraced(function* (
  store: Layer.Layer<CircuitBreaker.CircuitBreakerStore>,
  options: Parameters<typeof CircuitBreaker.make>[0]
) {
  const breaker = yield* Effect.provideContext(CircuitBreaker.make(options), yield* Layer.build(store))
  let openings = 0
  yield* breaker.transitions.pipe(
    Stream.runForEach(({ to }) =>
      Effect.sync(() => {
        if (to === "Open") openings += 1
      })
    ),
    Effect.forkScoped({ startImmediately: true })
  )
  const circuit: Circuit = {
    ...EffectCalls.starting<Failed>({
      guard: (self) =>
        self.pipe(breaker.execute({ key, classify }), Effect.provideService(References.UnhandledLogLevel, undefined)),
      errorOf: (how) => new Failed({ attempt: 1, how }),
      refusalOf
    }),
    state: Effect.orDie(Effect.map(breaker.state(key), (state) => states[state._tag])),
    openings: Effect.andThen(
      EffectCalls.settle,
      Effect.sync(() => openings)
    ),
    openedBecause: cannot("it does not say why it opened"),
    refusals: cannot("it does not count refusals"),
    failureRate: cannot("it tells no rate"),
    isolate: cannot("it cannot be held open"),
    observe: cannot("it cannot only observe"),
    reload: cannot("only its Redis store outlives the process, and this run has no Redis")
  }
  return circuit
})

const circuit = Effect.fnUntraced(function* (settings: CircuitSettings) {
  if (settings.probes !== undefined) return yield* cannot("it lets one probe through, and one success closes")
  return yield* circuitOn(CircuitBreaker.layerStoreMemory(), {
    tripPolicy: yield* tripPolicy(settings.trip),
    openDuration: openDuration(settings),
    maxOpenDuration: settings.maxHintMillis
  })
})

const storeAway = new CircuitBreaker.CircuitBreakerError({
  reason: new CircuitBreaker.CircuitBreakerStoreError({ message: "connection refused" })
})

const circuitWithoutStore: Subject["circuitWithoutStore"] = (onStoreError) =>
  circuitOn(
    Layer.succeed(CircuitBreaker.CircuitBreakerStore, {
      admit: () => storeAway,
      record: () => storeAway,
      state: () => storeAway
    }),
    { tripPolicy: CircuitBreaker.consecutive(1), openDuration: 30_000, onStoreError }
  )

/** An open circuit inside a circuit that opens at the first failure, and inside three retries; all by default. */
const refusing = Effect.gen(function* () {
  const services = yield* Layer.build(CircuitBreaker.layerStoreMemory())
  const breaker = yield* Effect.provideContext(
    CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(1), openDuration: "1 hour" }),
    services
  )
  yield* Effect.ignore(breaker.execute(Effect.fail("down"), { key: "inner" }))
  let asked = 0
  const inner = Effect.suspend(() => {
    asked += 1
    return breaker.execute(Effect.succeed("hello"), { key: "inner" })
  })
  return [
    {
      source: "open circuit" as const,
      opensOuterCircuit: Effect.ignore(breaker.execute(inner, { key: "outer" })).pipe(
        Effect.andThen(Effect.orDie(breaker.state("outer"))),
        Effect.map((state) => state._tag === "Open")
      ),
      timesAsked: Effect.gen(function* () {
        asked = 0
        yield* Effect.forkChild(Effect.retry(inner, { schedule: Schedule.spaced("1 second"), times: 3 }))
        yield* TestClock.adjust("10 seconds")
        return asked
      })
    }
  ]
})

const attemptOf = (error: unknown): number | undefined => (error instanceof Failed ? error.attempt : undefined)

const plain = ({ baseMillis, maxElapsedMillis, maxRetries }: RetrySettings): Retrying => ({
  start: (script, options) => {
    let here = 0
    const attempt = Effect.suspend(() => {
      here += 1
      const how = script(here)
      if (how === "success") return Effect.succeed("hello")
      return how === "hang"
        ? Effect.never
        : Effect.fail(new Failed({ attempt: here, how: how === "do not retry" ? "neutral" : "failure" }))
    })
    return EffectCalls.operation(
      Effect.retry(attempt, {
        schedule: Schedule.exponential(baseMillis).pipe(Schedule.upTo({ duration: maxElapsedMillis })),
        times: maxRetries,
        while: ({ how }) => how !== "neutral"
      }),
      Effect.sync(() => ({ here, elsewhere: 0 })),
      attemptOf,
      options?.cancelled ?? false
    )
  }
})

const headersOf = (attempt: Attempt): Record<string, string> => {
  if (typeof attempt === "string") return {}
  return { "retry-after": attempt.hint === "malformed" ? "presently" : String(attempt.hint / 1000) }
}

/** Hints are read where there are headers: by the HTTP client. */
const overHttp = ({ baseMillis, maxRetries }: RetrySettings): Retrying => ({
  start: (script, options) => {
    let [here, elsewhere] = [0, 0]
    const client = HttpClient.make((request) =>
      Effect.sync(() => {
        here += 1
        const how = script(here)
        const init = how === "success" ? { status: 200 } : { status: 503, headers: headersOf(how) }
        return HttpClientResponse.fromWeb(request, new Response("{}", init))
      })
    ).pipe(
      HttpClient.filterStatusOk,
      HttpClient.retryTransient({ schedule: Schedule.exponential(baseMillis), times: maxRetries })
    )
    return EffectCalls.operation(
      client.execute(HttpClientRequest.get("http://acme.test/")).pipe(
        Effect.catch(() =>
          Effect.sync(() => {
            elsewhere += 1
          })
        )
      ),
      Effect.sync(() => ({ here, elsewhere })),
      attemptOf,
      options?.cancelled ?? false
    )
  }
})

const proportional: Jitter = {
  name: "jittered",
  delays: Effect.fnUntraced(function* (base, cap, count) {
    const schedule = Schedule.min([Schedule.jittered(Schedule.exponential(base)), Schedule.spaced(cap)])
    const step = yield* Schedule.toStep(schedule)
    const delays: Array<number> = []
    for (let n = 0; n < count; n++) {
      const [, delay] = yield* Effect.orDie(step(0, undefined))
      delays.push(Duration.toMillis(delay))
    }
    return delays
  }),
  bounds: (base, cap, retry) => {
    const backoff = base * 2 ** (retry - 1)
    return [Math.min(cap, backoff * 0.8), Math.min(cap, backoff * 1.2)]
  }
}

export const effect: Subject = {
  name: "effect",
  version: installed("effect"),
  install: Effect.void,
  advance: TestClock.adjust,
  idle: TestClock.adjust,
  circuit,
  backoffResets: "after it was closed as long as it was open",
  circuitWithoutStore,
  refusing,
  bulkhead: () => cannot("its Semaphore has a queue without a bound"),
  retrying: (settings) => Effect.succeed(settings.patienceMillis === undefined ? plain(settings) : overHttp(settings)),
  jitters: Effect.succeed([proportional]),
  quota: () => cannot("it has no retry quota"),
  budget: () => cannot("it has no retry budget"),
  hedged: () => cannot("it does not hedge")
}
