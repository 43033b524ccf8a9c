import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, FileSystem, Layer, Logger } from "effect"
import { SqlClient } from "effect/sql"
import { spawn } from "node:child_process"
import type { Worker } from "node:worker_threads"
import * as Database from "../src/Database.ts"
import * as Migrations from "../src/Migrations.ts"
import * as Fixtures from "./fixtures.ts"
import { queriesSuite } from "./queriesSuite.ts"
import { openWriter, storeSuite } from "./storeSuite.ts"

const inMemory = Database.layerEmbedded().pipe(Layer.provide(NodeServices.layer))
storeSuite("PGlite in memory", inMemory)
queriesSuite("PGlite", inMemory)

const temporary = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  fs.makeTempDirectoryScoped({ prefix: "holdfast-test-" })
)

storeSuite(
  "PGlite in a directory",
  Layer.unwrap(Effect.map(temporary, (dataDirectory) => Database.layer({ dataDirectory }))).pipe(
    Layer.provide(NodeServices.layer)
  )
)

/** Runs something on a database that is started for it and stopped after it. */
const session = (directory: string) => Effect.provide(Database.layerEmbedded({ directory }), { local: true })

/** A directory with a migrated database without rows. Making one takes seconds, so tests take copies. */
class Sound extends Context.Service<Sound, { readonly copyTo: (directory: string) => Effect.Effect<void> }>()(
  "@holdfast/store-sql/test/Sound"
) {
  static readonly layer = Layer.effect(
    Sound,
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = `${yield* temporary}/is/made/too`
      yield* session(directory)(Migrations.run)
      return Sound.of({ copyTo: (path) => Effect.orDie(fs.copy(directory, path)) })
    })
  )
}

const countErrors = SqlClient.SqlClient.use(
  (sql) => sql<{ count: number }>`SELECT count(*)::int AS count FROM ai_service_errors`
).pipe(Effect.map(([row]) => row?.count))

/** Another process writes one row into the directory and is killed while it has it open. */
const killedSession = (directory: string, temporary: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const script = new URL("writeAndWait.ts", import.meta.url).pathname
    const child = spawn(process.execPath, [script, directory], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ["ignore", "pipe", "inherit"]
    })
    child.stdout.once("data", () => child.kill("SIGKILL"))
    child.once("error", reject)
    child.once("exit", (code, signal) =>
      signal === "SIGKILL" ? resolve() : reject(new Error(`it ended with ${code} before it was killed`))
    )
  })

layer(Sound.layer.pipe(Layer.provideMerge(NodeServices.layer)), { excludeTestServices: true, timeout: "60 seconds" })(
  "PGlite in a directory, from start to start",
  (it) => {
    it.effect("keeps its rows, and lets nobody else in meanwhile", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const root = yield* temporary
        const directory = `${root}/data`
        yield* Sound.use((sound) => sound.copyTo(directory))
        yield* Effect.gen(function* () {
          const { publish, writer } = yield* openWriter()
          yield* publish(Fixtures.attempt())
          yield* writer.flush
          const detour = `${root}/../${root.split("/").at(-1)}/data`
          const error = yield* Effect.flip(Effect.scoped(session(detour)(countErrors)))
          assert.deepInclude(error, { _tag: "DatabaseError", reason: "InUse" })
          assert.include(error.message, `in use by process ${process.pid}`)
        }).pipe(Effect.scoped, session(directory))
        assert.deepStrictEqual(yield* fs.readDirectory(root), ["data"])
        assert.strictEqual(yield* session(directory)(countErrors), 1)
      })
    )

    it.effect("comes back with its rows after its process was killed", () =>
      Effect.gen(function* () {
        const root = yield* temporary
        const directory = `${root}/data`
        yield* Sound.use((sound) => sound.copyTo(directory))
        yield* Effect.promise(() => killedSession(directory, root))
        assert.strictEqual(yield* session(directory)(countErrors), 1)
      })
    )

    it.effect("fails statements and nothing else when its thread has ended", () =>
      Effect.gen(function* () {
        const directory = `${yield* temporary}/data`
        yield* Sound.use((sound) => sound.copyTo(directory))
        const threads: Array<Worker> = []
        const onWorker = (worker: Worker): void => void threads.push(worker)
        process.on("worker", onWorker)
        const log: Array<string> = []
        const logger = Logger.make<unknown, void>(({ message }) => void log.push(String(message)))
        yield* Effect.gen(function* () {
          yield* Database.check
          yield* Effect.promise(async () => threads[0]?.terminate())
          const error = yield* Effect.flip(Database.check)
          assert.deepInclude(error, { _tag: "DatabaseError", reason: "Unreachable" })
        }).pipe(session(directory), Effect.provide(Logger.layer([logger])))
        process.off("worker", onWorker)
        assert.deepStrictEqual(log, ["The embedded database has ended by itself; start again to use it"])
        assert.strictEqual(yield* session(directory)(countErrors), 0)
      })
    )

    it.effect("says in plain words that it cannot be opened, and leaves no lock", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const root = yield* temporary
        const damages = {
          "another version": (path: string) => fs.writeFileString(`${path}/PG_VERSION`, "12\n"),
          "no log": (path: string) => fs.remove(`${path}/pg_wal`, { recursive: true }),
          "not a database": (path: string) => fs.remove(`${path}/PG_VERSION`),
          "not a directory": (path: string) =>
            Effect.andThen(fs.remove(path, { recursive: true }), fs.writeFileString(path, "a file"))
        }
        for (const [name, damage] of Object.entries(damages)) {
          const directory = `${root}/${name}`
          yield* Sound.use((sound) => sound.copyTo(directory))
          yield* damage(directory)
          const error = yield* Effect.flip(Effect.scoped(session(directory)(Database.check)))
          assert.deepInclude(error, { _tag: "DatabaseError", reason: "Unusable" }, name)
          assert.include(error.message, `The data directory ${directory} cannot be opened: `)
          assert.isFalse(yield* fs.exists(`${directory}.lock`), name)
        }
      })
    )
  }
)
