/** What the commands of the simulator work out: runs, side by side in worker threads. */
import * as InThread from "@holdfast/simulator/InThread"
import * as NodeWorkers from "@holdfast/simulator/NodeWorkers"
import type * as Scenario from "@holdfast/simulator/Scenario"
import type * as Subject from "@holdfast/simulator/Subject"
import * as Workers from "@holdfast/simulator/Workers"
import * as Flag from "effect/cli/Flag"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Progress from "./Progress.ts"

export const workers = Flag.Int("workers").pipe(
  Flag.withDescription("Threads that work out runs side by side; 1 is this one alone. Default: one per core"),
  Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 256 }))),
  Flag.withDefault(NodeWorkers.cores)
)

/** Runs of one subject with seeds that follow each other. */
export const of = (
  scenario: Scenario.Scenario,
  subject: Subject.Described,
  seed: number,
  count: number
): ReadonlyArray<Workers.Job> =>
  Array.from({ length: count }, (_, index) => ({ scenario, subject, seed: seed + index }))

/** Works them out with a bar on the terminal; results in the order of the runs. */
export const workOut = (all: ReadonlyArray<Workers.Job>, label: string) =>
  Progress.during((progress) => Workers.runAll(all, (part) => progress.at(part, label)))

/** So many threads, and no more than there are runs at once; where that is one, this thread. */
export const threads = (wanted: number, runs: number): Layer.Layer<Workers.Workers, Workers.RunFailed> => {
  const workers = Math.min(wanted, runs)
  return workers === 1 ? InThread.layer : NodeWorkers.layer({ workers })
}
