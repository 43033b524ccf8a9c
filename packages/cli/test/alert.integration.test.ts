import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Receivers from "@holdfast/telemetry/test/Receivers"
import { spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "holdfast-alert-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

/** Runs `holdfast alert test` over a configuration. */
const run = Effect.fnUntraced(function* (alerts: string, env: Record<string, string>, ...args: ReadonlyArray<string>) {
  const config = join(yield* folder, "holdfast.yaml")
  const rest = `providers: { openai: { key: { env: OPENAI_KEY } } }\nroutes: { chat: { lanes: [openai/gpt-4o-mini] } }\n`
  yield* Effect.promise(() => writeFile(config, `${rest}${alerts}`))
  return yield* Effect.callback<{ readonly status: number | null; readonly said: string }>((resume) => {
    const child = spawn(process.execPath, [main, "alert", "test", "--config", config, ...args], {
      env: { ...process.env, ...env }
    })
    let said = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text
      })
    }
    child.on("close", (status) => resume(Effect.succeed({ status, said })))
    return Effect.sync(() => child.kill())
  })
})

const deliveries = `alerts:
  deliveries:
    ops: { kind: slack, url: { env: SLACK_URL } }
    hook: { kind: webhook, url: { env: HOOK_URL } }
`

describe("holdfast alert test", () => {
  it.live("sends a test by every delivery, and says what became of it", () =>
    Effect.gen(function* () {
      const receiver = yield* Receivers.http
      const env = { SLACK_URL: `${receiver.url}/slack/canary`, HOOK_URL: `${receiver.url}/hook/canary` }
      const sent = yield* run(deliveries, env)
      assert.strictEqual(sent.status, 0, sent.said)
      assert.match(sent.said, /ok {6}ops \(slack\): it took the test, in \d+ ms\nok {6}hook \(webhook\)/)
      assert.strictEqual(receiver.received.length, 2)
      assert.isTrue(receiver.received.every(({ body }) => body.includes("This is a test of Holdfast's alerts")))

      receiver.replies(({ path }) => ({ status: path.startsWith("/slack") ? 403 : 200 }))
      const failed = yield* run(deliveries, env)
      assert.strictEqual(failed.status, 1)
      assert.match(failed.said, /FAILED {2}ops \(slack\): it answered 403, after \d+ ms\nok {6}hook/)
      assert.include(failed.said, "1 of 2 failed")
      assert.notInclude(failed.said, "canary")

      const one = yield* run(deliveries, env, "hook")
      assert.strictEqual(one.status, 0)
      assert.notInclude(one.said, "ops")
    })
  )

  it.live("says so where there is nothing to test", () =>
    Effect.gen(function* () {
      const none = yield* run("", {})
      assert.deepStrictEqual([none.status, none.said.includes("alerts.deliveries")], [1, true])
      const other = yield* run(deliveries, { SLACK_URL: "http://127.0.0.1:1", HOOK_URL: "http://127.0.0.1:1" }, "other")
      assert.strictEqual(other.status, 1)
      assert.include(other.said, "There is no delivery other (there is: ops, hook)")
      const unset = yield* run(deliveries, {})
      assert.strictEqual(unset.status, 1)
      assert.include(unset.said, "alerts.deliveries.ops.url: the environment variable SLACK_URL is not set")
    })
  )
})
