/** `holdfast compare`: two policies in the same storms with the same seeds; a gate for a pull request. */
import * as Comparison from "@holdfast/simulator/Comparison"
import { percent, span, usd } from "@holdfast/simulator/report/figures"
import type * as Scenario from "@holdfast/simulator/Scenario"
import * as Storms from "@holdfast/simulator/Storms"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { refusing } from "./simulate/Refused.ts"
import * as subjects from "./simulate/subjects.ts"
import * as runs from "./simulate/runs.ts"
import { json, route, runsOf, seed } from "./simulate.ts"

/** The second one is worse by more than the margins. */
class Worse extends Schema.TaggedError<Worse>()("Worse", { where: Schema.Array(Schema.String) }) {
  override get message() {
    return `B is worse than A by more than the margin: ${this.where.join(", ")}`
  }
}

const margin = (name: string, value: number, what: string) =>
  Flag.Finite(name).pipe(
    Flag.withDescription(`${what} Default: ${value}`),
    Flag.withSchema(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))),
    Flag.withDefault(value)
  )

export const compare = Command.make(
  "compare",
  {
    a: Argument.String("a").pipe(
      Argument.withDescription(
        "What there is: a configuration of the gateway, or a policy by its name (see simulate --config)"
      )
    ),
    b: Argument.String("b").pipe(Argument.withDescription("What is to be there instead")),
    scenarios: Argument.String("scenario").pipe(
      Argument.withDescription("Storms of the library, or files"),
      Argument.variadic({ min: 1 })
    ),
    route,
    seed,
    runs: Flag.Int("runs").pipe(
      Flag.withDescription("Pairs of runs per scenario, each with a seed of its own. Default: 5"),
      runsOf(2),
      Flag.withDefault(5)
    ),
    workers: runs.workers,
    success: margin("success-margin", 0.5, "Percentage points of success that B may lose."),
    latency: margin("latency-margin", 10, "Per cent that B's 95th percentile may be longer."),
    cost: margin("cost-margin", 10, "Per cent that B may cost more."),
    json
  },
  Effect.fnUntraced(function* (flags) {
    const scenarios = yield* refusing(Effect.forEach(flags.scenarios, Storms.find))
    const wanted = Option.getOrUndefined(flags.route)
    const a = yield* refusing(subjects.resolve(flags.a, wanted))
    const b = yield* refusing(subjects.resolve(flags.b, wanted))
    const margins = { success: flags.success / 100, latency: flags.latency / 100, cost: flags.cost / 100 }
    const compared = Effect.fnUntraced(function* (scenario: Scenario.Scenario) {
      const results = yield* runs.workOut(
        [a, b].flatMap((subject) => runs.of(scenario, subject(scenario), flags.seed, flags.runs)),
        `${scenario.name} under both`
      )
      const pairs = results.slice(0, flags.runs).flatMap((one, index) => {
        const other = results[flags.runs + index]
        return other === undefined ? [] : [[one, other] as const]
      })
      const comparison = Comparison.of(pairs, margins)
      if (!flags.json) yield* Console.log(render(comparison))
      return comparison
    })
    const comparisons = yield* Effect.provide(
      Effect.forEach(scenarios, compared),
      runs.threads(flags.workers, 2 * flags.runs)
    )
    const where = comparisons.flatMap(({ measures, scenario }) =>
      measures.filter(({ isWorse }) => isWorse).map(({ name }) => `${name} in ${scenario}`)
    )
    if (flags.json) yield* Console.log(JSON.stringify({ comparisons, worse: where }))
    if (where.length > 0) return yield* new Worse({ where })
  })
).pipe(Command.withDescription("Put two policies through the same storms; exits with 1 when the second is worse"))

const units: { readonly [Name in Comparison.Measure["name"]]: (value: number) => string } = {
  success: percent,
  p95: span,
  cost: usd
}

const render = ({ a, b, measures, runs, scenario }: Comparison.Comparison): string =>
  [
    `${scenario} (${runs} pairs): ${a} → ${b}`,
    ...measures.map(({ a, b, difference, isWorse, name }) => {
      const unit = units[name]
      const [low, high] = [signed(difference.low, name), signed(difference.high, name)]
      const interval = `${signed(difference.mean, name)} (${low} to ${high})`
      return `  ${name.padEnd(9)}${`${unit(a)} → ${unit(b)}`.padEnd(24)}${interval.padEnd(38)}${isWorse ? "worse" : ""}`
    })
  ].join("\n")

/** Of success in percentage points, of the others in per cent of A's. */
const signed = (part: number, name: Comparison.Measure["name"]): string =>
  `${part < 0 ? "−" : "+"}${Math.abs(part * 100).toFixed(2)} ${name === "success" ? "pp" : "%"}`
