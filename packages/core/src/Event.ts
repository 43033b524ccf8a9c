/**
 * What happened, as data: every transition and decision of the pipeline. Sinks (log, store, alerts, dashboard) live on
 * these alone. No prompt, answer or key is in any of them.
 */
import * as Schema from "effect/Schema"
import * as Adaptation from "./Adaptation.ts"
import * as Failure from "./Failure.ts"
import * as HealthStatus from "./HealthStatus.ts"
import * as Refusal from "./Refusal.ts"

const base = {
  /** Unique over processes and restarts; a replay carries the same id. */
  id: Schema.String,
  /** When it happened, in milliseconds since the epoch. */
  at: Schema.Number
}
const laneFields = {
  lane: Schema.String,
  provider: Schema.String,
  model: Schema.String
}
const operationFields = {
  /** The operation it belongs to. */
  operation: Schema.String,
  route: Schema.String
}

/** What the caller asked for. */
export const Kind = Schema.Literals(["text", "stream", "embed", "effect"])
export type Kind = typeof Kind.Type

/** The span an operation is part of, in W3C's terms. */
export const Trace = Schema.Struct({ traceId: Schema.String, spanId: Schema.String, sampled: Schema.Boolean })
export type Trace = typeof Trace.Type

/** How an attempt or an operation ended. */
export const Result = Schema.Union([
  Schema.Literals(["Success", "CircuitOpen", "BulkheadFull", "LimitReached", "DeadlineExceeded"]),
  Schema.Literals(["BudgetExhausted", "NoCapableLane", "AllLanesFailed", "Defect"]),
  Failure.Class
])
export type Result = typeof Result.Type

/** What was used, as far as anybody knows. */
const amounts = {
  inputTokens: Schema.optional(Schema.Number),
  outputTokens: Schema.optional(Schema.Number),
  /** Of the input, what the provider had in its cache. */
  cachedTokens: Schema.optional(Schema.Number),
  /** The provider has not said all of it; what it has not said was estimated. */
  estimated: Schema.optional(Schema.Boolean),
  /** What it costs in US dollars, where the price is known. */
  usd: Schema.optional(Schema.Number)
}

/** One request to one provider ended, in any way, also by interruption (`Cancelled`). */
export const AttemptEnded = Schema.TaggedStruct("AttemptEnded", {
  ...base,
  ...operationFields,
  ...laneFields,
  credential: Schema.String,
  kind: Kind,
  /** 1 for the operation's first attempt, counted over all lanes. */
  attempt: Schema.Int,
  startedAt: Schema.Number,
  durationMillis: Schema.Number,
  /** From the start of the attempt to the first content, for streams. */
  firstContentMillis: Schema.optional(Schema.Number),
  result: Result,
  /** It was sent beside another attempt that was slow. */
  hedge: Schema.optional(Schema.Boolean),
  /** What the lane changed in the meaning of the request to send it. */
  adapted: Schema.optional(Schema.Array(Adaptation.Code)),
  /** It was not held against the lane: another credential or provider has failed on the request in the same way. */
  pardoned: Schema.optional(Schema.Boolean),
  rule: Schema.optional(Schema.String),
  status: Schema.optional(Schema.Int),
  providerCode: Schema.optional(Schema.String),
  requestId: Schema.optional(Schema.String),
  retryAfterMillis: Schema.optional(Schema.Number),
  /** Our sentence about the failure, without prompt, body or key. */
  message: Schema.optional(Schema.String),
  /** It goes on with a stream that another attempt began, or begins it anew. */
  continued: Schema.optional(Schema.Boolean),
  /** A stream that broke off behind its first content. */
  truncated: Schema.optional(Schema.Boolean),
  /** How long the operation waited right before it. */
  waitedMillis: Schema.optional(Schema.Number),
  tenant: Schema.optional(Schema.String),
  ...amounts
})

/** The same lane will be asked again. */
export const RetryScheduled = Schema.TaggedStruct("RetryScheduled", {
  ...base,
  ...operationFields,
  ...laneFields,
  attempt: Schema.Int,
  reason: Failure.Class,
  delayMillis: Schema.Number
})

/** What may be spent when a retry is due: one of the operation's budgets, or the lane's quota that answers fill. */
export const SpentBudget = Schema.Literals([...Refusal.Budget.literals, "quota"])
export type SpentBudget = typeof SpentBudget.Type

/** What is spent where a retry was due, in words. */
export const spentWords = (budget: SpentBudget | undefined): string => {
  if (budget === undefined) return "the lane's retry budget"
  return budget === "quota" ? "the lane's retry quota" : `the operation's budget of ${budget}`
}

/** A retry would have been made, but there is nothing left to pay it with. */
export const RetrySuppressed = Schema.TaggedStruct("RetrySuppressed", {
  ...base,
  ...operationFields,
  ...laneFields,
  attempt: Schema.Int,
  reason: Failure.Class,
  /** What is spent; absent where it is the lane's retry budget. */
  budget: Schema.optional(SpentBudget)
})

/** A lane was not called; we refused. */
export const LaneRefused = Schema.TaggedStruct("LaneRefused", {
  ...base,
  ...operationFields,
  ...laneFields,
  reason: Result,
  /** Which limit, where one was reached. */
  limit: Schema.optional(Refusal.Limit),
  /** Which budget, where one is exhausted. */
  budget: Schema.optional(Refusal.Budget),
  retryAfterMillis: Schema.optional(Schema.Number)
})

/** An operation left a lane for another one. */
export const FailedOver = Schema.TaggedStruct("FailedOver", {
  ...base,
  ...operationFields,
  from: Schema.String,
  to: Schema.String,
  reason: Result
})

/** An attempt was slow for its lane, and another one was sent beside it: to another lane, or to the same. */
export const Hedged = Schema.TaggedStruct("Hedged", {
  ...base,
  ...operationFields,
  from: Schema.String,
  to: Schema.String,
  /** How long the first had taken by then. */
  delayMillis: Schema.Number
})

/** A stream failed behind its first content, and another attempt goes on behind what the caller has, or begins anew. */
export const StreamContinued = Schema.TaggedStruct("StreamContinued", {
  ...base,
  ...operationFields,
  from: Schema.String,
  to: Schema.String,
  mode: Schema.Literals(["continue", "restart"]),
  reason: Failure.Class
})

/** An operation waits for the earliest lane to open again. */
export const WaitingForLane = Schema.TaggedStruct("WaitingForLane", {
  ...base,
  ...operationFields,
  lane: Schema.String,
  delayMillis: Schema.Number
})

/** What the caller asked for is over. */
export const OperationEnded = Schema.TaggedStruct("OperationEnded", {
  ...base,
  ...operationFields,
  kind: Kind,
  result: Result,
  /** The lane that answered. */
  lane: Schema.optional(Schema.String),
  attempts: Schema.Int,
  durationMillis: Schema.Number,
  /** Over all its attempts: for retries, for limits and for lanes to reopen. */
  waitedMillis: Schema.optional(Schema.Number),
  /** From its start to the first content, for streams. */
  firstContentMillis: Schema.optional(Schema.Number),
  /** The rule that classified the failure it ended with. */
  rule: Schema.optional(Schema.String),
  /** Under whose name it is accounted. */
  tenant: Schema.optional(Schema.String),
  /** The span its caller is in, if anybody traces. */
  trace: Schema.optional(Trace),
  /** Whether something else answered than the first lane. */
  degraded: Schema.Boolean,
  /** An attempt was sent beside another one. */
  hedged: Schema.optional(Schema.Boolean),
  /** Another attempt was asked to go on with its stream, or to begin it anew. */
  continued: Schema.optional(Schema.Boolean),
  /** A stream that broke off behind its first content. */
  truncated: Schema.optional(Schema.Boolean),
  /** Of its own attempts, all together. */
  ...amounts,
  /** What answered, where it was no attempt of this operation's own. */
  source: Schema.optional(Schema.Literals(["cache", "stale", "shared", "last-resort"])),
  /** The operation whose attempts it shared. */
  joined: Schema.optional(Schema.String),
  /** The error that a stale answer or the last resort stood in for. */
  instead: Schema.optional(Result)
})

/** The store of the cache failed, or answers again. Until it does, every call is a miss. */
export const CacheStoreChanged = Schema.TaggedStruct("CacheStoreChanged", {
  ...base,
  available: Schema.Boolean,
  /** Why, in a few words. */
  reason: Schema.String
})

/** The journal in front of the database began to fill, is current again, or has a problem. */
export const JournalChanged = Schema.TaggedStruct("JournalChanged", {
  ...base,
  /**
   * - `current`: the database has everything.
   * - `behind`: the database is slow or away; rows wait on disk.
   * - `full`: the oldest rows were dropped.
   * - `failing`: the disk takes nothing; rows wait in memory.
   */
  to: Schema.Literals(["current", "behind", "full", "failing"]),
  /** Rows that wait. */
  records: Schema.Int,
  /** Their size on disk, with what is already in the database and not yet deleted. */
  bytes: Schema.Number,
  /** How old the oldest row is that waits. */
  oldestMillis: Schema.optional(Schema.Number),
  /** Rows given up since the start. */
  dropped: Schema.Int,
  /** Why, in a few words. */
  reason: Schema.String
})

/** A circuit changed its state. */
export const CircuitChanged = Schema.TaggedStruct("CircuitChanged", {
  ...base,
  /** The lane's id for a lane's circuit, else `credential:…`, `model:…` or `provider:…`. */
  circuit: Schema.String,
  from: Schema.Literals(["closed", "open", "half-open"]),
  to: Schema.Literals(["closed", "open", "half-open"]),
  /** Why, in a few words. */
  reason: Schema.String,
  /** Consecutive failures at that moment. */
  failures: Schema.Int,
  /** How long it will stay open. */
  openMillis: Schema.optional(Schema.Number),
  /** When it opened: openings in a row without a healthy time in between, with this one. */
  openings: Schema.optional(Schema.Int),
  /** It refuses nothing: a person has it observed. */
  observed: Schema.optional(Schema.Boolean),
  /** The other instance whose advice it follows. */
  advisedBy: Schema.optional(Schema.String)
})

/** A person put a hold on a circuit, or took one away. */
export const CircuitHeld = Schema.TaggedStruct("CircuitHeld", {
  ...base,
  circuit: Schema.String,
  mode: Schema.Literals(["force-open", "force-closed", "observe"]),
  reason: Schema.String,
  /** False when it was taken away. */
  held: Schema.Boolean,
  /** Holds on the circuit from then on. */
  holds: Schema.Int
})

/** A provider asked for a wait; lanes with that credential and model cool until then. */
export const LaneCooling = Schema.TaggedStruct("LaneCooling", {
  ...base,
  ...laneFields,
  credential: Schema.String,
  reason: Failure.Class,
  untilMillis: Schema.Number,
  /** The other instance that was told so. */
  advisedBy: Schema.optional(Schema.String)
})

/** This instance began to share what it learns with others, or goes on alone because the store is away. */
export const SharingChanged = Schema.TaggedStruct("SharingChanged", {
  ...base,
  to: Schema.Literals(["shared", "local"]),
  /** Why, in a few words. */
  reason: Schema.String
})

/** A lane's health status changed. */
export const HealthChanged = Schema.TaggedStruct("HealthChanged", {
  ...base,
  ...laneFields,
  from: HealthStatus.HealthStatus,
  to: HealthStatus.HealthStatus,
  successRate: Schema.Number
})

/** Something a person must look at: a refused credential, an exhausted quota. */
export const AttentionNeeded = Schema.TaggedStruct("AttentionNeeded", {
  ...base,
  ...operationFields,
  ...laneFields,
  reason: Failure.Class,
  rule: Schema.String,
  message: Schema.String
})

/** An alert began to fire, or is over. */
export const AlertChanged = Schema.TaggedStruct("AlertChanged", {
  ...base,
  /** Which rule about what, such as `breakerOpen:openai/gpt-mini`. */
  alert: Schema.String,
  severity: Schema.Literals(["info", "warning", "critical"]),
  to: Schema.Literals(["firing", "resolved"]),
  /** Since when what it is about has been so. */
  since: Schema.Number,
  /** What happened, in a sentence. */
  message: Schema.String
})

/** A way of telling people about alerts fails, or works again. */
export const AlertDeliveryChanged = Schema.TaggedStruct("AlertDeliveryChanged", {
  ...base,
  /** Its name in the configuration. */
  delivery: Schema.String,
  works: Schema.Boolean,
  /** Why, in a few words. */
  reason: Schema.String,
  /** Messages that wait for it. */
  waiting: Schema.Int
})

export const Event = Schema.Union([
  AttemptEnded,
  RetryScheduled,
  RetrySuppressed,
  LaneRefused,
  FailedOver,
  Hedged,
  StreamContinued,
  WaitingForLane,
  OperationEnded,
  CircuitChanged,
  CircuitHeld,
  LaneCooling,
  HealthChanged,
  SharingChanged,
  CacheStoreChanged,
  JournalChanged,
  AttentionNeeded,
  AlertChanged,
  AlertDeliveryChanged
])
export type Event = typeof Event.Type

/** An event before the bus has given it an id and an instant. */
export type Draft = Event extends infer One ? (One extends Event ? Omit<One, "id" | "at"> : never) : never
