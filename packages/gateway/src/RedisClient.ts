/** A connection to the Redis that the configuration names. It belongs to the scope it was made in, and is closed without a word. */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import * as Config from "./Config.ts"
import * as Lanes from "./Lanes.ts"

/** The URL that a secret holds. The error names the variable, never the URL: there may be a password in it. */
export const url = Effect.fnUntraced(function* (
  secret: Config.Secret,
  path: string
): Effect.fn.Return<Redacted.Redacted, Config.InvalidConfig> {
  const url = yield* Lanes.read(secret, path)
  const protocol = URL.parse(Redacted.value(url))?.protocol
  if (protocol === "redis:" || protocol === "rediss:") return url
  return yield* new Config.InvalidConfig({
    source: path,
    problem: `${secret.env} holds no URL such as redis://user:password@host:6379`
  })
})

/** Connects. `options` are those of the client. */
export const connect = Effect.fnUntraced(function* (
  url: Redacted.Redacted,
  options: Omit<NonNullable<Parameters<typeof NodeRedis.layer>[0]>, "url">
): Effect.fn.Return<Redis.Redis["Service"], Redis.RedisError, Scope.Scope> {
  const client = NodeRedis.layer({ ...options, url: Redacted.value(url) })
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
