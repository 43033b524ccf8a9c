/** The section `alerts` of the configuration: the rules' numbers, and how people are told. */
import * as AlertRules from "@holdfast/telemetry/alerts/AlertRules"
import * as Schema from "effect/Schema"
import { Secret, Url } from "./Secret.ts"

const common = {
  /** It is told of alerts that matter at least this much. Default `info`: all of them. */
  atLeast: Schema.optionalKey(AlertRules.Severity)
}

export const Delivery = Schema.Union([
  Schema.Struct({
    ...common,
    kind: Schema.Literal("slack"),
    /** Of the incoming webhook. */
    url: Secret
  }),
  Schema.Struct({
    ...common,
    kind: Schema.Literal("webhook"),
    url: Schema.Union([Secret, Url]),
    /** Signs what is sent. Default: it is not signed. */
    secret: Schema.optionalKey(Secret)
  }),
  Schema.Struct({
    ...common,
    kind: Schema.Literal("pagerduty"),
    /** The integration key of a service. */
    routingKey: Secret,
    /** Default `https://events.pagerduty.com/v2/enqueue`. */
    url: Schema.optionalKey(Url)
  }),
  Schema.Struct({
    ...common,
    kind: Schema.Literal("email"),
    /** A mail server's URL, such as `smtps://user:password@host:465`. */
    smtp: Secret,
    from: Schema.NonEmptyString,
    to: Schema.NonEmptyArray(Schema.NonEmptyString)
  })
])
export type Delivery = typeof Delivery.Type

export const Alerts = Schema.Struct({
  ...AlertRules.fields,
  /** The name that people read. Gateways that share a database have names of their own. Default `holdfast`. */
  instance: Schema.optionalKey(Schema.NonEmptyString),
  /** Where people find the dashboard: every message links to it. */
  publicUrl: Schema.optionalKey(Url),
  deliveries: Schema.optionalKey(Schema.Record(Schema.NonEmptyString, Delivery))
})
export type Alerts = typeof Alerts.Type
