/**
 * How much may be sent with one credential to one model, and who was told to wait. Requests and tokens per minute are
 * counted before anything is sent, by the policy's own limits and by what the provider's headers say is left; a
 * provider's "too many requests" cools the lane for everybody until its time has come, and then lets those who wait go one
 * after another. The counts belong to this layer; around the pure machine of `internal/RateLimitState.ts`.
 *
 * It is not `effect/persistence/RateLimiter`: see there.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Gate from "./internal/Gate.ts"
import * as LimitedResource from "./internal/LimitedResource.ts"
import * as RateLimitState from "./internal/RateLimitState.ts"
import type * as Lane from "./Lane.ts"

const PerMinute = Schema.Finite.check(Schema.isBetween({ minimum: 0.001, maximum: 1e12 }))
const Burst = Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 1e12 }))

/** The limits a policy sets itself, per credential and model. What is left out is not limited by us. */
export const Settings = Schema.Struct({
  requestsPerMinute: Schema.optional(PerMinute),
  /** Input and output together. */
  tokensPerMinute: Schema.optional(PerMinute),
  /** Requests that may go at once. Default: those of ten seconds, at least one. */
  requestsBurst: Schema.optional(Burst),
  /** Tokens that may go at once. Default: those of ten seconds, at least one. A larger request goes when nothing is owed. */
  tokensBurst: Schema.optional(Burst)
}).check(
  Schema.makeFilter((settings) =>
    [
      lonely(settings.requestsBurst, settings.requestsPerMinute, "requestsBurst", "requestsPerMinute"),
      lonely(settings.tokensBurst, settings.tokensPerMinute, "tokensBurst", "tokensPerMinute")
    ].filter((issue) => issue !== undefined)
  )
)
export type Settings = typeof Settings.Type

/** No limit of our own: what the provider says is heeded all the same. */
export const defaults: Settings = {}

/** What a response says is left: counts, and the instant, in milliseconds since the epoch, at which all of it is back. */
export type Stated = Gate.Stated

/**
 * Whom a lane's client tells what the headers of a response say is left, as soon as they are here, at the instant `now`.
 * The pipeline sets it for each attempt on a lane that `statesLimits`; elsewhere nobody listens.
 */
export const Listener = Context.Reference<((stated: Stated, now: number) => void) | undefined>(
  "@holdfast/core/Limits/Listener",
  { defaultValue: () => undefined }
)

/** What is left of a lane's limits, at the instant it was asked. */
export interface Snapshot {
  readonly lane: string
  /** How long it still cools. */
  readonly cooling: Duration.Duration
  /** Operations that wait for their turn. */
  readonly waiting: number
  /** What the provider has stated, less what was sent since. Below zero when more was sent. Absent where it said nothing. */
  readonly requests?: number | undefined
  readonly tokens?: number | undefined
}

export class Limits extends Context.Service<
  Limits,
  {
    /** Milliseconds until the lane's credential and model may be asked, 0 when they may now, as far as the provider says. */
    readonly waitMillis: (lane: Lane.Lane) => Effect.Effect<number>
    /** Cools until at least `millis` from now, an hour at most. True when that moved the deadline forward. */
    readonly cool: (lane: Lane.Lane, millis: number) => Effect.Effect<boolean>
    readonly snapshot: (lane: Lane.Lane) => Effect.Effect<Snapshot>
    /** `cool` for code that cannot wait. */
    readonly coolUnsafe: (lane: Lane.Lane, millis: number, now: number) => boolean
    /** The gate that requests of a policy with these limits have to pass, for code that cannot wait. */
    readonly gateUnsafe: (lane: Lane.Lane, settings: Settings) => Gate.Gate
  }
>()("@holdfast/core/Limits") {}

/** No cool-down and no statement of a provider holds longer, in milliseconds: then a request finds out whether it does. */
export const maxHoldMillis = 3_600_000

/** The least distance between two that waited, and the width of the chance that spreads each, in milliseconds. */
const gapMillis = 25

export const make: Effect.Effect<Limits["Service"]> = Effect.sync(() => {
  const entries = new Map<string, Entry>()
  const entryOf = (lane: Lane.Lane): Entry => {
    const key = keyOf(lane)
    const known = entries.get(key)
    if (known !== undefined) return known
    const shared = machine({})
    const made: Entry = { shared, unlimited: { shared, own: undefined }, limited: new Map() }
    entries.set(key, made)
    return made
  }
  const coolUnsafe = (lane: Lane.Lane, millis: number, now: number): boolean =>
    RateLimitState.cool(entryOf(lane).shared, now + millis, now)
  const gateUnsafe = (lane: Lane.Lane, settings: Settings): Gate.Gate => {
    const { limited, shared, unlimited } = entryOf(lane)
    if (settings.requestsPerMinute === undefined && settings.tokensPerMinute === undefined) return unlimited
    const numbers = JSON.stringify([
      settings.requestsPerMinute,
      settings.requestsBurst,
      settings.tokensPerMinute,
      settings.tokensBurst
    ])
    const known = limited.get(numbers)
    if (known !== undefined) return known
    const made: Gate.Gate = { shared, own: machine(settings) }
    limited.set(numbers, made)
    return made
  }
  const at = <A>(read: (now: number) => A): Effect.Effect<A> =>
    Effect.clockWith((clock) => Effect.sync(() => read(clock.currentTimeMillisUnsafe())))

  return Limits.of({
    coolUnsafe,
    gateUnsafe,
    waitMillis: (lane) => at((now) => RateLimitState.waitMillis(entryOf(lane).shared, 0, now)),
    cool: (lane, millis) => at((now) => coolUnsafe(lane, millis, now)),
    snapshot: (lane) =>
      at((now) => {
        const { limited, shared } = entryOf(lane)
        const lines = [shared, ...[...limited.values()].flatMap(({ own }) => (own === undefined ? [] : [own]))]
        return {
          lane: lane.id,
          cooling: Duration.millis(Math.max(0, shared.coolUntil - now)),
          waiting: lines.reduce((sum, { line }) => sum + line.waiting, 0),
          requests: LimitedResource.level(shared.requests, now),
          tokens: LimitedResource.level(shared.tokens, now)
        }
      })
  })
})

export const layer: Layer.Layer<Limits> = Layer.effect(Limits, make)

/** All that is known about one credential and model. */
interface Entry {
  readonly shared: RateLimitState.RateLimit
  readonly unlimited: Gate.Gate
  /** By their numbers: policies with the same limits share one count, and one with others has its own. */
  readonly limited: Map<string, Gate.Gate>
}

const keyOf = (lane: Lane.Lane): string => `${lane.provider}\n${lane.credential}\n${lane.model}`

const machine = (settings: Settings): RateLimitState.RateLimit =>
  RateLimitState.make({
    requests: limitOf(settings.requestsPerMinute, settings.requestsBurst),
    tokens: limitOf(settings.tokensPerMinute, settings.tokensBurst),
    gapMillis,
    maxHoldMillis
  })

const limitOf = (perMinute: number | undefined, burst: number | undefined): LimitedResource.Limit | undefined =>
  perMinute === undefined ? undefined : { perMinute, burst: burst ?? Math.max(1, perMinute / 6) }

const lonely = (burst: number | undefined, perMinute: number | undefined, name: string, of: string) =>
  burst !== undefined && perMinute === undefined
    ? { path: [name], issue: `expected together with ${of}, got ${burst} alone` }
    : undefined
