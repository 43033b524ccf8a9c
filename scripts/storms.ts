/**
 * Runs every storm of the simulator's library under Holdfast's defaults and under what people have without it, and writes
 * the results to docs/storms.md. Takes about three minutes; the same seeds give the same file.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs"
import { basename } from "node:path"
import { Effect } from "effect"
import * as Aggregate from "../packages/simulator/src/Aggregate.ts"
import { count, percent, span } from "../packages/simulator/src/report/figures.ts"
import type * as Result from "../packages/simulator/src/Result.ts"
import * as Scenario from "../packages/simulator/src/Scenario.ts"
import * as Simulation from "../packages/simulator/src/Simulation.ts"
import * as Subject from "../packages/simulator/src/Subject.ts"

const seeds = [1, 2, 3] as const
const names = ["interactive", "standard", "mission", "sdk", "none"] as const

const resultOf = Effect.fnUntraced(function* (storm: Scenario.Scenario, name: string) {
  const subject = Subject.named(name)
  if (subject === undefined) return yield* Effect.die(`there is no ${name}`)
  const run = (seed: number): Effect.Effect<Result.Result> => Simulation.run(storm, subject, { seed })
  const [first, ...rest] = seeds
  return Aggregate.of([yield* run(first), ...(yield* Effect.forEach(rest, run))])
})

/** What is to be said where a policy of ours loses more than one in a hundred. */
const belowText = (lines: ReadonlyArray<string>): string => `
Not above 99 %, with what the operations failed with (\`Left\`: the caller's minute was over):

${lines.join("\n")}
`

const tableRow = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

const document = Effect.gen(function* () {
  const storms = yield* Effect.forEach(globSync("packages/simulator/storms/*.yaml").toSorted(), (file) =>
    Scenario.parse(readFileSync(file, "utf8"), file, basename(file, ".yaml"))
  )
  const success: Array<string> = []
  const cost: Array<string> = []
  const below: Array<string> = []
  for (const storm of storms) {
    const results: Array<Aggregate.Aggregate> = []
    for (const name of names) results.push(yield* resultOf(storm, name))
    success.push(tableRow([`\`${storm.name}\``, ...results.map(({ successRate }) => percent(successRate))]))
    for (const { failures, policy, successRate } of results.slice(0, 3)) {
      if (successRate > 0.99) continue
      const how = Object.entries(failures).map(([tag, times]) => `${tag} ${count(times)}`)
      below.push(`- \`${storm.name}\` under ${policy}: ${percent(successRate)} (${how.join(", ")}).`)
    }
    const [interactive, , , sdk, none] = results
    cost.push(
      tableRow([
        `\`${storm.name}\``,
        ...[interactive, sdk, none].map((result) => span(result?.latencyMs.p95 ?? null)),
        ...[interactive, sdk].map((result) => (result?.amplification ?? 0).toFixed(2)),
        span(interactive?.detectMs ?? null),
        span(interactive?.recoveryMs ?? null)
      ])
    )
    console.log(success.at(-1))
  }
  const sources = storms.map(
    ({ beyond, description, name, sources = [] }) =>
      `- \`${name}\`: ${description ?? ""}${beyond === undefined ? "" : ` ${beyond}`}${
        sources.length === 0 ? "" : ` After ${sources.map((source) => `<${source}>`).join(", ")}.`
      }`
  )
  return `# Storms

What becomes of the operations in each storm of the library, under the policies as they ship and under what people have
without one. Written by \`node scripts/storms.ts\` from seeds ${seeds.join(", ")}; one storm: \`holdfast simulate NAME\`.

- **interactive** is the gateway's default, **standard** the library's, **mission** the plain numbers, all over every
  provider of the storm.
- **sdk** asks the first provider as the official SDKs of OpenAI and Anthropic do: two retries of connection errors and of
  408, 409, 429 and 5xx, after 0.5 s that double, less a quarter by chance, or after the wait that the provider names.
- **none** asks the first provider once.

An operation succeeds when the whole answer is there before its caller's deadline, a minute in all of them.

## Success

${tableRow(["storm", ...names])}
${tableRow(["---", ...names.map(() => "---:")])}
${success.join("\n")}

Of \`poisoned-request\` one in 200 cannot succeed with anybody: 99.5 % is all there is.
${below.length === 0 ? "" : belowText(below)}
## Latency, calls and recovery

Of the 95th percentiles only those with about as many successes can be compared: whoever loses the slow ones looks fast.
Calls are those per operation; found and recovered, under interactive, are those of the first lane with an outage: from
its beginning until the lane is passed by, from its end until it answers again.

${tableRow(["storm", "p95 interactive", "p95 sdk", "p95 none", "calls interactive", "calls sdk", "found", "recovered"])}
${tableRow(["---", ...Array.from({ length: 7 }, () => "---:")])}
${cost.join("\n")}

## What they are

${sources.join("\n")}
`
})

writeFileSync("docs/storms.md", await Effect.runPromise(document))
