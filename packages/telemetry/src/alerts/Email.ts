/** E-mail by SMTP, through nodemailer: plain text, one message per notification. */
import type * as Failure from "@holdfast/core/Failure"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { createTransport } from "nodemailer"
import type * as AlertRules from "./AlertRules.ts"
import { type Delivery, Undelivered } from "./Delivery.ts"
import * as Notification from "./Notification.ts"

export interface Options {
  readonly name: string
  /** Such as `smtps://user:password@host:465`, or `smtp://…:587`, which turns to TLS where the server offers it. */
  readonly url: Redacted.Redacted
  readonly from: string
  readonly to: ReadonlyArray<string>
  readonly atLeast: AlertRules.Severity
}

/** A step of the conversation that takes longer has failed. Nodemailer has no way to call one off. */
const stepMillis = 10_000

export const make = (options: Options): Effect.Effect<Delivery> =>
  Effect.sync(() => {
    const transport = createTransport({
      url: Redacted.value(options.url),
      connectionTimeout: stepMillis,
      greetingTimeout: stepMillis,
      socketTimeout: stepMillis,
      // A text that names a file or a URL stays a text.
      disableFileAccess: true,
      disableUrlAccess: true
    })
    return {
      name: options.name,
      kind: "email",
      atLeast: options.atLeast,
      send: (notification) =>
        Effect.tryPromise({
          try: () =>
            transport.sendMail({
              from: options.from,
              to: [...options.to],
              subject: `[Holdfast] ${Notification.headline(notification)}`,
              text: `${Notification.text(notification)}\n`,
              // The same on every attempt, so that a reader's mailbox may drop a second one.
              messageId: `<${notification.id}@holdfast.invalid>`,
              headers: { "Auto-Submitted": "auto-generated" }
            }),
          catch: undelivered
        }).pipe(Effect.asVoid)
    }
  })

/** Of the error only its codes: its sentence may name the user. */
const undelivered = (error: unknown): Undelivered => {
  const status = Predicate.hasProperty(error, "responseCode") ? error.responseCode : undefined
  const code = Predicate.hasProperty(error, "code") ? error.code : undefined
  const said = typeof status === "number" ? status : undefined
  return new Undelivered({
    class: classOf(typeof code === "string" ? code : "", said),
    reason:
      said === undefined ? `no mail server (${typeof code === "string" ? code : "unknown"})` : `it answered ${said}`,
    ...(said === undefined ? {} : { status: said })
  })
}

/** 4xx passes, 5xx does not (RFC 5321, section 4.2.1). */
const classOf = (code: string, status: number | undefined): Failure.Class => {
  if (code === "EAUTH" || status === 530 || status === 535) return "Authentication"
  if (code === "ETIMEDOUT") return "Timeout"
  if (status === undefined) return code === "EENVELOPE" || code === "EMESSAGE" ? "InvalidRequest" : "Network"
  return status >= 500 ? "InvalidRequest" : "ServiceUnavailable"
}
