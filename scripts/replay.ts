/**
 * Replays a storm in real time, through the gateway and on real sockets, compares it with the same storm in virtual time, and
 * writes both to docs/replay.md. Takes about five minutes, and is best run on a machine that does nothing else.
 */
import { Effect } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { cpus, loadavg } from "node:os"
import { both } from "../packages/cli/src/replay/both.ts"
import { wrong } from "../packages/cli/test/replay/wrong.ts"
import * as Config from "../packages/gateway/src/Config.ts"
import * as Agreement from "../packages/simulator/src/Agreement.ts"
import { count, percent, span } from "../packages/simulator/src/report/figures.ts"
import type * as Result from "../packages/simulator/src/Result.ts"
import * as Scenario from "../packages/simulator/src/Scenario.ts"
import * as Simulation from "../packages/simulator/src/Simulation.ts"
import * as Subject from "../packages/simulator/src/Subject.ts"

const folder = "packages/cli/replay"
const seeds = [1, 2, 3] as const
const runs = 20

const tableRow = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`
const rule = (columns: number): string => tableRow(["---", ...Array.from({ length: columns - 1 }, () => "---:")])
const signed = (part: number, unit: string): string =>
  `${part < 0 ? "−" : "+"}${Math.abs(part * 100).toFixed(2)} ${unit}`
const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, one) => sum + one, 0) / values.length
const failuresOf = ({ failures }: Result.Summary): string =>
  Object.entries(failures)
    .map(([tag, times]) => `${tag} ${count(times)}`)
    .join(", ")

const document = Effect.gen(function* () {
  const text = readFileSync(`${folder}/storm.yaml`, "utf8")
  const scenario = yield* Scenario.parse(text, "storm.yaml", "storm")
  const configuration = readFileSync(`${folder}/gateway.yaml`, "utf8")
  const { chat } = (yield* Config.parse(configuration, "gateway.yaml")).routes
  if (chat?.policy === undefined) return yield* Effect.die("gateway.yaml has a route chat with a policy")
  const { lanes, policy } = chat
  const subject = Subject.holdfast("replay", policy, lanes)
  const figures: Array<string> = []
  const calls: Array<string> = []
  const failures: Array<string> = []
  const noticed = new Map<string, Array<Agreement.Agreement>>()
  for (const seed of seeds) {
    const { agreement, real, virtual } = yield* both(scenario, { name: "replay", policy, lanes, seed, runs })
    for (const { difference, name, real, virtual } of agreement.measures) {
      const [unit, of] = name === "success" ? (["pp", percent] as const) : (["%", span] as const)
      const range = `${of(virtual.least)} to ${of(virtual.greatest)}`
      figures.push(tableRow([String(seed), name, of(real), of(virtual.mean), range, signed(difference, unit)]))
      console.log(figures.at(-1))
    }
    const averaged = (of: (result: Result.Result) => number) => count(mean(virtual.map(of)))
    calls.push(
      tableRow([
        String(seed),
        count(real.operations),
        `${count(real.attempts)} / ${averaged(({ attempts }) => attempts)}`,
        ...real.lanes.map(
          ({ attempts }, index) => `${count(attempts)} / ${averaged((run) => run.lanes[index]?.attempts ?? 0)}`
        )
      ])
    )
    failures.push(tableRow([String(seed), failuresOf(real), failuresOf(virtual[0])]))
    for (const [name, change] of Object.entries(wrong)) {
      const other = (pipelineSeed: number) =>
        Simulation.run(change(scenario), subject, { seed, pipelineSeed, draws: "operation" })
      const others = [yield* other(1), ...(yield* Effect.forEach([2, 3, 4, 5], other))] as const
      noticed.set(name, [...(noticed.get(name) ?? []), Agreement.of(real, others)])
    }
  }
  const wrongs = [...noticed].map(([name, all]) =>
    tableRow([
      name,
      ...["success", "p95"].map((measure) =>
        all
          .flatMap(({ measures }) => measures.filter((one) => one.name === measure))
          .map(({ difference }) => signed(difference, measure === "success" ? "pp" : "%"))
          .join(", ")
      ),
      `${all.filter(({ agrees }) => !agrees).length} of ${all.length}`
    ])
  )
  const { model } = cpus()[0] ?? { model: "unknown" }
  const load = loadavg()[0] ?? 0
  return `# The same storm in real time

How true the simulator is: one storm replayed in real time, and the same storm in virtual time. Written by
\`node scripts/replay.ts\`; one's own: \`holdfast replay FILE --config FILE\`.

- **In real time** callers ask the gateway over HTTP, plain and streamed; the gateway, with its real clocks, adapters and
  sockets, asks emulated providers of OpenAI, Gemini and Anthropic on loopback, and each of these asks the scenario's model of
  that provider what to do with the call that has just arrived, and does it: answers then and that fast, says 503, 429 with a
  wait or 529 in the provider's own words, resets or cuts the connection, or says nothing.
- **In virtual time** the pipeline asks the simulator's lanes.

So what is compared is everything but the model of the providers and the arrivals, which both share: the gateway, its API, the
adapters, how errors are read, HTTP, sockets, timers and scheduling against the simulator's shortcut through them.

Both draw for each call of an operation what is that call's own, whatever comes between. If they drew in the order in which
calls reach a provider, the first two calls to arrive in another order would give all that follow other answers, and two
samples of a storm would be compared instead of one storm twice. What differs without anybody's fault is then the pipeline's
own chance, its jitter: the virtual figure is the mean of ${runs} runs with another jitter each, and the range is theirs.

On ${cpus().length} cores (${model}) with Node ${process.versions.node}. The load average at the end was ${load.toFixed(1)}, of which a replay makes about 0.2; the rest was other work.

${tableRow(["seed", "", "real time", "virtual time", "range", "apart"])}
| ---: | --- | ---: | ---: | ---: | ---: |
${figures.join("\n")}

Calls, in real time and in virtual time on average:

${tableRow(["seed", "operations", "calls", ...Object.keys(scenario.providers).map((lane) => `\`${lane}\``)])}
${rule(3 + Object.keys(scenario.providers).length)}
${calls.join("\n")}

What operations failed with, in real time and in the first of the virtual runs:

${tableRow(["seed", "real time", "virtual time"])}
| ---: | --- | --- |
${failures.join("\n")}

## Whether it would notice

The same real runs, compared with virtual runs of storms that are not theirs, and how many of the comparisons say so
(more than one percentage point of success, or a tenth of p95, apart):

${tableRow(["simulated instead", "success", "p95", "noticed"])}
${rule(4)}
${wrongs.join("\n")}

## The storm and the policy

\`${folder}/storm.yaml\`:

\`\`\`yaml
${text.trim()}
\`\`\`

\`${folder}/gateway.yaml\`:

\`\`\`yaml
${configuration.trim()}
\`\`\`
`
})

writeFileSync("docs/replay.md", await Effect.runPromise(document))
