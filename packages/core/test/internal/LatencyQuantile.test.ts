import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as LatencyQuantile from "../../src/internal/LatencyQuantile.ts"

const quantiles = (settings: Partial<LatencyQuantile.Settings> = {}) =>
  LatencyQuantile.make({ ...LatencyQuantile.defaults, ...settings })

/** Nearest rank: the smallest of them that at least the given part of them does not exceed. */
const exactly = (latencies: ReadonlyArray<number>, part: number): number =>
  latencies.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(part * latencies.length)) - 1]!

describe("a latency quantile", () => {
  it("of nothing is nothing", () => {
    const self = quantiles()
    assert.isUndefined(LatencyQuantile.quantile(self, 0.95, 0))
    assert.strictEqual(LatencyQuantile.count(self, 0), 0)
  })

  it("finds the p95 of a thousand calls within 5 %", () => {
    const self = quantiles()
    for (let n = 1; n <= 1_000; n++) LatencyQuantile.record(self, n * 10, 0)
    assert.closeTo(LatencyQuantile.quantile(self, 0.95, 0)!, 9_500, 475)
    assert.closeTo(LatencyQuantile.quantile(self, 0.5, 0)!, 5_000, 250)
    assert.strictEqual(LatencyQuantile.count(self, 0), 1_000)
  })

  it("follows a lane that has become faster, after at most a window", () => {
    const self = quantiles({ windowMillis: 60_000 })
    for (let n = 0; n < 1_000; n++) LatencyQuantile.record(self, 20_000, 10_000)
    for (let n = 0; n < 100; n++) LatencyQuantile.record(self, 1_000, 40_000)
    assert.closeTo(LatencyQuantile.quantile(self, 0.95, 59_999)!, 20_000, 1_000)
    assert.closeTo(LatencyQuantile.quantile(self, 0.95, 60_000)!, 1_000, 50)
    assert.isUndefined(LatencyQuantile.quantile(self, 0.95, 90_000))
  })

  it("is empty after the clock has jumped over many windows, and works on", () => {
    const self = quantiles()
    LatencyQuantile.record(self, 100, 0)
    assert.isUndefined(LatencyQuantile.quantile(self, 0.95, 1e15))
    LatencyQuantile.record(self, 200, 1e15)
    assert.closeTo(LatencyQuantile.quantile(self, 0.95, 1e15)!, 200, 10)
  })

  it.each([
    [0, 1],
    [-5, 1],
    [Number.NaN, 1],
    [0.2, 1],
    [1e12, 3_600_000],
    [Number.POSITIVE_INFINITY, 3_600_000]
  ])("counts %d ms as %d ms", (latency, counted) => {
    const self = quantiles()
    LatencyQuantile.record(self, latency, 0)
    assert.closeTo(LatencyQuantile.quantile(self, 1, 0)!, counted, counted * 0.05 + 1e-9)
  })

  it.each([
    { relativeError: 0 },
    { relativeError: 1 },
    { relativeError: Number.NaN },
    { minMillis: 0 },
    { maxMillis: 1 },
    { maxMillis: Number.POSITIVE_INFINITY },
    { windowMillis: -1 }
  ])("with %o is refused", (settings) => {
    assert.throws(() => quantiles(settings), RangeError)
  })

  it("takes a few kilobytes", () => {
    const { cells, totals } = quantiles().history
    assert.isAtMost(8 * (cells.length + totals.length), 4_096)
  })

  it.prop(
    "is never off by more than its error",
    [
      Arbitrary.schema(Schema.Literals([0.01, 0.05, 0.2])),
      Arbitrary.schema(Schema.Literals([0, 0.5, 0.9, 0.95, 0.99, 1])),
      Arbitrary.array(
        // As many short latencies as long ones: what is drawn is the exponent.
        Arbitrary.map(
          Arbitrary.schema(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 15 }))),
          (exponent) => Math.min(3_600_000, Math.exp(exponent))
        ),
        { minLength: 1, maxLength: 60 }
      )
    ],
    ([relativeError, part, latencies]) => {
      const self = quantiles({ relativeError })
      for (const latency of latencies) LatencyQuantile.record(self, latency, 1_700_000_000_000)
      const exact = exactly(latencies, part)
      const found = LatencyQuantile.quantile(self, part, 1_700_000_000_000)!
      assert.isAtMost(Math.abs(found - exact) / exact, relativeError + 1e-9)
    },
    { arbitrary: { runs: 10_000, size: 60, seed: "quantile" } }
  )

  it.prop(
    "is about the last half to whole window, whenever things happened",
    [
      Arbitrary.array(
        Arbitrary.all({
          pass: Arbitrary.schema(Schema.Literals([0, 7, 250, 499, 500, 1_000, 1e9])),
          latency: Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 })))
        }),
        { minLength: 1, maxLength: 30 }
      )
    ],
    ([steps]) => {
      const self = quantiles({ windowMillis: 1_000 })
      const all: Array<{ readonly at: number; readonly latency: number }> = []
      let now = 0
      for (const { latency, pass } of steps) {
        now += pass
        all.push({ at: now, latency })
        LatencyQuantile.record(self, latency, now)
        const half = Math.floor(now / 500)
        const counted = all.filter(({ at }) => Math.floor(at / 500) >= half - 1).map((entry) => entry.latency)
        const exact = exactly(counted, 0.95)
        assert.strictEqual(LatencyQuantile.count(self, now), counted.length)
        assert.isAtMost(Math.abs(LatencyQuantile.quantile(self, 0.95, now)! - exact) / exact, 0.05 + 1e-9)
      }
    },
    { arbitrary: { runs: 3_000, size: 30, seed: "rotation" } }
  )
})
