/** The command as a user starts it. */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

/** A folder that goes away again. */
export const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "holdfast-cli-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

/** A process of its own, with what it says and how it ends. `within` is a command that runs another one in its place. */
export const holdfast = (
  args: ReadonlyArray<string>,
  env: Record<string, string> = {},
  within: ReadonlyArray<string> = []
) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const [command = "", ...rest] = [...within, process.execPath, main, ...args]
      const child = spawn(command, rest, { env: { PATH: process.env.PATH, ...env } })
      let output = ""
      const waiting = new Set<() => void>()
      const hear = (chunk: Buffer) => {
        output += chunk.toString()
        for (const look of waiting) look()
      }
      child.stdout.on("data", hear)
      child.stderr.on("data", hear)
      const ended = new Promise<number | null>((resolve) => {
        child.once("exit", resolve)
      })
      return {
        child,
        output: () => output,
        ended: Effect.promise(() => ended),
        /** Waits until it has said something that matches. */
        says: (pattern: RegExp) =>
          Effect.callback<RegExpExecArray>((resume) => {
            const look = () => {
              const found = pattern.exec(output)
              if (found === null) return
              waiting.delete(look)
              resume(Effect.succeed(found))
            }
            waiting.add(look)
            look()
            return Effect.sync(() => waiting.delete(look))
          })
      }
    }),
    ({ child, ended }) =>
      Effect.andThen(
        Effect.sync(() => child.kill("SIGKILL")),
        ended
      )
  )

/** Where it says that it serves. */
export const url = /at (http:\/\/\S+)\/v1/
