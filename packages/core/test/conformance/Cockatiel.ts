/** cockatiel as a subject of the suite. */
import * as ck from "cockatiel"
import { Effect } from "effect"
import { installed } from "./installed.ts"
import * as PromiseCalls from "./PromiseCalls.ts"
import {
  type Attempt,
  cannot,
  type Circuit,
  type CircuitSettings,
  type Jitter,
  type RetrySettings,
  type Subject,
  type Trip
} from "./Subject.ts"
import * as VirtualTimers from "./VirtualTimers.ts"

const countsAsFailure = ck.handleWhen((error) => !(error instanceof PromiseCalls.Neutral))

const breakerOf = Effect.fnUntraced(function* (trip: Trip) {
  if ("slowRate" in trip) return yield* cannot("it does not count slow calls")
  if ("failures" in trip) return () => new ck.ConsecutiveBreaker(trip.failures)
  if ("consecutiveFailures" in trip) return () => new ck.ConsecutiveBreaker(trip.consecutiveFailures)
  const { failureRate, minimumCalls, window } = trip
  if (window === "any") {
    return () => new ck.CountBreaker({ threshold: failureRate, size: 100, minimumNumberOfCalls: minimumCalls })
  }
  return () =>
    new ck.SamplingBreaker({
      threshold: failureRate,
      duration: window.millis,
      minimumRps: (minimumCalls * 1000) / window.millis
    })
})

/** The open times, from the first to the last one. */
const openTimes = ({ growth, openMillis }: CircuitSettings): ReadonlyArray<number> => {
  const times = [openMillis]
  if (growth === undefined) return times
  for (let next = openMillis * growth.factor; next <= growth.maxMillis; next *= growth.factor) times.push(next)
  return times
}

const isRefusal = (error: unknown): boolean =>
  ck.isBrokenCircuitError(error) || ck.isIsolatedCircuitError(error) || ck.isBulkheadRejectedError(error)

const through = (policy: ck.IPolicy) =>
  PromiseCalls.starting({
    execute: (body, signal) => policy.execute((context) => body(context.signal), signal),
    isRefusal
  })

const states = {
  [ck.CircuitState.Closed]: "closed",
  [ck.CircuitState.Open]: "open",
  [ck.CircuitState.HalfOpen]: "half-open",
  [ck.CircuitState.Isolated]: "open"
} as const

const circuitFrom = (
  settings: CircuitSettings,
  breaker: () => ck.IBreaker,
  initialState: unknown
): Effect.Effect<Circuit> =>
  Effect.sync(() => {
    const { probes } = settings
    const policy = ck.circuitBreaker(countsAsFailure, {
      breaker: breaker(),
      halfOpenAfter: new ck.IterableBackoff(openTimes(settings)),
      ...(probes === undefined
        ? {}
        : { halfOpenSampling: { calls: probes.calls, threshold: 1 - probes.successes / probes.calls } }),
      ...(initialState === undefined ? {} : { initialState })
    })
    let openings = 0
    policy.onBreak(() => {
      openings += 1
    })
    return {
      ...through(policy),
      state: Effect.sync(() => states[policy.state]),
      openings: Effect.sync(() => openings),
      openedBecause: cannot("it tells the last error, not why it opened"),
      refusals: cannot("it does not count refusals"),
      failureRate: cannot("it tells no rate"),
      isolate: Effect.sync(() => {
        const handle = policy.isolate()
        return Effect.sync(() => handle.dispose())
      }),
      observe: cannot("it cannot only observe"),
      reload: Effect.suspend(() => circuitFrom(settings, breaker, JSON.parse(JSON.stringify(policy))))
    }
  })

const circuit = Effect.fnUntraced(function* (settings: CircuitSettings) {
  const breaker = yield* breakerOf(settings.trip)
  if (settings.maxHintMillis !== undefined) {
    return yield* cannot("it reads no hints; a DelegateBackoff of the user's own can")
  }
  return yield* circuitFrom(settings, breaker, undefined)
})

const bulkhead: Subject["bulkhead"] = ({ concurrent, queue }) =>
  Effect.sync(() => {
    const policy = ck.bulkhead(concurrent, queue)
    return {
      ...through(policy),
      counts: Effect.sync(() => ({
        running: concurrent - policy.executionSlots,
        waiting: queue - policy.queueSlots
      }))
    }
  })

/** Own refusals inside a circuit that opens at the first failure, and inside three retries; all as the readme shows it. */
const refusing = Effect.gen(function* () {
  const ok = () => "hello"
  const around = (
    source: "open circuit" | "full bulkhead",
    inner: { readonly execute: (f: () => string) => Promise<string> }
  ) => {
    const outer = ck.circuitBreaker(ck.handleAll, { halfOpenAfter: 30_000, breaker: new ck.ConsecutiveBreaker(1) })
    const retry = ck.retry(ck.handleAll, { maxAttempts: 3, backoff: new ck.ConstantBackoff(1000) })
    return {
      source,
      opensOuterCircuit: Effect.gen(function* () {
        outer.execute(() => inner.execute(ok)).catch(() => undefined)
        yield* VirtualTimers.settle
        return outer.state === ck.CircuitState.Open
      }),
      timesAsked: Effect.gen(function* () {
        let asked = 0
        retry
          .execute(() => {
            asked += 1
            return inner.execute(ok)
          })
          .catch(() => undefined)
        yield* VirtualTimers.advance(10_000)
        return asked
      })
    }
  }
  const open = ck.circuitBreaker(ck.handleAll, { halfOpenAfter: 60_000, breaker: new ck.ConsecutiveBreaker(1) })
  open.execute(() => Promise.reject(new PromiseCalls.Failed(1, true))).catch(() => undefined)
  const full = ck.bulkhead(1, 0)
  void full.execute(() => new Promise<string>(() => {}))
  yield* VirtualTimers.settle
  return [around("open circuit", open), around("full bulkhead", full)]
})

const attemptOf = (n: number, attempt: Attempt, signal: AbortSignal): Promise<string> => {
  if (attempt === "success") return Promise.resolve("hello")
  if (attempt !== "hang") return Promise.reject(new PromiseCalls.Failed(n, attempt !== "do not retry"))
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(PromiseCalls.abort()))
  })
}

const retrying = Effect.fnUntraced(function* ({
  baseMillis,
  maxElapsedMillis,
  maxRetries,
  patienceMillis
}: RetrySettings) {
  if (maxElapsedMillis !== undefined) return yield* cannot("its retry has no limit on the whole time")
  if (patienceMillis !== undefined) return yield* cannot("it reads no hints; a DelegateBackoff of the user's own can")
  const policy = ck.retry(
    ck.handleWhen((error) => !(error instanceof PromiseCalls.Failed) || error.isRetryable),
    {
      maxAttempts: maxRetries,
      backoff: new ck.ExponentialBackoff({
        initialDelay: baseMillis,
        generator: ck.noJitterGenerator
      })
    }
  )
  return {
    start: (script: (attempt: number) => Attempt, options?: { readonly cancelled: boolean }) => {
      let here = 0
      return PromiseCalls.operation(
        (signal) =>
          policy.execute((context) => {
            here += 1
            return attemptOf(here, script(here), context.signal)
          }, signal),
        Effect.sync(() => ({ here, elsewhere: 0 })),
        options?.cancelled ?? false
      )
    }
  }
})

const jitter = <S>(name: string, generator: ck.GeneratorFn<S>, bounds: Jitter["bounds"]): Jitter => ({
  name,
  bounds,
  delays: (initialDelay, maxDelay, count) =>
    Effect.sync(() => {
      const delays: Array<number> = []
      let backoff = new ck.ExponentialBackoff({ initialDelay, maxDelay, generator }).next()
      for (let n = 0; n < count; n++) {
        delays.push(backoff.duration)
        backoff = backoff.next(undefined)
      }
      return delays
    })
})

const backoff = (base: number, cap: number, retry: number): number => Math.min(cap, base * 2 ** (retry - 1))

const jitters: ReadonlyArray<Jitter> = [
  jitter("full", ck.fullJitterGenerator, (base, cap, retry) => [0, backoff(base, cap, retry)]),
  jitter("half", ck.halfJitterGenerator, (base, cap, retry) => [
    backoff(base, cap, retry) / 2,
    backoff(base, cap, retry)
  ]),
  jitter("decorrelated", ck.decorrelatedJitterGenerator, (_base, cap) => [0, cap])
]

export const cockatiel: Subject = {
  name: "cockatiel",
  version: installed("cockatiel"),
  install: VirtualTimers.install,
  advance: VirtualTimers.advance,
  idle: VirtualTimers.idle,
  circuit,
  backoffResets: "at once",
  circuitWithoutStore: () => cannot("it has no store"),
  refusing,
  bulkhead,
  retrying,
  jitters: Effect.succeed(jitters),
  quota: () => cannot("it has no retry quota"),
  budget: () => cannot("it has no retry budget"),
  hedged: () => cannot("it does not hedge")
}
