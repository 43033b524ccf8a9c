/**
 * The guards of one attempt: peek at the circuits, the cool-down, the bulkhead, the admission; and what all of them learn
 * when the attempt is over. Whoever calls `begin` successfully owes an `end`; only the first one counts. Everything but
 * the wait for a slot is synchronous, so that nothing can come between looking and taking.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
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
import * as breakerSettings from "./breakerSettings.ts"
import type { Circuit } from "./Circuit.ts"
import { hintMillis } from "./hint.ts"
import { askFirst } from "./Probing.ts"
import type { Operation } from "./running.ts"
import * as Slots from "./Slots.ts"
import { stackless } from "./stackless.ts"

/** The state that lanes share, over all operations. */
export interface Shared {
  readonly breaker: CircuitBreaker.CircuitBreaker["Service"]
  readonly bulkhead: Bulkhead.Bulkhead["Service"]
  readonly cooldown: Cooldown.Cooldown["Service"]
  readonly retryBudget: RetryBudget.RetryBudget["Service"]
  readonly health: Health.Health["Service"]
  readonly bus: EventBus.EventBus["Service"]
  /** What has been looked up of a lane, so that it is looked up once. */
  readonly lanes: WeakMap<Lane.Lane, LaneState>
}

/** What a circuit speaks about. */
type Reach = "lane" | "credential" | "model"

interface LaneState {
  readonly circuits: ReadonlyArray<{ readonly reach: Reach; readonly circuit: Circuit }>
  readonly slots: Slots.Slots
}

/** An attempt that holds a slot and its admissions. */
export interface Started {
  readonly lane: Lane.Lane
  readonly number: number
  readonly startedAt: number
  readonly waitedMillis: number
  /** One permit per circuit of the lane, in their order. */
  readonly permits: ReadonlyArray<number>
  readonly observed: Observed
  /** Set by the first `end`. */
  ended: boolean
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

/**
 * The circuits an attempt on the lane has to pass: its own, and those it shares with other lanes of its credential and of
 * its model. Names of credentials are chosen per provider, so the same name at two providers is two credentials.
 */
export const circuitsOf = ({
  credential,
  id,
  model,
  provider
}: Lane.Lane): ReadonlyArray<{ readonly reach: Reach; readonly key: string }> => [
  { reach: "lane", key: id },
  { reach: "credential", key: `credential:${credential === provider ? provider : `${provider}/${credential}`}` },
  { reach: "model", key: `model:${provider}/${model}` }
]

const stateOf = (shared: Shared, operation: Operation, lane: Lane.Lane): LaneState => {
  const known = shared.lanes.get(lane)
  if (known !== undefined) return known
  const made: LaneState = {
    circuits: circuitsOf(lane).map(({ key, reach }) => ({
      reach,
      circuit: shared.breaker.circuitUnsafe(key, operation.policy.breaker, true)
    })),
    slots: shared.bulkhead.slotsUnsafe(lane.id)
  }
  shared.lanes.set(lane, made)
  return made
}

/** Milliseconds until the lane's circuits let a call through; 0 when they do now, infinite while a person holds one open. */
export const circuitMillis = (shared: Shared, operation: Operation, lane: Lane.Lane, now: number): number => {
  const settings = breakerSettings.machine(operation.policy.breaker)
  let longest = 0
  for (const { circuit } of stateOf(shared, operation, lane).circuits) {
    longest = Math.max(longest, circuit.waitMillis(now, settings))
  }
  return longest
}

/** Milliseconds until the lane may be called, by its circuits and its cool-down; 0 when it may be now. */
export const waitMillis = (shared: Shared, operation: Operation, lane: Lane.Lane, now: number): number =>
  Math.max(circuitMillis(shared, operation, lane, now), shared.cooldown.waitMillisUnsafe(lane, now))

/**
 * Takes everything an attempt needs, or refuses and holds nothing; `queue` when all there is to do is to wait for a slot,
 * `ask` when it is to ask the fleet for leave to probe.
 * `wasTold`: this operation has just waited as long as the lane asked it to. `hasSlot`: it has waited for one.
 */
export const beginUnsafe = (
  shared: Shared,
  operation: Operation,
  lane: Lane.Lane,
  wasTold: boolean,
  now: number,
  hasSlot = false
): Started | Refusal.Step | "queue" | "ask" => {
  const { breaker, budget, bulkhead } = operation.policy
  if (operation.sent >= budget.maxAttempts)
    return stackless(() => new Refusal.BudgetExhausted({ maxAttempts: budget.maxAttempts }))
  const { circuits, slots } = stateOf(shared, operation, lane)
  const settings = breakerSettings.machine(breaker)
  let mustAsk = false
  for (const { circuit } of circuits) {
    const wait = circuit.waitMillis(now, settings)
    if (wait === 0) continue
    if (wait !== askFirst) return circuit.refuse(lane.id, now, settings)
    mustAsk = true
  }
  // Whoever was told to wait has waited; the cool-down is for everybody else.
  const cooling = wasTold ? 0 : shared.cooldown.waitMillisUnsafe(lane, now)
  if (cooling > 0) {
    return stackless(() => new Refusal.LimitReached({ lane: lane.id, retryAfter: Duration.millis(cooling) }))
  }
  if (!hasSlot && !Slots.tryTake(slots, bulkhead.maxConcurrent)) return "queue"
  if (mustAsk) {
    if (!hasSlot) Slots.give(slots)
    return "ask"
  }
  const permits: Array<number> = []
  for (const { circuit } of circuits) {
    // Looked at just above, in this same step: none can refuse now.
    const permit = circuit.admit(now, settings)
    if (permit !== undefined) permits.push(permit)
  }
  operation.sent += 1
  const { waitedMillis } = operation
  operation.waitedMillis = 0
  return { lane, number: operation.sent, startedAt: now, waitedMillis, permits, observed: {}, ended: false }
}

export const isStarted = (begun: Started | Refusal.Step | "queue" | "ask"): begun is Started =>
  typeof begun === "object" && "permits" in begun

/**
 * The same with the wait for a slot and for the fleet's leave. Call it uninterruptibly; only the waits are `restore`d. Who
 * had leave and finds it gone is refused: somebody else probes.
 */
export const begin = Effect.fnUntraced(function* (
  shared: Shared,
  operation: Operation,
  lane: Lane.Lane,
  wasTold: boolean,
  restore: Restore
): Effect.fn.Return<Started, Refusal.Step> {
  const { circuits, slots } = stateOf(shared, operation, lane)
  const settings = breakerSettings.machine(operation.policy.breaker)
  let hasSlot = false
  let hasAsked = false
  while (true) {
    // The lane may have begun to cool, or its circuit opened, while this operation waited.
    const now = yield* Clock.currentTimeMillis
    const begun = beginUnsafe(shared, operation, lane, wasTold, now, hasSlot)
    if (isStarted(begun)) return begun
    if (begun === "queue") {
      yield* shared.bulkhead.acquire(lane.id, operation.policy.bulkhead, restore)
      hasSlot = true
    } else if (begun === "ask" && !hasAsked) {
      const asked = circuits.filter(({ circuit }) => circuit.waitMillis(now, settings) === askFirst)
      const leave = Effect.forEach(asked, ({ circuit }) => circuit.askLeave(settings), { concurrency: "unbounded" })
      yield* hasSlot ? Effect.onInterrupt(restore(leave), () => Effect.sync(() => Slots.give(slots))) : restore(leave)
      hasAsked = true
    } else {
      if (hasSlot) Slots.give(slots)
      if (begun !== "ask") return yield* Effect.fail(begun)
      const first = circuits.find(({ circuit }) => circuit.waitMillis(now, settings) !== 0)
      return first === undefined
        ? yield* Effect.die("a lane that nothing keeps closed was refused")
        : yield* Effect.fail(first.circuit.refuse(lane.id, now, settings))
    }
  }
})

/** Gives everything back and tells circuits, cool-down, health and the bus how the attempt ended. */
export const end = (
  shared: Shared,
  operation: Operation,
  started: Started,
  exit: Exit.Exit<unknown, Failure.Failure | Refusal.Refusal>
): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const now = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
    endUnsafe(shared, operation, started, exit, now, fiber.getRef(Random.Random))
    return Effect.void
  })

export const endUnsafe = (
  shared: Shared,
  operation: Operation,
  started: Started,
  exit: Exit.Exit<unknown, Failure.Failure | Refusal.Refusal>,
  now: number,
  random: { nextDoubleUnsafe(): number }
): void => {
  if (started.ended) return
  started.ended = true
  const { lane, observed } = started
  const state = stateOf(shared, operation, lane)
  const failure = failureOf(exit)
  const result = resultOf(exit)
  const durationMillis = now - started.startedAt
  const firstContentMillis = firstContentMillisOf(started)
  operation.attempts.push({ lane: lane.id, result, durationMillis, waitMillis: started.waitedMillis })

  const isSlow = wasSlow(operation, durationMillis, firstContentMillis, observed)
  const line = failure === undefined ? undefined : Disposition.of(failure)
  const settings = breakerSettings.machine(operation.policy.breaker)
  const hint = hintMillis(failure?.retryAfter) ?? 0
  let recovered = false
  let index = 0
  // Slowness is told to the lane alone: its credential serves other models, and its model other places.
  for (const { circuit, reach } of state.circuits) {
    const permit = started.permits[index++]
    if (permit === undefined) continue
    const before = circuit.state
    circuit.settle(
      permit,
      outcomeOn(reach, result, line),
      isSlow && reach === "lane",
      result,
      hint,
      random,
      now,
      settings
    )
    if (reach !== "credential" && before._tag === "HalfOpen" && circuit.state !== before) {
      recovered ||= isClosed(circuit)
    }
  }
  // What was before the recovery no longer speaks about the lane.
  if (recovered) shared.health.restartUnsafe(lane, now)
  if (failure !== undefined && line !== undefined) heed(shared, operation, lane, failure, line, now)
  if (result === "Success" || line?.blames === "lane") {
    shared.health.recordUnsafe(lane, { at: now, durationMillis, firstContentMillis, failure: failure?._tag })
  }
  if (shared.bus.isHeard()) announce(shared, operation, started, result, failure, now)
  // Last, since whoever waits for the slot takes it in this same step, and must meet what has just been learnt.
  Slots.give(state.slots)
}

const announce = (
  shared: Shared,
  operation: Operation,
  started: Started,
  result: Event.Result,
  failure: Failure.Failure | undefined,
  now: number
): void => {
  const { lane, observed, startedAt } = started
  shared.bus.publishUnsafe(now, {
    _tag: "AttemptEnded",
    operation: operation.id,
    route: operation.route,
    lane: lane.id,
    provider: lane.provider,
    model: lane.model,
    credential: lane.credential,
    kind: operation.kind,
    attempt: started.number,
    startedAt,
    durationMillis: now - startedAt,
    firstContentMillis: firstContentMillisOf(started),
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
}

const firstContentMillisOf = ({ observed, startedAt }: Started): number | undefined =>
  observed.firstContentAt === undefined ? undefined : observed.firstContentAt - startedAt

const isClosed = (circuit: Circuit): boolean => circuit.state._tag === "Closed"

/** What a circuit learns from a result: only the one that the class of the failure speaks about learns more than nothing. */
const outcomeOn = (reach: Reach, result: Event.Result, line: Disposition.Disposition | undefined) => {
  if (result === "Success") return "success"
  if (result === "Defect") return reach === "lane" ? "failure" : "neutral"
  if (line === undefined || line.circuit !== reach || line.outcome === "throttled") return "neutral"
  return line.outcome
}

/** Cools the lane where the provider asked for a wait, and calls for a person where one is needed. */
const heed = (
  shared: Shared,
  operation: Operation,
  lane: Lane.Lane,
  failure: Failure.Failure,
  line: Disposition.Disposition,
  now: number
): void => {
  if (line.outcome === "throttled") {
    const millis = hintMillis(failure.retryAfter) ?? unhintedMillis(operation, failure)
    if (shared.cooldown.coolUnsafe(lane, millis, now)) {
      shared.bus.publishUnsafe(now, {
        _tag: "LaneCooling",
        lane: lane.id,
        provider: lane.provider,
        model: lane.model,
        credential: lane.credential,
        reason: failure._tag,
        untilMillis: now + millis
      })
    }
  }
  if (line.alert) {
    shared.bus.publishUnsafe(now, {
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
}

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
