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
    if (yield* create(path, mine)) return
    const first = yield* read(path)
    if (first === undefined) continue
    // Whoever takes over from a dead holder says so in a file that is named after it, which only one of several can make;
    // one that died before it was done is followed in the same way.
    const chain = [first]
    for (let last = first; !(yield* isHeld(last)); chain.push(last)) {
      const next = successor(path, last)
      if (yield* create(next, mine)) {
        // Another one may have come first, and have tidied up since.
        if ((yield* read(path)) !== first) {
          yield* fs.remove(next)
          break
        }
        yield* fs.rename(next, path)
        for (const dead of chain.slice(0, -1)) yield* Effect.ignore(fs.remove(successor(path, dead)))
        return
      }
      const found = yield* read(next)
      if (found === undefined) break
      last = found
    }
    const holder = chain.at(-1) ?? first
    if (yield* isHeld(holder)) {
      return yield* new DatabaseError({
        reason: "InUse",
        message:
          `The data directory ${directory} is in use by process ${holder.split(" ", 1)[0]}. ` +
          `Stop that process, or remove ${path} if it is none of ours`
      })
    }
  }
})

const successor = (path: string, dead: string): string => `${path}.after-${dead.replace(" ", "-")}`

/** Makes the file with what is in it, in one step; false if it is there. */
const create = Effect.fnUntraced(function* (path: string, content: string) {
  const fs = yield* FileSystem.FileSystem
  const aside = `${path}.${ownPid}-${yield* Random.nextIntBetween(0, 2 ** 31)}`
  yield* fs.writeFileString(aside, content, { flag: "wx", mode: 0o600 })
  return yield* fs.link(aside, path).pipe(
    Effect.as(true),
    Effect.catchIf(isReason("AlreadyExists"), () => Effect.succeed(false)),
    Effect.ensuring(Effect.ignore(fs.remove(aside)))
  )
})

const read = (path: string) =>
  FileSystem.FileSystem.use((fs) =>
    fs.readFileString(path).pipe(Effect.catchIf(isReason("NotFound"), () => Effect.void))
  )

/** Whether the process lives. What is no number is not of our making, and better left alone. */
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
