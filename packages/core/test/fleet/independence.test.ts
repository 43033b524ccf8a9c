import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { bound, type Fleet } from "./independence.ts"
import { mostWithin } from "./Report.ts"

const fleet: Fleet = { clients: 50, probes: 50, windowMillis: 100, spreadMillis: 2000 }

/** One probe of each client, spread by chance alone. */
const independent = Effect.map(Random.Random, (random) =>
  mostWithin(
    Array.from({ length: fleet.clients }, () => ({ at: random.nextDoubleUnsafe() * fleet.spreadMillis })).toSorted(
      (a, b) => a.at - b.at
    ),
    fleet.windowMillis
  )
)

describe("the bound for probes of independent clients", () => {
  it("is wider for a narrower spread, more probes and a smaller chance of being wrong", () => {
    const most = bound(fleet, 0.001)
    assert.isAbove(bound({ ...fleet, spreadMillis: 500 }, 0.001), most)
    assert.isAtLeast(bound({ ...fleet, probes: 5000 }, 0.001), most)
    assert.isAbove(bound(fleet, 1e-6), most)
    assert.strictEqual(bound({ ...fleet, spreadMillis: 100 }, 0.001), fleet.clients)
  })

  it.effect("is hardly ever passed by chance, and not far above what chance does", () =>
    Effect.gen(function* () {
      const rounds = yield* Effect.replicateEffect(independent, 2000)
      assert.isAtMost(rounds.filter((most) => most > bound(fleet, 0.001)).length / rounds.length, 0.001)
      assert.isAbove(Math.max(...rounds), bound(fleet, 0.001) / 2)
    }).pipe(Random.withSeed("independence"))
  )
})
