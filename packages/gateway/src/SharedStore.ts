/**
 * Where the instances of a gateway meet: Redis, or the PostgreSQL server that is there anyway. It starts while that is
 * away, and connects when it comes. The connections belong to this layer.
 */
import type * as CircuitBreaker from "@holdfast/core/CircuitBreaker"
import type * as EventBus from "@holdfast/core/EventBus"
import type * as Limits from "@holdfast/core/Limits"
import * as Sharing from "@holdfast/core/Sharing"
import * as SharingRedis from "@holdfast/core/SharingRedis"
import type * as SharingStore from "@holdfast/core/SharingStore"
import * as SharingPostgres from "@holdfast/store-sql/SharingPostgres"
import type * as EffectConfig from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Config from "./Config.ts"
import * as DatabaseUrl from "./DatabaseUrl.ts"
import * as RedisClient from "./RedisClient.ts"

type Shared = CircuitBreaker.CircuitBreaker | Limits.Limits | EventBus.EventBus

/** Joins what lanes share in this process to the store that the configuration names; nothing if it names none. */
export const layer = (
  config: Config.Config
): Layer.Layer<never, Config.InvalidConfig | EffectConfig.ConfigError, Shared> => {
  const { sharing } = config
  if (sharing === undefined) return Layer.empty
  const store = sharing.redis === undefined ? postgres(config) : redis(sharing.redis, sharing.prefix)
  return Layer.effectDiscard(Sharing.make()).pipe(Layer.provide(store))
}

const postgres = (
  config: Config.Config
): Layer.Layer<SharingStore.SharingStore, Config.InvalidConfig | EffectConfig.ConfigError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const url = yield* DatabaseUrl.read(config.store)
      if (url !== undefined) return SharingPostgres.layer({ url })
      return yield* new Config.InvalidConfig({
        source: "sharing.postgres",
        problem: "needs a server, by store.url or DATABASE_URL: an embedded database has one instance only"
      })
    })
  )

const redis = (
  secret: Config.Secret,
  prefix: string | undefined
): Layer.Layer<SharingStore.SharingStore, Config.InvalidConfig> =>
  Layer.unwrap(
    Effect.map(RedisClient.url(secret, "sharing.redis"), (url) =>
      // Whoever shares reconnects.
      SharingRedis.layer({
        connect: RedisClient.connect(url, { socket: { connectTimeout: 2000, reconnectStrategy: false } }),
        prefix
      })
    )
  )
