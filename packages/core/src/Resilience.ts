/**
 * The whole pipeline around any effect or stream, as one value:
 * `Deadline(Fallback(Retry(Limits(Bulkhead(Breaker(Clocks(call)))))))`, with a peek at the breaker before anything waits.
 * A route puts its cache in front of the fallback. The state of lanes (circuits, slots, limits, health) belongs to `Resilience.layer`; operations own only themselves.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Bulkhead from "./Bulkhead.ts"
import * as Cache from "./Cache.ts"
import * as CircuitBreaker from "./CircuitBreaker.ts"
import * as Classification from "./Classification.ts"
import type * as Event from "./Event.ts"
import * as EventBus from "./EventBus.ts"
import * as Failure from "./Failure.ts"
import * as FallbackPlan from "./FallbackPlan.ts"
import * as Health from "./Health.ts"
import * as ambient from "./internal/ambient.ts"
import * as answering from "./internal/answering.ts"
import { type Begin, ofEffect, ofPromise } from "./internal/call.ts"
import * as ending from "./internal/ending.ts"
import type * as laneState from "./internal/laneState.ts"
import { Preference } from "./internal/Preference.ts"
import * as running from "./internal/running.ts"
import * as streaming from "./internal/streaming.ts"
import { noteUsage } from "./internal/usage.ts"
import * as Lane from "./Lane.ts"
import * as Limits from "./Limits.ts"
import type { Operation, Plan, PromiseOperation, StreamOperation, Usage } from "./Operation.ts"
import * as Policy from "./Policy.ts"
import * as Refusal from "./Refusal.ts"
import * as RetryBudget from "./RetryBudget.ts"
import * as RetryQuota from "./RetryQuota.ts"
import * as Throttle from "./Throttle.ts"

export class Resilience extends Context.Service<
  Resilience,
  {
    /**
     * Runs an operation. Fails with the provider's failure when asking on is pointless or there is one lane only, else
     * with a refusal. Interruption interrupts the attempt, frees its slot and its probe, and is neutral for circuits.
     */
    readonly run: <A, R>(operation: Operation<A, R>) => Effect.Effect<A, Failure.Failure | Refusal.Refusal, R>
    /**
     * The same for a call that gives a promise, without a fiber for it. A promise cannot be made to stop: when a clock runs
     * out or the caller leaves, its signal is aborted, its slot is free at once, and its result is dropped.
     */
    readonly runPromise: <A>(operation: PromiseOperation<A>) => Effect.Effect<A, Failure.Failure | Refusal.Refusal>
    /** The same for a stream. Its slot is held, and its outcome is open, until the stream is over or left. */
    readonly runStream: <A, R>(
      operation: StreamOperation<A, R>
    ) => Stream.Stream<A, Failure.Failure | Refusal.Refusal, R>
    /** Makes a lane known to the health monitor before its first call. */
    readonly register: (lane: Lane.Lane) => Effect.Effect<void>
  }
>()("@holdfast/core/Resilience") {}

export const make: Effect.Effect<
  Resilience["Service"],
  never,
  | Bulkhead.Bulkhead
  | CircuitBreaker.CircuitBreaker
  | Limits.Limits
  | RetryBudget.RetryBudget
  | RetryQuota.RetryQuota
  | Throttle.Throttle
  | EventBus.EventBus
  | Health.Health
> = Effect.gen(function* () {
  const shared: laneState.Shared = {
    breaker: yield* CircuitBreaker.CircuitBreaker,
    bulkhead: yield* Bulkhead.Bulkhead,
    limits: yield* Limits.Limits,
    retryBudget: yield* RetryBudget.RetryBudget,
    retryQuota: yield* RetryQuota.RetryQuota,
    throttle: yield* Throttle.Throttle,
    health: yield* Health.Health,
    bus: yield* EventBus.EventBus,
    lanes: new WeakMap()
  }
  const ambientOf = ambient.reader()
  const preference = new Preference((lane, now) => shared.health.laneUnsafe(lane).standing(now))

  /** Reports an operation that is over; only the first report counts. */
  const close = (operation: running.Operation, exit: Exit.Exit<unknown, ErrorOf>, now: number): void => {
    if (operation.isOver) return
    operation.isOver = true
    running.report(operation)
    const { desk } = operation.plan
    if (desk === undefined && !shared.bus.isHeard()) return
    const { account, origin } = operation
    const result = ending.resultOf(exit)
    const { firstContentAt, waitedMillis } = account
    const end = {
      _tag: "OperationEnded",
      operation: operation.id,
      route: operation.route,
      kind: operation.kind,
      result,
      rule: running.ruleOf(exit),
      tenant: origin.tenant,
      trace: origin.trace,
      lane: operation.answeredBy?.id,
      attempts: operation.sent,
      durationMillis: now - operation.startedAt,
      waitedMillis: waitedMillis + operation.waitedMillis,
      firstContentMillis: firstContentAt === undefined ? undefined : firstContentAt - operation.startedAt,
      degraded: running.isDegraded(operation),
      ...(operation.hasHedged ? { hedged: true } : {}),
      ...(operation.goesOn ? { continued: true } : {}),
      ...(firstContentAt !== undefined && ending.isCut(result) ? { truncated: true } : {}),
      ...ending.amountsOf(account)
    } as const
    if (desk === undefined) shared.bus.publishUnsafe(now, end)
    else desk.ended(end)
  }

  /** What can be worked out before an operation runs, since it is the same each time it does. */
  const prepare = <A>(
    plan: Plan & { readonly kind: Event.Kind; readonly usageOf?: ((answer: A) => Usage) | undefined }
  ): answering.Prepared<A> => {
    const { usageOf } = plan
    return {
      shared,
      order: (lanes, now) => preference.byHealth(lanes, now),
      close,
      plan,
      lanes: capableOf(plan),
      observe: usageOf === undefined ? undefined : (answer, observed) => noteUsage(observed, usageOf(answer))
    }
  }

  const runBy = <A>(prepared: answering.Prepared<A>, begin: Begin<A>): Effect.Effect<A, ErrorOf> =>
    // The guards are taken inside the suspension, so that no interruption can come between taking and giving back.
    Effect.callback<A, ErrorOf>((resume) => {
      const { lanes, plan } = prepared
      const ambient = ambientOf(currentFiber())
      const now = ambient.clock.currentTimeMillisUnsafe()
      const operation = new running.Operation(plan, plan.kind, shared.bus.nextIdUnsafe, ambient, now)
      if (!answering.isLanes(lanes)) {
        const exit = Exit.fail(lanes)
        close(operation, exit, now)
        return resume(exit)
      }
      const first = lanes.length === 1 ? lanes[0] : preference.order(lanes, now)[0]
      return new answering.Answering(prepared, operation, ambient, lanes, first, begin, resume).start()
    })

  const run = <A, R>(options: Operation<A, R>): Effect.Effect<A, ErrorOf, R> => {
    const prepared = prepare(options)
    return Effect.contextWith((context: Context.Context<R>) => runBy(prepared, ofEffect(context, options.call)))
  }

  const runPromise = <A>(options: PromiseOperation<A>): Effect.Effect<A, ErrorOf> =>
    runBy(prepare(options), ofPromise(options.call, options.failureOf ?? unclassified))

  const runStream = <A, R>(options: StreamOperation<A, R>): Stream.Stream<A, ErrorOf, R> => {
    const lanes = capableOf(options)
    return Stream.unwrap(
      Effect.withFiber((fiber) => {
        const ambient = ambientOf(fiber)
        const { clock } = ambient
        const now = clock.currentTimeMillisUnsafe()
        const operation = new running.Operation(options, "stream", shared.bus.nextIdUnsafe, ambient, now)
        return streaming.open(
          shared,
          operation,
          options,
          answering.isLanes(lanes) && lanes.length > 1 ? preference.order(lanes, now) : lanes,
          (exit) => Effect.sync(() => close(operation, exit, clock.currentTimeMillisUnsafe()))
        )
      })
    )
  }

  return Resilience.of({ run, runPromise, runStream, register: shared.health.register })
})

/** The fiber that evaluates a suspension. */
const currentFiber = (): Fiber.Fiber<unknown, unknown> => {
  const fiber = Fiber.getCurrent()
  if (fiber === undefined) throw new Error("a suspension is evaluated by a fiber")
  return fiber
}

type ErrorOf = Failure.Failure | Refusal.Refusal

type Lanes = answering.Lanes

/** The lanes that can serve the operation, as they are written. */
const capableOf = (options: Plan): Lanes | Refusal.NoCapableLane => {
  const { leastTokens, needs = {} } = options
  const { lanes, missing } = FallbackPlan.capable(options.lanes, needs)
  const [first, ...rest] =
    leastTokens === undefined || lanes.length < 2 ? lanes : FallbackPlan.fitting(lanes, leastTokens)
  return first === undefined ? new Refusal.NoCapableLane({ route: options.route, missing }) : [first, ...rest]
}

/**
 * What an error of a call means where nobody says: failures of the union are what they are, a refusal of ours from a guard
 * inside the call says nothing about the lane, everything else is `Unknown`.
 */
const unclassified = (cause: unknown, { id, model, provider }: Lane.Lane): Failure.Failure => {
  if (Failure.isFailure(cause)) return cause
  const fields = { provider, model, lane: id, scope: "request", cause } as const
  return Refusal.isRefusal(cause)
    ? Failure.make("Cancelled", { ...fields, rule: refusedInside })
    : Failure.make("Unknown", { ...fields, rule: "protect/unclassified" })
}

const refusedInside = "protect/refused"

/** A refusal from inside the call surfaces as itself: it was the carrier that was neutral, final and asked for nothing. */
const surfaced = (error: ErrorOf): ErrorOf =>
  error._tag === "Cancelled" && error.rule === refusedInside && Refusal.isRefusal(error.cause) ? error.cause : error

/** Everything lanes share, in this process. Built once per layer build, so that all routes of an application meet here. */
export const layer: Layer.Layer<
  | Resilience
  | Bulkhead.Bulkhead
  | Cache.Cache
  | CircuitBreaker.CircuitBreaker
  | Limits.Limits
  | RetryBudget.RetryBudget
  | RetryQuota.RetryQuota
  | Throttle.Throttle
  | EventBus.EventBus
  | Health.Health
> = Layer.effect(Resilience, make).pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      Bulkhead.layer,
      Cache.layer,
      CircuitBreaker.layer,
      Limits.layer,
      RetryBudget.layer,
      RetryQuota.layer,
      Throttle.layer,
      Health.layer
    )
  ),
  Layer.provideMerge(EventBus.layer)
)

/** How an effect of your own is protected. */
export interface ProtectOptions<E> {
  /** `vendor/model-x`: what is in front of the first slash is the provider. */
  readonly lane: string
  /**
   * What an error of the effect means. Default: failures of the union as they are, everything else `Unknown`. It is not
   * asked about our own refusals, from guards inside the effect: they pass as they are, and nobody learns from them.
   */
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
    const policy = policyOf(options)
    return Resilience.use((resilience) =>
      resilience.run({
        route: options.lane,
        kind: "effect",
        policy,
        lanes: [lane],
        call: () => Effect.mapError(self, failureBy(options, lane))
      })
    ).pipe(Effect.mapError(surfaced))
  }

/** Puts the pipeline around a call that gives a promise. `signal` is aborted when nobody waits for it any more. */
export const protectPromise =
  (options: ProtectOptions<unknown>) =>
  <A>(
    call: (attempt: { readonly signal: AbortSignal }) => PromiseLike<A>
  ): Effect.Effect<A, Failure.Failure | Refusal.Refusal, Resilience> => {
    const lane = laneOf(options.lane)
    const policy = policyOf(options)
    return Resilience.use((resilience) =>
      resilience.runPromise({
        route: options.lane,
        kind: "effect",
        policy,
        lanes: [lane],
        call: (_lane, attempt) => call(attempt),
        failureOf: failureBy(options, lane)
      })
    ).pipe(Effect.mapError(surfaced))
  }

/** The same for a stream. Every element commits: once one has been seen, a failure surfaces. */
export const protectStream =
  <E>(options: ProtectOptions<E>) =>
  <A, R>(self: Stream.Stream<A, E, R>): Stream.Stream<A, Failure.Failure | Refusal.Refusal, R | Resilience> => {
    const lane = laneOf(options.lane)
    const policy = policyOf(options)
    return Stream.unwrap(
      Resilience.useSync((resilience) =>
        resilience.runStream({
          route: options.lane,
          policy,
          lanes: [lane],
          commits: () => true,
          call: () => Stream.mapError(self, failureBy(options, lane))
        })
      )
    ).pipe(Stream.mapError(surfaced))
  }

/** An effect's own requests cannot be estimated, so neither their tokens nor their price can be held to a budget. */
const policyOf = ({ policy = Policy.standard }: { readonly policy?: Policy.Policy | undefined }): Policy.Policy => {
  for (const option of ["maxTokens", "maxUsd"] as const) {
    if (policy.budget[option] !== undefined) {
      throw new RangeError(`policy.budget.${option} is for routes: what an effect of your own costs is not known`)
    }
  }
  return policy
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
    if (options.classify !== undefined && !Refusal.isRefusal(error))
      return Classification.toFailure(options.classify(error), target, { cause: error })
    return unclassified(error, lane)
  }
