/** A Redis to test with: the one that `REDIS_URL` names, else a `redis-server` of its own on a free port. */
import { NodeRedis } from "@effect/platform-node"
import { Context, Effect, Layer, type Scope } from "effect"
import { Redis } from "effect/persistence"
import { spawn, spawnSync } from "node:child_process"
import { createServer } from "node:net"

const { HOLDFAST_REQUIRE_REDIS, REDIS_URL } = process.env

/** Whether there is one. Where one is required the tests run without, and fail. */
export const isThere =
  REDIS_URL !== undefined ||
  HOLDFAST_REQUIRE_REDIS === "1" ||
  spawnSync("redis-server", ["--version"]).error === undefined

if (!isThere) {
  process.stderr.write(
    "\nNOT TESTED: there is no REDIS_URL and no redis-server, so nothing is shared over a real Redis\n\n"
  )
}

export class TestRedis extends Context.Service<TestRedis, { readonly host: string; readonly port: number }>()(
  "@holdfast/core/test/TestRedis"
) {
  static readonly layer = Layer.effect(
    TestRedis,
    REDIS_URL === undefined
      ? Effect.gen(function* () {
          const port = yield* freePort
          const arguments_ = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
          yield* Effect.acquireRelease(
            Effect.callback<ReturnType<typeof spawn>>((resume) => {
              const child = spawn("redis-server", arguments_, { stdio: ["ignore", "pipe", "inherit"] })
              child.on("error", (cause) => resume(Effect.die(new Error("redis-server does not start", { cause }))))
              child.stdout.on("data", (bytes: Buffer) => {
                if (bytes.toString().includes("Ready to accept connections")) resume(Effect.succeed(child))
              })
            }),
            (child) =>
              Effect.callback<void>((resume) => {
                child.on("exit", () => resume(Effect.void))
                child.kill("SIGKILL")
              })
          )
          return { host: "127.0.0.1", port }
        })
      : Effect.sync(() => {
          const { hostname, port } = new URL(REDIS_URL)
          return { host: hostname, port: Number(port || "6379") }
        })
  )
}

/** A connection by way of a port of the loopback. It does not reconnect by itself. */
export const connectTo = (port: number): Effect.Effect<Redis.Redis["Service"], Redis.RedisError, Scope.Scope> =>
  Effect.gen(function* () {
    const url = new URL(REDIS_URL ?? "redis://127.0.0.1")
    url.host = `127.0.0.1:${port}`
    const services = yield* Layer.build(
      Layer.fresh(NodeRedis.layer({ url: url.href, socket: { reconnectStrategy: false } }))
    )
    const { client } = Context.get(services, NodeRedis.NodeRedis)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        if (client.isOpen) client.destroy()
      })
    )
    return Context.get(services, Redis.Redis)
  })

const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})
