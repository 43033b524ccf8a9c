/** One operation while it runs: its deadline, what it has spent, and what it has seen. Owned by one fiber. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Adaptation from "../Adaptation.ts"
import type * as Event from "../Event.ts"
import * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import type { Plan, Usage } from "../Operation.ts"
import type * as Policy from "../Policy.ts"
import type * as Provenance from "../Provenance.ts"
import * as Refusal from "../Refusal.ts"
import type * as blame from "./blame.ts"
import * as figures from "./figures.ts"
import type * as Gate from "./Gate.ts"
import { Spending } from "./Spending.ts"

/** What is known of an operation's caller. */
export interface Origin {
  /** Where the caller reads how it went, if it asked. */
  readonly sink: Provenance.Collector | undefined
  readonly tenant: string | undefined
  readonly trace: Event.Trace | undefined
}

/** What an attempt has used. */
export interface Used extends Usage {
  /** In US dollars; absent where the price is not known. */
  readonly usd: number | undefined
  /** The provider has not said all of it. */
  readonly isEstimated: boolean
}

/** What an operation's attempts came to, while somebody hears of it. */
export class Account implements Used {
  waitedMillis = 0
  inputTokens: number | undefined = undefined
  outputTokens: number | undefined = undefined
  cacheReadTokens: number | undefined = undefined
  usd: number | undefined = undefined
  isEstimated = false
  /** When its first content came, of streams. */
  firstContentAt: number | undefined = undefined

  add(used: Used): void {
    this.inputTokens = sum(this.inputTokens, used.inputTokens)
    this.outputTokens = sum(this.outputTokens, used.outputTokens)
    this.cacheReadTokens = sum(this.cacheReadTokens, used.cacheReadTokens)
    this.usd = sum(this.usd, used.usd)
    this.isEstimated ||= used.isEstimated
  }
}

const sum = (a: number | undefined, b: number | undefined): number | undefined => (b === undefined ? a : (a ?? 0) + b)

/** What most operations never come to. */
class Later {
  spilled = 0
  lastedMillis = 0
  place: Gate.Place | undefined = undefined
  hasHedged = false
  /** The retry that a lane's quota has been paid for, and that has not been sent yet. */
  paid: { readonly lane: Lane.Lane; readonly cost: number } | undefined = undefined
  /** The attempts from now on go on with a stream, or begin it anew. */
  goesOn = false
  readonly account = new Account()
  estimate: { readonly lane: Lane.Lane; readonly tokens: number } | undefined = undefined
  readonly continuedFrom: Array<string> = []
  readonly witnesses: Array<blame.Witness> = []
  readonly adapted: Array<Adaptation.Adapted> = []
  readonly attempts: Array<Provenance.Attempt> = []
  readonly trail: Array<Refusal.TrailEntry> = []
}

const noLanes: ReadonlyArray<Lane.Lane> = []

export class Operation {
  readonly plan: Plan
  readonly kind: Event.Kind
  readonly figures: figures.Figures
  /** What it spends; absent where neither tokens nor money are limited. */
  readonly spending: Spending | undefined
  readonly startedAt: number
  readonly origin: Origin
  /** Requests sent so far, the one in flight included. */
  sent = 0
  /** How long the operation has just waited, for the next attempt's record. */
  waitedMillis = 0
  /** The lane of the last attempt: another one on it is a retry. */
  lastLane: Lane.Lane | undefined = undefined
  /** The lane that answered. */
  answeredBy: Lane.Lane | undefined = undefined
  /** The lanes that it may still ask beside the one whose turn it is, in order. */
  spare: ReadonlyArray<Lane.Lane> = noLanes
  /** Whether its end has been reported. */
  isOver = false
  readonly #nextId: () => string
  #id: string | undefined = undefined
  #later: Later | undefined = undefined

  constructor(plan: Plan, kind: Event.Kind, nextId: () => string, origin: Origin, now: number) {
    this.plan = plan
    this.kind = kind
    this.figures = figures.of(plan.policy)
    const { maxTokens, maxUsd } = this.figures
    this.spending = Math.min(maxTokens, maxUsd) === Number.POSITIVE_INFINITY ? undefined : new Spending(this.figures)
    this.startedAt = now
    this.origin = origin
    this.#nextId = nextId
  }

  /** Made when it is first asked for: nobody may ever ask. */
  get id(): string {
    this.#id ??= this.plan.desk?.id ?? this.#nextId()
    return this.#id
  }

  get sink(): Provenance.Collector | undefined {
    return this.origin.sink
  }

  /** What it came to so far, while somebody hears of it. */
  get account(): Account {
    return this.#rest.account
  }

  /** Whether its attempts go on with a stream, or begin it anew. */
  get goesOn(): boolean {
    return this.#later?.goesOn ?? false
  }

  set goesOn(goesOn: boolean) {
    this.#rest.goesOn = goesOn
  }

  get route(): string {
    return this.plan.route
  }

  get policy(): Policy.Policy {
    return this.plan.policy
  }

  /** The route's first lane: any other's answer is degraded. */
  get preferred(): string | undefined {
    return this.plan.lanes[0]?.id
  }

  get deadlineAt(): number {
    return this.startedAt + this.figures.totalMillis
  }

  get #rest(): Later {
    this.#later ??= new Later()
    return this.#later
  }

  /** About how many tokens its request takes on a lane; 0 where nobody knows. */
  tokensOn(lane: Lane.Lane): number {
    const { estimateTokens } = this.plan
    if (estimateTokens === undefined) return 0
    if (this.#rest.estimate?.lane !== lane) this.#rest.estimate = { lane, tokens: estimateTokens(lane) }
    return this.#rest.estimate.tokens
  }

  /** How long its last attempt without an answer took, in milliseconds. */
  get lastedMillis(): number {
    return this.#later?.lastedMillis ?? 0
  }

  set lastedMillis(millis: number) {
    this.#rest.lastedMillis = millis
  }

  /** The place it holds in the line in front of a lane. */
  get place(): Gate.Place | undefined {
    return this.#later?.place
  }

  set place(place: Gate.Place | undefined) {
    this.#rest.place = place
  }

  /** Whether it has sent its one extra attempt. */
  set paid(paid: { readonly lane: Lane.Lane; readonly cost: number }) {
    this.#rest.paid = paid
  }

  /** What was paid for the attempt on the lane that begins now; absent where it is no retry. */
  takePaid(lane: Lane.Lane): number | undefined {
    const later = this.#later
    const paid = later?.paid
    if (later === undefined || paid === undefined || paid.lane !== lane) return undefined
    later.paid = undefined
    return paid.cost
  }

  /** How often it has gone on rather than stand in a lane's line. */
  get spilled(): number {
    return this.#later?.spilled ?? 0
  }

  set spilled(times: number) {
    this.#rest.spilled = times
  }

  get hasHedged(): boolean {
    return this.#later?.hasHedged ?? false
  }

  set hasHedged(hasHedged: boolean) {
    this.#rest.hasHedged = hasHedged
  }

  /** Every attempt so far, in order, where the caller asked how it went. */
  get attempts(): Array<Provenance.Attempt> {
    return this.#rest.attempts
  }

  /** The lanes whose part of a stream others have gone on behind, in order. */
  get continuedFrom(): Array<string> {
    return this.#rest.continuedFrom
  }

  /** What lanes have changed in the meaning of its request, where the caller asked how it went. */
  get adapted(): Array<Adaptation.Adapted> {
    return this.#rest.adapted
  }

  /** The lanes that broke on its request. */
  get witnesses(): Array<blame.Witness> {
    return this.#rest.witnesses
  }

  /** How each lane ended. */
  get trail(): Array<Refusal.TrailEntry> {
    return this.#rest.trail
  }
}

/** Whether an attempt that has taken so long has had at least half of its clock: it was silence, not a quick refusal. */
export const isLong = ({ figures, kind, policy }: Operation, millis: number): boolean =>
  millis * 2 >= (kind === "stream" ? Duration.toMillis(policy.clocks.firstContent) : figures.plainAttemptMillis)

/** The rule that classified the failure an operation ended with. */
export const ruleOf = (exit: Exit.Exit<unknown, Failure.Failure | Refusal.Refusal>): string | undefined => {
  const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
  return error !== undefined && Failure.isFailure(error) ? error.rule : undefined
}

/** Whether a step's error says that nothing further may be tried. */
export const isFinal = (error: Failure.Failure | Refusal.Step): boolean =>
  error._tag === "DeadlineExceeded" ||
  // Where tokens or money are short, a cheaper lane may still do.
  (error._tag === "BudgetExhausted" && error.budget === "attempts")

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
  degraded: isDegraded(operation),
  cached: false,
  stale: false,
  coalesced: false,
  ...(operation.adapted.length === 0 ? {} : { adapted: [...operation.adapted] }),
  ...(operation.continuedFrom.length === 0 ? {} : { continuedFrom: [...operation.continuedFrom] })
})

/** Whether another lane than the route's first has answered. */
export const isDegraded = (operation: Operation): boolean =>
  operation.answeredBy !== undefined && operation.answeredBy.id !== operation.preferred
