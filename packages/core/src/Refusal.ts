/**
 * Our own decision not to call: nothing was sent, nobody failed. A refusal is never recorded by a circuit and never
 * retried in place; it can always be told from a provider's failure by its tag.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Failure from "./Failure.ts"

/** The lane's circuit (or a wider one it shares) is open. */
export class CircuitOpen extends Schema.TaggedError<CircuitOpen>()("CircuitOpen", {
  lane: Schema.String,
  /** Which circuit refused: the lane's own, or the one of its credential, model or provider. */
  circuit: Schema.String,
  /** Until the next probe may go. Absent while a person holds the circuit open. */
  retryAfter: Schema.optional(Schema.DurationFromMillis),
  /** Why a person holds it open. */
  held: Schema.optional(Schema.String)
}) {
  override get message() {
    if (this.held !== undefined) return `The circuit ${this.circuit} is held open: ${this.held}`
    const wait = this.retryAfter === undefined ? "" : ` for another ${Duration.format(this.retryAfter)}`
    return `The circuit ${this.circuit} is open${wait}`
  }
}

/**
 * The lane has no free slot, and its queue is full, the wait in the queue was too long, or another lane has a slot free, so
 * that nobody stands in line here.
 */
export class BulkheadFull extends Schema.TaggedError<BulkheadFull>()("BulkheadFull", {
  lane: Schema.String,
  reason: Schema.Literals(["queue-full", "queue-timeout", "spilled-over"]),
  maxConcurrent: Schema.Int,
  maxQueue: Schema.Int
}) {
  override get message() {
    switch (this.reason) {
      case "queue-full":
        return `${this.lane} already runs ${this.maxConcurrent} calls and ${this.maxQueue} wait`
      case "queue-timeout":
        return `${this.lane} had no free slot in time (${this.maxConcurrent} calls at once)`
      case "spilled-over":
        return `${this.lane} already runs ${this.maxConcurrent} calls, and another lane has a slot free`
    }
  }
}

/**
 * What a lane waits for: the end of a cool-down that the provider asked for, room under a limit of requests or of tokens,
 * or nothing (`throttle`): so few calls are accepted there that this one was not worth sending.
 */
export const Limit = Schema.Literals(["cooling", "requests", "tokens", "throttle"])
export type Limit = typeof Limit.Type

/** The lane would answer "too many requests", so it was not asked. */
export class LimitReached extends Schema.TaggedError<LimitReached>()("LimitReached", {
  lane: Schema.String,
  reason: Limit,
  /** Until the operation may ask. */
  retryAfter: Schema.DurationFromMillis
}) {
  override get message() {
    const wait = Duration.format(this.retryAfter)
    switch (this.reason) {
      case "cooling":
        return `${this.lane} is cooling for another ${wait}`
      case "requests":
      case "tokens":
        return `${this.lane} has no ${this.reason} left for another ${wait}`
      case "throttle":
        return `${this.lane} accepts too few calls to send it every one`
    }
  }
}

/** The operation's own time is over, or the next step would end after it. */
export class DeadlineExceeded extends Schema.TaggedError<DeadlineExceeded>()("DeadlineExceeded", {
  /** The whole time the operation had. */
  total: Schema.DurationFromMillis
}) {
  override get message() {
    return `The operation did not finish within ${Duration.format(this.total)}`
  }
}

/** What one operation may spend of. */
export const Budget = Schema.Literals(["attempts", "tokens", "usd"])
export type Budget = typeof Budget.Type

/** The operation may make no further attempt: they are used up, or what another one may cost is more than is left. */
export class BudgetExhausted extends Schema.TaggedError<BudgetExhausted>()("BudgetExhausted", {
  budget: Budget,
  /** All of the budget: attempts, tokens, or US dollars. */
  limit: Schema.Number
}) {
  override get message() {
    switch (this.budget) {
      case "attempts":
        return `The operation has used its ${this.limit} attempts`
      case "tokens":
        return `The operation's budget of ${this.limit} tokens has no room for another attempt`
      case "usd":
        return `The operation's budget of $${this.limit} has no room for another attempt`
    }
  }
}

/** No lane of the route can serve what the request needs. */
export class NoCapableLane extends Schema.TaggedError<NoCapableLane>()("NoCapableLane", {
  route: Schema.String,
  /** One line per lane: what it lacks. */
  missing: Schema.Array(Schema.String)
}) {
  override get message() {
    return `No lane of ${this.route} can serve the request: ${this.missing.join("; ")}`
  }
}

/** A refusal that concerns one step of an operation. */
export const Step = Schema.Union([
  CircuitOpen,
  BulkheadFull,
  LimitReached,
  DeadlineExceeded,
  BudgetExhausted,
  NoCapableLane
])
export type Step = typeof Step.Type

/** One lane that was considered, and how it ended there. */
export const TrailEntry = Schema.Struct({
  lane: Schema.String,
  /** Attempts sent to this lane; 0 when we refused to call it. */
  attempts: Schema.Int,
  error: Schema.Union([Failure.Failure, Step])
})
export type TrailEntry = typeof TrailEntry.Type

/** Every capable lane was tried or refused; the trail says how each ended. */
export class AllLanesFailed extends Schema.TaggedError<AllLanesFailed>()("AllLanesFailed", {
  route: Schema.String,
  trail: Schema.Array(TrailEntry),
  /** Until the earliest lane opens again, where one is open or cooling. */
  retryAfter: Schema.optional(Schema.DurationFromMillis),
  /** The instant of that. */
  reopensAt: Schema.optional(Schema.DateTimeUtcFromMillis),
  /**
   * `request`: lanes of two providers have failed on it alike while they answer others, so it was not sent to any further
   * one. Sent again as it is, it would fail again.
   */
  blames: Schema.optional(Schema.Literal("request"))
}) {
  override get message() {
    const steps = this.trail.map(stepOf).join(", ")
    if (this.blames === "request")
      return `The request breaks the lanes of ${this.route}, which answer others (${steps})`
    const wait = this.retryAfter === undefined ? "" : `; the earliest opens in ${Duration.format(this.retryAfter)}`
    return `All lanes of ${this.route} failed (${steps}${wait})`
  }
}

const stepOf = ({ attempts, error, lane }: TrailEntry): string =>
  `${lane}: ${error._tag}${attempts > 1 ? ` after ${attempts} attempts` : ""}`

/** Any refusal, as a codec. */
export const Refusal = Schema.Union([
  CircuitOpen,
  BulkheadFull,
  LimitReached,
  DeadlineExceeded,
  BudgetExhausted,
  NoCapableLane,
  AllLanesFailed
])
export type Refusal = typeof Refusal.Type

/** Whether a value is a refusal. */
export const isRefusal: (u: unknown) => u is Refusal = Schema.is(Refusal)
