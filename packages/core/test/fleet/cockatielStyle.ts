/**
 * Retry around a circuit breaker as cockatiel documents and does it, in virtual time: `ConsecutiveBreaker(5)`, a fixed
 * `halfOpenAfter`, three retries with its default backoff (decorrelated jitter from 128 ms), around the same clocks as
 * everybody else. Whoever meets a half-open circuit waits for the probe's result, and goes when it succeeds (its defect D4);
 * a result counts for whatever state it meets (D2). Source: cockatiel 4.0.0, `CircuitBreakerPolicy.ts`,
 * `backoff/ExponentialBackoffGenerators.ts`.
 */
import { Clock, Data, Deferred, Effect, Random } from "effect"
import { Policy } from "@holdfast/core"
import type { Guard } from "./Fleet.ts"

const { plainAttempt, total } = Policy.standard.clocks
const threshold = 5
const maxRetries = 3

/** The circuit is open. */
class BrokenCircuit extends Data.TaggedError("BrokenCircuit") {}

type State =
  | { readonly _tag: "Closed" }
  | { readonly _tag: "Open"; readonly since: number }
  | { readonly _tag: "HalfOpen"; readonly decided: Deferred.Deferred<void> }

/** `call` is told whether it is the probe. */
export const breaker = <E>(halfOpenAfterMillis: number, call: (isProbe: boolean) => Effect.Effect<void, E>) => {
  let state: State = { _tag: "Closed" }
  let failures = 0

  const become = (next: State) => {
    const before = state
    state = next
    if (before._tag === "HalfOpen") Deferred.doneUnsafe(before.decided, Effect.void)
  }
  const open = Effect.map(Clock.currentTimeMillis, (now) => {
    if (state._tag !== "Open") become({ _tag: "Open", since: now })
  })

  const whileClosed = call(false).pipe(
    Effect.tap(
      Effect.sync(() => {
        failures = 0
      })
    ),
    Effect.tapError(() => Effect.suspend(() => (++failures >= threshold ? open : Effect.void)))
  )

  const probe = Effect.suspend(() => {
    const mine: State = { _tag: "HalfOpen", decided: Deferred.makeUnsafe() }
    become(mine)
    return call(true).pipe(
      Effect.tap(
        Effect.sync(() => {
          if (state !== mine) return
          failures = 0
          become({ _tag: "Closed" })
        })
      ),
      Effect.tapError(() => (state === mine ? open : Effect.void))
    )
  })

  const execute: Effect.Effect<void, E | BrokenCircuit> = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    switch (state._tag) {
      case "Closed":
        return whileClosed
      case "Open":
        return now - state.since < halfOpenAfterMillis ? Effect.fail(new BrokenCircuit()) : probe
      case "HalfOpen":
        return Effect.andThen(
          Deferred.await(state.decided),
          Effect.suspend(() => execute)
        )
    }
  })
  return execute
}

/** Retries with its default backoff: steps on a curve near 128, 256, 512 ms, whose places chance picks. */
const retrying = <E>(self: Effect.Effect<void, E>): Effect.Effect<void, E> => {
  const attempt = (retries: number, before: number): Effect.Effect<void, E> =>
    Effect.catchIf(
      self,
      () => retries < maxRetries,
      () =>
        Effect.flatMap(Random.next, (random) => {
          const t = retries + random
          const here = 2 ** t * Math.tanh(Math.sqrt(4 * t))
          const millis = (Math.max(0, here - before) * 128) / 1.4
          return Effect.andThen(Effect.sleep(millis), attempt(retries + 1, here))
        })
    )
  return attempt(0, 0)
}

export const cockatielStyle = (halfOpenAfterMillis: number): Guard => ({
  name: `cockatiel-style, ${halfOpenAfterMillis / 1000} s`,
  client: (client, [provider]) =>
    Effect.sync(() => {
      const execute = breaker(halfOpenAfterMillis, (isProbe) =>
        Effect.timeout(provider!.call(client, isProbe), plainAttempt)
      )
      return retrying(execute).pipe(Effect.timeout(total), Effect.as(provider!.name))
    })
})
