/**
 * Where the gateway keeps answers: in its memory, or in Redis. It starts without a Redis that is away, and finds it when
 * it comes; until then every call is a miss. The connection belongs to this layer.
 */
import * as Cache from "@holdfast/core/Cache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Persistence from "effect/persistence/Persistence"
import * as Redis from "effect/persistence/Redis"
import type * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type * as Config from "./Config.ts"
import * as RedisClient from "./RedisClient.ts"

/** The store that the configuration names. */
export const layer = ({ cache = {} }: Config.Config): Layer.Layer<never, Config.InvalidConfig> => {
  const { redis } = cache
  if (redis === undefined) return Cache.layerStoreMemory(cache)
  return Layer.effect(Cache.Store, Effect.flatMap(RedisClient.url(redis, "cache.redis"), connecting))
}

/** How often a first connection is tried; one that was lost is taken up again by the client itself. */
const again = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")])

const connecting = Effect.fnUntraced(function* (url: Redacted.Redacted) {
  const scope = yield* Effect.scope
  let connected: Cache.Store | undefined
  const connect = Effect.gen(function* () {
    const own = yield* Scope.fork(scope)
    // A command that finds no connection fails at once instead of waiting for one.
    const client = RedisClient.connect(url, { disableOfflineQueue: true, socket: { connectTimeout: 1000 } })
    const store = Layer.provide(Cache.layerStoreRedis, Layer.effect(Redis.Redis, client))
    const context = yield* Layer.buildWithScope(store, own).pipe(
      Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Scope.close(own, exit)))
    )
    connected = Context.get(context, Cache.Store)
  })
  yield* Effect.forkScoped(Effect.retry(connect, again))

  const use = <A>(
    f: (store: Cache.Store) => Effect.Effect<A, Persistence.PersistenceError>
  ): Effect.Effect<A, Persistence.PersistenceError> =>
    Effect.suspend(() =>
      connected === undefined
        ? Effect.fail(new Persistence.PersistenceError({ message: "there is no connection to Redis yet" }))
        : f(connected)
    )
  const store: Cache.Store = {
    get: (key) => use((redis) => redis.get(key)),
    getMany: (keys) => use((redis) => redis.getMany(keys)),
    set: (key, value, ttl) => use((redis) => redis.set(key, value, ttl)),
    setMany: (entries) => use((redis) => redis.setMany(entries)),
    remove: (key) => use((redis) => redis.remove(key)),
    clear: use((redis) => redis.clear)
  }
  return store
})
