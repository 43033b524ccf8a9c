/** The wait a rate limit names, in the forms providers write it. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type * as Fault from "../Fault.ts"

/** Headers that carry the hint, if there is one, for the forms that live in headers. */
export const headers = (
  hint: Duration.Duration | undefined,
  form: Fault.HintForm,
  now: number
): Readonly<Record<string, string>> => {
  if (hint === undefined) return {}
  switch (form) {
    case "retry-after":
      return { "retry-after": String(Duration.toSeconds(hint)) }
    case "retry-after-ms":
      return { "retry-after-ms": String(Math.ceil(Duration.toMillis(hint))) }
    case "retry-after-date":
      return { "retry-after": httpDate(now + Duration.toMillis(hint)) }
    case "x-ratelimit-reset":
      return { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": goDuration(hint) }
    case "anthropic-ratelimit-reset":
      return {
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": rfc3339(now + Duration.toMillis(hint))
      }
    case "RetryInfo":
    case "message":
      return {}
  }
}

/** `google.rpc.RetryInfo`, whose duration is seconds with up to nine decimals and an `s`. */
export const retryInfo = (hint: Duration.Duration) => ({
  "@type": "type.googleapis.com/google.rpc.RetryInfo",
  retryDelay: `${Duration.toSeconds(hint)}s`
})

/**
 * IMF-fixdate of RFC 9110, section 5.6.7, whose resolution is a second: rounded up, so as never to promise too early.
 */
const httpDate = (millis: number): string => DateTime.toDateUtc(wholeSecond(millis)).toUTCString()

/** As Anthropic writes an instant, to the second as well: `2026-08-21T12:40:59Z`. */
const rfc3339 = (millis: number): string => DateTime.formatIso(wholeSecond(millis)).replace(".000Z", "Z")

const wholeSecond = (millis: number): DateTime.Utc => DateTime.makeUnsafe(Math.ceil(millis / 1000) * 1000)

/** Go's duration text, as OpenAI's reset headers and messages have it: `6ms`, `1m26.4s`, `4h43m36.314s`. */
export const goDuration = (hint: Duration.Duration): string => {
  const millis = Math.ceil(Duration.toMillis(hint))
  if (millis < 1000) return `${millis}ms`
  const hours = Math.floor(millis / 3_600_000)
  const minutes = Math.floor((millis % 3_600_000) / 60_000)
  const seconds = `${(millis % 60_000) / 1000}s`
  return hours > 0 ? `${hours}h${minutes}m${seconds}` : minutes > 0 ? `${minutes}m${seconds}` : seconds
}
