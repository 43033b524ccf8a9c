/**
 * A token bucket, kept as the instant at which it will be full: a level needs no refilling, and the instant at which a cost
 * can be paid does not depend on when one asks. It is the virtual scheduling form of the Generic Cell Rate Algorithm
 * (ITU-T I.371, annex A). Whatever is taken in a stretch of time is at most `capacity + perMilli × stretch`, or, where that
 * is more, one cost above the capacity instead of it. It is updated in place and owned by one machine.
 */

export interface TokenBucket {
  readonly capacity: number
  /** What flows in per millisecond, above zero. */
  readonly perMilli: number
  fullAt: number
}

export const make = (capacity: number, perMilli: number, fullAt = Number.NEGATIVE_INFINITY): TokenBucket => ({
  capacity,
  perMilli,
  fullAt
})

/** The instant from which the cost can be paid. One above the capacity is paid from a full bucket, which then owes. */
export const readyAt = (bucket: TokenBucket, cost: number): number =>
  bucket.fullAt - Math.max(0, bucket.capacity - cost) / bucket.perMilli

/** How much there is; below zero when more was taken than there was. */
export const level = (bucket: TokenBucket, now: number): number =>
  bucket.capacity - Math.max(0, bucket.fullAt - now) * bucket.perMilli

/** Takes a cost out, whether or not there is enough. */
export const take = (bucket: TokenBucket, cost: number, now: number): void => {
  bucket.fullAt = Math.max(bucket.fullAt, now) + cost / bucket.perMilli
}

/** Puts an amount back in. What passes the capacity is lost. */
export const putBack = (bucket: TokenBucket, amount: number): void => {
  bucket.fullAt -= amount / bucket.perMilli
}
