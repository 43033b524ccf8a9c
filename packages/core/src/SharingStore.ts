/**
 * Where instances of one fleet leave notices for each other and take turns at probing. What is in it is text: what it says
 * is `Sharing`'s business. Redis (`SharingRedis`) and PostgreSQL (`@holdfast/store-sql`) are such stores; the one here is
 * in memory, for instances in one process and for tests.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** The store does not answer. `reason` names no address and no password. */
export class StoreAway extends Schema.TaggedError<StoreAway>()("StoreAway", { reason: Schema.String }) {
  override get message() {
    return `The shared store is away: ${this.reason}`
  }
}

export interface Notice {
  /** What it is about. The store keeps one notice about a subject. */
  readonly subject: string
  readonly text: string
  /** How long it is kept for those who come later; 0: what was kept is forgotten. Absent: that stays as it is. */
  readonly keepMillis?: number | undefined
}

export interface Kept {
  readonly text: string
  /** By the store's own clock. */
  readonly leftMillis: number
}

/** A connection to the store. Once one of its effects has failed, it is given up and a new one is made. */
export interface Session {
  /** Tells everybody who is connected, and keeps the notice or not. */
  readonly publish: (notice: Notice) => Effect.Effect<void, StoreAway>
  /** What is kept and not over. */
  readonly kept: Effect.Effect<ReadonlyArray<Kept>, StoreAway>
  /** What everybody publishes from the moment of connecting, also oneself. Fails when the connection is lost. */
  readonly notices: Stream.Stream<string, StoreAway>
  /** Takes the lease on a subject: 0 when it is ours, else the milliseconds until the holder's ends. */
  readonly acquire: (subject: string, token: string, millis: number) => Effect.Effect<number, StoreAway>
  /** Gives a lease back. Nothing if it is not the token's any more. */
  readonly release: (subject: string, token: string) => Effect.Effect<void, StoreAway>
}

export class SharingStore extends Context.Service<
  SharingStore,
  {
    /** Connects for as long as the scope is open. */
    readonly connect: Effect.Effect<Session, StoreAway, Scope.Scope>
  }
>()("@holdfast/core/SharingStore") {}

/** A store in this process. */
export const memory: Effect.Effect<SharingStore["Service"]> = Effect.gen(function* () {
  const published = yield* PubSub.unbounded<string>()
  const notices = new Map<string, { readonly text: string; readonly until: number }>()
  const leases = new Map<string, { readonly token: string; readonly until: number }>()
  const withNow = <A>(f: (now: number) => A): Effect.Effect<A> => Effect.map(Clock.currentTimeMillis, f)

  const publish = ({ keepMillis, subject, text }: Notice) =>
    withNow((now) => {
      if (keepMillis === 0) notices.delete(subject)
      else if (keepMillis !== undefined) notices.set(subject, { text, until: now + keepMillis })
      PubSub.publishUnsafe(published, text)
    })

  const kept = withNow((now) => {
    for (const [subject, { until }] of notices) if (until <= now) notices.delete(subject)
    return Array.from(notices.values(), ({ text, until }) => ({ text, leftMillis: until - now }))
  })

  const acquire = (subject: string, token: string, millis: number) =>
    withNow((now) => {
      const holder = leases.get(subject)
      if (holder !== undefined && holder.until > now) return holder.until - now
      leases.set(subject, { token, until: now + millis })
      return 0
    })

  const release = (subject: string, token: string) =>
    Effect.sync(() => {
      if (leases.get(subject)?.token === token) leases.delete(subject)
    })

  return SharingStore.of({
    connect: Effect.map(PubSub.subscribe(published), (subscription) => ({
      publish,
      kept,
      notices: Stream.fromSubscription(subscription),
      acquire,
      release
    }))
  })
})

export const layerMemory: Layer.Layer<SharingStore> = Layer.effect(SharingStore, memory)
