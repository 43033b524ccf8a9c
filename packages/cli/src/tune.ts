/** `holdfast tune`: a search for better numbers of a policy, in storms. */
import type * as Knobs from "@holdfast/simulator/Knobs"
import { percent, span, usd } from "@holdfast/simulator/report/figures"
import * as Storms from "@holdfast/simulator/Storms"
import * as Tuning from "@holdfast/simulator/Tuning"
import * as Policy from "@holdfast/core/Policy"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Progress from "./simulate/Progress.ts"
import { refusing, Refused } from "./simulate/Refused.ts"
import * as runs from "./simulate/runs.ts"
import * as subjects from "./simulate/subjects.ts"
import { json, route, runsOf, seed } from "./simulate.ts"

export const tune = Command.make(
  "tune",
  {
    scenarios: Argument.String("scenario").pipe(
      Argument.withDescription("Storms of the library, or files"),
      Argument.variadic({ min: 1 })
    ),
    config: Flag.String("config").pipe(
      Flag.withAlias("c"),
      Flag.withDescription("The configuration to begin with, or a preset: interactive, standard, batch, mission"),
      Flag.withDefault("interactive")
    ),
    route,
    seed,
    tries: Flag.Int("tries").pipe(
      Flag.withDescription("Policies to try. Default: 40"),
      runsOf(2),
      Flag.withDefault(40)
    ),
    runs: Flag.Int("runs").pipe(
      Flag.withDescription("Runs of each scenario per policy. Default: 1"),
      runsOf(1),
      Flag.withDefault(1)
    ),
    workers: runs.workers,
    json
  },
  Effect.fnUntraced(function* (flags) {
    const [first, ...others] = yield* refusing(Effect.forEach(flags.scenarios, Storms.find))
    if (first === undefined) return yield* new Refused({ problem: "expected a scenario" })
    const base = yield* beginning(flags.config, Option.getOrUndefined(flags.route))
    const outcome = yield* Progress.during((progress) =>
      Tuning.search({
        scenarios: [first, ...others],
        policy: base.policy,
        lanesOf: (scenario) => subjects.lanesOf(scenario, base.lanes),
        tries: flags.tries,
        runs: flags.runs,
        seed: flags.seed,
        onProgress: (done, of) => progress.at(done / of, `${done} of ${of} policies tried`)
      })
    ).pipe(Effect.provide(runs.threads(flags.workers, flags.tries)))
    yield* Console.log(flags.json ? JSON.stringify(outcome) : render(base.name, outcome))
  })
).pipe(Command.withDescription("Search for better numbers of a policy, and print what no other beats"))

const beginning = Effect.fnUntraced(function* (
  nameOrPath: string,
  route: string | undefined
): Effect.fn.Return<subjects.Configured, Refused, FileSystem.FileSystem> {
  const preset = Policy.PresetName.literals.find((name) => name === nameOrPath)
  if (preset === undefined) return yield* refusing(subjects.configured(nameOrPath, route))
  return { name: preset, policy: Policy.presets[preset] }
})

const render = (name: string, { base, front, tries }: Tuning.Outcome): string =>
  [
    `${name}: ${figures(base)}`,
    `Of ${tries} policies, no other beats these in success, p95 and cost at once:`,
    ...front.flatMap((one, index) => ["", `${index + 1}. ${figures(one)}`, ...difference(one.changes)])
  ].join("\n")

const figures = ({ p95, success, usd: cost }: Tuning.Score): string =>
  `${percent(success)} succeed, p95 ${span(p95)}, ${usd(cost)}`

/** The changes as a configuration writes them. */
const difference = (changes: Knobs.Changes): ReadonlyArray<string> => {
  const sections = new Map<string, Array<string>>()
  for (const [path, value] of Object.entries(changes).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const [section = path, option = ""] = path.split(".")
    sections.set(section, [...(sections.get(section) ?? []), `${option}: ${String(value)}`])
  }
  if (sections.size === 0) return ["   (as it is)"]
  return ["   policy:", ...[...sections].map(([section, options]) => `+    ${section}: { ${options.join(", ")} }`)]
}
