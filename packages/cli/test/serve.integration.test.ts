import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { folder, holdfast, url } from "./Command.ts"

// A process of its own starts an embedded database: seconds on a busy machine.
const patience = 60_000

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

  it.live(
    "keeps what an operator was told is done, though it is killed",
    () =>
      Effect.gen(function* () {
        const directory = yield* folder
        const file = join(directory, "holdfast.json")
        const config = {
          admin: { key: { env: "ADMIN_KEY" } },
          providers: { local: { kind: "openai-compatible", baseUrl: "http://127.0.0.1:1/v1" } },
          routes: { chat: { lanes: ["local/x"] } }
        }
        yield* Effect.promise(() => writeFile(file, JSON.stringify(config)))
        const key = "a-key-of-the-tests-own"
        const args = ["serve", "--config", file, "--port", "0", "--data", directory]
        const first = yield* holdfast(args, { ADMIN_KEY: key })
        const [, base = ""] = yield* first.says(url)
        const drained = yield* Effect.promise(() =>
          fetch(`${base}/api/drains`, {
            method: "POST",
            headers: { "content-type": "application/json", "x-holdfast-admin-key": key },
            body: JSON.stringify({ lane: "local/x", by: "Ada", reason: "at 3 a.m." })
          }).then((response) => response.text())
        )
        first.child.kill("SIGKILL")
        yield* first.ended
        assert.include(drained, `"isKept":true`)
        const second = yield* holdfast(args, { ADMIN_KEY: key })
        const [, again = ""] = yield* second.says(url)
        const state = yield* Effect.promise(() => fetch(`${again}/api/state`).then((response) => response.text()))
        assert.include(state, "local/x is drained by Ada (at 3 a.m.)")
      }),
    patience
  )

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
