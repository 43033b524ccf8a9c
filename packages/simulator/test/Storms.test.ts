import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Simulation, Storms } from "@holdfast/simulator"
import { interactive, standard } from "./Storm.ts"

const provided = Effect.provide(NodeServices.layer)

describe("the library of storms", () => {
  it.effect("holds the five of the mission, and others with their sources", () =>
    Effect.gen(function* () {
      const storms = yield* Storms.all
      const chaos = storms.filter(({ name }) => name.startsWith("chaos-"))
      assert.strictEqual(chaos.length, 5)
      assert.isAtLeast(storms.length - chaos.length, 12)
      for (const { description, name, sources } of storms) {
        assert.isDefined(description, name)
        if (!name.startsWith("chaos-")) assert.isAbove(sources?.length ?? 0, 0, name)
      }
    }).pipe(provided)
  )

  it.effect.each([interactive, standard])(
    "is survived: more than 99 % succeed in each one, by default in the gateway and in the library ($name)",
    (subject) =>
      Effect.gen(function* () {
        for (const storm of yield* Storms.all) {
          const { failures, little, successRate } = yield* Simulation.run(storm, subject)
          assert.isAbove(successRate, 0.99, `${storm.name}: ${JSON.stringify(failures)}`)
          assert.approximately(little.underWay, little.arrivalsTimesStay, 1e-6)
        }
      }).pipe(provided),
    300_000
  )

  it.effect("says what there is where a name is not known", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Storms.find("the-storm-of-the-century"))
      assert.include(error.message, "chaos-outage")
    }).pipe(provided)
  )
})
