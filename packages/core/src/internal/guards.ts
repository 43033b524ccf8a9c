/**
 * The guards of one attempt: peek at the circuits, the limits, the bulkhead, the admission; and what all of them learn
 * when the attempt is over. Whoever has `Started` an attempt owes an `end`; only the first one counts. Everything but
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
import * as Disposition from "../Disposition.ts"
import type * as Event from "../Event.ts"
import type * as EventBus from "../EventBus.ts"
import * as Failure from "../Failure.ts"
import type * as Health from "../Health.ts"
import { minimumEvidence } from "../Health.ts"
import * as Lane from "../Lane.ts"
import type * as Limits from "../Limits.ts"
import { maxHoldMillis } from "../Limits.ts"
import type { Usage } from "../Operation.ts"
import * as Refusal from "../Refusal.ts"
import type * as RetryBudget from "../RetryBudget.ts"
import * as RetryPolicy from "../RetryPolicy.ts"
import type * as Throttle from "../Throttle.ts"
import type * as BreakerState from "./BreakerState.ts"
import * as blame from "./blame.ts"
import { type Circuit, type Refused, voidPermit } from "./Circuit.ts"
import * as AdaptiveLimitState from "./AdaptiveLimitState.ts"
import * as adapting from "./adapting.ts"
import type { Figures } from "./figures.ts"
import * as ThrottleState from "./ThrottleState.ts"
import * as Gate from "./Gate.ts"
import * as HealthWindow from "./HealthWindow.ts"
import { hintMillis } from "./hint.ts"
import * as latencies from "./latencies.ts"
import * as LatencyQuantile from "./LatencyQuantile.ts"
import * as limiting from "./limiting.ts"
import * as paying from "./paying.ts"
import { askFirst } from "./Probing.ts"
import * as RetryBudgetState from "./RetryBudgetState.ts"
import { isLong, type Operation, type Used } from "./running.ts"
import * as Slots from "./Slots.ts"
import type { Estimate } from "./Spending.ts"
import { stackless } from "./stackless.ts"

/** The state that lanes share, over all operations. */
export interface Shared {
  readonly breaker: CircuitBreaker.CircuitBreaker["Service"]
  readonly bulkhead: Bulkhead.Bulkhead["Service"]
  readonly limits: Limits.Limits["Service"]
  readonly retryBudget: RetryBudget.RetryBudget["Service"]
  readonly throttle: Throttle.Throttle["Service"]
  readonly health: Health.Health["Service"]
  readonly bus: EventBus.EventBus["Service"]
  /** What has been looked up of a lane, so that it is looked up once. */
  readonly lanes: WeakMap<Lane.Lane, LaneState>
}

/** What a circuit speaks about. */
type Reach = "lane" | "credential" | "model"

/** What is kept of a lane, looked up once. */
export interface LaneState {
  readonly lane: Lane.Lane
  /** Its own circuit, and those it shares with other lanes of its credential and of its model. */
  readonly circuits: { readonly [Each in Reach]: Circuit }
  readonly slots: Slots.Slots
  readonly health: Health.LaneHealth
  /** Its retry budget under the settings it was last asked with. */
  budget: RetryBudgetState.RetryBudget
  budgetSettings: RetryBudget.Settings
  /** What requests have to pass under the limits it was last asked with. */
  gate: Gate.Gate
  limits: Limits.Settings
  /** How many may run at once, and its throttle, under the numbers it was last asked with. */
  bound: Slots.Bound
  throttle: ThrottleState.Throttle | undefined
  figures: Figures
  /** How long its answers take, where somebody hedges. */
  latencies: latencies.Latencies | undefined
  /** Operations that wait for it to be open to calls. */
  waiting: number
  /** When the latest of the requests that it has answered was sent. */
  answeredSince: number
}

/** What is known about an attempt besides how it ended. */
export interface Observed {
  firstContentAt: number | undefined
  /** The longest wait between two pieces of a stream, in milliseconds. */
  longestGapMillis: number | undefined
  inputTokens: number | undefined
  outputTokens: number | undefined
  /** What of the input went through the provider's cache, if any did. */
  cached: Pick<Usage, "cacheReadTokens" | "cacheWriteTokens"> | undefined
}

/** What guards that are options have counted of an attempt. */
interface Counted {
  /** The limit that is found by trying, if that is how the lane's is. */
  readonly adaptive: AdaptiveLimitState.AdaptiveLimit | undefined
  /** What ran when it began, itself among it. */
  readonly inFlight: number
  /** Where the throttle counts it, if there is one. */
  readonly throttle: ThrottleState.Throttle | undefined
  readonly ticket: ThrottleState.Ticket
  /** What was reserved of the operation's tokens and money; absent where neither is limited. */
  readonly reserved: Estimate | undefined
}

const count = (operation: Operation, { bound, lane, slots, throttle }: LaneState, now: number): Counted => ({
  adaptive: typeof bound === "number" ? undefined : bound,
  inFlight: slots.running,
  throttle,
  ticket: throttle === undefined ? 0 : ThrottleState.send(throttle, now),
  reserved: paying.reserve(operation, lane)
})

/** An attempt that holds a slot and its admissions. Made where nothing is in its way. */
export class Started implements Observed {
  readonly state: LaneState
  readonly number: number
  readonly startedAt: number
  readonly waitedMillis: number
  /** The permits of the lane's circuits. */
  readonly permit: number
  readonly credentialPermit: number
  readonly modelPermit: number
  firstContentAt: number | undefined = undefined
  longestGapMillis: number | undefined = undefined
  inputTokens: number | undefined = undefined
  outputTokens: number | undefined = undefined
  cached: Observed["cached"] = undefined
  /** The call has begun: a request may be under way. */
  isSent = false
  /** Absent where all of those guards are off. */
  readonly counted: Counted | undefined
  /** What was counted against limits; absent while there are none. */
  pass: Gate.Pass | undefined
  /** It keeps company to another attempt that is slow. */
  readonly isHedge: boolean
  /** It asks the lane of the attempt before again. */
  readonly isRetry: boolean
  /** Set by the first `end`. */
  isEnded = false

  constructor(operation: Operation, state: LaneState, now: number, isHedge: boolean) {
    const { circuits } = state
    this.isHedge = isHedge
    const { breaker, credentialBreaker } = operation.figures
    this.state = state
    this.number = ++operation.sent
    this.startedAt = now
    this.waitedMillis = operation.waitedMillis
    operation.waitedMillis = 0
    this.counted =
      typeof state.bound === "number" && state.throttle === undefined && operation.spending === undefined
        ? undefined
        : count(operation, state, now)
    this.isRetry = operation.lastLane === state.lane
    operation.lastLane = state.lane
    // Looked at in this same step: none can refuse now.
    this.pass = Gate.isQuiet(state.gate, now) ? undefined : limiting.pass(state.gate, operation, state.lane, now)
    this.permit = circuits.lane.admit(now, breaker) ?? voidPermit
    this.credentialPermit = circuits.credential.admit(now, credentialBreaker) ?? voidPermit
    this.modelPermit = circuits.model.admit(now, breaker) ?? voidPermit
  }
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** What is kept of a lane. */
export const stateOf = (shared: Shared, operation: Operation, lane: Lane.Lane): LaneState =>
  shared.lanes.get(lane) ?? meet(shared, operation, lane)

/** Looks a lane up for the first time. */
const meet = (shared: Shared, { figures, policy }: Operation, lane: Lane.Lane): LaneState => {
  const keys = Lane.circuits(lane)
  const circuitOf = (reach: Reach) => shared.breaker.circuitUnsafe(keys[reach], policy.breaker, true)
  const state: LaneState = {
    lane,
    circuits: { lane: circuitOf("lane"), credential: circuitOf("credential"), model: circuitOf("model") },
    slots: shared.bulkhead.slotsUnsafe(lane.id),
    health: shared.health.laneUnsafe(lane),
    budget: shared.retryBudget.budgetUnsafe(lane.id, policy.retryBudget),
    budgetSettings: policy.retryBudget,
    gate: shared.limits.gateUnsafe(lane, policy.limits),
    limits: policy.limits,
    bound: shared.bulkhead.boundUnsafe(lane.id, policy.bulkhead),
    throttle: figures.throttle === undefined ? undefined : shared.throttle.throttleUnsafe(lane.id, figures.throttle),
    figures,
    latencies: undefined,
    waiting: 0,
    answeredSince: Number.NEGATIVE_INFINITY
  }
  shared.lanes.set(lane, state)
  return state
}

/** Looks up what a policy has of its own on the lane. Nearly always all its operations have the same one. */
const face = (shared: Shared, { figures, policy }: Operation, state: LaneState): void => {
  state.figures = figures
  state.bound = shared.bulkhead.boundUnsafe(state.lane.id, policy.bulkhead)
  state.throttle =
    figures.throttle === undefined ? undefined : shared.throttle.throttleUnsafe(state.lane.id, figures.throttle)
}

/** One call more that pays for the lane's retries. */
const deposit = (shared: Shared, { policy }: Operation, state: LaneState, now: number): void => {
  const { retryBudget } = policy
  if (state.budgetSettings !== retryBudget) {
    state.budget = shared.retryBudget.budgetUnsafe(state.lane.id, retryBudget)
    state.budgetSettings = retryBudget
  }
  RetryBudgetState.deposit(state.budget, now)
}

/** The gate that the operation's requests to the lane have to pass. */
export const gateOf = (shared: Shared, operation: Operation, lane: Lane.Lane): Gate.Gate =>
  gateIn(shared, operation, stateOf(shared, operation, lane))

const gateIn = (shared: Shared, { policy }: Operation, state: LaneState): Gate.Gate => {
  if (state.limits !== policy.limits) {
    state.limits = policy.limits
    state.gate = shared.limits.gateUnsafe(state.lane, policy.limits)
  }
  return state.gate
}

/** Milliseconds until the lane's circuits let a call through; 0 when they do now, infinite while a person holds one open. */
export const circuitMillis = (shared: Shared, operation: Operation, lane: Lane.Lane, now: number): number => {
  const { circuits } = stateOf(shared, operation, lane)
  const { breaker, credentialBreaker } = operation.figures
  return Math.max(
    0,
    circuits.lane.waitMillis(now, breaker),
    circuits.credential.waitMillis(now, credentialBreaker),
    circuits.model.waitMillis(now, breaker)
  )
}

/** Milliseconds until the lane may be called, by its circuits and its limits; 0 when it may be now. */
export const waitMillis = (shared: Shared, operation: Operation, lane: Lane.Lane, now: number): number =>
  Math.max(
    circuitMillis(shared, operation, lane, now),
    limiting.waitMillis(gateOf(shared, operation, lane), operation, lane, now)
  )

/** Whether a call of the operation would find a slot free on the lane. */
export const hasRoom = (shared: Shared, operation: Operation, lane: Lane.Lane): boolean => {
  const state = stateOf(shared, operation, lane)
  if (state.figures !== operation.figures) face(shared, operation, state)
  return Slots.hasRoom(state.slots, state.bound)
}

/** What is in the way of an attempt: it is refused, or there is only a slot to wait for, or the fleet's leave to probe. */
export type Obstacle = Exit.Exit<never, Refusal.Step> | "queue" | "ask"

/**
 * Takes a slot for an attempt, or says what is in its way and takes nothing. Where nothing is, `Started` has to be made of
 * it in this same step. `hasSlot`: it has waited for one.
 */
export const enterUnsafe = (
  shared: Shared,
  operation: Operation,
  state: LaneState,
  random: limiting.Random,
  now: number,
  hasSlot = false
): Obstacle | undefined => {
  const { circuits, lane } = state
  const { breaker, credentialBreaker, maxAttempts } = operation.figures
  if (state.figures !== operation.figures) face(shared, operation, state)
  const { bound, throttle } = state
  if (operation.sent >= maxAttempts) {
    return refused(() => new Refusal.BudgetExhausted({ budget: "attempts", limit: maxAttempts }))
  }
  if (operation.spending !== undefined) {
    const short = stackless(() => paying.refusal(operation, lane))
    if (short !== undefined) return Exit.fail(short)
  }
  const ownWait = circuits.lane.waitMillis(now, breaker)
  if (ownWait > 0) return circuits.lane.turnAway(lane.id, now, breaker)
  const credentialWait = circuits.credential.waitMillis(now, credentialBreaker)
  if (credentialWait > 0) return circuits.credential.turnAway(lane.id, now, credentialBreaker)
  const modelWait = circuits.model.waitMillis(now, breaker)
  if (modelWait > 0) return circuits.model.turnAway(lane.id, now, breaker)
  const gate = gateIn(shared, operation, state)
  if (!Gate.isQuiet(gate, now)) {
    const refusal = limiting.look(gate, operation, lane, random, now)
    if (refusal !== undefined) return Exit.fail(refusal)
  }
  // A probe that is let through to see whether the lane is well again is not thrown away by chance.
  const mayThrottle = throttle !== undefined && !hasSlot && circuits.lane.state._tag === "Closed"
  if (mayThrottle && ThrottleState.shouldReject(throttle, random.nextDoubleUnsafe(), now)) {
    ThrottleState.reject(throttle, now)
    return refused(() => throttled(lane))
  }
  const mustAsk = ownWait === askFirst || credentialWait === askFirst || modelWait === askFirst
  if (!hasSlot) {
    if (mustAsk) return Slots.hasRoom(state.slots, bound) ? "ask" : "queue"
    if (!Slots.tryTake(state.slots, bound)) return "queue"
  } else if (mustAsk) return "ask"
  if (operation.lastLane !== lane) deposit(shared, operation, state, now)
  return undefined
}

/**
 * Starts an attempt, waiting for a slot and for the fleet's leave where it has to. Whoever gets one owes an `end`: call it
 * uninterruptibly, only the waits are `restore`d. Who had leave and finds it gone is refused: somebody else probes.
 */
export const begin = <S extends Started>(
  shared: Shared,
  operation: Operation,
  lane: Lane.Lane,
  restore: Restore,
  make: (state: LaneState, now: number) => S
): Effect.Effect<S, Refusal.Step> => {
  const state = stateOf(shared, operation, lane)
  const { slots } = state
  let hasAsked = false
  const enter = (hasSlot: boolean, queuedAt?: number): Effect.Effect<S, Refusal.Step> =>
    Effect.withFiber((fiber) => {
      // The lane may have begun to cool, or its circuit opened, while this operation waited.
      const now = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
      if (queuedAt !== undefined) operation.waitedMillis += now - queuedAt
      const obstacle = enterUnsafe(shared, operation, state, fiber.getRef(Random.Random), now, hasSlot)
      if (obstacle === undefined) return Effect.succeed(make(state, now))
      if (obstacle === "queue") {
        return Effect.andThen(
          shared.bulkhead.acquire(lane.id, operation.policy.bulkhead, restore),
          Effect.suspend(() => enter(true, now))
        )
      }
      if (obstacle === "ask" && !hasAsked) {
        hasAsked = true
        const leave = restore(askLeave(operation, state, now))
        const held = hasSlot ? Effect.onInterrupt(leave, () => Effect.sync(() => Slots.give(slots))) : leave
        return Effect.andThen(
          held,
          Effect.suspend(() => enter(hasSlot))
        )
      }
      if (hasSlot) Slots.give(slots)
      return obstacle === "ask" ? withoutLeave(operation, state, now) : obstacle
    })
  return enter(false)
}

const refused = (make: () => Refusal.Step): Exit.Exit<never, Refusal.Step> => Exit.fail(stackless(make))

/** Asks the fleet for leave to probe those of the lane's circuits that have to. */
const askLeave = ({ figures }: Operation, { circuits }: LaneState, now: number): Effect.Effect<void> => {
  const { breaker, credentialBreaker } = figures
  const asked: ReadonlyArray<readonly [Circuit, BreakerState.Settings]> = [
    [circuits.lane, breaker],
    [circuits.credential, credentialBreaker],
    [circuits.model, breaker]
  ]
  return Effect.forEach(
    asked.filter(([circuit, settings]) => circuit.waitMillis(now, settings) === askFirst),
    ([circuit, settings]) => circuit.askLeave(settings),
    { concurrency: "unbounded", discard: true }
  )
}

/** Nothing opens at a known time: a second is as good as any. */
const throttled = (lane: Lane.Lane): Refusal.LimitReached =>
  new Refusal.LimitReached({ lane: lane.id, reason: "throttle", retryAfter: Duration.seconds(1) })

/** Whether the provider did not take the call: it refused it, was overloaded, or was not there. */
const isUnaccepted = (failure: Failure.Failure): boolean => unaccepted.has(failure._tag)

const unaccepted: ReadonlySet<Failure.Class> = new Set([
  "RateLimit",
  "QuotaExceeded",
  "ModelOverloaded",
  "ServiceUnavailable",
  "Timeout",
  "Network"
])

/** The refusal of a probe that has asked and still would have to. */
const withoutLeave = ({ figures }: Operation, { circuits, lane }: LaneState, now: number): Refused => {
  const { breaker, credentialBreaker } = figures
  if (circuits.lane.waitMillis(now, breaker) !== 0) return circuits.lane.turnAway(lane.id, now, breaker)
  if (circuits.credential.waitMillis(now, credentialBreaker) !== 0) {
    return circuits.credential.turnAway(lane.id, now, credentialBreaker)
  }
  return circuits.model.turnAway(lane.id, now, breaker)
}

/** The headers of a response are here, and say what is left of the lane's limits. */
export const heed = (
  shared: Shared,
  operation: Operation,
  started: Started,
  said: Limits.Stated,
  now: number
): void => {
  const { lane } = started.state
  // The first word about limits comes to a request that was not counted, since there were none.
  started.pass ??= limiting.pass(gateOf(shared, operation, lane), operation, lane, now)
  Gate.correct(started.pass, said, now)
}

/** Remembers how long the lane took for an answer, or has taken so far. */
export const noteLatency = (
  shared: Shared,
  operation: Operation,
  lane: Lane.Lane,
  startedAt: number,
  endedAt: number
): void => {
  const known = stateOf(shared, operation, lane).latencies
  if (known !== undefined) LatencyQuantile.record(latencies.of(known, operation.kind), endedAt - startedAt, endedAt)
}

/** Gives everything back and tells circuits, limits, health and the bus how the attempt ended. */
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
  random: limiting.Random
): void => {
  if (started.isEnded) return
  started.isEnded = true
  const { state } = started
  const { circuits, lane } = state
  const { breaker, credentialBreaker, slowCallMillis } = operation.figures
  const failure = failureOf(exit)
  const result = resultOf(exit)
  const durationMillis = now - started.startedAt
  const firstContentMillis = firstContentMillisOf(started)
  if (result !== "Success") operation.lastedMillis = durationMillis
  if (operation.sink !== undefined) {
    const entry = { lane: lane.id, result, durationMillis, waitMillis: started.waitedMillis }
    operation.attempts.push(started.isHedge ? { ...entry, hedge: true } : entry)
  }

  if (result === "Success" && started.startedAt > state.answeredSince) state.answeredSince = started.startedAt
  const line = failure === undefined ? undefined : Disposition.of(failure)
  const isPardoned = failure !== undefined && blame.hear(operation, state, failure._tag, now)
  const hint = hintMillis(failure?.retryAfter) ?? 0
  const probedLane = isProbe(circuits.lane, started.permit)
  const probedModel = isProbe(circuits.model, started.modelPermit)
  // Slowness is told to the lane alone: its credential serves other models, and its model other places.
  const isSlow = slowestMillis(operation, durationMillis, firstContentMillis, started) > slowCallMillis
  const isHung =
    failure === undefined &&
    result !== "Success" &&
    wasHung(operation, state, result, durationMillis, firstContentMillis, now)
  const own = isHung ? "failure" : isPardoned ? "neutral" : outcomeOn("lane", result, line)
  circuits.lane.settle(started.permit, own, isSlow, result, hint, random, now, breaker)
  const credential = isPardoned ? "neutral" : outcomeOn("credential", result, line)
  circuits.credential.settle(started.credentialPermit, credential, false, result, hint, random, now, credentialBreaker)
  const model = isPardoned ? "neutral" : outcomeOn("model", result, line)
  circuits.model.settle(started.modelPermit, model, false, result, hint, random, now, breaker)
  // What was before the recovery no longer speaks about the lane.
  if ((probedLane && isClosed(circuits.lane)) || (probedModel && isClosed(circuits.model))) state.health.restart(now)
  if (started.counted !== undefined) settle(operation, started, started.counted, result, failure, random, now)
  if (started.pass !== undefined) limiting.settle(started.pass, started, failure, now)
  if (failure !== undefined && line !== undefined) react(shared, operation, started, failure, line, random, now)
  if (result === "Success" || isHung || (line?.blames === "lane" && !isPardoned)) {
    state.health.record(now, durationMillis, firstContentMillis, isHung ? "Timeout" : failure?._tag)
  }
  if (state.latencies !== undefined && result === "Success") {
    const endedAt = operation.kind === "stream" ? (started.firstContentAt ?? now) : now
    noteLatency(shared, operation, lane, started.startedAt, endedAt)
  }
  if (shared.bus.isHeard()) announce(shared, operation, started, result, failure, isPardoned, now)
  // Last, since whoever waits for the slot takes it in this same step, and must meet what has just been learnt.
  Slots.give(state.slots)
}

/** Tells the guards that are options how the attempt ended. */
const settle = (
  operation: Operation,
  started: Started,
  { adaptive, inFlight, reserved, throttle, ticket }: Counted,
  result: Event.Result,
  failure: Failure.Failure | undefined,
  random: limiting.Random,
  now: number
): void => {
  const isAnswered = result === "Success"
  if (adaptive !== undefined && (isAnswered || adapting.isDropped(failure))) {
    const since = operation.kind === "stream" ? (started.firstContentAt ?? now) : now
    const millis = since - started.startedAt
    AdaptiveLimitState.record(adaptive, millis, inFlight, !isAnswered, random.nextDoubleUnsafe(), now)
  }
  if (throttle !== undefined && failure !== undefined && isUnaccepted(failure)) ThrottleState.refuse(throttle, ticket)
  if (reserved !== undefined) {
    paying.settle(operation, reserved, paying.used(operation, started.state.lane, started, isAnswered, failure))
  }
}

/**
 * Whether an attempt that the operation's deadline has cut off says something about its lane all the same: it had at least
 * half of its own clock and longer than the lane usually takes, and nothing had come. Else a lane that hangs would never be
 * found out by operations whose time is short.
 */
const wasHung = (
  operation: Operation,
  { health }: LaneState,
  result: Event.Result,
  durationMillis: number,
  firstContentMillis: number | undefined,
  now: number
): boolean => {
  const isCut = result === "DeadlineExceeded" || (result === "Cancelled" && now >= operation.deadlineAt)
  if (!isCut || firstContentMillis !== undefined || !isLong(operation, durationMillis)) return false
  const { calls, firstContentP95Millis, p95Millis } = HealthWindow.summarise(health.window, now)
  const usual = operation.kind === "stream" ? firstContentP95Millis : p95Millis
  return calls < minimumEvidence || usual === undefined || durationMillis > usual
}

const announce = (
  shared: Shared,
  operation: Operation,
  started: Started,
  result: Event.Result,
  failure: Failure.Failure | undefined,
  isPardoned: boolean,
  now: number
): void => {
  const { firstContentAt, startedAt, waitedMillis } = started
  const { lane } = started.state
  const { account, goesOn, origin } = operation
  const used = paying.known(operation, lane, started, result === "Success", failure)
  account.add(used)
  account.waitedMillis += waitedMillis
  if (firstContentAt !== undefined) account.firstContentAt = Math.min(account.firstContentAt ?? now, firstContentAt)
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
    ...(started.isHedge ? { hedge: true } : {}),
    ...(isPardoned ? { pardoned: true } : {}),
    ...(goesOn ? { continued: true } : {}),
    ...(firstContentAt !== undefined && isCut(result) ? { truncated: true } : {}),
    waitedMillis,
    tenant: origin.tenant,
    ...amountsOf(used),
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

/** Whether an answer that had begun has not come to its end, and not because its caller left. */
export const isCut = (result: Event.Result): boolean => result !== "Success" && result !== "Cancelled"

/** What was used, as events say it. */
export const amountsOf = ({ cacheReadTokens, inputTokens, isEstimated, outputTokens, usd }: Used) => ({
  inputTokens,
  outputTokens,
  cachedTokens: cacheReadTokens,
  ...(isEstimated ? { estimated: true } : {}),
  usd
})

const firstContentMillisOf = ({ firstContentAt, startedAt }: Started): number | undefined =>
  firstContentAt === undefined ? undefined : firstContentAt - startedAt

const isProbe = (circuit: Circuit, permit: number): boolean => permit < 0 && circuit.state._tag === "HalfOpen"

const isClosed = (circuit: Circuit): boolean => circuit.state._tag === "Closed"

/** What a circuit learns from a result: only the one that the class of the failure speaks about learns more than nothing. */
const outcomeOn = (reach: Reach, result: Event.Result, line: Disposition.Disposition | undefined) => {
  if (result === "Success") return "success"
  if (result === "Defect") return reach === "lane" ? "failure" : "neutral"
  if (line === undefined || line.circuit !== reach || line.outcome === "throttled") return "neutral"
  return line.outcome
}

/** Cools the lane where the provider asked for a wait, and calls for a person where one is needed. */
const react = (
  shared: Shared,
  operation: Operation,
  started: Started,
  failure: Failure.Failure,
  line: Disposition.Disposition,
  random: limiting.Random,
  now: number
): void => {
  const { lane } = started.state
  if (line.outcome === "throttled") {
    const millis = Math.min(
      hintMillis(failure.retryAfter) ?? unhintedMillis(operation, started, failure, random),
      maxHoldMillis
    )
    if (shared.limits.coolUnsafe(lane, millis, now)) {
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

/** What of an attempt may have been slow: of a stream its first content and its gaps, of anything else all of it. */
const slowestMillis = (
  { kind }: Operation,
  durationMillis: number,
  firstContentMillis: number | undefined,
  { longestGapMillis }: Observed
): number =>
  kind === "stream" ? Math.max(firstContentMillis ?? durationMillis, longestGapMillis ?? 0) : durationMillis

/**
 * A limit without a stated wait cools for the first backoff step, spread by chance like it; a quota, for as long as an open
 * circuit, once no retry is left that could show the verdict to have been wrong.
 */
const unhintedMillis = (
  operation: Operation,
  { isRetry }: Started,
  failure: Failure.Failure,
  random: limiting.Random
): number => {
  const { breaker, retry } = operation.policy
  if (failure._tag === "QuotaExceeded" && (isRetry || retry.maxRetries === 0)) return Duration.toMillis(breaker.open)
  return RetryPolicy.delayMillis(retry, 1, Disposition.of(failure).baseFactor, 0, random.nextDoubleUnsafe())
}

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
