/**
 * One of the things a provider limits, requests or tokens: the bucket we set ourselves and the bucket the provider states
 * in its headers, whichever is the narrower at the time. Updated in place and owned by one rate limit.
 */
import { atLeast } from "./bounds.ts"
import * as TokenBucket from "./TokenBucket.ts"

export interface Limit {
  readonly perMinute: number
  /** The most that may go at once. In any stretch of time goes at most `burst + perMinute × minutes`. */
  readonly burst: number
}

/** What a response's headers say. What is missing or makes no sense is ignored. */
export interface Stated {
  /** The most there can be. */
  readonly limit?: number | undefined
  readonly remaining?: number | undefined
  /** The instant at which all of the limit is there again. */
  readonly resetAt?: number | undefined
}

export interface LimitedResource {
  readonly own: TokenBucket.TokenBucket | undefined
  stated: TokenBucket.TokenBucket | undefined
  /** Nothing goes before: the provider said that nothing is left, but not of how much. */
  closedUntil: number
  /** The request whose response stated all this, and the instant at which it is forgotten. */
  statedBy: number
  statedUntil: number
  /** All that was ever taken, as it was estimated. */
  taken: number
}

const millisPerMinute = 60_000

/** Three years: what a header says about later is no news. */
const farthestResetMillis = 1e11

/** Throws a `RangeError` that names an impossible option. */
export const make = (name: string, limit: Limit | undefined): LimitedResource => ({
  own:
    limit === undefined
      ? undefined
      : TokenBucket.make(
          atLeast(`${name}.burst`, 1, limit.burst),
          atLeast(`${name}.perMinute`, 0.001, limit.perMinute) / millisPerMinute
        ),
  stated: undefined,
  closedUntil: Number.NEGATIVE_INFINITY,
  statedBy: 0,
  statedUntil: Number.NEGATIVE_INFINITY,
  taken: 0
})

/** Whether there is no limit of ours, and the provider has stated none. */
export const isUnlimited = ({ own, statedBy }: LimitedResource): boolean => own === undefined && statedBy === 0

/** The instant from which the cost may be taken. */
export const readyAt = (resource: LimitedResource, cost: number): number => {
  const { closedUntil, own, stated, statedUntil } = resource
  const ours = own === undefined ? Number.NEGATIVE_INFINITY : TokenBucket.readyAt(own, cost)
  const theirs = stated === undefined ? closedUntil : Math.max(closedUntil, TokenBucket.readyAt(stated, cost))
  return Math.max(ours, Math.min(theirs, statedUntil))
}

/** The time in which so much flows in, or, where that is less, the bucket fills. */
export const inflowMillis = ({ own, stated }: LimitedResource, cost: number): number =>
  Math.max(
    own === undefined ? 0 : Math.min(cost, own.capacity) / own.perMilli,
    stated === undefined ? 0 : Math.min(cost, stated.capacity) / stated.perMilli
  )

/** The time for which a cost above the capacity leaves a debt. */
export const debtMillis = ({ own, stated }: LimitedResource, cost: number): number =>
  Math.max(
    own === undefined ? 0 : (cost - own.capacity) / own.perMilli,
    stated === undefined ? 0 : (cost - stated.capacity) / stated.perMilli,
    0
  )

/** Takes the cost, whether or not there is enough. */
export const take = (resource: LimitedResource, cost: number, now: number): void => {
  resource.taken += cost
  adjust(resource, cost, Number.POSITIVE_INFINITY, now)
}

/**
 * Changes what a request took, by more or, below zero, by less. What the provider stated in or after its response has
 * counted it as it was.
 */
export const adjust = (resource: LimitedResource, cost: number, sequence: number, now: number): void => {
  if (resource.own !== undefined) adjustBucket(resource.own, cost, now)
  if (resource.stated !== undefined && sequence > resource.statedBy) adjustBucket(resource.stated, cost, now)
}

/**
 * Takes over what the response to the request of that number says, less what was taken since: the provider may not have
 * counted it yet. It is forgotten `holdMillis` from now, if nothing newer is said. False if it was told before by a later
 * response, or tells nothing; then nothing has changed.
 *
 * Until the reset the provider's bucket fills along a straight line, but never faster than its limit per minute: the
 * limits of OpenAI, Anthropic and Groq are token buckets whose reset is the instant at which they are full. One with fixed
 * windows is underestimated by this, or overestimated by no more than a minute's inflow.
 */
export const believe = (
  resource: LimitedResource,
  said: Stated | undefined,
  sequence: number,
  takenSince: number,
  holdMillis: number,
  now: number
): boolean => {
  if (said === undefined || sequence <= resource.statedBy) return false
  const saidLimit = count(said.limit, 1)
  const remaining = count(said.remaining, 0)
  if (saidLimit === undefined && remaining === undefined) return false
  resource.statedBy = sequence
  resource.statedUntil = now + holdMillis
  resource.closedUntil = Number.NEGATIVE_INFINITY

  const untilReset = Math.min(farthestResetMillis, (said.resetAt ?? Number.NaN) - now)
  const limit = saidLimit ?? resource.stated?.capacity ?? perMinuteOf(resource.own)
  if (limit === undefined) {
    if (remaining === 0 && untilReset > 0) resource.closedUntil = now + untilReset
    return true
  }
  const left =
    remaining ?? (resource.stated === undefined ? limit : TokenBucket.level(resource.stated, now) + takenSince)
  const missing = limit - Math.min(left, limit)
  const perMinute = limit / millisPerMinute
  const perMilli = missing > 0 && untilReset > 0 ? Math.min(perMinute, missing / untilReset) : perMinute
  resource.stated = TokenBucket.make(limit, perMilli, now + (missing + takenSince) / perMilli)
  return true
}

/** How much there is to take, at most; below zero when it is owed. `undefined` where nothing is limited. */
export const level = (resource: LimitedResource, now: number): number | undefined => {
  const { closedUntil, own, stated, statedUntil } = resource
  let least = own === undefined ? Number.POSITIVE_INFINITY : TokenBucket.level(own, now)
  if (now < statedUntil) {
    if (stated !== undefined) least = Math.min(least, TokenBucket.level(stated, now))
    if (now < closedUntil) least = Math.min(least, 0)
  }
  return Number.isFinite(least) ? least : undefined
}

/** Moves all instants. */
export const shift = (resource: LimitedResource, millis: number): void => {
  if (resource.own !== undefined) resource.own.fullAt += millis
  if (resource.stated !== undefined) resource.stated.fullAt += millis
  resource.closedUntil += millis
  resource.statedUntil += millis
}

const adjustBucket = (bucket: TokenBucket.TokenBucket, cost: number, now: number): void => {
  if (cost < 0) TokenBucket.putBack(bucket, -cost)
  else TokenBucket.take(bucket, cost, now)
}

const perMinuteOf = (bucket: TokenBucket.TokenBucket | undefined): number | undefined =>
  bucket === undefined ? undefined : Math.max(1, Math.floor(bucket.perMilli * millisPerMinute))

const count = (value: number | undefined, minimum: number): number | undefined =>
  value !== undefined && value >= minimum ? Math.floor(Math.min(value, Number.MAX_SAFE_INTEGER)) : undefined
