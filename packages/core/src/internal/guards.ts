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
import { hintMillis } from "./hint.ts"
import type { Operation } from "./running.ts"

/** The state that lanes share, over all running. */
export interface Shared {
  readonly breaker: CircuitBreaker.CircuitBreaker["Service"]
  readonly bulkhead: Bulkhead.Bulkhead["Service"]
  readonly cooldown: Cooldown.Cooldown["Service"]
  readonly health: Health.Health["Service"]
  readonly bus: EventBus.EventBus["Service"]
}

/** An attempt that holds a slot and its admissions. */
export interface Started {
  readonly lane: Lane.Lane
  readonly number: number
  readonly startedAt: number
  readonly waitedMillis: number
  readonly laneCircuit: CircuitBreaker.Permit
  readonly credentialCircuit: CircuitBreaker.Permit
}

/** What is known about an attempt besides how it ended. */
export interface Observed {
  firstContentAt?: number
  inputTokens?: number
  outputTokens?: number
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Names of credentials are chosen per provider, so the same name at two providers is two credentials. */
const credentialCircuit = (lane: Lane.Lane): string =>
  lane.credential === lane.provider ? `credential:${lane.provider}` : `credential:${lane.provider}/${lane.credential}`

/** The circuits an attempt on the lane has to pass. */
export const circuitsOf = (lane: Lane.Lane): readonly [own: string, credential: string] => [
  lane.id,
  credentialCircuit(lane)
]

/** Milliseconds until the lane's circuits let a call through; 0 when they do now. */
export const circuitMillis = (shared: Shared, lane: Lane.Lane): Effect.Effect<number> => {
  const [own, credential] = circuitsOf(lane)
  return Effect.zipWith(shared.breaker.waitMillis(own), shared.breaker.waitMillis(credential), Math.max)
}

/** Milliseconds until the lane may be called, by its circuits and its cool-down; 0 when it may be now. */
export const waitMillis = (shared: Shared, lane: Lane.Lane): Effect.Effect<number> =>
  Effect.zipWith(circuitMillis(shared, lane), shared.cooldown.waitMillis(lane), Math.max)

const peek = Effect.fnUntraced(function* (shared: Shared, lane: Lane.Lane) {
  for (const circuit of circuitsOf(lane)) {
    const wait = yield* shared.breaker.waitMillis(circuit)
    if (wait > 0) {
      return yield* new Refusal.CircuitOpen({ lane: lane.id, circuit, retryAfter: Duration.millis(wait) })
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
  yield* peek(shared, lane)
  yield* warm(shared, lane, wasTold)
  yield* shared.bulkhead.acquire(lane.id, bulkhead, restore)
  // The lane may have begun to cool, or its circuit opened, while this operation stood in the queue.
  const admissions = yield* Effect.exit(Effect.andThen(warm(shared, lane, wasTold), admit(shared, operation, lane)))
  if (Exit.isFailure(admissions)) {
    yield* shared.bulkhead.release(lane.id)
    return yield* Effect.failCause(admissions.cause)
  }
  operation.sent += 1
  const waitedMillis = operation.waitedMillis
  operation.waitedMillis = 0
  const startedAt = yield* Clock.currentTimeMillis
  return { lane, number: operation.sent, startedAt, waitedMillis, ...admissions.value }
})

const admit = Effect.fnUntraced(function* (
  shared: Shared,
  operation: Operation,
  lane: Lane.Lane
): Effect.fn.Return<Pick<Started, "laneCircuit" | "credentialCircuit">, Refusal.CircuitOpen> {
  const settings = operation.policy.breaker
  const [own, wider] = circuitsOf(lane)
  const laneCircuit = yield* shared.breaker.admit(own, lane.id, settings)
  const credential = yield* Effect.exit(shared.breaker.admit(wider, lane.id, settings))
  if (Exit.isSuccess(credential)) return { laneCircuit, credentialCircuit: credential.value }
  yield* shared.breaker.settle(laneCircuit, "neutral", settings, { reason: "not sent" })
  return yield* Effect.failCause(credential.cause)
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
  yield* learn(shared, operation, started, result, failure)
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
  failure: Failure.Failure | undefined
) {
  const { lane } = started
  const settings = operation.policy.breaker
  const line = failure === undefined ? undefined : Disposition.of(failure)
  const because = { reason: result, retryAfter: failure?.retryAfter }
  const outcomeOn = (circuit: "lane" | "credential") => {
    if (result === "Success") return "success"
    if (result === "Defect") return circuit === "lane" ? "failure" : "neutral"
    if (line === undefined || line.circuit !== circuit || line.outcome === "throttled") return "neutral"
    return line.outcome
  }
  const change = yield* shared.breaker.settle(started.laneCircuit, outcomeOn("lane"), settings, because)
  yield* shared.breaker.settle(started.credentialCircuit, outcomeOn("credential"), settings, because)
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
