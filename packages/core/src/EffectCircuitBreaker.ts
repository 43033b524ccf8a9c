/**
 * Our circuit breaker under the interface of `effect/persistence/CircuitBreaker`, so that whatever takes Effect's takes
 * ours: `HttpClient.withCircuitBreaker`, say. The circuits stay with the `CircuitBreaker` service they are asked from;
 * there they are listed, held, written down and announced like any other.
 *
 * What it adds to Effect's own: rates over time, slow calls, several probes, leases for them, a ramp and holds. What it
 * has not: a store that is shared between processes.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import * as EffectBreaker from "effect/persistence/CircuitBreaker"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as CircuitBreaker from "./CircuitBreaker.ts"
import { override, type Options } from "./internal/override.ts"
import { stackless } from "./internal/stackless.ts"
import { failure, neutral, success, type Verdict, verdictOf } from "./internal/verdict.ts"
import type * as Refusal from "./Refusal.ts"

/**
 * Effect's breaker over our circuits, one per key, all under the settings given.
 *
 * **Details**
 *
 * Without a `classify` the failures of this library count by their disposition, where Effect would count every one: a
 * caller's mistake and our own refusals say nothing, a refused credential opens at once. Whatever else fails or dies is a
 * failure. Interruption is ignored and frees the probe's slot.
 *
 * A call is refused with `CircuitHalfOpen` while all probes are out, and else with `CircuitOpen`: also in a ramp, and
 * while a person holds the circuit open. Nobody knows how long that will be, so `retryAfter` then names the open time.
 *
 * **Gotchas**
 *
 * `transitions` tells of all circuits of the service, also of those that are used elsewhere, and leaves out the ones that
 * are only observed.
 */
export const make = (
  options: Options<CircuitBreaker.Settings> = {}
): Effect.Effect<EffectBreaker.CircuitBreaker, never, CircuitBreaker.CircuitBreaker | Scope.Scope> =>
  Effect.gen(function* () {
    const settings = override("EffectCircuitBreaker", CircuitBreaker.Settings, CircuitBreaker.defaults, options)
    const slowMillis = settings.slowCall === undefined ? undefined : Duration.toMillis(settings.slowCall)
    const breaker = yield* CircuitBreaker.CircuitBreaker
    const scope = yield* Effect.scope

    const inTheirs = (key: string, refusal: Refusal.CircuitOpen): EffectBreaker.CircuitBreakerError => {
      const isHalfOpen = refusal.held === undefined && breaker.circuitUnsafe(key, settings).state._tag === "HalfOpen"
      return stackless(
        () =>
          new EffectBreaker.CircuitBreakerError({
            reason: isHalfOpen
              ? new EffectBreaker.CircuitHalfOpen({ key })
              : new EffectBreaker.CircuitOpen({ key, retryAfter: refusal.retryAfter ?? settings.open })
          })
      )
    }

    const execute = <A, E, R, R2 = never>(
      self: Effect.Effect<A, E, R>,
      { classify, key }: ExecuteOptions<A, E, R2>
    ): Effect.Effect<A, E | EffectBreaker.CircuitBreakerError, R | R2> =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const permit = yield* Effect.mapError(breaker.admit(key, key, settings), (refusal) => inTheirs(key, refusal))
          const startedAt = yield* Clock.currentTimeMillis
          const exit = yield* Effect.exit(restore(self))
          const endedAt = yield* Clock.currentTimeMillis
          const judged = yield* Effect.exit(restore(judge(exit, classify)))
          const { outcome, reason, retryAfter } = Exit.isSuccess(judged) ? judged.value : neutral
          const isSlow = slowMillis !== undefined && endedAt - startedAt > slowMillis
          yield* breaker.settle(permit, outcome, settings, { reason, retryAfter, isSlow })
          if (Exit.isSuccess(judged)) return yield* exit
          return yield* Effect.failCause(Exit.isFailure(exit) ? Cause.combine(exit.cause, judged.cause) : judged.cause)
        })
      )

    return EffectBreaker.CircuitBreaker.of({
      [EffectBreaker.TypeId]: EffectBreaker.TypeId,
      execute: dual(2, execute),
      state: (key) => Effect.map(breaker.snapshot(key), (snapshot) => stateOf(snapshot, settings)),
      transitions: Stream.filterMap(endingWith(scope, breaker.transitions), transitionOf)
    })
  })

/** Effect's breaker, given by ours. */
export const layer = (
  options: Options<CircuitBreaker.Settings> = {}
): Layer.Layer<EffectBreaker.CircuitBreaker, never, CircuitBreaker.CircuitBreaker> =>
  Layer.effect(EffectBreaker.CircuitBreaker, make(options))

interface ExecuteOptions<A, E, R2> {
  readonly key: string
  readonly classify?:
    | ((exit: Exit.Exit<A, E>) => EffectBreaker.Outcome | Effect.Effect<EffectBreaker.Outcome, never, R2>)
    | undefined
}

/** What is to be made of an exit. One that is nothing but interruption is nobody's to judge. */
const judge = <A, E, R2>(
  exit: Exit.Exit<A, E>,
  classify: ExecuteOptions<A, E, R2>["classify"]
): Effect.Effect<Verdict, never, R2> => {
  if (classify === undefined || (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))) {
    return Effect.succeed(verdictOf(exit))
  }
  return Effect.suspend(() => {
    const outcome = classify(exit)
    return Effect.isEffect(outcome) ? Effect.map(outcome, inOurs) : Effect.succeed(inOurs(outcome))
  })
}

const inOurs = (outcome: EffectBreaker.Outcome): Verdict => {
  switch (outcome._tag) {
    case "Success":
      return success
    case "Ignored":
      return neutral
    case "Failure":
      return { ...failure, retryAfter: outcome.retryAfter }
  }
}

/** What a caller would meet. A hold decides before the circuit's own state does, and one that is observed refuses nobody. */
const stateOf = (snapshot: CircuitBreaker.Snapshot, settings: CircuitBreaker.Settings): EffectBreaker.State => {
  const { circuit: key, holds, openings: consecutiveOpenings, retryAfter, state } = snapshot
  if (holds.some(({ mode }) => mode === "force-open")) {
    return { _tag: "Open", key, retryAfter: settings.open, consecutiveOpenings }
  }
  if (holds.length > 0 || state === "closed") return { _tag: "Closed", key }
  return state === "open"
    ? { _tag: "Open", key, retryAfter, consecutiveOpenings }
    : { _tag: "HalfOpen", key, probing: Duration.isGreaterThan(retryAfter, Duration.zero), consecutiveOpenings }
}

/** The same stream, which ends when the scope does, after what is still there. */
const endingWith = <A>(scope: Scope.Scope, stream: Stream.Stream<A>): Stream.Stream<A> =>
  Stream.scoped(
    Stream.fromPull(
      Effect.gen(function* () {
        const inner = yield* Scope.fork(scope)
        yield* Effect.addFinalizer((exit) => Scope.close(inner, exit))
        return yield* Scope.provide(Stream.toPull(stream), inner)
      })
    )
  )

const transitionOf = (change: CircuitBreaker.CircuitChanged): Result.Result<EffectBreaker.Transition, void> => {
  const { circuit: key, from, observed, openings = 1, openMillis = 0, to } = change
  if (observed === true) return Result.failVoid
  switch (to) {
    case "open":
      return Result.succeed({
        key,
        from: from === "half-open" ? "HalfOpen" : "Closed",
        to: "Open",
        retryAfter: Duration.millis(openMillis),
        consecutiveOpenings: openings
      })
    case "half-open":
      return Result.succeed({ key, from: "Open", to: "HalfOpen" })
    case "closed":
      return Result.succeed({ key, from: "HalfOpen", to: "Closed" })
  }
}
