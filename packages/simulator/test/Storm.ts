/** Scenarios and runs for tests. */
import { Effect } from "effect"
import { Policy } from "@holdfast/core"
import { type Result, Scenario, Simulation, Subject } from "@holdfast/simulator"

/** A provider that answers in about a second, as often as it is asked. */
export const well = { latency: { p50: "1 second", p99: "5 seconds" } } as const

/** A scenario of two lanes for half an hour, with parts replaced. */
export const scenario = (parts: Partial<Scenario.Input> = {}): Effect.Effect<Scenario.Scenario> =>
  Effect.orDie(
    Scenario.fromUnknown(
      {
        duration: "30 minutes",
        workload: { arrivals: { poisson: "5 per second" }, deadline: "60 seconds" },
        providers: { "a/one": well, "b/two": well },
        ...parts
      },
      "the test",
      "test"
    )
  )

export const interactive = Subject.holdfast("interactive", Policy.interactive)
export const standard = Subject.holdfast("standard", Policy.standard)

export const run = (
  parts: Partial<Scenario.Input>,
  subject: Subject.Subject = interactive,
  seed?: number
): Effect.Effect<Result.Result> => Effect.flatMap(scenario(parts), (one) => Simulation.run(one, subject, { seed }))
