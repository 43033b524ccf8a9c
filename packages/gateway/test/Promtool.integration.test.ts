/** What Prometheus' own tool says to `deploy/prometheus/`, and to what a gateway tells it. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { writeSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { embedded, question, start } from "./Harness.ts"

const deploy = fileURLToPath(new URL("../../../deploy/prometheus/", import.meta.url))

/** With its output, which says why where it fails. */
const promtool = (args: ReadonlyArray<string>, input = "") =>
  Effect.sync(() => {
    const { error, status, stderr, stdout } = spawnSync("promtool", args, { cwd: deploy, encoding: "utf8", input })
    return { status: error === undefined ? status : undefined, said: `${stdout}${stderr}` }
  })

const isThere = Effect.runSync(promtool(["--version"])).status === 0
if (!isThere) {
  writeSync(2, "SKIPPED: what promtool says, since there is none on the PATH (Debian has it in `prometheus`)\n")
}

layer(embedded, { excludeTestServices: true })("promtool", (it) => {
  it.effect.skipIf(!isThere)("takes the configuration and the alerts, which say what they are to say", () =>
    Effect.gen(function* () {
      for (const args of [
        ["check", "config", "prometheus.yaml"],
        ["check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml"],
        ["test", "rules", "alerts.test.yaml"]
      ]) {
        const { said, status } = yield* promtool(args)
        assert.strictEqual(status, 0, said)
        assert.include(said, "SUCCESS")
      }
    })
  )

  it.effect.skipIf(!isThere)("finds nothing wrong with what a gateway tells Prometheus", () =>
    Effect.gen(function* () {
      const { client, url } = yield* start({
        gemini: { rules: [{ when: { requests: { to: 3 } }, fault: { _tag: "ServiceUnavailable" } }] },
        config: { metrics: { tenants: 5 } }
      })
      for (let n = 0; n < 5; n += 1) yield* Effect.promise(() => client.chat.completions.create(question))
      const text = yield* Effect.promise(() => fetch(`${url}/metrics`).then((response) => response.text()))
      assert.include(text, "holdfast_retries_total")
      assert.deepStrictEqual(yield* promtool(["check", "metrics"], text), { status: 0, said: "" })
    })
  )
})
