/**
 * The wait that a provider names, in every form it is named: headers, `google.rpc.RetryInfo`, Cloudflare's `retry_after`,
 * the sentence of the message, the reset headers of what is exhausted. Pure. A malformed hint is as good as none.
 *
 * The first that is there wins, in this order: `retry-after-ms`; `retry-after` (seconds, fractions, HTTP date); the
 * structured body; the wording; the reset headers of every dimension whose `remaining` is 0, the longest of them; the
 * reset header that a gateway passes on in its body.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Duration from "./internal/errorDuration.ts"

/** What a hint is read from. Header names are in lower case. */
export interface Source {
  readonly headers: ReadonlyMap<string, string>
  /** Waits from the structured body in milliseconds, the one that counts first. */
  readonly waits?: ReadonlyArray<number>
  /** Messages of the provider, innermost first. */
  readonly messages?: ReadonlyArray<string>
  /** Headers of the upstream provider, passed on inside the body. */
  readonly innerHeaders?: ReadonlyMap<string, string> | undefined
  /** The instant the answer was read, in epoch milliseconds. Without it, hints given as a date are ignored. */
  readonly now?: number | undefined
}

/** The wait in whole milliseconds, rounded up; `undefined` where none is named. */
export const millis = (source: Source): number | undefined => {
  const { headers, now } = source
  const exact = headers.get("retry-after-ms")
  return (
    (exact === undefined ? undefined : fromMillis(exact)) ??
    fromRetryAfter(headers.get("retry-after"), now) ??
    source.waits?.[0] ??
    firstOf(source.messages ?? [], (message) => fromMessage(message, now)) ??
    fromResets(headers, now) ??
    (source.innerHeaders === undefined ? undefined : fromInner(source.innerHeaders, now))
  )
}

const firstOf = <A>(values: ReadonlyArray<A>, read: (value: A) => number | undefined): number | undefined => {
  for (const value of values) {
    const found = read(value)
    if (found !== undefined) return found
  }
  return undefined
}

const fromMillis = (value: string): number | undefined => {
  const seconds = Duration.seconds(value)
  return seconds === undefined ? undefined : Duration.ceilMillis(Number(value))
}

/** `retry-after`: seconds, possibly with a fraction, or an HTTP date (RFC 9110, section 10.2.3). */
export const fromRetryAfter = (value: string | undefined, now: number | undefined): number | undefined => {
  if (value === undefined) return undefined
  return Duration.seconds(value) ?? until(httpDate(value), now)
}

const fixdate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} (?:GMT|UTC)$/
const obsolete = /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} (?:GMT|UTC)$/

/** IMF-fixdate and the obsolete RFC 850 form; asctime is left out, nobody sends it. */
const httpDate = (value: string): number | undefined => {
  const text = value.trim()
  return text.length <= 40 && (fixdate.test(text) || obsolete.test(text)) ? instant(text) : undefined
}

/** RFC 3339, or a day with an hour as Anthropic writes it. */
const isoDate = (value: string): number | undefined => {
  const text = value.trim()
  const shape = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}:\d{2})$/
  return text.length <= 40 && shape.test(text) ? instant(text.replace(" ", "T").toUpperCase()) : undefined
}

const instant = (text: string): number | undefined =>
  Option.getOrUndefined(Option.map(DateTime.make(text), DateTime.toEpochMillis))

/** From now to an instant; one that is past needs no wait. */
const until = (at: number | undefined, now: number | undefined): number | undefined =>
  at === undefined || now === undefined ? undefined : Duration.ceilMillis(Math.max(0, at - now))

/** A word that leads to a wait, then a digit: without it there is nothing to look for. */
const mayNameWait = /(?:in|after|within|for|wait|least|about|approximately|around|another|on|at|until):? ~?\d/i
const lead = new RegExp(
  `\\b(?:${[
    "(?:try|retry)(?: your request| the request| this request| again| it)?(?: again)? (?:in|after|within)",
    "retry[- ]after:?",
    "wait(?: for)?(?: at least| about)?",
    "(?:resets?|resetting|available again|be available|replenished|refreshed|expires|back|resumes?)(?: again)? (?:in|after)"
  ].join("|")}) (?:about |approximately |around |at least |another |~)?(?=\\d)`,
  "gi"
)
const amount =
  /(\d{1,9}(?:\.\d{1,12})?)\s?(milliseconds?|millis|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)(?![a-z])(?:,? and |, | )?/iy
/** A duration glued together, such as `7m12s`: no letter boundary between its parts. */
const glued = /(?:\d{1,9}(?:\.\d{1,12})?(?:ms|[smhdw])){1,6}(?![a-z0-9])/iy
const span = /(?:\d{1,4}\.)?\d{1,2}:\d{2}:\d{2}(?:\.\d{1,7})?(?![\d:])/y
const onDate =
  /\b(?:on|at|until|after) (\d{4}-\d{2}-\d{2})(?:(?: at |[ T])(\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?)? ?(UTC|GMT|Z)?\b/i
const dated = /\b(?:regain access|reset|resets|try again|retry|available|renews?|resumes?)\b/i

/** A wait named by the provider's sentence; quoted text is not the provider's. */
export const fromMessage = (message: string, now: number | undefined): number | undefined => {
  if (!mayNameWait.test(message)) return undefined
  const said = unquoted(message)
  for (const match of said.matchAll(lead)) {
    const found = durationAt(said, match.index + match[0].length)
    if (found !== undefined) return found
  }
  const date = dated.test(said) ? onDate.exec(said) : null
  if (date === null) return undefined
  return until(isoDate(`${date[1]}T${date[2] ?? "00:00"}${date[3] ?? ""}Z`), now)
}

const maxSaid = 4096

const unquoted = (message: string): string =>
  message.slice(0, maxSaid).replace(/"[^"\n]{0,400}"|`[^`\n]{0,400}`|“[^”\n]{0,400}”/g, "¤")

const durationAt = (said: string, at: number): number | undefined => {
  span.lastIndex = at
  const clock = span.exec(said)
  if (clock !== null) return Duration.timeSpan(clock[0])
  glued.lastIndex = at
  const compact = glued.exec(said)
  if (compact !== null) return Duration.compact(compact[0])
  let total: number | undefined
  for (let next = at, parts = 0; parts < 6; parts++) {
    amount.lastIndex = next
    const match = amount.exec(said)
    if (match === null) break
    total = (total ?? 0) + Number(match[1]) * unitMillis(match[2] ?? "")
    next = amount.lastIndex
  }
  return total === undefined ? undefined : Duration.ceilMillis(total)
}

const unitMillis = (unit: string): number => {
  const name = unit.toLowerCase()
  if (name.startsWith("ms") || name.startsWith("mil")) return 1
  if (name.startsWith("s")) return 1000
  if (name.startsWith("m")) return 60_000
  if (name.startsWith("h")) return 3_600_000
  return name.startsWith("d") ? 86_400_000 : 604_800_000
}

/** `x-ratelimit-reset-tokens`, `anthropic-ratelimit-requests-reset`: what is exhausted, the longest of it. */
export const fromResets = (headers: ReadonlyMap<string, string>, now: number | undefined): number | undefined => {
  let longest: number | undefined
  for (const [name, value] of headers) {
    const remaining = remainingOf(name)
    if (remaining === undefined || Number(headers.get(remaining) ?? Number.NaN) !== 0) continue
    const wait = resetValue(value, now)
    if (wait !== undefined && (longest === undefined || wait > longest)) longest = wait
  }
  return longest
}

/** The name of the `remaining` header that belongs to a reset header. */
const remainingOf = (name: string): string | undefined => {
  if (name.startsWith("x-ratelimit-reset")) return name.replace("-reset", "-remaining")
  if (name.startsWith("anthropic-ratelimit-") && name.endsWith("-reset")) return name.replace(/-reset$/, "-remaining")
  return name === "ratelimit-reset" ? "ratelimit-remaining" : undefined
}

/** The wait in a reset header: a duration, an RFC 3339 instant, plain seconds, or an epoch in seconds or milliseconds, told apart by size. */
export const resetValue = (value: string, now: number | undefined): number | undefined => {
  const number = Duration.seconds(value) === undefined && !/^\d{9,14}$/.test(value.trim()) ? undefined : Number(value)
  if (number === undefined) return Duration.compact(value) ?? until(isoDate(value), now)
  if (number >= 1e12) return until(number, now)
  return number >= 1e9 ? until(number * 1000, now) : Duration.ceilMillis(number * 1000)
}

/** OpenRouter passes `X-RateLimit-Reset` on as epoch milliseconds. */
const fromInner = (headers: ReadonlyMap<string, string>, now: number | undefined): number | undefined => {
  const reset = headers.get("x-ratelimit-reset")
  if (reset !== undefined && Number(headers.get("x-ratelimit-remaining") ?? 0) === 0) {
    const wait = resetValue(reset, now)
    if (wait !== undefined) return wait
  }
  return fromRetryAfter(headers.get("retry-after"), now)
}
