/** Starts PGlite in a thread of its own and says where it listens. The thread and its socket belong to the scope. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Worker } from "node:worker_threads"
import { DatabaseError } from "../DatabaseError.ts"
import * as DirectoryLock from "./DirectoryLock.ts"
import { Report, type Start } from "./embeddedMessages.ts"

/** How long the thread may take to open a database or make one, which is seconds on a busy machine. */
const startTimeout = "60 seconds"

/** How long the thread may take to write everything down and end. */
const stopTimeout = "10 seconds"

/**
 * Opens the directory, or a database in memory without one, and answers the path of its socket. Only this user can reach
 * it: PGlite asks nobody for a password.
 */
export const start = (
  directory: string | undefined
): Effect.Effect<string, DatabaseError, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const real = directory === undefined ? undefined : yield* prepare(directory)
    const socketPath = `${yield* fs.makeTempDirectoryScoped({ prefix: "holdfast-" })}/postgres.sock`
    const worker = yield* Effect.acquireRelease(spawn({ directory: real, socketPath }), stop)
    yield* Effect.forkScoped(
      Effect.andThen(
        exitOf(worker),
        Effect.logError("The embedded database has ended by itself; start again to use it")
      )
    )
    return socketPath
  }).pipe(Effect.catchTag("PlatformError", (error) => Effect.fail(unusable(directory, error.message))))

/** Makes the directory if it is not there, locks it, and answers its one true name. */
const prepare = Effect.fnUntraced(function* (
  directory: string
): Effect.fn.Return<string, DatabaseError | PlatformError.PlatformError, FileSystem.FileSystem | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  yield* fs.makeDirectory(directory, { recursive: true, mode: 0o700 })
  const real = yield* fs.realPath(directory)
  yield* DirectoryLock.acquire(real)
  // PGlite would start a new database among whatever is there, and so forget a database that lost this one file.
  const entries = yield* fs.readDirectory(real)
  if (entries.length > 0 && !entries.includes("PG_VERSION")) {
    return yield* unusable(directory, "it is not empty and holds no database")
  }
  return real
})

const spawn = (data: Start): Effect.Effect<Worker, DatabaseError> =>
  Effect.callback<Worker, DatabaseError>((resume) => {
    const worker = new Worker(new URL("./embeddedServer.ts", import.meta.url), { workerData: data })
    const fail = (why: string): void => resume(Effect.fail(unusable(data.directory, why)))
    worker.once("error", (error) => fail(error instanceof Error ? error.message : String(error)))
    worker.once("exit", () => fail("the thread that opens it has ended"))
    worker.once("message", (message: unknown) => {
      if (!Schema.is(Report)(message)) return fail("the thread that opens it speaks another language")
      if (message._tag === "Failed") return fail(message.message)
      return resume(Effect.succeed(worker))
    })
    return Effect.promise(() => worker.terminate())
  }).pipe(
    Effect.timeoutOrElse({
      duration: startTimeout,
      orElse: () => Effect.fail(unusable(data.directory, `it has not started within ${startTimeout}`))
    })
  )

const exitOf = (worker: Worker): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const onExit = (): void => resume(Effect.void)
    worker.once("exit", onExit)
    return Effect.sync(() => worker.off("exit", onExit))
  })

const stop = (worker: Worker): Effect.Effect<void> =>
  Effect.suspend(() => {
    // A thread that has ended says so once; -1 is the id of such a one.
    if (worker.threadId === -1) return Effect.void
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage("close")
    return exitOf(worker)
  }).pipe(
    Effect.timeoutOrElse({
      duration: stopTimeout,
      orElse: () =>
        Effect.andThen(
          Effect.logError("The embedded database does not end, so it is stopped"),
          Effect.promise(() => worker.terminate())
        )
    }),
    Effect.asVoid
  )

const unusable = (directory: string | undefined, why: string): DatabaseError =>
  new DatabaseError({
    reason: "Unusable",
    message:
      directory === undefined
        ? `The database in memory cannot be started: ${why}`
        : `The data directory ${directory} cannot be opened: ${why}. ` +
          "Choose another one, or move it away to start anew without its data"
  })
