/** A person's wish not to be told of some alerts for a while. What fires goes on firing; it is only not said. */
import * as Schema from "effect/Schema"
import * as AlertRules from "./AlertRules.ts"

/** Which alerts: those for which everything that is named holds. */
export const Matcher = Schema.Struct({
  rule: Schema.optionalKey(AlertRules.Name),
  /** Of the alert exactly: a circuit, a lane, a route, a credential, a store or a delivery. */
  subject: Schema.optionalKey(Schema.NonEmptyString),
  provider: Schema.optionalKey(Schema.NonEmptyString),
  /** One of the routes it matters to. */
  route: Schema.optionalKey(Schema.NonEmptyString),
  severity: Schema.optionalKey(AlertRules.Severity)
}).check(Schema.makeFilter((matcher) => Object.keys(matcher).length > 0 || "expected at least one thing to match"))
export type Matcher = typeof Matcher.Type

export const Silence = Schema.Struct({
  id: Schema.NonEmptyString,
  matcher: Matcher,
  /** Milliseconds since the epoch. */
  from: Schema.Finite,
  /** The first instant at which it no longer holds. */
  until: Schema.Finite,
  reason: Schema.NonEmptyString,
  /** By whom. */
  by: Schema.NonEmptyString
})
export type Silence = typeof Silence.Type

/** What of an alert a silence can name. */
export interface Subject {
  readonly rule: AlertRules.Name
  readonly subject: string
  readonly provider?: string | undefined
  readonly routes: ReadonlyArray<string>
  readonly severity: AlertRules.Severity
}

/** The silence that holds for the alert at that instant, the one that ends last. */
export const of = (silences: ReadonlyArray<Silence>, alert: Subject, now: number): Silence | undefined => {
  let found: Silence | undefined
  for (const silence of silences) {
    if (now < silence.from || now >= silence.until || !matches(silence.matcher, alert)) continue
    if (found === undefined || silence.until > found.until) found = silence
  }
  return found
}

const matches = (matcher: Matcher, alert: Subject): boolean =>
  (matcher.rule === undefined || matcher.rule === alert.rule) &&
  (matcher.subject === undefined || matcher.subject === alert.subject) &&
  (matcher.provider === undefined || matcher.provider === alert.provider) &&
  (matcher.route === undefined || alert.routes.includes(matcher.route)) &&
  (matcher.severity === undefined || matcher.severity === alert.severity)
