/** What is the case now: circuits, lanes, limits and budgets, as metrics that are read. */
import * as Bulkhead from "@holdfast/core/Bulkhead"
import * as CircuitBreaker from "@holdfast/core/CircuitBreaker"
import * as EventBus from "@holdfast/core/EventBus"
import * as Health from "@holdfast/core/Health"
import * as HealthStatus from "@holdfast/core/HealthStatus"
import type * as Lane from "@holdfast/core/Lane"
import * as Limits from "@holdfast/core/Limits"
import type * as Policy from "@holdfast/core/Policy"
import * as RetryBudget from "@holdfast/core/RetryBudget"
import * as Throttle from "@holdfast/core/Throttle"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Names from "../Names.ts"
import { reading, type Reading } from "./Series.ts"

/** A lane with the policy it is called under: limits and budgets are known by both. */
export interface Watched {
  readonly lane: Lane.Lane
  readonly policy: Policy.Policy
}

export type Services =
  | Bulkhead.Bulkhead
  | CircuitBreaker.CircuitBreaker
  | EventBus.EventBus
  | Health.Health
  | Limits.Limits
  | RetryBudget.RetryBudget
  | Throttle.Throttle

const states = ["closed", "open", "half-open"] as const

export const read = Effect.fnUntraced(function* (
  watched: ReadonlyArray<Watched>
): Effect.fn.Return<ReadonlyArray<Reading>, never, Services> {
  const bus = yield* EventBus.EventBus
  return [
    reading("info", { version: String(Names.version) }, 1),
    reading("eventsDropped", {}, yield* bus.dropped),
    ...(yield* circuits),
    ...(yield* lanes),
    ...(yield* Effect.forEach(watched, limits)).flat()
  ]
})

const circuits = Effect.map(
  CircuitBreaker.CircuitBreaker.use((breaker) => breaker.list),
  (list) =>
    list.flatMap(({ circuit, holds, state }) => [
      ...states.map((one) => reading("circuitState", { circuit, state: one }, Number(one === state))),
      ...[...Map.groupBy(holds, ({ mode }) => mode)].map(([mode, held]) =>
        reading("circuitHolds", { circuit, mode }, held.length)
      )
    ])
)

const lanes = Effect.gen(function* () {
  const bulkhead = yield* Bulkhead.Bulkhead
  const throttle = yield* Throttle.Throttle
  const snapshots = yield* Health.Health.use((health) => health.snapshots)
  const all = yield* Effect.forEach(snapshots, ({ lane, status, successRate }) =>
    Effect.gen(function* () {
      const { limit, running, waiting } = yield* bulkhead.snapshot(lane)
      const { probability } = yield* throttle.snapshot(lane)
      return [
        ...HealthStatus.HealthStatus.literals.map((one) =>
          reading("laneStatus", { lane, status: one }, Number(one === status))
        ),
        reading("laneSuccess", { lane }, successRate),
        reading("laneRunning", { lane }, running),
        reading("laneWaiting", { lane }, waiting),
        ...(limit === undefined ? [] : [reading("laneLimit", { lane }, limit)]),
        reading("throttle", { lane }, probability)
      ]
    })
  )
  return all.flat()
})

const limits = Effect.fnUntraced(function* ({ lane, policy }: Watched) {
  const { cooling, requests, tokens, waiting } = yield* Limits.Limits.use((limits) => limits.snapshot(lane))
  const balance = yield* RetryBudget.RetryBudget.use((budget) => budget.balance(lane.id, policy.retryBudget))
  return [
    reading("laneCooling", { lane: lane.id }, Duration.toSeconds(cooling)),
    reading("limitWaiting", { lane: lane.id }, waiting),
    ...(requests === undefined ? [] : [reading("limitRemaining", { lane: lane.id, limit: "requests" }, requests)]),
    ...(tokens === undefined ? [] : [reading("limitRemaining", { lane: lane.id, limit: "tokens" }, tokens)]),
    reading("retryBudget", { lane: lane.id }, balance)
  ]
})
