import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { folder, holdfast } from "../Command.ts"

const storm = `
duration: 2 seconds
workload: { arrivals: { constant: 10 per second }, deadline: 20 seconds, streams: 0.5, tokens: { in: 50, out: 60 } }
providers:
  a/one:
    latency: { constant: 2 seconds }
    tokensPerSecond: 60
    price: { input: 1, output: 2 }
`

const run = (...args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const process = yield* holdfast(["replay", ...args])
    const status = yield* process.ended
    return { status, output: process.output() }
  })

describe("holdfast replay", { timeout: 120_000 }, () => {
  it.live("prints what came of the storm in real time and in virtual time, and how far apart that is", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "storm.yaml")
      yield* Effect.promise(() => writeFile(path, storm))
      const { output, status } = yield* run(path, "--seed", "7", "--runs", "2", "--json")
      const { agreement, real, virtual } = JSON.parse(output.split("\n").find((line) => line.startsWith("{")) ?? output)
      // Whether they do is another test's question, which takes care that it can be answered on a busy machine.
      assert.strictEqual(status, agreement.agrees ? 0 : 1)
      assert.deepInclude(real, { scenario: "storm", seed: 7, operations: 20, succeeded: 20, policy: "interactive" })
      assert.deepInclude(virtual, { scenario: "storm", seed: 7, operations: 40, succeeded: 40, runs: 2 })
      assert.deepStrictEqual(real.failures, {})
      assert.strictEqual(real.attempts, 20)
      assert.strictEqual(real.costUsd, 0.0034)
      // Not before its time, which the answers take in virtual time as well.
      assert.isAtLeast(real.latencyMs.p50, 2990)
      assert.isAtLeast(real.firstContentMs.p50, 1990)
      assert.deepStrictEqual(
        agreement.measures.map(({ name }: { readonly name: string }) => name),
        ["success", "p95"]
      )
    })
  )

  it.live("refuses what it cannot do, before anything is started", () =>
    Effect.gen(function* () {
      const unreachable = yield* run("regional-network-loss")
      assert.strictEqual(unreachable.status, 2)
      assert.match(unreachable.output, /cannot be replayed: providers\.\S+\.outages of kind unreachable/)
      const baseline = yield* run("chaos-outage", "--config", "sdk")
      assert.strictEqual(baseline.status, 2)
      assert.include(baseline.output, "sdk: is no policy that a gateway can have")
    })
  )
})
