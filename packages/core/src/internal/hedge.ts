/**
 * An attempt and, when it is slow for its lane, one more beside it: the first success is the answer, the other attempt is
 * called off. An operation hedges once at most, pays for it out of the lane's retry budget and its own attempts, and goes
 * on as if there had been no hedge where that has not answered.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Disposition from "../Disposition.ts"
import * as Failure from "../Failure.ts"
import type * as Hedge from "../Hedge.ts"
import type * as Lane from "../Lane.ts"
import type * as Refusal from "../Refusal.ts"
import * as ending from "./ending.ts"
import * as laneState from "./laneState.ts"
import * as latencies from "./latencies.ts"
import * as LatencyQuantile from "./LatencyQuantile.ts"
import * as paying from "./paying.ts"
import type { Operation } from "./running.ts"

type Errors = Failure.Failure | Refusal.Step

/** One request to one lane, with all its guards. */
export type AttemptOn<A, R> = (lane: Lane.Lane, isHedge: boolean) => Effect.Effect<A, Errors, R>

/** How attempts are made. */
export interface Attempts<A, R> {
  readonly on: AttemptOn<A, R>
  /** Lets an answer go that came second. */
  readonly discard: (answer: A) => Effect.Effect<void>
}

/** What a hedge came to. */
export interface Outcome {
  /** The other lane that answered in the first one's place. */
  winner?: Lane.Lane
  /** The other lane that has failed as well. */
  failed?: { readonly lane: Lane.Lane; readonly error: Failure.Failure }
}

/**
 * Makes an attempt on the lane, hedged on one of the others where the policy wants that. Interruption calls off whatever
 * is under way. It ends with the first success, else as the attempt on the lane did, or the later one of two on it.
 */
export const attempt = <A, R>(
  shared: laneState.Shared,
  operation: Operation,
  lane: Lane.Lane,
  others: ReadonlyArray<Lane.Lane>,
  attempts: Attempts<A, R>,
  outcome: Outcome
): Effect.Effect<A, Errors, R> => {
  const { hedge } = operation.figures
  if (hedge === undefined || operation.hasHedged) return attempts.on(lane, false)
  return Effect.clockWith((clock) => {
    const delay = delayMillis(shared, operation, hedge, lane, clock.currentTimeMillisUnsafe())
    return delay === undefined
      ? attempts.on(lane, false)
      : race(shared, operation, lane, others, attempts, outcome, delay)
  })
}

/** How long the lane may take before it is slow; `undefined` when nobody knows. */
const delayMillis = (
  shared: laneState.Shared,
  operation: Operation,
  hedge: Hedge.Settings,
  lane: Lane.Lane,
  now: number
): number | undefined => {
  if (hedge.delay !== undefined) return Duration.toMillis(hedge.delay)
  const state = laneState.stateOf(shared, operation, lane)
  state.latencies ??= latencies.make()
  const known = latencies.of(state.latencies, operation.kind)
  if (LatencyQuantile.count(known, now) < hedge.minimumCalls) return undefined
  const usual = LatencyQuantile.quantile(known, hedge.quantile, now) ?? 0
  return Math.max(Math.ceil(usual), Duration.toMillis(hedge.minimumDelay))
}

interface Ended<A> {
  readonly by: "first" | "second"
  readonly exit: Exit.Exit<A, Errors>
}

const race = <A, R>(
  shared: laneState.Shared,
  operation: Operation,
  lane: Lane.Lane,
  others: ReadonlyArray<Lane.Lane>,
  attempts: Attempts<A, R>,
  outcome: Outcome,
  delay: number
): Effect.Effect<A, Errors, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const startedAt = clock.currentTimeMillisUnsafe()
      const start = (lane: Lane.Lane, isHedge: boolean) =>
        Effect.forkChild(Effect.interruptible(attempts.on(lane, isHedge)), { startImmediately: true })
      const awaiting = <B>(wait: Effect.Effect<B>, ...running: ReadonlyArray<Fiber.Fiber<A, Errors>>) =>
        Effect.onInterrupt(restore(wait), () => Effect.forEach(running, stop, { discard: true }))
      /** Calls an attempt off; one that has answered all the same is let go. */
      const stop = (fiber: Fiber.Fiber<A, Errors>): Effect.Effect<void> =>
        Effect.andThen(
          Fiber.interrupt(fiber),
          Effect.flatMap(Fiber.await(fiber), (exit) =>
            Exit.isSuccess(exit) ? attempts.discard(exit.value) : Effect.void
          )
        )

      const first = yield* start(lane, false)
      const early = yield* awaiting(Effect.timeoutOption(Fiber.await(first), Duration.millis(delay)), first)
      if (Option.isSome(early)) return yield* early.value
      const extra = yield* choose(shared, operation, lane, others)
      if (extra === undefined) return yield* yield* awaiting(Fiber.await(first), first)

      operation.hasHedged = true
      yield* shared.bus.publish({
        _tag: "Hedged",
        operation: operation.id,
        route: operation.route,
        from: lane.id,
        to: extra.id,
        delayMillis: clock.currentTimeMillisUnsafe() - startedAt
      })
      const second = yield* start(extra, true)
      const { by, exit } = yield* awaiting(
        Effect.raceFirst(
          Effect.map(Fiber.await(first), (exit): Ended<A> => ({ by: "first", exit })),
          Effect.map(Fiber.await(second), (exit): Ended<A> => ({ by: "second", exit }))
        ),
        first,
        second
      )
      const isFirst = by === "first"
      const other = isFirst ? second : first
      const late =
        Exit.isSuccess(exit) || (isFirst && isFatal(exit))
          ? yield* Effect.as(stop(other), undefined)
          : yield* awaiting(Fiber.await(other), other)
      // A retry that follows is one of the first lane.
      operation.lastLane = lane

      const [ofFirst, ofSecond] = isFirst ? [exit, late] : [late, exit]
      if (ofFirst !== undefined && (Exit.isSuccess(ofFirst) || ofSecond === undefined)) return yield* ofFirst
      if (ofSecond !== undefined && Exit.isSuccess(ofSecond)) {
        if (extra !== lane) outcome.winner = extra
        // As slow as it has been so far, at least.
        if (ofFirst === undefined)
          ending.noteLatency(shared, operation, lane, startedAt, clock.currentTimeMillisUnsafe())
        return yield* ofSecond
      }
      if (extra === lane || ofFirst === undefined) return yield* late ?? exit
      if (ofSecond !== undefined) {
        const error = Option.getOrUndefined(Cause.findErrorOption(ofSecond.cause))
        if (error !== undefined && Failure.isFailure(error)) outcome.failed = { lane: extra, error }
      }
      return yield* ofFirst
    })
  )

/** Whether nothing may follow such a failure: the request itself is at fault, or the attempt died. */
const isFatal = (exit: Exit.Exit<unknown, Errors>): boolean => {
  if (Exit.isSuccess(exit)) return false
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  return error === undefined || (Failure.isFailure(error) && Disposition.failover(error) === "no")
}

/**
 * Where the extra attempt goes, paid for: to the first of the other lanes that takes it at once, else to the same one.
 * `undefined` when none does, or nothing is left to pay with.
 */
const choose = (
  shared: laneState.Shared,
  operation: Operation,
  lane: Lane.Lane,
  others: ReadonlyArray<Lane.Lane>
): Effect.Effect<Lane.Lane | undefined> =>
  Effect.clockWith((clock) => {
    const now = clock.currentTimeMillisUnsafe()
    if (operation.sent >= operation.figures.maxAttempts) return Effect.undefined
    const chosen = [...others, lane].find(
      (one) =>
        laneState.waitMillis(shared, operation, one, now) === 0 &&
        paying.refusal(operation, one) === undefined &&
        laneState.hasRoom(shared, operation, one)
    )
    if (chosen === undefined) return Effect.undefined
    return Effect.succeed(laneState.tryPayHedge(shared, operation, lane, now) ? chosen : undefined)
  })
