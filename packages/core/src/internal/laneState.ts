/**
 * What is kept of each lane, looked up once: its circuits, slots, limits, budget, throttle and health, and how long it is
 * closed to an operation. Synchronous; owned by the services it is looked up in.
 */
import type * as Bulkhead from "../Bulkhead.ts"
import type * as CircuitBreaker from "../CircuitBreaker.ts"
import type * as EventBus from "../EventBus.ts"
import type * as Health from "../Health.ts"
import * as Lane from "../Lane.ts"
import type * as Limits from "../Limits.ts"
import type * as RetryBudget from "../RetryBudget.ts"
import type * as RetryQuota from "../RetryQuota.ts"
import type * as Throttle from "../Throttle.ts"
import type { Circuit } from "./Circuit.ts"
import type { Figures } from "./figures.ts"
import type * as ThrottleState from "./ThrottleState.ts"
import type * as Gate from "./Gate.ts"
import type * as latencies from "./latencies.ts"
import * as limiting from "./limiting.ts"
import * as RetryBudgetState from "./RetryBudgetState.ts"
import * as RetryQuotaState from "./RetryQuotaState.ts"
import type { Operation } from "./running.ts"
import * as Slots from "./Slots.ts"

/** The state that lanes share, over all operations. */
export interface Shared {
  readonly breaker: CircuitBreaker.CircuitBreaker["Service"]
  readonly bulkhead: Bulkhead.Bulkhead["Service"]
  readonly limits: Limits.Limits["Service"]
  readonly retryBudget: RetryBudget.RetryBudget["Service"]
  readonly retryQuota: RetryQuota.RetryQuota["Service"]
  readonly throttle: Throttle.Throttle["Service"]
  readonly health: Health.Health["Service"]
  readonly bus: EventBus.EventBus["Service"]
  /** What has been looked up of a lane, so that it is looked up once. */
  readonly lanes: WeakMap<Lane.Lane, LaneState>
}

/** What a circuit speaks about. */
export type Reach = "lane" | "credential" | "model"

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
  /** How many may run at once, its throttle and its retry quota, under the numbers it was last asked with. */
  bound: Slots.Bound
  throttle: ThrottleState.Throttle | undefined
  quota: RetryQuotaState.RetryQuota | undefined
  figures: Figures
  /** How long its answers take, where somebody hedges. */
  latencies: latencies.Latencies | undefined
  /** Operations that wait for it to be open to calls. */
  waiting: number
  /** When the latest of the requests that it has answered was sent. */
  answeredSince: number
}

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
    throttle: throttleOf(shared, figures, lane),
    quota: quotaOf(shared, figures, lane),
    figures,
    latencies: undefined,
    waiting: 0,
    answeredSince: Number.NEGATIVE_INFINITY
  }
  shared.lanes.set(lane, state)
  return state
}

/** Looks up what a policy has of its own on the lane. Nearly always all its operations have the same one. */
export const face = (shared: Shared, { figures, policy }: Operation, state: LaneState): void => {
  state.figures = figures
  state.bound = shared.bulkhead.boundUnsafe(state.lane.id, policy.bulkhead)
  state.throttle = throttleOf(shared, figures, state.lane)
  state.quota = quotaOf(shared, figures, state.lane)
}

const throttleOf = (shared: Shared, { throttle }: Figures, { id }: Lane.Lane): ThrottleState.Throttle | undefined =>
  throttle === undefined ? undefined : shared.throttle.throttleUnsafe(id, throttle)

const quotaOf = (shared: Shared, { retryQuota }: Figures, { id }: Lane.Lane): RetryQuotaState.RetryQuota | undefined =>
  retryQuota === undefined ? undefined : shared.retryQuota.quotaUnsafe(id, retryQuota)

/** What is kept of the lane, as the operation's policy has it. */
const facing = (shared: Shared, operation: Operation, lane: Lane.Lane): LaneState => {
  const state = stateOf(shared, operation, lane)
  if (state.figures !== operation.figures) face(shared, operation, state)
  return state
}

const budgetIn = (shared: Shared, { policy }: Operation, state: LaneState): RetryBudgetState.RetryBudget => {
  const { retryBudget } = policy
  if (state.budgetSettings !== retryBudget) {
    state.budget = shared.retryBudget.budgetUnsafe(state.lane.id, retryBudget)
    state.budgetSettings = retryBudget
  }
  return state.budget
}

/** One call more that pays for the lane's retries. */
export const deposit = (shared: Shared, operation: Operation, state: LaneState, now: number): void =>
  RetryBudgetState.deposit(budgetIn(shared, operation, state), now)

/** Takes an extra attempt beside a slow one out of the lane's budget. False: there is nothing to pay it with. */
export const tryPayHedge = (shared: Shared, operation: Operation, lane: Lane.Lane, now: number): boolean =>
  RetryBudgetState.tryWithdraw(budgetIn(shared, operation, stateOf(shared, operation, lane)), now)

/** Takes a retry out of the lane's budget and its quota, or says what of them is spent and takes nothing. */
export const payRetry = (
  shared: Shared,
  operation: Operation,
  lane: Lane.Lane,
  isThrottled: boolean,
  now: number
): "budget" | "quota" | undefined => {
  const state = facing(shared, operation, lane)
  const { quota } = state
  const cost = quota === undefined ? 0 : RetryQuotaState.costOf(quota, isThrottled)
  if (quota !== undefined && !RetryQuotaState.canPay(quota, cost)) return "quota"
  if (!RetryBudgetState.tryWithdraw(budgetIn(shared, operation, state), now)) return "budget"
  if (quota !== undefined) {
    RetryQuotaState.pay(quota, cost)
    operation.paid = { lane, cost }
  }
  return undefined
}

/** The gate that the operation's requests to the lane have to pass. */
export const gateOf = (shared: Shared, operation: Operation, lane: Lane.Lane): Gate.Gate =>
  gateIn(shared, operation, stateOf(shared, operation, lane))

export const gateIn = (shared: Shared, { policy }: Operation, state: LaneState): Gate.Gate => {
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
  const { bound, slots } = facing(shared, operation, lane)
  return Slots.hasRoom(slots, bound)
}
