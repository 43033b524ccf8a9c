/**
 * Puts the libraries of `packages/core/test/conformance` through the forty behaviours and writes who passes what to
 * docs/conformance.md. With `--check` it writes nothing and fails when the page does not say what the run said; the day of
 * the run and the version of Node may differ.
 */
import { readFile, writeFile } from "node:fs/promises"
import { Effect } from "effect"
import { judge, sources, type Verdict } from "../packages/core/test/conformance/Behaviour.ts"
import { behaviours } from "../packages/core/test/conformance/behaviours/all.ts"
import { subjects } from "../packages/core/test/conformance/subjects.ts"

interface Column {
  readonly title: string
  readonly verdicts: ReadonlyArray<Verdict>
}

const run = Effect.forEach(subjects, (subject) =>
  Effect.map(
    Effect.forEach(behaviours, (behaviour) => judge(subject, behaviour)),
    (verdicts): Column => ({
      title: subject.name === "holdfast" ? subject.name : `${subject.name} ${subject.version}`,
      verdicts
    })
  )
)

const mark = { pass: "✓", fail: "✗", "cannot express": "–" }

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n")

const count = ({ verdicts }: Column, result: Verdict["result"]): number =>
  verdicts.filter((verdict) => verdict.result === result).length

/** The numbers of the behaviours with this result, by reason. */
const reasons = ({ verdicts }: Column, result: "fail" | "cannot express"): ReadonlyArray<string> => {
  const numbers = new Map<string, Array<number>>()
  for (const [index, verdict] of verdicts.entries()) {
    if (verdict.result === result) numbers.set(verdict.reason, [...(numbers.get(verdict.reason) ?? []), index + 1])
  }
  return [...numbers].map(([reason, all]) => `- ${all.join(", ")}: ${reason}`)
}

const notes = (columns: ReadonlyArray<Column>, result: "fail" | "cannot express"): string =>
  columns
    .filter((column) => count(column, result) > 0)
    .map((column) => `### ${column.title}\n\n${reasons(column, result).join("\n")}`)
    .join("\n\n")

const defects: ReadonlyArray<readonly [library: string, defect: string, test: string]> = [
  ["cockatiel", "a time window forgets nothing while nobody calls", "d01-idle-window"],
  ["cockatiel", "the failure of a call from before the trip reopens a half-open circuit", "d02-late-failure"],
  ["cockatiel", "an abort during a backoff waits the whole delay", "d03-abort-during-backoff"],
  ["cockatiel", "callers of a half-open circuit wait without bound, then go together", "d04-half-open-herd"],
  ["cockatiel", "a caller's abort counts as a failure; `exponent: 3` doubles", "d05-abort-and-exponent"],
  ["opossum", "its own capacity refusals open the circuit", "d06-capacity-as-failure"],
  ["opossum", "calls in flight dilute the failure rate", "d07-calls-in-flight"],
  [
    "opossum",
    "the success of a call from before the trip closes; a hung probe blocks for ever",
    "d08-late-success-and-hung-probe"
  ],
  ["effect", "a hung probe blocks until somebody interrupts it", "d09-hung-probe"],
  ["effect", "the calls a failure rate is computed from have no age", "d10-ageless-ring"]
]

const page = (columns: ReadonlyArray<Column>): string => `# Forty behaviours

What circuits, retries and bulkheads should do, as forty behaviours read from the documentation and the tests of the libraries that do it best: ${Object.entries(
  sources
)
  .map(([short, name]) => `${name} (${short})`)
  .join(", ")}. Each is run against four libraries, on virtual time.

✓ does it · ✗ does something else, see below · – has nothing of the kind, so the question does not arise

<!-- prettier-ignore -->
${table(
  ["", "given / when / then", "from", ...columns.map(({ title }) => title)],
  [
    ...behaviours.map(({ given, number, sources, then, when }, index) => [
      String(number),
      `${given} / ${when} / **${then}**`,
      sources.join(", "),
      ...columns.map(({ verdicts }) => mark[verdicts[index]?.result ?? "cannot express"])
    ]),
    [
      "",
      "✓ · ✗ · –",
      "",
      ...columns.map((column) =>
        [count(column, "pass"), count(column, "fail"), count(column, "cannot express")].join(" · ")
      )
    ]
  ]
)}

## What is done instead (✗)

${notes(columns, "fail")}

## What there is nothing for (–)

A hook in which a user can write the behaviour counts as nothing: it would be the user's code that is judged.

${notes(columns, "cannot express")}

## Ten defects

Each is a test that we do not have it, and a test that the other library still does, in \`packages/core/test/regressions\`.

<!-- prettier-ignore -->
${table(
  ["", "library", "defect", "test"],
  defects.map(([library, defect, test], index) => [
    `D${index + 1}`,
    subjects
      .filter(({ name }) => name === library)
      .map(({ name, version }) => `${name} ${version}`)
      .join(),
    defect,
    `\`${test}.test.ts\``
  ])
)}

## The run

\`node scripts/conformance.ts\` writes this page. The adapters are in \`packages/core/test/conformance\`; the same behaviours run as tests there.

${dateLine}
`

const dateLine = `Run on ${new Date().toISOString().slice(0, 10)} with Node ${process.version}.`

const withoutDate = (text: string): string => text.replace(/^Run on .*$/m, "")

const path = new URL("../docs/conformance.md", import.meta.url)
const text = page(await Effect.runPromise(run))
if (!process.argv.includes("--check")) await writeFile(path, text)
else if (withoutDate(await readFile(path, "utf8").catch(() => "")) !== withoutDate(text)) {
  console.error("docs/conformance.md is not what `node scripts/conformance.ts` writes")
  process.exitCode = 1
}
