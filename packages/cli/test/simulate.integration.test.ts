import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Path } from "effect"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
const holdfast = (...args: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8" })
  return { status, stderr, stdout }
}

const storm = `
duration: 6 minutes
workload: { arrivals: { poisson: 3 per second }, deadline: 30 seconds, streams: 0.5 }
providers:
  a/one:
    latency: { p50: 900 millis, p99: 6 seconds }
    price: { input: 1, output: 2 }
    outages: [{ at: 2 minutes, for: 2 minutes, kind: service-unavailable }]
  b/two:
    latency: { p50: 700 millis, p99: 4 seconds }
    price: { input: 1, output: 2 }
`

/** Writes files into a folder of the test's own; answers with their paths. */
const written = Effect.fnUntraced(function* (contents: Readonly<Record<string, string>>) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* files.makeTempDirectoryScoped()
  for (const [name, content] of Object.entries(contents)) yield* files.writeFileString(path.join(folder, name), content)
  return (name: string) => path.join(folder, name)
})

const provided = Effect.provide(NodeServices.layer)

describe("holdfast simulate", { timeout: 120_000 }, () => {
  it("lists the library, one storm a line, its name first", () => {
    const { status, stdout } = holdfast("simulate", "--list")
    assert.strictEqual(status, 0)
    const names = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" ", 1)[0])
    assert.isAtLeast(names.length, 17)
    assert.includeMembers(names, ["openai-2024-12-11", "chaos-outage"])
  })

  it.live("prints the figures as JSON, the same each time but for the time it took", () =>
    Effect.gen(function* () {
      const file = yield* written({ "storm.yaml": storm })
      const run = (...more: ReadonlyArray<string>): Record<string, unknown> => {
        const { status, stderr, stdout } = holdfast("simulate", file("storm.yaml"), "--json", ...more)
        assert.strictEqual(status, 0, stderr)
        return JSON.parse(stdout)
      }
      const { wallMs, ...figures } = run("--seed", "7")
      assert.deepStrictEqual(Object.keys(figures).slice(0, 11), [
        "scenario",
        "seed",
        "operations",
        "succeeded",
        "successRate",
        "attempts",
        "amplification",
        "latencyMs",
        "costUsd",
        "recoveryMs",
        "virtualMs"
      ])
      assert.isAbove(Number(wallMs), 0)
      assert.strictEqual(figures["seed"], 7)
      assert.strictEqual(figures["scenario"], "storm")
      assert.deepStrictEqual({ ...run("--seed", "7"), wallMs: 0 }, { ...figures, wallMs: 0 })
      const alone = run("--runs", "3", "--workers", "1")
      assert.strictEqual(alone["runs"], 3)
      assert.strictEqual(
        JSON.stringify({ ...run("--runs", "3", "--workers", "2"), wallMs: 0 }),
        JSON.stringify({ ...alone, wallMs: 0 })
      )
    }).pipe(Effect.scoped, provided)
  )

  it.live("writes a page that loads nothing, and prints a report", () =>
    Effect.gen(function* () {
      const file = yield* written({ "storm.yaml": storm })
      const { status, stdout } = holdfast("simulate", file("storm.yaml"), "--html", file("page.html"))
      assert.strictEqual(status, 0)
      assert.match(stdout, /success +\d/)
      const page = yield* (yield* FileSystem.FileSystem).readFileString(file("page.html"))
      assert.include(page, "<svg")
      assert.notMatch(page, /(src|href)="(?!https:\/\/)|url\(|@import/)
    }).pipe(Effect.scoped, provided)
  )

  it.live("names the path of a wrong field, and exits with 2", () =>
    Effect.gen(function* () {
      const file = yield* written({ "storm.yaml": storm.replace("streams: 0.5", "streams: 5") })
      const { status, stderr } = holdfast("simulate", file("storm.yaml"))
      assert.strictEqual(status, 2)
      assert.include(stderr, '["workload"]["streams"]')
      assert.strictEqual(holdfast("simulate", "no-such-storm").status, 2)
      assert.strictEqual(holdfast("simulate").status, 2)
      assert.strictEqual(holdfast("simulate", "chaos-outage", "--workers", "0").status, 2)
      assert.strictEqual(holdfast("simulate", "chaos-outage", "--config", file("nothing.yaml")).status, 2)
    }).pipe(Effect.scoped, provided)
  )
})

describe("holdfast compare and tune", { timeout: 120_000 }, () => {
  it.live("passes what is no worse and stops what is, with a configuration's route on its own lanes", () =>
    Effect.gen(function* () {
      const file = yield* written({
        "storm.yaml": storm,
        "holdfast.yaml":
          "providers:\n" +
          "  local: { kind: openai-compatible, baseUrl: 'http://127.0.0.1:1/v1' }\n" +
          "routes:\n  chat: { policy: interactive, lanes: [local/large, local/small] }\n"
      })
      const same = holdfast("compare", "interactive", file("holdfast.yaml"), file("storm.yaml"), "--runs", "2")
      assert.strictEqual(same.status, 0, same.stderr)
      assert.match(same.stdout, /success .*\+0\.00 pp/)
      const worse = holdfast("compare", file("holdfast.yaml"), "none", file("storm.yaml"), "--runs", "3")
      assert.strictEqual(worse.status, 1)
      assert.include(worse.stderr, "success in storm")
      const tuned = holdfast("tune", file("storm.yaml"), "--config", file("holdfast.yaml"), "--tries", "4", "--json")
      assert.strictEqual(tuned.status, 0, tuned.stderr)
      assert.nestedPropertyVal(JSON.parse(tuned.stdout), "tries", 4)
    }).pipe(Effect.scoped, provided)
  )
})
