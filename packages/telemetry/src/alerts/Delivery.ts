/** A way of telling people: it sends one notification, once, and says in a typed error why it could not. */
import type * as Classification from "@holdfast/core/Classification"
import * as Failure from "@holdfast/core/Failure"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as AlertRules from "./AlertRules.ts"
import type * as Notification from "./Notification.ts"

/** The other side did not take it. Neither an address nor a secret is in it. */
export class Undelivered extends Schema.TaggedError<Undelivered>()("Undelivered", {
  /** What kind of trouble, as for a provider: it decides whether to try again. */
  class: Failure.Class,
  /** In a few words. */
  reason: Schema.String,
  status: Schema.optional(Schema.Int),
  retryAfter: Schema.optional(Schema.DurationFromMillis)
}) {
  override get message() {
    return this.reason
  }
}

export interface Delivery {
  /** Its name in the configuration. */
  readonly name: string
  readonly kind: "slack" | "webhook" | "pagerduty" | "email"
  /** It is told of alerts that matter at least this much. */
  readonly atLeast: AlertRules.Severity
  /** Sends it. Interruption gives the attempt up; whether it arrived is then not known. */
  readonly send: (notification: Notification.Notification) => Effect.Effect<void, Undelivered>
}

/** What the pipeline has to know of an error. */
export const classify = (error: Undelivered): Classification.Classification => ({
  class: error.class,
  retryable: error.class !== "InvalidRequest",
  failover: false,
  scope: "request",
  rule: "alerts/undelivered",
  status: error.status,
  retryAfter: error.retryAfter,
  detail: error.reason
})

/** What an HTTP status means to whoever sent a notification. */
export const ofStatus = (status: number, retryAfter: string | undefined): Undelivered => {
  const seconds = Number(retryAfter)
  return new Undelivered({
    class: classOf(status),
    reason: `it answered ${status}`,
    status,
    ...(retryAfter !== undefined && Number.isFinite(seconds) && seconds >= 0
      ? { retryAfter: Duration.seconds(seconds) }
      : {})
  })
}

const classOf = (status: number): Failure.Class => {
  if (status === 429) return "RateLimit"
  if (status === 401) return "Authentication"
  if (status === 403) return "PermissionDenied"
  if (status === 408) return "Timeout"
  return status >= 500 ? "ServiceUnavailable" : "InvalidRequest"
}
