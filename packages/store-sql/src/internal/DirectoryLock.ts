/**
 * One process at a time in a data directory: a file beside it names its holder. A holder that died leaves the file
 * behind; the next one sees that and takes over. PostgreSQL does the same with `postmaster.pid`; PGlite does not.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { pid as ownPid, kill } from "node:process"
import { DatabaseError } from "../DatabaseError.ts"

/** Holds the directory until the scope closes. Fails with `InUse` while another process, or this one, holds it. */
export const acquire = (
  directory: string
): Effect.Effect<void, DatabaseError | PlatformError.PlatformError, FileSystem.FileSystem | Scope.Scope> =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => {
    const path = `${directory}.lock`
    return Effect.acquireRelease(take(path, directory), () => Effect.ignore(fs.remove(path)))
  })

const take = Effect.fnUntraced(function* (
  path: string,
  directory: string
): Effect.fn.Return<void, DatabaseError | PlatformError.PlatformError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const mine = `${ownPid} ${yield* startOf(ownPid)}`
  while (true) {
    const created = yield* fs.writeFileString(path, mine, { flag: "wx", mode: 0o600 }).pipe(
      Effect.as(true),
      Effect.catchIf(isReason("AlreadyExists"), () => Effect.succeed(false))
    )
    if (created) return
    const found = yield* fs.readFileString(path).pipe(Effect.catchIf(isReason("NotFound"), () => Effect.void))
    if (found === undefined) continue
    if (yield* isHeld(found)) {
      return yield* new DatabaseError({
        reason: "InUse",
        message:
          `The data directory ${directory} is in use by ${found === "" ? "a process that starts" : `process ${found.split(" ", 1)[0]}`}. ` +
          `Stop that process, or remove ${path} if it is none of ours`
      })
    }
    yield* removeStale(path, found)
  }
})

/** Of several that found the same dead holder, only one may clear its file away: renaming succeeds once. */
const removeStale = Effect.fnUntraced(function* (path: string, stale: string) {
  const fs = yield* FileSystem.FileSystem
  const aside = `${path}.${ownPid}-${yield* Random.nextIntBetween(0, 2 ** 31)}`
  const moved = yield* fs.rename(path, aside).pipe(
    Effect.as(true),
    Effect.catchIf(isReason("NotFound"), () => Effect.succeed(false))
  )
  if (!moved) return
  // Somebody was faster: what was moved is the file of the new holder, who gets it back.
  if ((yield* fs.readFileString(aside)) !== stale) yield* Effect.ignore(fs.link(aside, path))
  yield* fs.remove(aside)
})

/** A file without a number was being written when it was read, so somebody is about to hold it. */
const isHeld = Effect.fnUntraced(function* (found: string) {
  const [pid = Number.NaN, start] = found.split(" ").map(Number)
  if (!Number.isInteger(pid) || pid < 1) return true
  return start === undefined || start === 0 ? isAlive(pid) : (yield* startOf(pid)) === start
})

/**
 * When a process started, in ticks since boot, so that a number that was given away again is not mistaken for its old
 * owner (`proc_pid_stat(5)`, field 22). Zero where there is no `/proc` or no such process.
 */
const startOf = Effect.fnUntraced(function* (pid: number) {
  const fs = yield* FileSystem.FileSystem
  const stat = yield* Effect.orElseSucceed(fs.readFileString(`/proc/${pid}/stat`), () => "")
  // The second field is a name in parentheses and may hold anything; the third comes after the last of them.
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? 0)
})

const isAlive = (pid: number): boolean => {
  try {
    return kill(pid, 0)
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

const isReason = (tag: PlatformError.SystemErrorTag) => (error: PlatformError.PlatformError) =>
  error.reason._tag === tag
