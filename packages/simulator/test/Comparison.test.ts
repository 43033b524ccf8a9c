import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Aggregate, Comparison, Result, Subject } from "@holdfast/simulator"
import { interactive, run, well } from "./Storm.ts"

const storm = {
  duration: "10 minutes",
  providers: {
    "a/one": { ...well, outages: [{ at: "3 minutes", for: "2 minutes", kind: "service-unavailable" }] },
    "b/two": well
  }
} as const

const pairs = (a: Subject.Subject, b: Subject.Subject) =>
  Effect.forEach([1, 2, 3], (seed) => Effect.all([run(storm, a, seed), run(storm, b, seed)]))

describe("Comparison", () => {
  it.effect("says that a policy is no worse than itself, and by how much nothing is worse", () =>
    Effect.gen(function* () {
      const same = Comparison.of(yield* pairs(interactive, interactive))
      assert.deepStrictEqual(
        same.measures.map(({ difference, isWorse }) => [difference, isWorse]),
        [1, 2, 3].map(() => [{ mean: 0, low: 0, high: 0 }, false])
      )
      const other = Comparison.of(yield* pairs(interactive, Subject.none))
      const [success] = other.measures
      assert.isTrue(success?.isWorse)
      assert.approximately(success?.difference.mean ?? 0, -0.2, 0.05)
      assert.isFalse(Comparison.of(yield* pairs(Subject.none, interactive)).measures[0]?.isWorse)
    })
  )

  it.effect("lets a difference within the margin pass", () =>
    Effect.gen(function* () {
      const loose = Comparison.of(yield* pairs(interactive, Subject.none), { success: 0.5, latency: 9, cost: 9 })
      assert.isFalse(loose.measures.some(({ isWorse }) => isWorse))
    })
  )

  it("gives the interval of Student's t", () => {
    // Of 1 to 5: mean 3, standard error sqrt(2.5 / 5), and t of 4 degrees of freedom is 2.776.
    const { high, low, mean } = Comparison.interval([1, 2, 3, 4, 5])
    assert.strictEqual(mean, 3)
    assert.approximately(low, 3 - 2.776 * Math.sqrt(0.5), 1e-9)
    assert.approximately(high, 3 + 2.776 * Math.sqrt(0.5), 1e-9)
    // Of 30 degrees of freedom it is 2.0423.
    const many = Comparison.interval(Array.from({ length: 31 }, (_, index) => index))
    assert.approximately((many.high - many.mean) / Math.sqrt(82.666_666_67 / 31), 2.0423, 0.001)
  })

  it("refuses runs that are no pairs", () => {
    assert.throws(() => Comparison.of([]), RangeError)
  })

  it.effect("sums runs up, and keeps each one's own figures", () =>
    Effect.gen(function* () {
      const first = yield* run(storm, interactive, 1)
      const second = yield* run(storm, interactive, 2)
      const both = Aggregate.of([first, second])
      assert.strictEqual(both.operations, first.operations + second.operations)
      assert.strictEqual(both.attempts, first.attempts + second.attempts)
      assert.deepStrictEqual(
        both.each.map(({ seed }) => seed),
        [1, 2]
      )
      assert.notProperty(Result.summary(first), "series")
    })
  )
})
