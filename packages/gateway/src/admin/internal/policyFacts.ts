/** The numbers of a policy that decide most in a storm, in a few words each. */
import type * as Policy from "@holdfast/core/Policy"
import * as Duration from "effect/Duration"

export interface Fact {
  readonly name: string
  readonly value: string
}

export const policyFacts = ({
  breaker,
  budget,
  bulkhead,
  clocks,
  hedge,
  retry,
  stream
}: Policy.Policy): ReadonlyArray<Fact> => [
  {
    name: "Retries per lane",
    value:
      retry.maxRetries === 0
        ? "none"
        : `${retry.maxRetries}, from ${span(retry.base)} up to ${span(retry.maxDelay)}, patient for ${span(retry.patience)}`
  },
  { name: "Attempts in all", value: String(budget.maxAttempts) },
  {
    name: "Circuit",
    value: `opens after ${breaker.consecutiveFailures} failures in a row, for ${span(breaker.open)} up to ${span(breaker.openMax)}`
  },
  { name: "Calls at once per lane", value: String(bulkhead.maxConcurrent) },
  {
    name: "Clocks",
    value: `first content ${span(clocks.firstContent)}, plain attempt ${span(clocks.plainAttempt)}, in all ${span(clocks.total)}`
  },
  { name: "Hedge", value: hedge.enabled ? "on" : "off" },
  { name: "A stream that breaks off", value: onFailure[stream.onFailure] }
]

const onFailure: { readonly [Each in Policy.Stream["onFailure"]]: string } = {
  surface: "fails",
  continue: "is continued by another lane",
  restart: "begins anew"
}

const span = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  if (millis < 1000) return `${millis} ms`
  if (millis < 120_000) return `${millis / 1000} s`
  return millis < 7_200_000 ? `${millis / 60_000} min` : `${millis / 3_600_000} h`
}
