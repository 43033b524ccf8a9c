/**
 * Answers that were given before, for requests that are exactly the same: served while they are fresh, and, where the
 * policy says so, when the providers fail. The entries belong to the store: this process's memory, or any of
 * `effect/persistence`'s. A store that is away or slow is as good as empty, never an error.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Persistence from "effect/persistence/Persistence"
import type * as Redis from "effect/persistence/Redis"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as EventBus from "./EventBus.ts"
import { whole } from "./internal/bounds.ts"
import { canonical } from "./internal/canonical.ts"
import { Lru } from "./internal/Lru.ts"
import { Span } from "./internal/Span.ts"

/** Which answers are kept, and for how long. */
export const Settings = Schema.Struct({
  /** How long an answer is served instead of asking again. 0: never. */
  ttl: Span,
  /** How much longer it is kept, to be served when asking again has failed. 0: not at all. */
  staleIfError: Span,
  /** The largest answer that is kept, in bytes of its JSON. */
  maxEntryBytes: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 30 }))
})
export type Settings = typeof Settings.Type

/** Off. */
export const defaults: Settings = { ttl: Duration.zero, staleIfError: Duration.zero, maxEntryBytes: 262_144 }

/** Whether anything is kept at all. */
export const isOn = (settings: Settings): boolean =>
  Duration.isPositive(settings.ttl) || Duration.isPositive(settings.staleIfError)

/**
 * What one call wants of the cache: `no-cache` asks the providers and keeps their answer, `no-store` leaves no trace
 * either. Both make an attempt of their own: they share none with identical calls.
 */
export const Bypass = Context.Reference<"no-cache" | "no-store" | undefined>("@holdfast/core/Cache/Bypass", {
  defaultValue: () => undefined
})

/** On whose behalf a call is made: nobody is given an answer that was made for another tenant. */
export const Tenant = Context.Reference<string>("@holdfast/core/Cache/Tenant", { defaultValue: () => "" })

/** An answer that is kept. */
export const Entry = Schema.Struct({
  /** When it was given, in milliseconds since the epoch. */
  at: Schema.Number,
  /** The lane that gave it. */
  lane: Schema.optionalKey(Schema.String),
  /** The model that gave it. */
  model: Schema.optionalKey(Schema.String),
  /** Another lane than the route's first gave it. */
  degraded: Schema.Boolean,
  /** The answer, as JSON can say it. */
  answer: Schema.Unknown
})
export type Entry = typeof Entry.Type

/** Where entries are: what `effect/persistence` calls a backing store. */
export type Store = Persistence.BackingPersistenceStore

/** The store of the caches that are built in this context. Absent: a memory of 10,000 entries and 64 MiB. */
export const Store = Context.Reference<Store | undefined>("@holdfast/core/Cache/Store", {
  defaultValue: () => undefined
})

export class Cache extends Context.Service<
  Cache,
  {
    /**
     * The key of an answer: SHA-256 of everything that decides what it will be, in any order of its fields. `undefined`
     * for what has none, such as a structure that contains itself.
     */
    readonly key: (decides: unknown) => Effect.Effect<string | undefined>
    /** The entries under the keys, in their order; `undefined` where there is none. Takes 50 milliseconds at most. */
    readonly read: (keys: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Entry | undefined>>
    /** Keeps entries for that long, without the caller waiting for it. One larger than `maxBytes` is not kept. */
    readonly write: (
      entries: ReadonlyArray<readonly [key: string, entry: Entry]>,
      keepFor: Duration.Duration,
      maxBytes: number
    ) => Effect.Effect<void>
  }
>()("@holdfast/core/Cache") {}

/** The longest that a call waits for the store. */
const patience = Duration.millis(50)
/** A write has nobody waiting for it. */
const writePatience = Duration.seconds(5)
/** Failures in a row after which the store is left alone for a while. */
const tolerated = 3
const restMillis = 1000
/** Writes under way at most; what comes on top is not kept. */
const maxWriting = 64

export const make: Effect.Effect<Cache["Service"], never, EventBus.EventBus | Scope.Scope> = Effect.gen(function* () {
  const bus = yield* EventBus.EventBus
  const scope = yield* Effect.scope
  const store = (yield* Store) ?? memory({})
  // Where `effect/crypto`'s service is given it is used: Node's answers at once, Web Crypto's from another thread.
  const given = yield* Effect.serviceOption(Digest.Digest)
  const { digestHex } = Option.isSome(given)
    ? given.value
    : Context.get(yield* Layer.build(Digest.layerWebCrypto), Digest.Digest)
  let failures = 0
  let restUntil = 0
  let writing = 0

  const settled = (now: number, problem: string | undefined): void => {
    const before = failures
    failures = problem === undefined ? 0 : failures + 1
    if (failures >= tolerated) restUntil = now + restMillis
    if (before === 0 && problem !== undefined) {
      bus.publishUnsafe(now, { _tag: "CacheStoreChanged", available: false, reason: problem })
    }
    if (before > 0 && problem === undefined) {
      bus.publishUnsafe(now, { _tag: "CacheStoreChanged", available: true, reason: "it answers again" })
    }
  }

  /** What the store says in time; `undefined` when it says nothing, or is left alone. */
  const ask = <A>(
    self: Effect.Effect<A, Persistence.PersistenceError>,
    within: Duration.Duration
  ): Effect.Effect<A | undefined> =>
    Effect.flatMap(Clock.currentTimeMillis, (begun) => {
      if (begun < restUntil) return Effect.undefined
      // One looks whether it is back, the others go on without it.
      if (failures >= tolerated) restUntil = begun + restMillis
      return self.pipe(
        Effect.mapError((error) => error.message),
        Effect.catchDefect(() => Effect.fail("the store broke")),
        Effect.timeoutOrElse({
          duration: within,
          orElse: () => Effect.fail(`no answer within ${Duration.format(within)}`)
        }),
        Effect.result,
        Effect.flatMap((result) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            settled(now, Result.isSuccess(result) ? undefined : result.failure)
            return Result.isSuccess(result) ? result.success : undefined
          })
        )
      )
    })

  const key: Cache["Service"]["key"] = (decides) =>
    Effect.suspend(() => digestHex(Digest.sha256, encoder.encode(canonical(decides)))).pipe(
      Effect.map((hex): string | undefined => hex),
      Effect.catchDefect(() => Effect.undefined)
    )

  const read: Cache["Service"]["read"] = ([first, ...rest]) =>
    first === undefined
      ? Effect.succeed([])
      : Effect.map(
          rest.length === 0
            ? ask(
                Effect.map(store.get(first), (value) => [value]),
                patience
              )
            : ask(store.getMany([first, ...rest]), patience),
          (values) => [first, ...rest].map((_, index) => entryOf(values?.[index]))
        )

  const write: Cache["Service"]["write"] = (entries, keepFor, maxBytes) =>
    Effect.suspend(() => {
      const [first, ...rest] = entries
        .filter(([, entry]) => bytesOf(JSON.stringify(entry)) <= maxBytes)
        .map(([key, entry]) => [key, entry, keepFor] as const)
      if (first === undefined || writing >= maxWriting) return Effect.void
      writing += 1
      return ask(rest.length === 0 ? store.set(...first) : store.setMany([first, ...rest]), writePatience).pipe(
        Effect.ensuring(Effect.sync(() => (writing -= 1))),
        Effect.forkIn(scope, { startImmediately: true }),
        Effect.asVoid
      )
    })

  return Cache.of({ key, read, write })
})

/** The cache over the store of this context. Part of `Resilience.layer`. */
export const layer: Layer.Layer<Cache, never, EventBus.EventBus> = Layer.effect(Cache, make)

export interface MemoryOptions {
  /** Entries held at most; the one used longest ago goes first. Default 10,000. */
  readonly maxEntries?: number | undefined
  /** Bytes of JSON held at most. Default 64 MiB. */
  readonly maxBytes?: number | undefined
}

/** Keeps entries in this process's memory, within bounds. Throws a `RangeError` that names an impossible option. */
export const layerStoreMemory = (options: MemoryOptions = {}): Layer.Layer<never> =>
  Layer.succeed(Store, memory(options))

/** Keeps entries in whatever `effect/persistence` stores in: SQL, a key-value store. It bounds itself, if it is bounded. */
export const layerStorePersistence: Layer.Layer<never, never, Persistence.BackingPersistence> = Layer.effect(
  Store,
  Effect.flatMap(Persistence.BackingPersistence, (backing) => backing.make("holdfast-answers-1"))
)

/** Keeps entries in Redis, which lets go of them when their time is over. */
export const layerStoreRedis: Layer.Layer<never, never, Redis.Redis> = Layer.provide(
  layerStorePersistence,
  Persistence.layerBackingRedis
)

const memory = (options: MemoryOptions): Store => {
  const lru = new Lru({
    maxEntries: whole("Cache maxEntries", 1, options.maxEntries ?? 10_000),
    maxBytes: whole("Cache maxBytes", 1, options.maxBytes ?? 67_108_864)
  })
  // As text, so that nobody can change what another one will be given.
  const get = (key: string, now: number): object | undefined => {
    const text = lru.get(key, now)
    const value: unknown = text === undefined ? undefined : JSON.parse(text)
    return typeof value === "object" && value !== null ? value : undefined
  }
  const set = (key: string, value: object, ttl: Duration.Duration | undefined, now: number): void => {
    const text = JSON.stringify(value)
    lru.set(key, text, bytesOf(text), ttl === undefined ? Number.POSITIVE_INFINITY : now + Duration.toMillis(ttl))
  }
  const timed = <A>(f: (now: number) => A): Effect.Effect<A> => Effect.map(Clock.currentTimeMillis, f)
  return {
    get: (key) => timed((now) => get(key, now)),
    getMany: ([first, ...rest]) => timed((now) => [get(first, now), ...rest.map((key) => get(key, now))]),
    set: (key, value, ttl) => timed((now) => set(key, value, ttl, now)),
    setMany: (entries) => timed((now) => entries.forEach(([key, value, ttl]) => set(key, value, ttl, now))),
    remove: (key) => Effect.sync(() => lru.delete(key)),
    clear: Effect.sync(() => lru.clear())
  }
}

const isEntry = Schema.is(Entry)

/** What is no entry, such as that of another version, counts as nothing. */
const entryOf = (value: unknown): Entry | undefined => (isEntry(value) ? value : undefined)

/** The length in UTF-8. */
const bytesOf = (text: string): number => encoder.encode(text).length
const encoder = new TextEncoder()
