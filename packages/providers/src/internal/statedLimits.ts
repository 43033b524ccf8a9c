/**
 * What the headers of an answer say is left of a provider's limits, in the forms of OpenAI (and Azure, Groq, Together and
 * others alike), Anthropic, and the draft of the IETF. Pure. What cannot be read is as good as not said.
 */
import type * as Limits from "@holdfast/core/Limits"
import * as RetryHint from "../RetryHint.ts"

type Headers = { readonly [name: string]: string | undefined }

/** Names of the three headers that speak about one thing, by what they say. */
interface Names {
  readonly limit: string
  readonly remaining: string
  readonly reset: string
}

const openAi = (what: string): Names => ({
  limit: `x-ratelimit-limit${what}`,
  remaining: `x-ratelimit-remaining${what}`,
  reset: `x-ratelimit-reset${what}`
})
const anthropic = (what: string): Names => ({
  limit: `anthropic-ratelimit-${what}-limit`,
  remaining: `anthropic-ratelimit-${what}-remaining`,
  reset: `anthropic-ratelimit-${what}-reset`
})

/** The first that is there counts. */
const aboutRequests: ReadonlyArray<Names> = [
  openAi("-requests"),
  anthropic("requests"),
  openAi(""),
  { limit: "ratelimit-limit", remaining: "ratelimit-remaining", reset: "ratelimit-reset" }
]
/** Anthropic's `tokens` are of whichever of its limits is the narrowest at the time. */
const aboutTokens: ReadonlyArray<Names> = [openAi("-tokens"), anthropic("tokens"), anthropic("input-tokens")]

/** What is said, or `undefined` when nothing is. Names are in lower case. `now`: when the answer came. */
export const read = (headers: Headers, now: number): Limits.Stated | undefined => {
  const requests = firstOf(aboutRequests, headers, now)
  const tokens = firstOf(aboutTokens, headers, now)
  return requests === undefined && tokens === undefined ? undefined : { requests, tokens }
}

const firstOf = (all: ReadonlyArray<Names>, headers: Headers, now: number): Limits.Stated["requests"] => {
  for (const names of all) {
    const limit = count(headers[names.limit])
    const remaining = count(headers[names.remaining])
    if (limit === undefined && remaining === undefined) continue
    const reset = headers[names.reset]
    const wait = reset === undefined ? undefined : RetryHint.resetValue(reset, now)
    return { limit, remaining, resetAt: wait === undefined ? undefined : now + wait }
  }
  return undefined
}

/** A whole number; the draft of the IETF may add the window behind it (`100, 100;w=60`). */
const count = (value: string | undefined): number | undefined => {
  const digits = value === undefined ? undefined : /^\s*(\d{1,15})(?=\s*(?:[,;]|$))/.exec(value)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
