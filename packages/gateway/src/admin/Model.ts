/** What the admin API says, as schemas: the page and other programs read these and nothing else. Instants are milliseconds. */
import type * as CoreEvent from "@holdfast/core/Event"
import * as HealthStatus from "@holdfast/core/HealthStatus"
import * as AlertRules from "@holdfast/telemetry/alerts/AlertRules"
import * as Silence from "@holdfast/telemetry/alerts/Silence"
import * as Schema from "effect/Schema"

/** What the feed of events carries. */
export type Event = CoreEvent.Event

const Count = Schema.Int
const Millis = Schema.Finite
const maybe = Schema.optional

/** What a person may do to a circuit. */
export const HoldMode = Schema.Literals(["force-open", "force-closed", "observe"])
export type HoldMode = typeof HoldMode.Type

/** A hold on a circuit. One without an `id` was not put by this API and cannot be released by it. */
export const Hold = Schema.Struct({
  id: maybe(Schema.String),
  circuit: Schema.String,
  mode: HoldMode,
  reason: Schema.String,
  /** Who put it. */
  by: maybe(Schema.String),
  since: Millis,
  /** When it ends by itself. */
  until: maybe(Millis),
  /** It keeps new calls away from a lane while those that run finish. */
  drain: Schema.Boolean,
  /** The only gateway it is for; absent where it is for all that share the store. */
  instance: maybe(Schema.String),
  /** It is in the store, and so outlives this process. */
  isKept: Schema.Boolean
})
export type Hold = typeof Hold.Type

export const Circuit = Schema.Struct({
  circuit: Schema.String,
  state: Schema.Literals(["closed", "open", "half-open"]),
  /** Consecutive failures. */
  failures: Count,
  /** What opened it last. */
  reason: maybe(Schema.String),
  /** When the next probe may go; absent unless it is open. */
  probeAt: maybe(Millis),
  /** Calls it has refused so far. */
  refused: Count,
  holds: Schema.Array(Hold)
})
export type Circuit = typeof Circuit.Type

/** Successes and failures by slices of ten seconds, oldest first, the present one last. */
export const Spark = Schema.Struct({
  /** Where the last slice begins. */
  at: Millis,
  ok: Schema.Array(Count),
  failed: Schema.Array(Count)
})
export type Spark = typeof Spark.Type

export const Lane = Schema.Struct({
  lane: Schema.String,
  provider: Schema.String,
  model: Schema.String,
  /** The name of the credential. */
  credential: Schema.String,
  routes: Schema.Array(Schema.String),
  /** Of the last 100 calls in 5 minutes. */
  status: HealthStatus.HealthStatus,
  calls: Count,
  successRate: Schema.Finite,
  p50Millis: maybe(Millis),
  p95Millis: maybe(Millis),
  p99Millis: maybe(Millis),
  firstContentP50Millis: maybe(Millis),
  firstContentP95Millis: maybe(Millis),
  /** How many of each class of failure. */
  errors: Schema.Record(Schema.String, Count),
  circuit: Circuit,
  /** Circuits that it shares with other lanes, of its credential and its model, where they are not simply closed. */
  wider: Schema.Array(Circuit),
  /** Calls that run, that wait for a slot, and how many may run. */
  running: Count,
  waiting: Count,
  maxConcurrent: Count,
  /** Until when the provider wants no calls. */
  coolingUntil: maybe(Millis),
  /** Calls that wait for a limit. */
  limited: Count,
  /** What the provider's headers say is left; absent where it says nothing. */
  requestsLeft: maybe(Schema.Finite),
  tokensLeft: maybe(Schema.Finite),
  /** Over the last minute. */
  perSecond: Schema.Finite,
  failedPerSecond: Schema.Finite,
  tokensPerSecond: Schema.Finite,
  /** In US dollars; absent where the price is not known. */
  usdPerHour: maybe(Schema.Finite),
  spark: Spark
})
export type Lane = typeof Lane.Type

/** A route in the last five minutes. */
export const Route = Schema.Struct({
  route: Schema.String,
  kind: Schema.Literals(["text", "embed"]),
  /** Most preferred first. */
  lanes: Schema.Array(Schema.String),
  operations: Count,
  /** Operations by how they ended. */
  results: Schema.Record(Schema.String, Count),
  /** Answers by the lane that gave them, or `cache`, `stale`, `shared`, `last-resort`. */
  answers: Schema.Record(Schema.String, Count),
  /** Answers that did not come from the first lane. */
  degraded: Count,
  /** Attempts that failed, by lane. */
  failed: Schema.Record(Schema.String, Count),
  /** How often we refused to call a lane. */
  refused: Schema.Record(Schema.String, Count),
  fallbacks: Schema.Array(Schema.Struct({ from: Schema.String, to: Schema.String, count: Count }))
})
export type Route = typeof Route.Type

export const Store = Schema.Struct({
  status: Schema.Literals(["ok", "away"]),
  written: Count,
  pending: Count,
  dropped: Count,
  rejected: Count
})
export type Store = typeof Store.Type

/** The state of everything in one sentence. Instants in it are numbers: a reader writes them in its own time zone. */
export const Headline = Schema.Struct({
  tone: Schema.Literals(["well", "idle", "degraded", "down"]),
  parts: Schema.Array(Schema.Union([Schema.String, Schema.Struct({ at: Millis })]))
})
export type Headline = typeof Headline.Type

/** Whether who asks may act. */
export const Access = Schema.Struct({
  /** A key is configured; without one nobody may. */
  key: Schema.Boolean,
  session: Schema.Boolean
})
export type Access = typeof Access.Type

/** How many alerts there are; `/alerts` has them. */
export const AlertSummary = Schema.Struct({
  /** They fire, and people are told. */
  firing: Count,
  /** They fire, and a silence keeps people from being told. */
  silenced: Count,
  /** They are so, but not for long enough yet. */
  pending: Count,
  /** Deliveries that do not work. */
  failing: Count,
  /** Another one where anything of the alerts, the silences or the deliveries is. */
  revision: Count
})
export type AlertSummary = typeof AlertSummary.Type

export const State = Schema.Struct({
  at: Millis,
  startedAt: Millis,
  headline: Headline,
  lanes: Schema.Array(Lane),
  routes: Schema.Array(Route),
  holds: Schema.Array(Hold),
  alerts: AlertSummary,
  store: Store,
  /** Events that slow listeners have lost. */
  eventsDropped: Count
})
export type State = typeof State.Type

export const Series = Schema.Struct({
  from: Millis,
  to: Millis,
  /** Between two points. */
  step: Millis,
  /** Where it comes from: memory reaches back an hour at most, the store to its retention. */
  source: Schema.Literals(["memory", "store"]),
  /** Why the store was not asked, or did not answer. */
  problem: maybe(Schema.String),
  /** Where each step begins; the arrays below have one value for each. */
  at: Schema.Array(Millis),
  ok: Schema.Array(Count),
  failed: Schema.Array(Count),
  /** `null` where there were no calls. */
  p50Millis: Schema.Array(Schema.NullOr(Millis)),
  p95Millis: Schema.Array(Schema.NullOr(Millis)),
  usd: Schema.Array(Schema.Finite),
  /** Failures by class. */
  errors: Schema.Record(Schema.String, Schema.Array(Count)),
  /** When circuits were not closed. */
  bands: Schema.Array(
    Schema.Struct({
      circuit: Schema.String,
      state: Schema.Literals(["open", "half-open"]),
      from: Millis,
      to: maybe(Millis),
      reason: Schema.String
    })
  ),
  marks: Schema.Array(
    Schema.Struct({ at: Millis, kind: Schema.Literals(["start", "hold", "release"]), text: Schema.String })
  )
})
export type Series = typeof Series.Type

/** Failures that are alike. */
export const ErrorGroup = Schema.Struct({
  id: Schema.String,
  class: Schema.String,
  rule: Schema.String,
  provider: Schema.String,
  firstSeen: Millis,
  lastSeen: Millis,
  count: Count,
  lanes: Schema.Record(Schema.String, Count),
  /** The latest operations it happened to, latest first. */
  operations: Schema.Array(Schema.String),
  message: Schema.String,
  resolution: maybe(Schema.Struct({ at: Millis, by: Schema.String, note: Schema.String })),
  /** It was resolved, and came back. */
  regressed: Schema.Boolean
})
export type ErrorGroup = typeof ErrorGroup.Type

export const Operation = Schema.Struct({
  operation: Schema.String,
  route: Schema.String,
  kind: Schema.String,
  result: Schema.String,
  lane: maybe(Schema.String),
  /** Under whose name it is accounted. */
  tenant: maybe(Schema.String),
  attempts: Count,
  startedAt: Millis,
  durationMillis: Millis,
  degraded: Schema.Boolean,
  source: maybe(Schema.String),
  classes: Schema.Array(Schema.String)
})
export type Operation = typeof Operation.Type

/** A part of an operation's time. */
export const Span = Schema.Struct({
  kind: Schema.Literals(["wait", "attempt", "refusal", "fallback", "note"]),
  /** The lane it is about. */
  lane: maybe(Schema.String),
  /** From the start of the operation. */
  fromMillis: Millis,
  toMillis: Millis,
  /** Of an attempt, from its start. */
  firstContentMillis: maybe(Millis),
  /** How it ended, or why it was. */
  result: Schema.String,
  hedge: maybe(Schema.Boolean),
  text: maybe(Schema.String),
  rule: maybe(Schema.String),
  status: maybe(Schema.Int),
  requestId: maybe(Schema.String),
  tokens: maybe(Schema.Finite)
})
export type Span = typeof Span.Type

export const Trail = Schema.Struct({ operation: Operation, spans: Schema.Array(Span) })
export type Trail = typeof Trail.Type

/** What a person has done, on whichever gateway that shares the store. */
export const Action = Schema.Struct({
  id: Schema.String,
  at: Millis,
  /** The gateway on which it was done. */
  instance: Schema.String,
  by: Schema.String,
  /**
   * `hold`, `release`, `drain`, `resolve`, `silence`, `unsilence` or `test`; `expire` where a hold came to the end that it
   * had from the beginning. Another version that shares the store may know others.
   */
  action: Schema.String,
  target: Schema.String,
  reason: Schema.String
})
export type Action = typeof Action.Type

/** An alert: what it is about, how far it is, and what there is to say about it. */
export const Alert = Schema.Struct({
  key: Schema.String,
  rule: AlertRules.Name,
  /** A circuit, a lane, a route, a credential, a store or a delivery. */
  subject: Schema.String,
  severity: AlertRules.Severity,
  provider: maybe(Schema.String),
  lane: maybe(Schema.String),
  routes: Schema.Array(Schema.String),
  detail: Schema.String,
  phase: Schema.Literals(["pending", "firing", "resolved"]),
  since: Millis,
  firingSince: maybe(Millis),
  resolvedAt: maybe(Millis),
  /** When people were last told that it fires. */
  notifiedAt: maybe(Millis),
  /** It is from before a restart, and has not been seen again. */
  isUnconfirmed: Schema.Boolean,
  words: Schema.Struct({
    title: Schema.String,
    what: Schema.String,
    meanwhile: maybe(Schema.String),
    todo: maybe(Schema.String)
  }),
  /** Why people are not told. */
  silence: maybe(Silence.Silence)
})
export type Alert = typeof Alert.Type

/** A way of telling people. */
export const Delivery = Schema.Struct({
  name: Schema.String,
  kind: Schema.Literals(["slack", "webhook", "pagerduty", "email"]),
  atLeast: AlertRules.Severity,
  sent: Count,
  dropped: Count,
  waiting: Count,
  lastSentAt: maybe(Millis),
  failing: maybe(Schema.Struct({ since: Millis, reason: Schema.String }))
})
export type Delivery = typeof Delivery.Type

export const Alerts = Schema.Struct({
  /** Those that are not over, then the last ones that are. */
  alerts: Schema.Array(Alert),
  silences: Schema.Array(Silence.Silence),
  deliveries: Schema.Array(Delivery)
})
export type Alerts = typeof Alerts.Type

/** What became of a test. */
export const DeliveryOutcome = Schema.Struct({
  delivery: Schema.String,
  kind: Schema.String,
  millis: Millis,
  /** Why it was not taken; absent if it was. */
  problem: maybe(Schema.String)
})
export type DeliveryOutcome = typeof DeliveryOutcome.Type
