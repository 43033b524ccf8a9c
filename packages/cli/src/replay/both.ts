/** A storm in virtual time and in real time, and how far apart they are. */
import type * as Policy from "@holdfast/core/Policy"
import * as Agreement from "@holdfast/simulator/Agreement"
import * as Replay from "@holdfast/simulator/Replay"
import type * as Result from "@holdfast/simulator/Result"
import type * as Scenario from "@holdfast/simulator/Scenario"
import * as Simulation from "@holdfast/simulator/Simulation"
import * as Subject from "@holdfast/simulator/Subject"
import * as Effect from "effect/Effect"
import * as Stage from "./Stage.ts"

export interface Options {
  readonly name: string
  readonly policy: Policy.Policy
  /** Default: the scenario's, in its order. */
  readonly lanes?: ReadonlyArray<string> | undefined
  readonly seed: number
  /** Virtual runs, at least one. */
  readonly runs: number
  /** Told every second how far the replay is, from 0 to 1. */
  readonly onProgress?: ((part: number) => void) | undefined
}

interface Both {
  readonly real: Result.Result
  readonly virtual: readonly [Result.Result, ...ReadonlyArray<Result.Result>]
  readonly agreement: Agreement.Agreement
}

/**
 * Both draw for each call of an operation what is that call's own, whatever came between: else the first two calls that
 * reach a provider in another order than in virtual time would give all calls behind them other answers, and the two would
 * be two samples of a storm and not one storm. What is left to differ is the pipeline's own chance, over which the virtual
 * runs are averaged, and what is to be found: the simulator's error.
 */
export const both = Effect.fnUntraced(function* (
  scenario: Scenario.Scenario,
  { lanes, name, onProgress, policy, runs, seed }: Options
) {
  yield* Stage.check(scenario)
  const subject = Subject.holdfast(name, policy, lanes)
  const simulated = (index: number) =>
    Simulation.run(scenario, subject, { seed, pipelineSeed: seed + index, draws: "operation" })
  const first = yield* simulated(0)
  const virtual = [
    first,
    ...(yield* Effect.forEach(
      Array.from({ length: runs - 1 }, (_, index) => index + 1),
      simulated
    ))
  ] as const
  const real = yield* Replay.run(
    scenario,
    { seed, policy: name, lanes, draws: "operation", onProgress },
    Stage.set(policy)
  )
  return { real, virtual, agreement: Agreement.of(real, virtual) } satisfies Both
})
