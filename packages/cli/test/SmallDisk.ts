/**
 * A disk of a few megabytes, really: a tmpfs in a mount namespace of one's own, for which Linux asks no privileges where it
 * gives users namespaces.
 */
import { Effect } from "effect"
import { spawn, spawnSync } from "node:child_process"
import { closeSync, openSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"

const unshare = ["--user", "--map-root-user", "--mount"]

/** Why there can be none here. */
export const missing = ((): string | undefined => {
  const tried = spawnSync("unshare", [...unshare, "sh", "-c", "mount -t tmpfs tmpfs /mnt && command -v nsenter"])
  if (tried.status === 0) return undefined
  return (tried.error?.message ?? String(tried.stderr)).trim()
})()

/** In place of `directory`, for processes that run `within`. Gone with the scope. */
export const make = Effect.fnUntraced(function* (directory: string, megabytes: number) {
  const keeper = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof spawn>>((resume) => {
      const script = `mount -t tmpfs -o size=${megabytes}m tmpfs "$0" && echo ready && exec sleep infinity`
      const child = spawn("unshare", [...unshare, "sh", "-c", script, directory])
      child.stdout.once("data", () => resume(Effect.succeed(child)))
      child.once("exit", (code) => resume(Effect.die(new Error(`no small disk: ${code}`))))
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  /** The directory as the namespace sees it. */
  const inside = `/proc/${keeper.pid}/root${directory}`
  const ballast = join(inside, "ballast")
  return {
    inside,
    within: ["nsenter", "--target", String(keeper.pid), "--user", "--mount", "--preserve-credentials"],
    /** Takes all the room there is. */
    fill: Effect.sync(() => {
      const file = openSync(ballast, "a")
      try {
        for (;;) writeSync(file, Buffer.alloc(4_096))
      } catch {
        // It is full.
      } finally {
        closeSync(file)
      }
    }),
    clear: Effect.sync(() => rmSync(ballast))
  }
})
