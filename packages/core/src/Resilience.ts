/**
 * The whole pipeline around any effect or stream, as one value:
 * `Deadline(Fallback(Retry(Bulkhead(Breaker(Clocks(call))))))`, with a peek at the breaker before anything waits. The
 * state of lanes (circuits, slots, cool-downs, health) belongs to `Resilience.layer`; operations own only themselves.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Bulkhead from "./Bulkhead.ts"
import * as CircuitBreaker from "./CircuitBreaker.ts"
import * as Classification from "./Classification.ts"
import * as Cooldown from "./Cooldown.ts"
import type * as Event from "./Event.ts"
import * as EventBus from "./EventBus.ts"
import * as Failure from "./Failure.ts"
import * as FallbackPlan from "./FallbackPlan.ts"
import * as Health from "./Health.ts"
import * as fallback from "./internal/fallback.ts"
import * as guards from "./internal/guards.ts"
import * as running from "./internal/running.ts"
import * as streaming from "./internal/streaming.ts"
import * as Lane from "./Lane.ts"
import type { Operation, Plan, StreamOperation } from "./Operation.ts"
import * as Policy from "./Policy.ts"
import * as Provenance from "./Provenance.ts"
import * as Refusal from "./Refusal.ts"
import * as RetryBudget from "./RetryBudget.ts"

export class Resilience extends Context.Service<
  Resilience,
  {
    /**
     * Runs an operation. Fails with the provider's failure when asking on is pointless or there is one lane only, else
     * with a refusal. Interruption interrupts the attempt, frees its slot and its probe, and is neutral for circuits.
     */
    readonly run: <A, R>(operation: Operation<A, R>) => Effect.Effect<A, Failure.Failure | Refusal.Refusal, R>
    /** The same for a stream. Its slot is held, and its outcome is open, until the stream is over or left. */
    readonly runStream: <A, R>(
      operation: StreamOperation<A, R>
    ) => Stream.Stream<A, Failure.Failure | Refusal.Refusal, R>
    /** Makes a lane known to the health monitor before its first call. */
    readonly register: (lane: Lane.Lane) => Effect.Effect<void>
  }
>()("@holdfast/core/Resilience") {}

/** Every twentieth operation keeps the route's own order, so that a lane ranked low for its past can show that it is well. */
const keepOrderEvery = 20

export const make: Effect.Effect<
  Resilience["Service"],
  never,
  | Bulkhead.Bulkhead
  | CircuitBreaker.CircuitBreaker
  | Cooldown.Cooldown
  | RetryBudget.RetryBudget
  | EventBus.EventBus
  | Health.Health
> = Effect.gen(function* () {
  const shared: guards.Shared = {
    breaker: yield* CircuitBreaker.CircuitBreaker,
    bulkhead: yield* Bulkhead.Bulkhead,
    cooldown: yield* Cooldown.Cooldown,
    retryBudget: yield* RetryBudget.RetryBudget,
    health: yield* Health.Health,
    bus: yield* EventBus.EventBus
  }
  let started = 0

  /** The capable lanes in the order to try them. */
  const plan = Effect.fnUntraced(function* (options: Plan, now: number) {
    const { lanes, missing } = FallbackPlan.capable(options.lanes, options.needs ?? {})
    if (lanes.length === 0) return yield* new Refusal.NoCapableLane({ route: options.route, missing })
    started += 1
    if (started % keepOrderEvery === 0) return lanes
    return FallbackPlan.order(lanes, (lane) => shared.health.standing(lane, now))
  })

  const open = Effect.fnUntraced(function* (options: Plan, kind: Event.Kind) {
    return running.make({
      id: yield* shared.bus.nextId,
      route: options.route,
      kind,
      policy: options.policy,
      now: yield* Clock.currentTimeMillis,
      preferred: options.lanes[0]?.id,
      sink: yield* Provenance.Sink
    })
  })

  /** Reports an operation that is over. */
  const close = Effect.fnUntraced(function* (operation: running.Operation, exit: Exit.Exit<unknown, ErrorOf>) {
    const now = yield* Clock.currentTimeMillis
    running.report(operation)
    yield* shared.bus.publish({
      _tag: "OperationEnded",
      operation: operation.id,
      route: operation.route,
      kind: operation.kind,
      result: guards.resultOf(exit),
      lane: operation.answeredBy?.id,
      attempts: operation.sent,
      durationMillis: now - operation.startedAt,
      degraded: running.isDegraded(operation)
    })
  })

  const withinDeadline = <A, E, R>(operation: running.Operation, self: Effect.Effect<A, E, R>) =>
    Effect.timeoutOrElse(self, {
      duration: operation.policy.clocks.total,
      orElse: () => Effect.fail(running.deadlineExceeded(operation))
    })

  const run = <A, R>(options: Operation<A, R>): Effect.Effect<A, Failure.Failure | Refusal.Refusal, R> =>
    Effect.flatMap(open(options, options.kind), (operation) => {
      const attemptOn = (lane: Lane.Lane, wasTold: boolean) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(guards.begin(shared, operation, lane, wasTold, restore), (attempt) => {
            const observed: guards.Observed = {}
            return Effect.flatMap(Effect.exit(restore(clocked(options, lane, observed))), (exit) =>
              Effect.andThen(guards.end(shared, operation, attempt, exit, observed), exit)
            )
          })
        )
      return plan(options, operation.startedAt).pipe(
        Effect.flatMap((lanes) => fallback.run(shared, operation, lanes, attemptOn)),
        (self) => withinDeadline(operation, self),
        Effect.onExit((exit) => close(operation, exit))
      )
    })

  const runStream = <A, R>(options: StreamOperation<A, R>): Stream.Stream<A, Failure.Failure | Refusal.Refusal, R> =>
    Stream.unwrap(
      Effect.flatMap(open(options, "stream"), (operation) =>
        streaming.open(
          shared,
          operation,
          options,
          (attemptOn) =>
            plan(options, operation.startedAt).pipe(
              Effect.flatMap((lanes) => fallback.run(shared, operation, lanes, attemptOn)),
              (self) => withinDeadline(operation, self)
            ),
          (exit) => close(operation, exit)
        )
      )
    )

  return Resilience.of({ run, runStream, register: shared.health.register })
})

type ErrorOf = Failure.Failure | Refusal.Refusal

/** The call under its clock, with what its answer says about usage noted. What it throws is a defect of the attempt. */
const clocked = <A, R>(
  options: Operation<A, R>,
  lane: Lane.Lane,
  observed: guards.Observed
): Effect.Effect<A, Failure.Failure, R> =>
  Effect.suspend(() => options.call(lane)).pipe(
    Effect.timeoutOrElse({
      duration: options.policy.clocks.plainAttempt,
      orElse: () => Effect.fail(streaming.timeout(lane, "attempt"))
    }),
    Effect.map((answer) => {
      if (options.usageOf !== undefined) Object.assign(observed, streaming.observe(options.usageOf(answer)))
      return answer
    })
  )

/** Everything lanes share, in this process. Built once per layer build, so that all routes of an application meet here. */
export const layer: Layer.Layer<
  | Resilience
  | Bulkhead.Bulkhead
  | CircuitBreaker.CircuitBreaker
  | Cooldown.Cooldown
  | RetryBudget.RetryBudget
  | EventBus.EventBus
  | Health.Health
> = Layer.effect(Resilience, make).pipe(
  Layer.provideMerge(
    Layer.mergeAll(Bulkhead.layer, CircuitBreaker.layer, Cooldown.layer, RetryBudget.layer, Health.layer)
  ),
  Layer.provideMerge(EventBus.layer)
)

/** How an effect of your own is protected. */
export interface ProtectOptions<E> {
  /** `vendor/model-x`: what is in front of the first slash is the provider. */
  readonly lane: string
  /** What an error of the effect means. Default: failures of the union as they are, everything else `Unknown`. */
  readonly classify?: ((error: E) => Classification.Classification) | undefined
  /** Default `Policy.standard`. */
  readonly policy?: Policy.Policy | undefined
}

/**
 * Puts the pipeline around an effect: its errors become failures by `classify`, our own decisions are refusals.
 * Interruption passes into the effect.
 */
export const protect =
  <E>(options: ProtectOptions<E>) =>
  <A, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, Failure.Failure | Refusal.Refusal, R | Resilience> => {
    const lane = laneOf(options.lane)
    return Resilience.use((resilience) =>
      resilience.run({
        route: options.lane,
        kind: "effect",
        policy: options.policy ?? Policy.standard,
        lanes: [lane],
        call: () => Effect.mapError(self, failureBy(options, lane))
      })
    )
  }

/** The same for a stream. Every element commits: once one has been seen, a failure surfaces. */
export const protectStream =
  <E>(options: ProtectOptions<E>) =>
  <A, R>(self: Stream.Stream<A, E, R>): Stream.Stream<A, Failure.Failure | Refusal.Refusal, R | Resilience> => {
    const lane = laneOf(options.lane)
    return Stream.unwrap(
      Resilience.useSync((resilience) =>
        resilience.runStream({
          route: options.lane,
          policy: options.policy ?? Policy.standard,
          lanes: [lane],
          commits: () => true,
          call: () => Stream.mapError(self, failureBy(options, lane))
        })
      )
    )
  }

const laneOf = (id: string): Lane.Lane => {
  const slash = id.indexOf("/")
  return slash < 1
    ? Lane.make({ id, provider: id, model: id })
    : Lane.make({ id, provider: id.slice(0, slash), model: id.slice(slash + 1) })
}

const failureBy =
  <E>(options: ProtectOptions<E>, lane: Lane.Lane) =>
  (error: E): Failure.Failure => {
    const target = { provider: lane.provider, model: lane.model, lane: lane.id }
    if (options.classify !== undefined)
      return Classification.toFailure(options.classify(error), target, { cause: error })
    return Failure.isFailure(error)
      ? error
      : Failure.make("Unknown", { ...target, scope: "request", rule: "protect/unclassified", cause: error })
  }
