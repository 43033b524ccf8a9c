/** What goes wrong on our own lane, in the words of the suite. */
import { Duration } from "effect"
import { Failure, Refusal } from "@holdfast/core"
import type { End } from "./Subject.ts"

export const failure = (class_: Failure.Class, fields: Partial<Failure.Fields> = {}): Failure.Failure =>
  Failure.make(class_, {
    provider: "acme",
    model: "anvil",
    lane: "acme/anvil",
    scope: "provider",
    rule: "1",
    ...fields
  })

export const errorOf = (how: Exclude<End, "success">): Failure.Failure => {
  if (how === "neutral") return failure("InvalidRequest")
  return how === "failure"
    ? failure("ServiceUnavailable")
    : failure("ServiceUnavailable", { retryAfter: Duration.millis(how.hintMillis) })
}

export const refusalOf = (error: unknown) => {
  if (!Refusal.isRefusal(error)) return undefined
  const wait = error._tag === "CircuitOpen" ? error.retryAfter : undefined
  return { retryAfterMillis: wait && Duration.toMillis(wait) }
}
