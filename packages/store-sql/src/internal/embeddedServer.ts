/**
 * The thread that runs PGlite and serves it on a socket. PGlite computes where it is called: in a thread of its own, a
 * batch of rows does not hold up whatever else the process does. Any message asks it to close.
 */
import { PGlite } from "@electric-sql/pglite"
import { PGLiteSocketServer } from "@electric-sql/pglite-socket"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { parentPort, workerData } from "node:worker_threads"
import { type Report, Start } from "./embeddedMessages.ts"

/** One to serve, and room for the next one to connect while the one before is still closing. */
const maxConnections = 4

class NotStarted extends Data.TaggedError("NotStarted")<{ readonly message: string }> {}

const serve = Effect.gen(function* () {
  const { directory, socketPath } = yield* Schema.decodeUnknownEffect(Start)(workerData)
  const db = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => PGlite.create(directory === undefined ? {} : { dataDir: directory }),
      catch: (cause) =>
        new NotStarted({
          message: `PostgreSQL does not start, the data may be damaged or of another version (${said(cause)})`
        })
    }),
    (db) => Effect.promise(() => db.close())
  )
  yield* Effect.acquireRelease(
    Effect.tryPromise(async () => {
      const server = new PGLiteSocketServer({ db, path: socketPath, maxConnections })
      await server.start()
      return server
    }),
    (server) => Effect.promise(() => server.stop())
  )
  report({ _tag: "Ready" })
  yield* Effect.callback<void>((resume) => {
    parentPort?.once("message", () => resume(Effect.void))
  })
})

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
const report = (message: Report): void => parentPort?.postMessage(message)

const said = (error: unknown): string => {
  const inner = Cause.isUnknownError(error) ? error.cause : error
  return inner instanceof Error ? inner.message : JSON.stringify(inner)
}

Effect.runFork(
  serve.pipe(
    Effect.scoped,
    Effect.catchCause((cause) => Effect.sync(() => report({ _tag: "Failed", message: said(Cause.squash(cause)) }))),
    Effect.andThen(Effect.sync(() => parentPort?.close()))
  )
)
