/**
 * Where the instances of a gateway meet: Redis, or the PostgreSQL server that is there anyway. It starts while that is
 * away, and connects when it comes. The connections belong to this layer.
 */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import type * as CircuitBreaker from "@holdfast/core/CircuitBreaker"

import type * as EventBus from "@holdfast/core/EventBus"
import type * as Limits from "@holdfast/core/Limits"
import * as Sharing from "@holdfast/core/Sharing"
import * as SharingRedis from "@holdfast/core/SharingRedis"
import type * as SharingStore from "@holdfast/core/SharingStore"
import * as SharingPostgres from "@holdfast/store-sql/SharingPostgres"
import type * as EffectConfig from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Config from "./Config.ts"
import * as DatabaseUrl from "./DatabaseUrl.ts"
import * as Lanes from "./Lanes.ts"

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
      const url = yield* DatabaseUrl.read(config)
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
    Effect.gen(function* () {
      const url = Redacted.value(yield* Lanes.read(secret, "sharing.redis"))
      const protocol = URL.parse(url)?.protocol
      if (protocol === "redis:" || protocol === "rediss:") return SharingRedis.layer({ connect: connect(url), prefix })
      return yield* new Config.InvalidConfig({
        source: "sharing.redis",
        problem: `${secret.env} holds no URL such as redis://user:password@host:6379`
      })
    })
  )

/** A connection that does not reconnect by itself, since whoever shares does that, and that is closed without a word. */
const connect = Effect.fnUntraced(function* (url: string) {
  const client = NodeRedis.layer({ url, socket: { connectTimeout: 2000, reconnectStrategy: false } })
  // It warns at every attempt; that the store is away is an event, and said once.
  const services = yield* Layer.build(Layer.fresh(client)).pipe(
    Effect.provideService(References.MinimumLogLevel, "Error")
  )
  const node = Context.get(services, NodeRedis.NodeRedis).client
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      if (node.isOpen) node.destroy()
    })
  )
  return Context.get(services, Redis.Redis)
})
