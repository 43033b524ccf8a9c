/**
 * The same four policies (retry, breaker, bulkhead, timeout) as others build them, each around one call. The breaker never
 * trips, the bulkhead has room for a thousand, the timeout is 30 seconds.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as EffectBreaker from "effect/persistence/CircuitBreaker"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import {
  bulkhead,
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleAll,
  handleWhen,
  retry,
  timeout,
  TimeoutStrategy,
  wrap
} from "cockatiel"
import Opossum from "opossum"

export const timeoutMillis = 30_000
export const width = 1000

/** Cockatiel's four policies; `isRetryable` says which errors are worth another try. */
export const cockatiel = (isRetryable: boolean) =>
  wrap(
    retry(isRetryable ? handleAll : handleWhen(() => false), { maxAttempts: 3, backoff: new ExponentialBackoff() }),
    circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new ConsecutiveBreaker(Number.MAX_SAFE_INTEGER) }),
    bulkhead(width, width),
    timeout(timeoutMillis, TimeoutStrategy.Aggressive)
  )

/** Cockatiel's breaker alone, held open. */
export const cockatielOpen = () => {
  const policy = circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new ConsecutiveBreaker(1) })
  policy.isolate()
  return policy
}

/** Opossum has breaker, timeout, capacity and statistics, and no retry. */
export const opossum = <A>(call: () => Promise<A>, percentiles = true) =>
  new Opossum(call, {
    timeout: timeoutMillis,
    capacity: width,
    errorThresholdPercentage: 101,
    rollingPercentilesEnabled: percentiles
  })

export const opossumOpen = () => {
  const breaker = opossum(() => Promise.resolve(1))
  breaker.open()
  return breaker
}

/** Effect's built-ins, composed: retry, circuit breaker, semaphore, timeout, a counter and a histogram. */
export const effect = Effect.gen(function* () {
  const breaker = yield* EffectBreaker.CircuitBreaker
  const slots = yield* Semaphore.make(width)
  const counter = Metric.counter("bench_calls")
  const histogram = Metric.histogram("bench_millis", { boundaries: [1, 10, 100, 1000, 10_000] })
  return <A, E>(self: Effect.Effect<A, E>, isRetryable = true) =>
    self.pipe(
      Effect.timeout(Duration.millis(timeoutMillis)),
      slots.withPermits(1),
      breaker.execute({ key: "bench" }),
      Effect.retry({ schedule: Schedule.exponential("1 second"), times: 3, while: () => isRetryable }),
      Effect.tap(() => Metric.update(counter, 1)),
      Effect.tap(() => Metric.update(histogram, 1))
    )
})

export const effectStore = EffectBreaker.layerStoreMemory()

export const effectLayer = EffectBreaker.layer({
  tripPolicy: EffectBreaker.consecutive(Number.MAX_SAFE_INTEGER),
  openDuration: "1 minute"
}).pipe(Layer.provide(effectStore))

/** Effect's breaker alone, open for a minute by one failure. */
export const effectOpen = Effect.gen(function* () {
  const breaker = yield* EffectBreaker.make({
    tripPolicy: EffectBreaker.consecutive(1),
    openDuration: "30 minutes"
  })
  yield* Effect.exit(breaker.execute(Effect.fail("bad"), { key: "open" }))
  return breaker
})
