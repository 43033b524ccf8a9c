import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Policy } from "@holdfast/core"
import { InThread, NodeWorkers, Tuning } from "@holdfast/simulator"
import { scenario, well } from "./Storm.ts"

const hanging = scenario({
  duration: "10 minutes",
  providers: {
    "a/one": { ...well, outages: [{ at: "1 minute", for: "8 minutes", kind: "hang", share: 0.3 }] },
    "b/two": well
  }
})

describe("Tuning", { timeout: 120_000 }, () => {
  it.live("finds what nothing beats, the same with the same seed, however many workers there are", () =>
    Effect.gen(function* () {
      const options = { scenarios: [yield* hanging], policy: Policy.mission, tries: 12, seed: 3 } as const
      const outcome = yield* Tuning.search(options)
      assert.strictEqual(outcome.tries, 12)
      assert.deepStrictEqual(outcome.base.changes, {})
      const [best] = outcome.front
      assert.isAtLeast(best?.success ?? 0, outcome.base.success)
      for (const one of outcome.front) {
        assert.isFalse(
          outcome.front.some((other) => other.success > one.success && other.p95 < one.p95 && other.usd < one.usd)
        )
      }
      const beside = yield* Effect.provide(Tuning.search(options), NodeWorkers.layer({ workers: 2 }))
      assert.deepStrictEqual(beside, outcome)
    }).pipe(Effect.provide(InThread.layer))
  )

  it("keeps of equals the first, and nothing that another beats", () => {
    const score = (success: number, p95: number, usd: number) => ({ success, p95, usd, changes: {} })
    const [a, b, beaten, equal] = [score(1, 100, 3), score(0.9, 50, 3), score(0.9, 60, 3), score(1, 100, 3)]
    assert.deepStrictEqual(Tuning.frontOf([a, beaten, b, equal]), [a, b])
  })
})
