import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, layer, it as plain } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { FaultBench } from "@holdfast/chaos"
import { Config } from "@holdfast/gateway"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as OwnGateway from "../src/faults/OwnGateway.ts"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
const faults = (...args: ReadonlyArray<string>) =>
  spawnSync(process.execPath, [main, "faults", ...args], { encoding: "utf8" })

const profile = "compressed"

const examine = Effect.fnUntraced(function* (mode: OwnGateway.Mode) {
  const providers = yield* FaultBench.providers({ profile, port: 0 })
  const url = yield* OwnGateway.start({ upstream: providers.url, profile, mode })
  const results = yield* Stream.runCollect(FaultBench.results({ providers, profile, target: { url } }))
  return Object.fromEntries(
    results.map(({ id, note, verdict }) => [id, verdict === "pass" ? verdict : `${verdict}: ${note}`])
  )
})

/** A stream that breaks after its first text. */
const committed = new Set(["S08", "S09", "S10", "S14"])

layer(NodeHttpClient.layerUndici, { excludeTestServices: true })("this gateway under the fault bench", (it) => {
  it.effect(
    "passes everything; a stream that breaks after its first text is continued, or surfaces as an error",
    () =>
      Effect.gen(function* () {
        const [continuing, surfacing] = yield* Effect.all([examine("continue"), examine("surface")], {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(continuing, Object.fromEntries(FaultBench.ids.map((id) => [id, "pass"])))
        assert.deepStrictEqual(Object.keys(surfacing), FaultBench.ids)
        for (const [id, result] of Object.entries(surfacing)) {
          assert.match(result, committed.has(id) ? /^safe: error after .*in the stream: / : /^pass$/, id)
        }
      }),
    180_000
  )

  it.effect("runs by the configuration file that is documented", () =>
    Effect.gen(function* () {
      const path = fileURLToPath(new URL("../../../docs/faultbench/holdfast.yaml", import.meta.url))
      const documented = yield* Config.parse(readFileSync(path, "utf8"), path)
      const own = yield* OwnGateway.config({
        upstream: `http://127.0.0.1:${FaultBench.defaultPort}/v1`,
        profile: "full",
        mode: "continue"
      })
      assert.deepStrictEqual(documented, own)
    })
  )
})

describe("holdfast faults", () => {
  plain("prints one JSON object, and exits with 0 where nothing failed", () => {
    const { status, stderr, stdout } = faults("--json", "--only", "S08,S11,S13")
    const report: unknown = JSON.parse(stdout)
    assert.strictEqual(stderr, "")
    assert.strictEqual(status, 0)
    assert.deepInclude(report, { target: "holdfast (continue, compressed)", pass: 3, partial: 0, safe: 0, fail: 0 })
    assert.nestedPropertyVal(report, "scenarios[0].id", "S08")
    assert.nestedPropertyVal(report, "scenarios[0].verdict", "pass")
    assert.nestedPropertyVal(report, "scenarios[0].attempts.fallback", 1)
  })

  plain("prints a table, and exits with 1 where something failed", () => {
    // There is no gateway at this port: the scenario needs one request at a provider.
    const { status, stderr, stdout } = faults("--target", "http://127.0.0.1:9", "--port", "18401", "--only", "S13")
    assert.strictEqual(status, 1)
    assert.match(stdout, /^S13 {2}fail .* 0 attempts at the primary, exactly one expected/m)
    assert.include(stdout, "0 pass · 0 partial · 0 safe · 1 fail")
    assert.include(stderr, "http://127.0.0.1:18401/v1")
  })

  plain.each([
    [["--mode", "restart"], "--mode"],
    [["--profile", "slow"], "--profile"],
    [["--only", "S08,S17"], "no scenario S17"],
    [["--target", "localhost"], "--target: expected an http(s) URL"],
    [["--target", "http://127.0.0.1:9", "--mode", "surface"], "--mode is an option of this gateway"],
    [["--port", "8401"], "--port needs --target"],
    [["--header", "a=b"], "--header needs --target"],
    [["--bogus"], "--bogus"]
  ])("says what is wrong with %j, and exits with 2", (args, message) => {
    const { status, stderr } = faults(...args)
    assert.strictEqual(status, 2)
    assert.include(stderr, message)
  })
})
