/**
 * The guards of one attempt: peek at the circuits, the limits, the bulkhead, the admission. Whoever has `Started` an attempt
 * owes an `end` of `ending.ts`. Everything but the wait for a slot is synchronous, so that nothing can come between looking
 * and taking.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import type * as Lane from "../Lane.ts"
import * as Refusal from "../Refusal.ts"
import type * as BreakerState from "./BreakerState.ts"
import type { Circuit, Refused } from "./Circuit.ts"
import * as ThrottleState from "./ThrottleState.ts"
import * as Gate from "./Gate.ts"
import * as limiting from "./limiting.ts"
import * as paying from "./paying.ts"
import { askFirst } from "./Probing.ts"
import type { Operation } from "./running.ts"
import * as Slots from "./Slots.ts"
import * as spilling from "./spilling.ts"
import { stackless } from "./stackless.ts"
import type { LaneState, Shared } from "./laneState.ts"
import * as laneState from "./laneState.ts"
import type { Started } from "./Started.ts"

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

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
  if (state.figures !== operation.figures) laneState.face(shared, operation, state)
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
  const gate = laneState.gateIn(shared, operation, state)
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
  if (operation.lastLane !== lane) laneState.deposit(shared, operation, state, now)
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
  const state = laneState.stateOf(shared, operation, lane)
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
        if (spilling.shouldSpill(shared, operation, lane, now)) return refused(() => spilledOver(operation, state))
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

const spilledOver = ({ policy }: Operation, { bound, lane }: LaneState): Refusal.BulkheadFull =>
  new Refusal.BulkheadFull({
    lane: lane.id,
    reason: "spilled-over",
    maxConcurrent: Slots.numberOf(bound),
    maxQueue: policy.bulkhead.maxQueue
  })

/** Nothing opens at a known time: a second is as good as any. */
const throttled = (lane: Lane.Lane): Refusal.LimitReached =>
  new Refusal.LimitReached({ lane: lane.id, reason: "throttle", retryAfter: Duration.seconds(1) })

/** The refusal of a probe that has asked and still would have to. */
const withoutLeave = ({ figures }: Operation, { circuits, lane }: LaneState, now: number): Refused => {
  const { breaker, credentialBreaker } = figures
  if (circuits.lane.waitMillis(now, breaker) !== 0) return circuits.lane.turnAway(lane.id, now, breaker)
  if (circuits.credential.waitMillis(now, credentialBreaker) !== 0) {
    return circuits.credential.turnAway(lane.id, now, credentialBreaker)
  }
  return circuits.model.turnAway(lane.id, now, breaker)
}
