/**
 * Prints what fleets of fifty clients do to a provider through an outage, ours beside others':
 * `node packages/core/bench/fleet.ts [seeds]`. With several seeds it prints the range.
 */
import { Effect } from "effect"
import { bound } from "../test/fleet/independence.ts"
import type { Report } from "../test/fleet/Report.ts"
import { busy, clients, guards, type Guards, long, run, type Scenario, short } from "../test/fleet/scenarios.ts"

const { cockatielStyle, cockatielStyleSlow, interactive, interactiveAtOnce, interactiveFrugal } = guards
const { interactiveWide, standard, standardFrugal, standardSized, unguarded } = guards
const aShortTime = [interactive, interactiveAtOnce, interactiveWide, cockatielStyle, unguarded]
const aLongTime = [standard, standardSized, cockatielStyleSlow, cockatielStyle, unguarded]

const table: ReadonlyArray<readonly [Scenario, ReadonlyArray<Guards>]> = [
  [short.down, aShortTime],
  [short.hung, aShortTime],
  [short.partial, [interactiveWide, interactiveFrugal, standard, standardFrugal, cockatielStyle, unguarded]],
  [{ ...short.down, name: `${short.down.name}, with a fallback`, hasFallback: true }, [interactiveWide]],
  [{ ...short.hung, name: `${short.hung.name}, with a fallback`, hasFallback: true }, [interactiveWide]],
  [long.down, aLongTime],
  [long.hung, aLongTime],
  [busy, [interactiveAtOnce, cockatielStyle]]
]

const seeds = Array.from({ length: Number(process.argv[2] ?? 1) }, (_, index) => `fleet-${index + 1}`)

const range = (values: ReadonlyArray<number | undefined>, digits: number): string => {
  const texts = values
    .toSorted((a, b) => (a ?? Infinity) - (b ?? Infinity))
    .map((value) => value?.toFixed(digits) ?? "never")
  const [least, most] = [texts[0] ?? "", texts.at(-1) ?? ""]
  return least === most ? least : `${least}–${most}`
}

const columns: ReadonlyArray<readonly [string, (reports: ReadonlyArray<Report>) => string]> = [
  [
    "calls/op during",
    (all) =>
      range(
        all.map(({ amplification }) => amplification.during),
        2
      )
  ],
  [
    "worst 10 s",
    (all) =>
      range(
        all.map(({ amplification }) => amplification.worst),
        2
      )
  ],
  [
    "after",
    (all) =>
      range(
        all.map(({ amplification }) => amplification.after),
        2
      )
  ],
  [
    "probes",
    (all) =>
      range(
        all.map(({ probes }) => probes),
        0
      )
  ],
  [
    "in 100 ms",
    (all) =>
      range(
        all.map(({ together }) => together.in100Millis),
        0
      )
  ],
  [
    "in 1 s",
    (all) =>
      range(
        all.map(({ together }) => together.inSecond),
        0
      )
  ],
  [
    "recovery s",
    (all) =>
      range(
        all.map(({ recoveryMillis }) => recoveryMillis && recoveryMillis / 1000),
        0
      )
  ],
  [
    "answered during",
    (all) =>
      range(
        all.map(({ success }) => success.during * 100),
        0
      )
  ],
  [
    "after %",
    (all) =>
      range(
        all.map(({ success }) => success.after * 100),
        0
      )
  ],
  [
    "overall %",
    (all) =>
      range(
        all.map(({ success }) => success.overall * 100),
        1
      )
  ],
  [
    "peak/s",
    (all) =>
      range(
        all.map(({ peakPerSecond }) => peakPerSecond),
        0
      )
  ],
  [
    "queue",
    (all) =>
      range(
        all.map(({ longestQueue }) => longestQueue),
        0
      )
  ],
  [
    "abandoned",
    (all) =>
      range(
        all.map(({ abandoned }) => abandoned),
        0
      )
  ],
  ["collapsed", (all) => `${all.filter(({ isCollapsed }) => isCollapsed).length}/${all.length}`]
]

for (const [spread, name] of [
  [2000, "10 s"],
  [12_000, "60 s"]
] as const) {
  const most = bound({ clients, probes: 4 * clients, windowMillis: 100, spreadMillis: spread }, 0.001)
  console.log(`Independent clients with an open time of ${name} put at most ${most} probes into 100 ms (p = 0.001).`)
}
for (const [scenario, kinds] of table) {
  console.log(`\n### ${scenario.name}\n`)
  console.log(`| guard | ${columns.map(([name]) => name).join(" | ")} | wall s |`)
  console.log(`|${" --- |".repeat(columns.length + 2)}`)
  for (const kind of kinds) {
    const reports: Array<Report> = []
    const startedAt = performance.now()
    for (const seed of seeds) reports.push(await Effect.runPromise(run(kind, scenario, seed)))
    const seconds = (performance.now() - startedAt) / 1000 / seeds.length
    console.log(`| ${kind(1).name} | ${columns.map(([, read]) => read(reports)).join(" | ")} | ${seconds.toFixed(1)} |`)
  }
}
