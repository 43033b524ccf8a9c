/**
 * A Redis server for tests: `redis-server` from the PATH on a free port of the loopback, which can be stopped and started,
 * else the server at `REDIS_URL`, which cannot. Without either the tests that need one are skipped, and say so; with
 * `HOLDFAST_REQUIRE_REDIS=1` they run and fail.
 */
import { Effect } from "effect"
import { spawn, spawnSync } from "node:child_process"
import { createServer, connect } from "node:net"

const hasServer = spawnSync("redis-server", ["--version"]).status === 0
const { HOLDFAST_REQUIRE_REDIS, REDIS_URL } = process.env

export interface TestRedis {
  readonly url: string
  /** Kills it; nothing where it is not this test's own. */
  readonly stop: Effect.Effect<void>
  /** Starts it again on the same port, empty. */
  readonly start: Effect.Effect<void>
}

/** Whether there is a server at all, or has to be. */
export const isThere = hasServer || REDIS_URL !== undefined || HOLDFAST_REQUIRE_REDIS === "1"

/** Whether it is a server that a test may stop. */
export const isOwn = hasServer

if (!isThere) {
  // The one place to say it: a skipped test alone would go unnoticed.
  process.stderr.write("\nNO REDIS: there is no redis-server on the PATH and no REDIS_URL; its tests are SKIPPED.\n\n")
}

/** A server that stops with the scope. */
export const make = Effect.gen(function* () {
  if (!hasServer) {
    if (REDIS_URL === undefined) return yield* Effect.die(new Error("no redis-server on the PATH and no REDIS_URL"))
    const elsewhere: TestRedis = { url: REDIS_URL, stop: Effect.void, start: Effect.void }
    return elsewhere
  }
  const port = yield* freePort
  let running: ReturnType<typeof spawn> | undefined
  const stop = Effect.callback<void>((resume) => {
    const child = running
    running = undefined
    if (child === undefined || child.exitCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })
  const start = Effect.suspend(() => {
    running ??= spawn(
      "redis-server",
      ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"],
      { stdio: "ignore" }
    )
    return Effect.repeat(accepts(port), { until: (is) => is })
  })
  yield* Effect.acquireRelease(start, () => stop)
  const own: TestRedis = { url: `redis://127.0.0.1:${port}`, stop, start: Effect.asVoid(start) }
  return own
})

const accepts = (port: number): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.succeed(true))
    })
    socket.once("error", () => resume(Effect.delay(Effect.succeed(false), "20 millis")))
  })

const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})
