/**
 * Puts this gateway, with streams that surface and streams that continue, and Portkey's gateway through the fault bench at
 * full length, side by side, and writes who passes what to docs/faultbench.md. Takes some four minutes, and npm, which
 * installs the peer into a temporary folder.
 */
import { spawn, spawnSync } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DateTime, Effect, Schedule, type Scope, Stream } from "effect"
import { FetchHttpClient } from "effect/http"
import type { Emulator } from "../packages/chaos/src/Emulator.ts"
import * as FaultBench from "../packages/chaos/src/FaultBench.ts"
import * as OwnGateway from "../packages/cli/src/faults/OwnGateway.ts"

const profile = "full"

const portkey = { version: "1.15.2", hono: "4.9.7", nodeServer: "1.13.5" }

interface Subject {
  readonly title: string
  readonly setUp: string
  readonly start: (providers: Emulator) => Effect.Effect<FaultBench.Target, unknown, Scope.Scope>
}

const own = (mode: OwnGateway.Mode): Subject => ({
  title: `holdfast, ${mode}`,
  setUp: `This gateway, policy \`interactive\` as it ships, ${
    mode === "surface"
      ? "which tells the caller of a stream that breaks after its first text"
      : "with `stream: { onFailure: continue }`"
  }.`,
  start: ({ url }) => Effect.map(OwnGateway.start({ upstream: url, profile, mode }), (url) => ({ url }))
})

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "faultbench-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})

const installed = Effect.gen(function* () {
  const path = yield* folder
  // Its own ranges allow newer ones, with which it answers streams with a 500.
  const overrides = { hono: portkey.hono, "@hono/node-server": portkey.nodeServer }
  const manifest = { private: true, dependencies: { "@portkey-ai/gateway": portkey.version }, overrides }
  writeFileSync(join(path, "package.json"), JSON.stringify(manifest))
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts"]
  const { status, stderr } = spawnSync("npm", ["install", ...flags], { cwd: path, encoding: "utf8" })
  if (status !== 0) return yield* Effect.die(`npm could not install Portkey's gateway: ${stderr}`)
  return path
})

/** How the published bench configured it, in the header that it reads. */
const portkeyConfig = (upstream: string): string => {
  const target = { provider: "openai", api_key: "any", custom_host: upstream }
  const codes = [429, 500, 502, 503, 504]
  return JSON.stringify({
    strategy: { mode: "fallback" },
    request_timeout: 30_000,
    targets: [
      {
        ...target,
        override_params: { model: "{model}" },
        retry: { attempts: 2, on_status_codes: codes, use_retry_after_header: true }
      },
      { ...target, override_params: { model: "{fallback}" } }
    ]
  })
}

const peer = (original: string, patched: boolean): Subject => ({
  title: patched ? "Portkey, patched" : "Portkey",
  setUp: patched
    ? "The same with the one-line patch to `async-retry` that its repository applies to its own installation; without it a heeded Retry-After breaks its retry loop."
    : `\`@portkey-ai/gateway\` ${portkey.version} from npm (\`hono\` ${portkey.hono}, \`@hono/node-server\` ${portkey.nodeServer}), configured as for the published bench: request timeout 30 s, two retries on 429, 500, 502, 503 and 504, Retry-After heeded, one fallback.`,
  start: Effect.fnUntraced(function* ({ url }) {
    const path = join(yield* folder, "portkey")
    cpSync(original, path, { recursive: true })
    if (patched) {
      const file = join(path, "node_modules/async-retry/lib/index.js")
      writeFileSync(file, readFileSync(file, "utf8").replace("fn(bail, num)", "fn(bail, num, op)"))
    }
    const port = yield* freePort
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        const main = join(path, "node_modules/@portkey-ai/gateway/build/start-server.js")
        return spawn(process.execPath, [main, `--port=${port}`], { cwd: path, stdio: "ignore" })
      }),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    yield* Effect.tryPromise(() => fetch(`http://127.0.0.1:${port}/`)).pipe(
      Effect.retry(Schedule.spaced("200 millis").pipe(Schedule.upTo({ times: 100 })))
    )
    return { url: `http://127.0.0.1:${port}/v1`, headers: { "x-portkey-config": portkeyConfig(url) } }
  })
})

interface Column extends FaultBench.Report {
  readonly setUp: string
}

const examine = Effect.fnUntraced(function* ({ setUp, start, title }: Subject) {
  const providers = yield* FaultBench.providers({ profile, port: 0 })
  const target = yield* start(providers)
  const results = yield* FaultBench.results({ providers, profile, target }).pipe(
    Stream.tap(({ id, note, verdict }) =>
      Effect.sync(() => console.log(`${title.padEnd(18)} ${id} ${verdict.padEnd(7)} ${note}`))
    ),
    Stream.runCollect
  )
  return { ...FaultBench.report(title, results), setUp } satisfies Column
})

/** Its published row, S01 to S16, of the score-card of 2026-09-12 (CC BY 4.0). */
const published = "PPPPPP~FFPPP~FPP"

const signs: Readonly<Record<string, FaultBench.Result["verdict"]>> = {
  P: "pass",
  "~": "partial",
  s: "safe",
  F: "fail"
}

/** How far this bench and the published one agree where both have measured the same gateway. */
const agreement = (columns: ReadonlyArray<Column>): string => {
  const results = columns.find(({ target }) => target === "Portkey, patched")?.scenarios ?? []
  const equal = results.filter(({ verdict }, n) => verdict === signs[published[n] ?? ""]).length
  return `The published card of 2026-09-12 (CC BY 4.0) has a row for the patched Portkey too: ${equal} of its ${published.length} cells are the same here.`
}

const row = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

const notes = (column: Column): ReadonlyArray<string> => [
  `### ${column.target}`,
  "",
  column.setUp,
  "",
  ...(column.pass === column.scenarios.length ? ["Everything passed."] : []),
  ...column.scenarios
    .filter(({ verdict }) => verdict !== "pass")
    .map(({ id, note, verdict }) => `- ${id}, ${verdict}: ${note}`),
  ""
]

const page = (columns: ReadonlyArray<Column>, day: string): string => {
  const [first] = columns
  const table = [
    row(["", "what the provider does", ...columns.map(({ target }) => target)]),
    row(["---", "---", ...columns.map(() => "---")]),
    ...(first?.scenarios ?? []).map(({ id, title }, n) =>
      row([id, title, ...columns.map(({ scenarios }) => scenarios[n]?.verdict ?? "")])
    ),
    ...(["pass", "partial", "safe", "fail"] as const).map((verdict) =>
      row(["", `**${verdict}**`, ...columns.map((column) => String(column[verdict]))])
    )
  ]
  return `# Sixteen faults

What a gateway makes of sixteen faults of a provider, over real sockets: emulated providers, a caller that streams and never retries, and a verdict on what the caller got and what the providers received. Faults, models, numbers and rules are those of [failoverbench](https://github.com/failoverbench/failoverbench) (methodology v0.1); the code is a re-implementation, so these are not its scores. Its caller is stricter in one point: a connection that stays mute is a hang.

- **pass**: the whole answer (S13: an error that says why), within the rules.
- **partial**: the same in a way that costs time, attempts or knowledge.
- **safe**: no answer, but an honest error.
- **fail**: a hang, a broken rule, or a part of an answer that ends as if it were the whole.

Written by \`npx -y pnpm@12 faults:peers\` on ${day}, all columns in one run at full length, on Node ${process.versions.node}. ${agreement(columns)}

<!-- prettier-ignore -->
${table.join("\n")}

## What was no pass

${columns.flatMap(notes).join("\n")}
## Run it

- \`npx -y pnpm@12 --silent holdfast faults\`: this gateway, every time a fifth of the published one, half a minute. \`--mode continue\`, \`--profile full\`, \`--only S08,S15\` and \`--json\` change that.
- \`npx -y pnpm@12 --silent holdfast faults --target http://127.0.0.1:4000/v1\`: any other. It needs a route of the name of every model in [faultbench/holdfast.yaml](faultbench/holdfast.yaml), whose upstream is \`http://127.0.0.1:8401/v1\`; a gateway that takes its routes from a header gets it by \`--header name=value\`, where \`{model}\` and \`{fallback}\` stand for the models of the scenario.
- The published bench: start its fake provider on port 8401 and this gateway with \`npx -y pnpm@12 start --config docs/faultbench/holdfast.yaml\`, and describe it to the bench as a system with \`adapter: endpoint\` and \`params: { base_url: http://127.0.0.1:8787/v1, api_key: any }\`.
`
}

const columns = await Effect.gen(function* () {
  const original = yield* installed
  const subjects = [...OwnGateway.Mode.literals.map(own), peer(original, false), peer(original, true)]
  return yield* Effect.forEach(subjects, (subject) => Effect.scoped(examine(subject)), { concurrency: "unbounded" })
}).pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer), Effect.runPromise)

const day = DateTime.formatIsoDateUtc(DateTime.nowUnsafe())
writeFileSync(new URL("../docs/faultbench.md", import.meta.url), page(columns, day))
