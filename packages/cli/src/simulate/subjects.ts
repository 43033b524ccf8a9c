/** What the commands of the simulator put to the test: a policy by its name, a baseline, or a route of a configuration. */
import * as Policy from "@holdfast/core/Policy"
import * as Config from "@holdfast/gateway/Config"
import type * as Scenario from "@holdfast/simulator/Scenario"
import * as Subject from "@holdfast/simulator/Subject"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A policy and the lanes it is for; without lanes it takes those of each scenario. */
export interface Configured {
  readonly name: string
  readonly policy: Policy.Policy
  readonly lanes?: ReadonlyArray<string> | undefined
}

/** Reads a route's policy and lanes from a configuration of the gateway. */
export const configured = Effect.fnUntraced(function* (path: string, route: string | undefined) {
  const { routes } = yield* Config.load(path)
  const texts = Object.keys(routes).filter((name) => routes[name]?.kind !== "embed")
  const name = route ?? texts[0]
  const chosen = name === undefined ? undefined : routes[name]
  if (name === undefined || chosen === undefined || chosen.kind === "embed") {
    const problem = `${route === undefined ? "it has no route for text" : `no route ${route} for text`} (there is: ${texts.join(", ")})`
    return yield* new Config.InvalidConfig({ source: path, problem })
  }
  const policy = chosen.policy ?? Policy.interactive
  return { name: `${path}#${name}`, policy, lanes: chosen.lanes } satisfies Configured
})

/** The lanes to use of a scenario. */
export const lanesOf = (scenario: Scenario.Scenario, lanes: ReadonlyArray<string> | undefined): ReadonlyArray<string> =>
  lanes === undefined ? Object.keys(scenario.providers) : Subject.standing(scenario, lanes)

/** A named policy, or that of the configuration in a file: what a gateway can serve with, so no baseline. */
export const policyOf = Effect.fnUntraced(function* (nameOrPath: string, route: string | undefined) {
  if (Schema.is(Policy.PresetName)(nameOrPath)) {
    const named: Configured = { name: nameOrPath, policy: Policy.presets[nameOrPath] }
    return named
  }
  if (Subject.named(nameOrPath) !== undefined) {
    return yield* new Config.InvalidConfig({ source: nameOrPath, problem: "is no policy that a gateway can have" })
  }
  const read: Configured = yield* configured(nameOrPath, route)
  return read
})

/** The subject for each scenario. */
type SubjectFor = (scenario: Scenario.Scenario) => Subject.Described

/** A named policy, a baseline, or the configuration in a file. */
export const resolve = Effect.fnUntraced(function* (nameOrPath: string, route: string | undefined) {
  const named = Subject.describe(nameOrPath)
  if (named !== undefined) return ((): Subject.Described => named) satisfies SubjectFor
  const { lanes, name, policy } = yield* configured(nameOrPath, route)
  return ((scenario) => Subject.described(name, policy, lanesOf(scenario, lanes))) satisfies SubjectFor
})
