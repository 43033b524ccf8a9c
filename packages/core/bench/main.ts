/**
 * `pnpm bench [--json] [--quick] [--write] [FILTER]`: ours and peers, alternating round by round in one process. `--quick`
 * only shows that it runs; `--write` puts the table into `docs/benchmarks.md`.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { fileURLToPath } from "node:url"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Resilience } from "../src/index.ts"
import { groups } from "./groups.ts"
import { measure, type Row } from "./Rounds.ts"

const flags = new Set(process.argv.slice(2).filter((word) => word.startsWith("--")))
const filter = process.argv.slice(2).find((word) => !word.startsWith("--")) ?? ""
const options = flags.has("--quick") ? { rounds: 2, sliceMillis: 5 } : { rounds: 15, sliceMillis: 100 }

const rows: Array<Row> = []
const scope = Scope.makeUnsafe()
const context = await Effect.runPromise(Layer.buildWithScope(Resilience.layer, scope))
for (const group of await Effect.runPromise(Effect.provideContext(groups, context))) {
  if (!group.name.includes(filter)) continue
  const row = await measure(group, options)
  rows.push(row)
  if (!flags.has("--json")) console.log(line(row))
}

function line(row: Row): string {
  const peers = Object.entries(row.ratioTo).map(([peer, ratio]) => {
    const [low, high] = row.range[peer] ?? [ratio, ratio]
    return `${peer} × ${ratio.toFixed(2)} [${low.toFixed(2)}–${high.toFixed(2)}]`
  })
  return `${row.name.padEnd(26)} ${String(row.nsPerOp).padStart(7)} ns   ours ÷ ${peers.join(" · ")}`
}

if (flags.has("--json")) {
  console.log(JSON.stringify({ rows: rows.map(({ name, nsPerOp, ratioTo }) => ({ name, nsPerOp, ratioTo })) }))
}

if (flags.has("--write")) {
  const at = DateTime.formatIsoDateUtc(await Effect.runPromise(DateTime.now))
  const peers = ["bare", "cockatiel", "opossum", "effect"]
  const cell = (row: Row, peer: string): string => {
    const ratio = row.ratioTo[peer]
    const [low, high] = row.range[peer] ?? [0, 0]
    return ratio === undefined ? "" : `${ratio.toFixed(2)} [${low.toFixed(2)}–${high.toFixed(2)}]`
  }
  const table = rows.map((row) => `| \`${row.name}\` | ${peers.map((peer) => cell(row, peer)).join(" | ")} |`)
  const page = fileURLToPath(new URL("../../../docs/benchmarks.md", import.meta.url))
  // What `state.ts` has written stays.
  const [state = ""] = /\n## State of lanes[^]*$/.exec(readFileSync(page, "utf8")) ?? []
  writeFileSync(
    page,
    `# Benchmarks

Ours ÷ theirs: the median over ${options.rounds} rounds of the ratios within a round, and their tenth to ninetieth percentile; below 1 ours is faster. All cases of a row run in every round of one process, a slice of ${options.sliceMillis} ms each; the order changes from round to round. \`bare\` is the same work without any guard; a blank cell is work that a peer cannot do. Cockatiel 4.0.0 has retry, breaker, bulkhead and timeout; opossum 10.0.0 has no retry; \`effect\` is Effect 4.1.0's own retry, circuit breaker, semaphore, timeout and two metrics, composed, and \`Stream.timeout\` in the rows of streams.

Written by \`pnpm bench --write\` on ${at}: Node ${process.version}, ${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores. Trust the ratios, not other machines' nanoseconds.

<!-- prettier-ignore -->
| | ${peers.map((peer) => `÷ ${peer}`).join(" | ")} |
| --- | ${peers.map(() => "---").join(" | ")} |
${table.join("\n")}
${state}`
  )
}
process.exit(0)
