/** When lanes that are closed to calls open again, and waiting for the first of them. */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Lane from "../Lane.ts"
import type * as BreakerState from "./BreakerState.ts"
import type { Circuit } from "./Circuit.ts"
import * as laneState from "./laneState.ts"
import * as limiting from "./limiting.ts"
import type { Operation } from "./running.ts"

/**
 * Waits until one of the lanes may be called. False when that would be too late. Where limits keep it closed the operation
 * takes a turn in the lane's line; where a circuit does, it leaves at an instant of its own after the circuit has closed.
 */
export const wait = (
  shared: laneState.Shared,
  operation: Operation,
  lanes: ReadonlyArray<Lane.Lane>
): Effect.Effect<boolean> => {
  const states = lanes.map((lane) => laneState.stateOf(shared, operation, lane))
  return Effect.acquireUseRelease(
    Effect.sync(() => {
      for (const state of states) state.waiting += 1
    }),
    () => untilOpen(shared, operation, lanes, states),
    () =>
      Effect.sync(() => {
        for (const state of states) state.waiting -= 1
      })
  )
}

const untilOpen = Effect.fnUntraced(function* (
  shared: laneState.Shared,
  operation: Operation,
  lanes: ReadonlyArray<Lane.Lane>,
  states: ReadonlyArray<laneState.LaneState>
): Effect.fn.Return<boolean> {
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const since = clock.currentTimeMillisUnsafe()
  let announced: Lane.Lane | undefined
  let isFreed = false
  while (true) {
    // Subscribe before looking, so that a change in between is not missed.
    const verdicts = states.flatMap(({ circuits }) => Object.values(circuits).map((circuit) => circuit.nextVerdict()))
    const now = clock.currentTimeMillisUnsafe()
    const soonest = soonestOf(shared, operation, lanes, now)
    if (soonest === undefined) return false
    const { lane } = soonest
    const millis: number | undefined =
      soonest.millis > 0
        ? turnMillis(shared, operation, soonest, random, now)
        : isFreed
          ? spreadMillis(operation, laneState.stateOf(shared, operation, lane).waiting, random, now)
          : 0
    if (millis === undefined || now + millis >= operation.deadlineAt) return false
    if (millis === 0) {
      operation.waitedMillis += now - since
      return true
    }
    if (soonest.millis > 0 && lane !== announced) {
      announced = lane
      yield* shared.bus.publish({
        _tag: "WaitingForLane",
        operation: operation.id,
        route: operation.route,
        lane: lane.id,
        delayMillis: millis
      })
    }
    const pause: Effect.Effect<boolean> = Effect.as(Effect.sleep(Duration.millis(millis)), false)
    // Whoever leaves with a spread has seen the change already.
    isFreed = yield* soonest.millis === 0
      ? pause
      : Effect.raceAllFirst([pause, ...verdicts.map((verdict) => Effect.as(verdict, true))])
  }
})

interface Soonest {
  readonly lane: Lane.Lane
  /** Whole: a fraction too small to move the clock would end at once, and for ever. */
  readonly millis: number
}

const soonestOf = (
  shared: laneState.Shared,
  operation: Operation,
  lanes: ReadonlyArray<Lane.Lane>,
  now: number
): Soonest | undefined => {
  let soonest: Soonest | undefined
  for (const lane of lanes) {
    const millis = Math.ceil(
      Math.max(
        verdictMillis(shared, operation, lane, now),
        limiting.waitMillis(laneState.gateOf(shared, operation, lane), operation, lane, now)
      )
    )
    if (soonest === undefined || millis < soonest.millis) soonest = { lane, millis }
  }
  return soonest
}

/** When to look at the lane again: at its turn, where limits keep it closed. `undefined` when that would be too late. */
const turnMillis = (
  shared: laneState.Shared,
  operation: Operation,
  { lane, millis }: Soonest,
  random: limiting.Random,
  now: number
): number | undefined => {
  const gate = laneState.gateOf(shared, operation, lane)
  if (limiting.waitMillis(gate, operation, lane, now) === 0) return millis
  const turn = limiting.join(gate, operation, lane, operation.deadlineAt - now - 1, random, now)
  return turn === undefined ? undefined : Math.max(millis, turn)
}

/** When to look at the lane's circuits again, at the latest. */
const verdictMillis = (shared: laneState.Shared, operation: Operation, lane: Lane.Lane, now: number): number => {
  const patience = Duration.toMillis(operation.policy.retry.patience)
  const { breaker, credentialBreaker } = operation.figures
  const { circuits } = laneState.stateOf(shared, operation, lane)
  const millisOf = (circuit: Circuit, settings: BreakerState.Settings): number => {
    const millis = circuit.waitMillis(now, settings)
    // A probe that is under way decides long before its lease ends; patience bounds the wait for it.
    return circuit.isProbed(now) ? Math.min(millis, patience) : millis
  }
  return Math.max(
    0,
    millisOf(circuits.lane, breaker),
    millisOf(circuits.credential, credentialBreaker),
    millisOf(circuits.model, breaker)
  )
}

/**
 * How long an operation still waits after a circuit has closed, so that all who waited do not leave in one instant: by
 * chance within half a second for as many as run at once, one second at most, and half of the time it has left.
 */
const spreadMillis = (operation: Operation, waiting: number, random: limiting.Random, now: number): number => {
  const width = Math.min((500 * waiting) / operation.figures.maxConcurrent, 1000, (operation.deadlineAt - now) / 2)
  return Math.floor(limiting.chanceOf(operation, random) * width)
}

/** How long until the first of the closed lanes opens, and when that is; nothing when none is closed, or only by hand. */
export const earliest = (
  shared: laneState.Shared,
  operation: Operation,
  lanes: ReadonlyArray<Lane.Lane>
): Effect.Effect<{ readonly retryAfter?: Duration.Duration; readonly reopensAt?: DateTime.Utc }> =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const waits = lanes
      .map((lane) => laneState.waitMillis(shared, operation, lane, now))
      .filter((millis) => millis > 0 && Number.isFinite(millis))
    if (waits.length === 0) return {}
    const millis = Math.ceil(Math.min(...waits))
    return { retryAfter: Duration.millis(millis), reopensAt: DateTime.makeUnsafe(now + millis) }
  })
