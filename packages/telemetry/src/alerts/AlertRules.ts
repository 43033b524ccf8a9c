/**
 * What people are told about: the rules by name, how long each has to hold before it is said, and how much it matters. The
 * numbers come from a file through the schema; without any, `defaults` are meant for a service that somebody looks after.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"

/** How much it matters: look at it some day, look at it today, get up. */
export const Severity = Schema.Literals(["info", "warning", "critical"])
export type Severity = typeof Severity.Type

/** Whether `severity` is at least `least`. */
export const isAtLeast = (severity: Severity, least: Severity): boolean =>
  Severity.literals.indexOf(severity) >= Severity.literals.indexOf(least)

/**
 * - `breakerOpen`: a circuit refuses calls; half open counts as open.
 * - `laneUnhealthy`: less than 80 % of a lane's recent calls succeed.
 * - `quotaExhausted`: a provider says that money or a calendar quota is gone.
 * - `authenticationFailed`: a provider does not accept a credential.
 * - `misconfigured`: a lane's model is not there, or the credential may not use it.
 * - `routeDown`: every lane of a route is open or cooling.
 * - `routeDegraded`: a route is not answered by its first lane.
 * - `sloBurn`: a route fails so often that its error budget will not last.
 * - `budgetNearlySpent`: most of the money for a period is spent.
 * - `journalInUse`: the database does not keep up, or is away; rows wait on disk.
 * - `storeAway`: the store that instances share, or that keeps answers, does not answer.
 * - `deliveryFailing`: a way of telling people about alerts does not work.
 */
export const Name = Schema.Literals([
  "breakerOpen",
  "laneUnhealthy",
  "quotaExhausted",
  "authenticationFailed",
  "misconfigured",
  "routeDown",
  "routeDegraded",
  "sloBurn",
  "budgetNearlySpent",
  "journalInUse",
  "storeAway",
  "deliveryFailing"
])
export type Name = typeof Name.Type

/** A finite duration, also none at all. */
const Span = Schema.DurationFromString.check(
  Schema.makeFilter((duration: Duration.Duration) => {
    const millis = Duration.toMillis(duration)
    return (millis >= 0 && Number.isFinite(millis)) || `expected a finite duration, got ${Duration.format(duration)}`
  })
)

/** Above zero. */
const Positive = Span.check(
  Schema.makeFilter(
    (duration: Duration.Duration) => Duration.toMillis(duration) > 0 || "expected a duration above zero, got 0"
  )
)

const timing = {
  severity: Severity,
  /** It fires when it has been so for this long. */
  for: Span,
  /** It is over when it has not been so for this long: what comes back before is the same alert. */
  clear: Span
}

export const Rule = Schema.Struct(timing)
export type Rule = typeof Rule.Type

/** The part of operations that have to be answered. 1 leaves no room for any failure, and no rate to burn it at. */
const Objective = Schema.Finite.check(Schema.isBetween({ minimum: 0.5, maximum: 1, exclusiveMaximum: true }))

export const SloBurn = Schema.Struct({
  ...timing,
  /** Of every route without one of its own. */
  objective: Objective,
  /** By the name of a route. */
  objectives: Schema.Record(Schema.String, Objective),
  /** In the long window; fewer failures than this say nothing about a route with little traffic. */
  minimumFailures: Schema.Int.check(Schema.isGreaterThan(0))
})
export type SloBurn = typeof SloBurn.Type

export const Budget = Schema.Struct({
  ...timing,
  /** US dollars that all attempts together may cost per period. Without it the rule is off. */
  usd: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThan(0))),
  /** Periods are counted from the epoch: a day is a day in UTC. */
  per: Positive,
  /** The part of it that is nearly all. */
  at: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1, exclusiveMinimum: true }))
})
export type Budget = typeof Budget.Type

const rules = {
  breakerOpen: Rule,
  laneUnhealthy: Rule,
  quotaExhausted: Rule,
  authenticationFailed: Rule,
  misconfigured: Rule,
  routeDown: Rule,
  routeDegraded: Rule,
  sloBurn: SloBurn,
  budgetNearlySpent: Budget,
  journalInUse: Rule,
  storeAway: Rule,
  deliveryFailing: Rule
} as const satisfies { readonly [Each in Name]: unknown }

/** A rule, or `false` where it is off. */
type OrOff<Fields extends { readonly [name: string]: Schema.Top }> = {
  readonly [Each in keyof Fields]: Fields[Each]["Type"] | false
}
export type Rules = OrOff<typeof rules>

/** Which alerts are told together. */
export const GroupBy = Schema.Literals(["provider", "route", "lane", "alert"])
export type GroupBy = typeof GroupBy.Type

const telling = {
  groupBy: GroupBy,
  /** How long an alert waits for others of its group, so that one storm is one message. */
  groupWait: Span,
  /** What still fires is said again after this long. */
  repeat: Positive,
  /** After a restart, an alert from before it that is not seen again for this long is over. */
  restartGrace: Span
}

export interface Settings extends Schema.Struct.Type<typeof telling> {
  readonly rules: Rules
}

const seconds = Duration.seconds
const minutes = Duration.minutes

export const defaults: Settings = {
  groupBy: "provider",
  groupWait: seconds(10),
  repeat: Duration.hours(4),
  restartGrace: minutes(10),
  rules: {
    breakerOpen: { severity: "warning", for: minutes(1), clear: minutes(1) },
    laneUnhealthy: { severity: "warning", for: minutes(5), clear: minutes(2) },
    quotaExhausted: { severity: "warning", for: Duration.zero, clear: minutes(1) },
    authenticationFailed: { severity: "critical", for: Duration.zero, clear: minutes(1) },
    misconfigured: { severity: "warning", for: Duration.zero, clear: minutes(1) },
    routeDown: { severity: "critical", for: seconds(15), clear: seconds(30) },
    routeDegraded: { severity: "warning", for: minutes(10), clear: minutes(2) },
    sloBurn: {
      severity: "critical",
      for: Duration.zero,
      clear: minutes(5),
      objective: 0.99,
      objectives: {},
      minimumFailures: 10
    },
    budgetNearlySpent: {
      severity: "warning",
      for: Duration.zero,
      clear: Duration.zero,
      per: Duration.days(1),
      at: 0.8
    },
    journalInUse: { severity: "warning", for: minutes(2), clear: minutes(1) },
    storeAway: { severity: "warning", for: minutes(1), clear: minutes(1) },
    deliveryFailing: { severity: "warning", for: Duration.zero, clear: minutes(1) }
  }
}

const partial = <Fields extends Schema.Struct.Fields>(schema: { readonly fields: Fields }) =>
  Schema.Struct(Struct.map(schema.fields, Schema.optionalKey))

/** Off, or some of its numbers. */
const orOff = <Fields extends Schema.Struct.Fields>(schema: { readonly fields: Fields }) =>
  Schema.optionalKey(Schema.Union([Schema.Literal(false), partial(schema)]))

/** What a file writes of it: any of the numbers, and `false` for a rule that is off. */
export const fields = {
  ...Struct.map(telling, Schema.optionalKey),
  rules: Schema.optionalKey(
    Schema.Struct({
      breakerOpen: orOff(Rule),
      laneUnhealthy: orOff(Rule),
      quotaExhausted: orOff(Rule),
      authenticationFailed: orOff(Rule),
      misconfigured: orOff(Rule),
      routeDown: orOff(Rule),
      routeDegraded: orOff(Rule),
      sloBurn: orOff(SloBurn),
      budgetNearlySpent: orOff(Budget),
      journalInUse: orOff(Rule),
      storeAway: orOff(Rule),
      deliveryFailing: orOff(Rule)
    })
  )
}
const Overrides = Schema.Struct(fields)
export type Overrides = typeof Overrides.Type

/** The defaults with what was written in place. */
export const make = (written: Overrides = {}): Settings => {
  const own = written.rules ?? {}
  const rule = <Each extends object>(settings: Each | false, overrides: Partial<Each> | false | undefined) =>
    settings === false || overrides === false ? (false as const) : { ...settings, ...overrides }
  const { rules: base } = defaults
  return {
    groupBy: written.groupBy ?? defaults.groupBy,
    groupWait: written.groupWait ?? defaults.groupWait,
    repeat: written.repeat ?? defaults.repeat,
    restartGrace: written.restartGrace ?? defaults.restartGrace,
    rules: {
      breakerOpen: rule(base.breakerOpen, own.breakerOpen),
      laneUnhealthy: rule(base.laneUnhealthy, own.laneUnhealthy),
      quotaExhausted: rule(base.quotaExhausted, own.quotaExhausted),
      authenticationFailed: rule(base.authenticationFailed, own.authenticationFailed),
      misconfigured: rule(base.misconfigured, own.misconfigured),
      routeDown: rule(base.routeDown, own.routeDown),
      routeDegraded: rule(base.routeDegraded, own.routeDegraded),
      sloBurn: rule(base.sloBurn, own.sloBurn),
      budgetNearlySpent: rule(base.budgetNearlySpent, own.budgetNearlySpent),
      journalInUse: rule(base.journalInUse, own.journalInUse),
      storeAway: rule(base.storeAway, own.storeAway),
      deliveryFailing: rule(base.deliveryFailing, own.deliveryFailing)
    }
  }
}
