import { NodeRedis } from "@effect/platform-node"
import { describe } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { Redis } from "effect/persistence"
import { SharingRedis } from "@holdfast/core"
import { randomUUID } from "node:crypto"
import { sharedStoreSuite } from "./SharedStoreSuite.ts"
import * as TestRedis from "./TestRedis.ts"

class Server extends Context.Service<Server, TestRedis.TestRedis>()("@holdfast/core/test/Server") {
  static readonly layer = Layer.effect(Server, TestRedis.make)
}

/** A connection that does not reconnect by itself, and closes without a word. */
const connectTo = (url: string) =>
  Effect.gen(function* () {
    const services = yield* Layer.build(Layer.fresh(NodeRedis.layer({ url, socket: { reconnectStrategy: false } })))
    const { client } = Context.get(services, NodeRedis.NodeRedis)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        if (client.isOpen) client.destroy()
      })
    )
    return Context.get(services, Redis.Redis)
  })

describe.skipIf(!TestRedis.isThere)("Redis", () => {
  sharedStoreSuite(
    "a Redis",
    Server.layer,
    Server.useSync(({ url }) => {
      const { hostname: host, port } = new URL(url)
      return {
        host,
        port: Number(port || "6379"),
        storeAt: (at) => {
          const proxied = new URL(url)
          proxied.host = `127.0.0.1:${at}`
          return SharingRedis.make({ connect: connectTo(proxied.href), prefix: `holdfast-test-${randomUUID()}` })
        }
      }
    })
  )
})
