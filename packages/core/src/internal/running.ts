/** One operation while it runs: its deadline, what it has spent, and what it has seen. Owned by one fiber. */
import type * as Event from "../Event.ts"
import type * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import type * as Policy from "../Policy.ts"
import type * as Provenance from "../Provenance.ts"
import * as Refusal from "../Refusal.ts"
import * as Duration from "effect/Duration"

export interface Operation {
  readonly id: string
  readonly route: string
  readonly kind: Event.Kind
  readonly policy: Policy.Policy
  readonly startedAt: number
  readonly deadlineAt: number
  /** Every attempt so far, in order. */
  readonly attempts: Array<Provenance.Attempt>
  /** Requests sent so far, the one in flight included. */
  sent: number
  /** How long the operation has just waited, for the next attempt's record. */
  waitedMillis: number
  /** How each lane ended. */
  readonly trail: Array<Refusal.TrailEntry>
  /** The lane that answered. */
  answeredBy: Lane.Lane | undefined
  /** The route's first lane: any other's answer is degraded. */
  readonly preferred: string | undefined
}

export const make = (options: {
  readonly id: string
  readonly route: string
  readonly kind: Event.Kind
  readonly policy: Policy.Policy
  readonly now: number
  readonly preferred: string | undefined
}): Operation => ({
  id: options.id,
  route: options.route,
  kind: options.kind,
  policy: options.policy,
  startedAt: options.now,
  deadlineAt: options.now + Duration.toMillis(options.policy.clocks.total),
  attempts: [],
  sent: 0,
  waitedMillis: 0,
  trail: [],
  answeredBy: undefined,
  preferred: options.preferred
})

/** Whether a step's error says that nothing further may be tried. */
export const isFinal = (error: Failure.Failure | Refusal.Step): boolean =>
  error._tag === "DeadlineExceeded" || error._tag === "BudgetExhausted" || error._tag === "Cancelled"

export const deadlineExceeded = (operation: Operation): Refusal.DeadlineExceeded =>
  new Refusal.DeadlineExceeded({ total: operation.policy.clocks.total })

export const provenanceOf = (operation: Operation): Provenance.Provenance => ({
  operation: operation.id,
  route: operation.route,
  lane: operation.answeredBy?.id,
  model: operation.answeredBy?.model,
  attempts: [...operation.attempts],
  degraded: operation.answeredBy !== undefined && operation.answeredBy.id !== operation.preferred
})
