/**
 * The guards of one attempt: peek at the circuits, the cool-down, the bulkhead, the admission; and what all of them learn
 * when the attempt is over. Whoever calls `begin` successfully owes exactly one `end`.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Bulkhead from "../Bulkhead.ts"
import type * as CircuitBreaker from "../CircuitBreaker.ts"
import type * as Cooldown from "../Cooldown.ts"
import * as Disposition from "../Disposition.ts"
import type * as Event from "../Event.ts"
import type * as EventBus from "../EventBus.ts"
import * as Failure from "../Failure.ts"
import type * as Health from "../Health.ts"
import type * as Lane from "../Lane.ts"
import * as Refusal from "../Refusal.ts"
import type * as RetryBudget from "../RetryBudget.ts"
import { hintMillis } from "./hint.ts"
import type { Operation } from "./running.ts"

/** The state that lanes share, over all running. */
export interface Shared {
  readonly breaker: CircuitBreaker.CircuitBreaker["Service"]
  readonly bulkhead: Bulkhead.Bulkhead["Service"]
  readonly cooldown: Cooldown.Cooldown["Service"]
  readonly retryBudget: RetryBudget.RetryBudget["Service"]
  readonly health: Health.Health["Service"]
  readonly bus: EventBus.EventBus["Service"]
}

/** An attempt that holds a slot and its admissions. */
export interface Started {
  readonly lane: Lane.Lane
  readonly number: number
  readonly startedAt: number
  readonly waitedMillis: number
  /** One permit per circuit of the lane, in the order of `circuitsOf`. */
  readonly permits: ReadonlyArray<CircuitBreaker.Permit>
}

/** What is known about an attempt besides how it ended. */
export interface Observed {
  firstContentAt?: number
  /** The longest wait between two pieces of a stream, in milliseconds. */
  longestGapMillis?: number
  inputTokens?: number
  outputTokens?: number
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** What a circuit speaks about. */
type Reach = "lane" | "credential" | "model"

export interface CircuitOf {
  readonly reach: Reach
  readonly key: string
}

const circuits = new WeakMap<Lane.Lane, ReadonlyArray<CircuitOf>>()

/**
 * The circuits an attempt on the lane has to pass: its own, and those it shares with other lanes of its credential and of
 * its model. Names of credentials are chosen per provider, so the same name at two providers is two credentials.
 */
export const circuitsOf = (lane: Lane.Lane): ReadonlyArray<CircuitOf> => {
  const known = circuits.get(lane)
  if (known !== undefined) return known
  const { credential, model, provider } = lane
  const made: ReadonlyArray<CircuitOf> = [
    { reach: "lane", key: lane.id },
    { reach: "credential", key: `credential:${credential === provider ? provider : `${provider}/${credential}`}` },
    { reach: "model", key: `model:${provider}/${model}` }
  ]
  circuits.set(lane, made)
  return made
}

/** Milliseconds until the lane's circuits let a call through; 0 when they do now. */
export const circuitMillis = (
  shared: Shared,
  lane: Lane.Lane,
  settings: CircuitBreaker.Settings
): Effect.Effect<number> =>
  Effect.map(
    Effect.forEach(circuitsOf(lane), ({ key }) => shared.breaker.waitMillis(key, settings)),
    (waits) => Math.max(...waits)
  )

/** Milliseconds until the lane may be called, by its circuits and its cool-down; 0 when it may be now. */
export const waitMillis = (shared: Shared, lane: Lane.Lane, settings: CircuitBreaker.Settings): Effect.Effect<number> =>
  Effect.zipWith(circuitMillis(shared, lane, settings), shared.cooldown.waitMillis(lane), Math.max)

const peek = Effect.fnUntraced(function* (shared: Shared, operation: Operation, lane: Lane.Lane) {
  const settings = operation.policy.breaker
  for (const { key } of circuitsOf(lane)) {
    if ((yield* shared.breaker.waitMillis(key, settings)) > 0) {
      return yield* shared.breaker.refuse(key, lane.id, settings)
    }
  }
})

/** Whoever was told to wait has waited; the cool-down is for everybody else. */
const warm = Effect.fnUntraced(function* (shared: Shared, lane: Lane.Lane, wasTold: boolean) {
  if (wasTold) return
  const cooling = yield* shared.cooldown.waitMillis(lane)
  if (cooling > 0) return yield* new Refusal.LimitReached({ lane: lane.id, retryAfter: Duration.millis(cooling) })
})

/**
 * Takes everything an attempt needs, or refuses and holds nothing. `wasTold`: this operation has just waited as long as the
 * lane asked it to. Call it uninterruptibly; only the queue is `restore`d.
 */
export const begin = Effect.fnUntraced(function* (
  shared: Shared,
  operation: Operation,
  lane: Lane.Lane,
  wasTold: boolean,
  restore: Restore
): Effect.fn.Return<Started, Refusal.Step> {
  const { budget, bulkhead } = operation.policy
  if (operation.sent >= budget.maxAttempts) {
    return yield* new Refusal.BudgetExhausted({ maxAttempts: budget.maxAttempts })
  }
  yield* peek(shared, operation, lane)
  yield* warm(shared, lane, wasTold)
  yield* shared.bulkhead.acquire(lane.id, bulkhead, restore)
  // The lane may have begun to cool, or its circuit opened, while this operation stood in the queue.
  const permits = yield* Effect.exit(Effect.andThen(warm(shared, lane, wasTold), admit(shared, operation, lane)))
  if (Exit.isFailure(permits)) {
    yield* shared.bulkhead.release(lane.id)
    return yield* Effect.failCause(permits.cause)
  }
  operation.sent += 1
  const waitedMillis = operation.waitedMillis
  operation.waitedMillis = 0
  const startedAt = yield* Clock.currentTimeMillis
  return { lane, number: operation.sent, startedAt, waitedMillis, permits: permits.value }
})

const admit = Effect.fnUntraced(function* (
  shared: Shared,
  operation: Operation,
  lane: Lane.Lane
): Effect.fn.Return<ReadonlyArray<CircuitBreaker.Permit>, Refusal.CircuitOpen> {
  const settings = operation.policy.breaker
  const permits: Array<CircuitBreaker.Permit> = []
  for (const { key } of circuitsOf(lane)) {
    const permit = yield* Effect.exit(shared.breaker.admit(key, lane.id, settings))
    if (Exit.isFailure(permit)) {
      for (const given of permits) yield* shared.breaker.settle(given, "neutral", settings, { reason: "not sent" })
      return yield* Effect.failCause(permit.cause)
    }
    permits.push(permit.value)
  }
  return permits
})

/** Gives everything back and tells circuits, cool-down, health and the bus how the attempt ended. */
export const end = Effect.fnUntraced(function* (
  shared: Shared,
  operation: Operation,
  started: Started,
  exit: Exit.Exit<unknown, Failure.Failure | Refusal.Refusal>,
  observed: Observed
) {
  const { lane } = started
  const now = yield* Clock.currentTimeMillis
  const failure = failureOf(exit)
  const result = resultOf(exit)
  const durationMillis = now - started.startedAt
  const firstContentMillis =
    observed.firstContentAt === undefined ? undefined : observed.firstContentAt - started.startedAt
  operation.attempts.push({ lane: lane.id, result, durationMillis, waitMillis: started.waitedMillis })

  // Whoever gets the slot next must already find the circuit open, or the lane cooling.
  const isSlow = wasSlow(operation, durationMillis, firstContentMillis, observed)
  yield* learn(shared, operation, started, result, failure, isSlow)
  yield* shared.bulkhead.release(lane.id)
  if (result === "Success" || (failure !== undefined && Disposition.of(failure).blames === "lane")) {
    yield* shared.health.record(lane, { at: now, durationMillis, firstContentMillis, failure: failure?._tag })
  }
  yield* shared.bus.publish({
    _tag: "AttemptEnded",
    operation: operation.id,
    route: operation.route,
    lane: lane.id,
    provider: lane.provider,
    model: lane.model,
    credential: lane.credential,
    kind: operation.kind,
    attempt: started.number,
    startedAt: started.startedAt,
    durationMillis,
    firstContentMillis,
    result,
    inputTokens: observed.inputTokens,
    outputTokens: observed.outputTokens,
    ...(failure === undefined
      ? {}
      : {
          rule: failure.rule,
          status: failure.status,
          providerCode: failure.providerCode,
          requestId: failure.requestId,
          retryAfterMillis: hintMillis(failure.retryAfter),
          message: failure.message
        })
  })
})

const learn = Effect.fnUntraced(function* (
  shared: Shared,
  operation: Operation,
  started: Started,
  result: Event.Result,
  failure: Failure.Failure | undefined,
  isSlow: boolean
) {
  const { lane } = started
  const settings = operation.policy.breaker
  const line = failure === undefined ? undefined : Disposition.of(failure)
  const because = { reason: result, retryAfter: failure?.retryAfter, isSlow }
  const outcomeOn = (reach: Reach) => {
    if (result === "Success") return "success"
    if (result === "Defect") return reach === "lane" ? "failure" : "neutral"
    if (line === undefined || line.circuit !== reach || line.outcome === "throttled") return "neutral"
    return line.outcome
  }
  let change = "unchanged"
  for (const [index, { reach }] of circuitsOf(lane).entries()) {
    const permit = started.permits[index]
    if (permit === undefined) continue
    const done = yield* shared.breaker.settle(permit, outcomeOn(reach), settings, because)
    if (done === "closed" && reach !== "credential") change = "closed"
  }
  // What was before the recovery no longer speaks about the lane.
  if (change === "closed") yield* shared.health.restart(lane)
  if (failure === undefined || line === undefined) return

  if (line.outcome === "throttled") {
    const millis = hintMillis(failure.retryAfter) ?? unhintedMillis(operation, failure)
    if (yield* shared.cooldown.cool(lane, millis)) {
      yield* shared.bus.publish({
        _tag: "LaneCooling",
        lane: lane.id,
        provider: lane.provider,
        model: lane.model,
        credential: lane.credential,
        reason: failure._tag,
        untilMillis: (yield* Clock.currentTimeMillis) + millis
      })
    }
  }
  if (line.alert) {
    yield* shared.bus.publish({
      _tag: "AttentionNeeded",
      operation: operation.id,
      route: operation.route,
      lane: lane.id,
      provider: lane.provider,
      model: lane.model,
      reason: failure._tag,
      rule: failure.rule,
      message: failure.message
    })
  }
})

/** Whether a call took longer than it should: a stream by its first content and its gaps, anything else as a whole. */
const wasSlow = (
  operation: Operation,
  durationMillis: number,
  firstContentMillis: number | undefined,
  observed: Observed
): boolean => {
  const { slowCall } = operation.policy.breaker
  if (slowCall === undefined) return false
  const longest =
    operation.kind === "stream"
      ? Math.max(firstContentMillis ?? durationMillis, observed.longestGapMillis ?? 0)
      : durationMillis
  return longest > Duration.toMillis(slowCall)
}

/** A limit without a stated wait cools for the first backoff step; a quota, for as long as an open circuit. */
const unhintedMillis = (operation: Operation, failure: Failure.Failure): number =>
  failure._tag === "QuotaExceeded"
    ? Duration.toMillis(operation.policy.breaker.open)
    : Duration.toMillis(operation.policy.retry.base) * Disposition.of(failure).baseFactor

const failureOf = (exit: Exit.Exit<unknown, Failure.Failure | Refusal.Refusal>): Failure.Failure | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const error = Cause.findErrorOption(exit.cause)
  return error._tag === "Some" && Failure.isFailure(error.value) ? error.value : undefined
}

/** How an attempt or an operation ended, in one word. */
export const resultOf = (exit: Exit.Exit<unknown, Failure.Failure | Refusal.Refusal>): Event.Result => {
  if (Exit.isSuccess(exit)) return "Success"
  const error = Cause.findErrorOption(exit.cause)
  if (error._tag === "Some") return error.value._tag
  return Cause.hasInterruptsOnly(exit.cause) ? "Cancelled" : "Defect"
}
