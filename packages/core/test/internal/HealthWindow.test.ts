import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { Failure, HealthStatus } from "@holdfast/core"
import * as HealthWindow from "../../src/internal/HealthWindow.ts"

const result = (at: number, fields: Partial<HealthWindow.Result> = {}): HealthWindow.Result => ({
  at,
  durationMillis: 100,
  firstContentMillis: undefined,
  failure: undefined,
  ...fields
})

describe("a window", () => {
  it("remembers the last so many results and no older ones", () => {
    const window = HealthWindow.make(3, 1000)
    for (const durationMillis of [10, 20, 30, 40]) HealthWindow.record(window, result(0, { durationMillis }))
    const { calls, meanMillis } = HealthWindow.summarise(window, 0)
    assert.deepStrictEqual({ calls, meanMillis }, { calls: 3, meanMillis: 30 })
  })

  it("forgets a result when it is as old as the window is long, not a millisecond earlier", () => {
    const window = HealthWindow.make(100, 1000)
    HealthWindow.record(window, result(0))
    HealthWindow.record(window, result(500, { failure: "Network" }))
    assert.strictEqual(HealthWindow.summarise(window, 999).calls, 2)
    assert.deepInclude(HealthWindow.summarise(window, 1000), { calls: 1, successes: 0, successRate: 0 })
    assert.deepInclude(HealthWindow.summarise(window, 1_000_000), { calls: 0, successes: 0, status: "idle" })
  })

  it("does not let an old burst of failures speak in a later one (defects D1 and D10)", () => {
    const window = HealthWindow.make(100, 300_000)
    for (let n = 0; n < 9; n++) HealthWindow.record(window, result(0, { failure: "Network" }))
    HealthWindow.record(window, result(3_600_000, { failure: "Network" }))
    assert.deepStrictEqual(HealthWindow.summarise(window, 3_600_000).errors, { Network: 1 })
  })

  it("without calls has no numbers, and is neither good nor bad", () => {
    assert.deepStrictEqual(HealthWindow.summarise(HealthWindow.make(100, 1000), 0), {
      status: "idle",
      calls: 0,
      successes: 0,
      successRate: 1,
      meanMillis: undefined,
      p50Millis: undefined,
      p95Millis: undefined,
      p99Millis: undefined,
      firstContentP50Millis: undefined,
      firstContentP95Millis: undefined,
      errors: {}
    })
  })

  it("counts first contents only where there was content", () => {
    const window = HealthWindow.make(100, 1000)
    HealthWindow.record(window, result(0, { firstContentMillis: 7 }))
    HealthWindow.record(window, result(0, { failure: "Timeout" }))
    const { firstContentP50Millis, firstContentP95Millis } = HealthWindow.summarise(window, 0)
    assert.deepStrictEqual([firstContentP50Millis, firstContentP95Millis], [7, 7])
  })

  it("counts errors by class, and everything anew once it is cleared", () => {
    const window = HealthWindow.make(100, 1000)
    for (const failure of ["Network", "Timeout", "Network", undefined] as const) {
      HealthWindow.record(window, result(0, { failure }))
    }
    assert.deepStrictEqual(HealthWindow.summarise(window, 0).errors, { Network: 2, Timeout: 1 })
    HealthWindow.clear(window)
    assert.deepInclude(HealthWindow.summarise(window, 0), { calls: 0, successes: 0, errors: {} })
  })

  const Entry = Schema.Struct({
    pass: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 })),
    durationMillis: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5000 })),
    firstContentMillis: Schema.UndefinedOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 900 }))),
    failure: Schema.UndefinedOr(Failure.Class)
  })

  /** The smallest value that at least so large a part of all values does not exceed, found by trying every one. */
  const naivePercentile = (values: ReadonlyArray<number>, part: number): number | undefined => {
    const enough = values.filter((value) => values.filter((other) => other <= value).length >= part * values.length)
    return enough.length === 0 ? undefined : Math.min(...enough)
  }

  it.prop(
    "says what a naive count over the same results says",
    [
      Arbitrary.array(Arbitrary.schema(Entry), { maxLength: 60 }),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1500 }))
    ],
    ([entries, pause]) => {
      const [capacity, maxAge] = [20, 1000]
      const window = HealthWindow.make(capacity, maxAge)
      const all: Array<HealthWindow.Result> = []
      let now = 0
      for (const { pass, ...fields } of entries) {
        now += pass
        all.push({ at: now, ...fields })
        HealthWindow.record(window, { at: now, ...fields })
      }
      now += pause
      const counted = all.slice(-capacity).filter(({ at }) => now - at < maxAge)
      const durations = counted.map(({ durationMillis }) => durationMillis)
      const contents = counted.flatMap(({ firstContentMillis }) => firstContentMillis ?? [])
      const successes = counted.filter(({ failure }) => failure === undefined).length
      const summary = HealthWindow.summarise(window, now)
      assert.deepInclude(summary, {
        calls: counted.length,
        successes,
        successRate: counted.length === 0 ? 1 : successes / counted.length,
        status: HealthStatus.of(counted.length, successes),
        p50Millis: naivePercentile(durations, 0.5),
        p95Millis: naivePercentile(durations, 0.95),
        p99Millis: naivePercentile(durations, 0.99),
        firstContentP50Millis: naivePercentile(contents, 0.5),
        firstContentP95Millis: naivePercentile(contents, 0.95)
      })
      const errors = Object.values(summary.errors).reduce((sum, n) => sum + n, 0)
      assert.strictEqual(errors, counted.length - successes)
      const mean = durations.reduce((sum, value) => sum + value, 0) / durations.length
      if (counted.length > 0) assert.closeTo(summary.meanMillis ?? Number.NaN, mean, 1e-9)
    },
    { arbitrary: { runs: 1000, size: 60 } }
  )
})

describe("a status", () => {
  it.each([
    [0, 0, "idle"],
    [100, 100, "healthy"],
    [100, 95, "healthy"],
    [100, 94, "degraded"],
    [20, 19, "healthy"],
    [20, 16, "degraded"],
    [100, 79, "unhealthy"],
    [1, 0, "unhealthy"]
  ] as const)("of %d calls with %d successes is %s", (calls, successes, status) => {
    assert.strictEqual(HealthStatus.of(calls, successes), status)
  })
})
