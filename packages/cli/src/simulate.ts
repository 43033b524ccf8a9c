/** `holdfast simulate`: what a policy does in a storm, in virtual time. */
import * as Aggregate from "@holdfast/simulator/Aggregate"
import * as Html from "@holdfast/simulator/report/Html"
import * as Text from "@holdfast/simulator/report/Text"
import * as Result from "@holdfast/simulator/Result"
import * as Storms from "@holdfast/simulator/Storms"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Refused, refusing } from "./simulate/Refused.ts"
import * as runs from "./simulate/runs.ts"
import * as subjects from "./simulate/subjects.ts"

export const seed = Flag.Int("seed").pipe(
  Flag.withDescription("The same seed gives the same run. Default: 1"),
  Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 }))),
  Flag.withDefault(1)
)

export const route = Flag.String("route").pipe(
  Flag.withDescription("The configuration's route to take. Default: its first one for text"),
  Flag.optional
)

export const runsOf = (least: number) =>
  Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: least, maximum: 1000 })))

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print one JSON object instead of a report"),
  Flag.withDefault(false)
)

export const simulate = Command.make(
  "simulate",
  {
    scenario: Argument.String("scenario").pipe(
      Argument.withDescription("A storm of the library by its name (see --list), or a YAML or JSON file"),
      Argument.optional
    ),
    list: Flag.Boolean("list").pipe(
      Flag.withDescription("List the storms of the library, one a line"),
      Flag.withDefault(false)
    ),
    config: Flag.String("config").pipe(
      Flag.withAlias("c"),
      Flag.withDescription(
        "A configuration of the gateway whose route is put to the test, or interactive (the default), standard, batch, mission, sdk, none"
      ),
      Flag.withDefault("interactive")
    ),
    route,
    seed,
    runs: Flag.Int("runs").pipe(
      Flag.withDescription("Runs, with this seed and those that follow it. Default: 1"),
      runsOf(1),
      Flag.withDefault(1)
    ),
    workers: runs.workers,
    json,
    html: Flag.String("html").pipe(
      Flag.withDescription("Write a page with charts to this file; of the first run"),
      Flag.optional
    ),
    against: Flag.String("against").pipe(
      Flag.withDescription("What the page compares with: a configuration or a name. Default: sdk"),
      Flag.withDefault("sdk")
    )
  },
  Effect.fnUntraced(function* (flags) {
    if (flags.list) return yield* list
    if (Option.isNone(flags.scenario)) {
      return yield* new Refused({ problem: "expected a scenario, or --list to see those of the library" })
    }
    const scenario = yield* refusing(Storms.find(flags.scenario.value))
    const wanted = Option.getOrUndefined(flags.route)
    const subject = (yield* refusing(subjects.resolve(flags.config, wanted)))(scenario)
    const other = Option.isNone(flags.html)
      ? undefined
      : (yield* refusing(subjects.resolve(flags.against, wanted)))(scenario)
    const own = runs.of(scenario, subject, flags.seed, flags.runs)
    const all = other === undefined ? own : [...own, ...runs.of(scenario, other, flags.seed, 1)]
    const results = yield* Effect.provide(
      runs.workOut(all, `${scenario.name} under ${subject.name}`),
      runs.threads(flags.workers, all.length)
    )
    const [first, ...rest] = results.slice(0, flags.runs)
    if (first === undefined) return yield* Effect.die(new RangeError("there was no run"))
    const compared = results[flags.runs]
    if (compared !== undefined && Option.isSome(flags.html)) {
      yield* write(
        flags.html.value,
        Html.render(scenario, compared.policy === first.policy ? [first] : [first, compared])
      )
    }
    if (!flags.json) return yield* Console.log([first, ...rest].map(Text.render).join("\n\n"))
    const summary = rest.length === 0 ? Result.summary(first) : Aggregate.of([first, ...rest])
    yield* Console.log(JSON.stringify(summary))
  })
).pipe(Command.withDescription("See what a policy does in a storm, without waiting for one"))

const list = Effect.gen(function* () {
  const storms = yield* Effect.orDie(Storms.all)
  const width = Math.max(...storms.map(({ name }) => name.length))
  yield* Console.log(storms.map(({ description, name }) => `${name.padEnd(width)}  ${description ?? ""}`).join("\n"))
})

const write = Effect.fnUntraced(function* (path: string, text: string) {
  const files = yield* FileSystem.FileSystem
  yield* Effect.mapError(
    files.writeFileString(path, text),
    (error) => new Refused({ problem: `--html: ${path} cannot be written (${error.reason._tag})` })
  )
})
