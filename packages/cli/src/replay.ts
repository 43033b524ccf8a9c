/** `holdfast replay`: a storm in real time, on real sockets, and how far virtual time is from it. */
import type * as Agreement from "@holdfast/simulator/Agreement"
import * as Aggregate from "@holdfast/simulator/Aggregate"
import * as Result from "@holdfast/simulator/Result"
import { percent, span } from "@holdfast/simulator/report/figures"
import * as Text from "@holdfast/simulator/report/Text"
import * as Storms from "@holdfast/simulator/Storms"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { both } from "./replay/both.ts"
import * as Stage from "./replay/Stage.ts"
import * as Progress from "./simulate/Progress.ts"
import { refusing } from "./simulate/Refused.ts"
import * as subjects from "./simulate/subjects.ts"
import { json, route, runsOf, seed } from "./simulate.ts"

/** The two are further apart than the margins. */
class Apart extends Schema.TaggedError<Apart>()("Apart", { what: Schema.Array(Schema.String) }) {
  override get message() {
    return `Real and virtual time are further apart than the margin: ${this.what.join(", ")}`
  }
}

export const replay = Command.make(
  "replay",
  {
    scenario: Argument.String("scenario").pipe(
      Argument.withDescription(
        "A YAML or JSON file, or a storm of the library by its name. It takes as long as it says"
      )
    ),
    config: Flag.String("config").pipe(
      Flag.withAlias("c"),
      Flag.withDescription(
        "A configuration of the gateway whose route is put to the test, or interactive (the default), standard, batch, mission"
      ),
      Flag.withDefault("interactive")
    ),
    route,
    seed,
    runs: Flag.Int("runs").pipe(
      Flag.withDescription("Virtual runs to compare with, which differ in the pipeline's own chance. Default: 10"),
      runsOf(1),
      Flag.withDefault(10)
    ),
    json
  },
  Effect.fnUntraced(function* (flags) {
    const scenario = yield* refusing(Effect.flatMap(Storms.find(flags.scenario), Stage.check))
    const configured = yield* refusing(subjects.policyOf(flags.config, Option.getOrUndefined(flags.route)))
    const { name, policy } = configured
    const lanes = subjects.lanesOf(scenario, configured.lanes)
    const { agreement, real, virtual } = yield* Progress.during((progress) =>
      both(scenario, {
        name,
        policy,
        lanes,
        seed: flags.seed,
        runs: flags.runs,
        onProgress: (part) => progress.at(part, `${scenario.name} under ${name}, in real time`)
      })
    )
    yield* Console.log(
      flags.json
        ? JSON.stringify({ real: Result.summary(real), virtual: Aggregate.of(virtual), agreement })
        : `${Text.render(real)}\n\n${render(agreement)}`
    )
    const what = agreement.measures.filter(({ agrees }) => !agrees).map((one) => one.name)
    if (what.length > 0) return yield* new Apart({ what })
  })
).pipe(Command.withDescription("Replay a storm in real time through the gateway, on real sockets, and compare"))

const units: { readonly [Name in Agreement.Measure["name"]]: (value: number) => string } = {
  success: percent,
  p95: span
}

const render = ({ measures, runs }: Agreement.Agreement): string =>
  [
    `In virtual time (mean of ${runs}):`,
    ...measures.map(({ agrees, difference, name, real, virtual }) => {
      const unit = units[name]
      const range = `${unit(virtual.mean)} (${unit(virtual.least)} to ${unit(virtual.greatest)})`
      const apart = `${difference < 0 ? "−" : "+"}${Math.abs(difference * 100).toFixed(2)} ${name === "success" ? "pp" : "%"}`
      return `  ${name.padEnd(18)}${`${unit(real)}, virtual ${range}`.padEnd(48)}${apart.padEnd(12)}${agrees ? "" : "apart"}`
    })
  ]
    .map((line) => line.trimEnd())
    .join("\n")
