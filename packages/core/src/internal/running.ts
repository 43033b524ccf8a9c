/** One operation while it runs: its deadline, what it has spent, and what it has seen. Owned by one fiber. */
import * as Duration from "effect/Duration"
import type * as Event from "../Event.ts"
import * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import type * as Policy from "../Policy.ts"
import type * as Provenance from "../Provenance.ts"
import * as Refusal from "../Refusal.ts"

export interface Operation {
  /** Made when it is first asked for: nobody may ever ask. */
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
  /** Whether its end has been reported. */
  isOver: boolean
  /** The route's first lane: any other's answer is degraded. */
  readonly preferred: string | undefined
  /** Where the caller reads how it went, if it asked. */
  readonly sink: Provenance.Collector | undefined
}

export const make = (options: {
  readonly nextId: () => string
  readonly route: string
  readonly kind: Event.Kind
  readonly policy: Policy.Policy
  readonly now: number
  readonly preferred: string | undefined
  readonly sink: Provenance.Collector | undefined
}): Operation => new Running(options)

class Running implements Operation {
  readonly route: string
  readonly kind: Event.Kind
  readonly policy: Policy.Policy
  readonly startedAt: number
  readonly deadlineAt: number
  readonly attempts: Array<Provenance.Attempt> = []
  sent = 0
  waitedMillis = 0
  readonly trail: Array<Refusal.TrailEntry> = []
  answeredBy: Lane.Lane | undefined
  isOver = false
  readonly preferred: string | undefined
  readonly sink: Provenance.Collector | undefined
  readonly #nextId: () => string
  #id: string | undefined

  constructor(options: Parameters<typeof make>[0]) {
    this.route = options.route
    this.kind = options.kind
    this.policy = options.policy
    this.startedAt = options.now
    this.deadlineAt = options.now + Duration.toMillis(options.policy.clocks.total)
    this.preferred = options.preferred
    this.sink = options.sink
    this.#nextId = options.nextId
  }

  get id(): string {
    this.#id ??= this.#nextId()
    return this.#id
  }
}

/** Whether a step's error says that nothing further may be tried. */
export const isFinal = (error: Failure.Failure | Refusal.Step): boolean =>
  error._tag === "DeadlineExceeded" || error._tag === "BudgetExhausted"

/**
 * Notes how a lane ended; a lane that was visited again, after it reopened, has one entry with all its attempts. A refusal
 * does not hide the provider's failure that came before it.
 */
export const note = (operation: Operation, entry: Refusal.TrailEntry): void => {
  const { trail } = operation
  const index = trail.findIndex((known) => known.lane === entry.lane)
  const [before] = index === -1 ? [] : trail.splice(index, 1)
  trail.push({
    lane: entry.lane,
    attempts: entry.attempts + (before?.attempts ?? 0),
    error:
      before !== undefined && Failure.isFailure(before.error) && !Failure.isFailure(entry.error)
        ? before.error
        : entry.error
  })
}

/** Writes down where the answer came from, for whoever asked. */
export const report = (operation: Operation): void => {
  if (operation.sink !== undefined) operation.sink.provenance = provenanceOf(operation)
}

export const deadlineExceeded = (operation: Operation): Refusal.DeadlineExceeded =>
  new Refusal.DeadlineExceeded({ total: operation.policy.clocks.total })

const provenanceOf = (operation: Operation): Provenance.Provenance => ({
  operation: operation.id,
  route: operation.route,
  lane: operation.answeredBy?.id,
  model: operation.answeredBy?.model,
  sent: operation.sent,
  attempts: [...operation.attempts],
  degraded: isDegraded(operation)
})

/** Whether another lane than the route's first has answered. */
export const isDegraded = (operation: Operation): boolean =>
  operation.answeredBy !== undefined && operation.answeredBy.id !== operation.preferred
