import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "holdfast-cli-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

/** The command as a process of its own, with what it says and how it ends. */
const holdfast = (args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env.PATH, ...env } })
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

// A process of its own starts an embedded database: seconds on a busy machine.
const patience = 60_000

const url = /at (http:\/\/\S+)\/v1/

describe("holdfast serve", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it.live(
      `demonstrates without a configuration, finishes what is in flight on ${signal}, and exits with 0`,
      () =>
        Effect.gen(function* () {
          const data = yield* folder
          const process = yield* holdfast(["serve", "--port", "0", "--data", data])
          const [, base = ""] = yield* process.says(url)
          assert.include(process.output(), "demonstration")
          yield* process.says(/curl .*\/v1\/chat\/completions/)
          const asked = fetch(`${base}/v1/chat/completions`, {
            method: "POST",
            body: JSON.stringify({ model: "chat", stream: true, messages: [{ role: "user", content: "hi" }] })
          })
          const response = yield* Effect.promise(() => asked)
          process.child.kill(signal)
          const body = yield* Effect.promise(() => response.text())
          assert.include(body, "[DONE]")
          assert.strictEqual(yield* process.ended, 0)
          // The lock on the data is gone with the process: it can start again.
          const again = yield* holdfast(["serve", "--port", "0", "--data", data])
          yield* again.says(url)
        }),
      patience
    )
  }

  it.live("cannot start without a key: one readable message and exit code 1", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const file = join(directory, "holdfast.yaml")
      yield* Effect.promise(() =>
        writeFile(
          file,
          "providers: { openai: { key: { env: NO_SUCH_KEY } } }\nroutes: { chat: { lanes: [openai/x] } }\n"
        )
      )
      const process = yield* holdfast(["serve", "--config", file, "--port", "0", "--data", directory])
      assert.strictEqual(yield* process.ended, 1)
      assert.strictEqual(
        process.output().trim(),
        "providers.openai.key: the environment variable NO_SUCH_KEY is not set"
      )
    })
  )

  it.live("cannot start with an impossible policy: the path of the option and exit code 1", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const file = join(directory, "holdfast.json")
      const config = {
        providers: { openai: { key: { env: "KEY" } } },
        routes: { chat: { lanes: ["openai/x"], policy: { breaker: { open: "1 hour" } } } }
      }
      yield* Effect.promise(() => writeFile(file, JSON.stringify(config)))
      const process = yield* holdfast(["serve", "--config", file, "--data", directory], { KEY: "sk-canary" })
      assert.strictEqual(yield* process.ended, 1)
      assert.include(process.output(), `["routes"]["chat"]["policy"]["breaker"]["openMax"]`)
      assert.notInclude(process.output(), "canary")
      assert.isBelow(process.output().trim().split("\n").length, 4)
    })
  )
})
