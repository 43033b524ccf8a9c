import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as SlidingWindow from "../../src/internal/SlidingWindow.ts"

/** A window of ten seconds in ten slices. */
const time = () => SlidingWindow.make({ _tag: "Time", windowMillis: 10_000, slices: 10 })

const fail = (window: SlidingWindow.SlidingWindow, now: number) => SlidingWindow.record(window, "failure", false, now)
const succeed = (window: SlidingWindow.SlidingWindow, now: number) =>
  SlidingWindow.record(window, "success", false, now)

describe("a time window", () => {
  it("does not count a failure that is as old as the window (behaviour 4)", () => {
    const window = time()
    for (let n = 0; n < 4; n++) fail(window, 0)
    succeed(window, 10_000)
    fail(window, 10_000)
    assert.deepStrictEqual(SlidingWindow.rates(window, 10_000), { calls: 2, failures: 1, slow: 0 })
  })

  it("drops exactly the oldest slice when one slice has passed (behaviour 5)", () => {
    const window = time()
    for (let slice = 0; slice < 10; slice++) for (let n = 0; n <= slice; n++) fail(window, slice * 1_000 + 500)
    assert.strictEqual(SlidingWindow.rates(window, 9_999).failures, 55)
    for (let slice = 0; slice < 10; slice++) {
      const left = 55 - ((slice + 1) * (slice + 2)) / 2
      assert.strictEqual(SlidingWindow.rates(window, 10_000 + slice * 1_000).failures, left)
      assert.strictEqual(SlidingWindow.rates(window, 10_999 + slice * 1_000).failures, left)
    }
  })

  it("is empty after a jump of the clock over many windows (behaviour 6)", () => {
    const window = time()
    for (let n = 0; n < 100; n++) fail(window, n * 100)
    assert.deepStrictEqual(SlidingWindow.rates(window, 1e15), { calls: 0, failures: 0, slow: 0 })
    fail(window, 1e15)
    assert.deepStrictEqual(SlidingWindow.rates(window, 1e15), { calls: 1, failures: 1, slow: 0 })
  })

  it("goes on after the clock was set back, whether by a little or by an hour", () => {
    const window = time()
    fail(window, 7_200_000)
    fail(window, 7_199_000)
    assert.strictEqual(SlidingWindow.rates(window, 7_200_000).failures, 2)
    fail(window, 3_600_000)
    assert.strictEqual(SlidingWindow.rates(window, 3_600_000).failures, 1)
    assert.strictEqual(SlidingWindow.rates(window, 3_610_000).failures, 0)
  })

  it("counts slow calls apart from failed ones", () => {
    const window = time()
    SlidingWindow.record(window, "success", true, 0)
    SlidingWindow.record(window, "failure", true, 0)
    SlidingWindow.record(window, "success", false, 0)
    SlidingWindow.record(window, "failure", false, 0)
    const rates = SlidingWindow.rates(window, 0)
    assert.deepStrictEqual(rates, { calls: 4, failures: 2, slow: 2 })
    assert.strictEqual(SlidingWindow.slowRate(rates, 4), 0.5)
    assert.strictEqual(SlidingWindow.failureRate(rates, 4), 0.5)
  })
})

describe("a count window", () => {
  it("counts the last so many calls, however old", () => {
    const window = SlidingWindow.make({ _tag: "Count", calls: 3 })
    fail(window, 0)
    succeed(window, 1)
    SlidingWindow.record(window, "success", true, 2)
    assert.deepStrictEqual(SlidingWindow.rates(window, 1e15), { calls: 3, failures: 1, slow: 1 })
    succeed(window, 3)
    assert.deepStrictEqual(SlidingWindow.rates(window, 1e15), { calls: 3, failures: 0, slow: 1 })
  })
})

describe.each([
  ["time", { _tag: "Time", windowMillis: 10_000, slices: 10 }],
  ["count", { _tag: "Count", calls: 30 }]
] as const)("a %s window", (_name, settings) => {
  it("is not evaluable without calls, nor below its minimum (behaviours 2 and 7)", () => {
    const window = SlidingWindow.make(settings)
    assert.isUndefined(SlidingWindow.failureRate(SlidingWindow.rates(window, 0), 0))
    assert.isUndefined(SlidingWindow.slowRate(SlidingWindow.rates(window, 0), 0))
    for (let n = 0; n < 9; n++) fail(window, 0)
    assert.isUndefined(SlidingWindow.failureRate(SlidingWindow.rates(window, 0), 10))
    fail(window, 0)
    assert.strictEqual(SlidingWindow.failureRate(SlidingWindow.rates(window, 0), 10), 1)
  })

  it("knows nothing of what was before it was cleared", () => {
    const window = SlidingWindow.make(settings)
    for (let n = 0; n < 40; n++) SlidingWindow.record(window, "failure", true, n)
    SlidingWindow.clear(window)
    assert.deepStrictEqual(SlidingWindow.rates(window, 40), { calls: 0, failures: 0, slow: 0 })
    for (let n = 0; n < 40; n++) succeed(window, 41)
    assert.strictEqual(SlidingWindow.rates(window, 41).failures, 0)
  })
})

it.each([
  { _tag: "Time", windowMillis: 0, slices: 10 },
  { _tag: "Time", windowMillis: Number.NaN, slices: 10 },
  { _tag: "Time", windowMillis: 1_000, slices: 0 },
  { _tag: "Time", windowMillis: 1_000, slices: 2.5 },
  { _tag: "Count", calls: 0 },
  { _tag: "Count", calls: Number.POSITIVE_INFINITY }
] as const)("%o is refused", (settings) => {
  assert.throws(() => SlidingWindow.make(settings), RangeError)
})

describe("any sequence of calls and pauses", () => {
  const Command = Schema.Union([
    Schema.TaggedStruct("Record", {
      outcome: Schema.Literals(["success", "failure"]),
      isSlow: Schema.Boolean
    }),
    // The last three: many windows at once, back within the window, back by more than it.
    Schema.TaggedStruct("Pass", { millis: Schema.Literals([1, 333, 1_000, 9_999, 10_000, 1e12, -700, -1e7]) }),
    Schema.TaggedStruct("Clear", {})
  ])
  const commands = Arbitrary.array(Arbitrary.schema(Command), { maxLength: 40 })
  type Call = typeof Command.Type & { readonly _tag: "Record" }

  const tally = (calls: ReadonlyArray<Call>): SlidingWindow.Rates => ({
    calls: calls.length,
    failures: calls.filter(({ outcome }) => outcome === "failure").length,
    slow: calls.filter(({ isSlow }) => isSlow).length
  })

  it.prop(
    "leaves in a time window what a list of the calls leaves in it",
    [Arbitrary.schema(Schema.Literals([1, 2, 3, 10])), commands],
    ([slices, commands]) => {
      const length = 10_000 / slices
      const window = SlidingWindow.make({ _tag: "Time", windowMillis: 10_000, slices })
      let calls: Array<Call & { readonly slice: number }> = []
      let [now, newest] = [1_700_000_000_000, Number.NEGATIVE_INFINITY]
      for (const command of commands) {
        if (command._tag === "Pass") now += command.millis
        const present = Math.floor(now / length)
        if (present <= newest - slices || command._tag === "Clear") calls = []
        newest = present <= newest - slices ? present : Math.max(newest, present)
        if (command._tag === "Record") {
          SlidingWindow.record(window, command.outcome, command.isSlow, now)
          calls.push({ ...command, slice: newest })
        }
        if (command._tag === "Clear") SlidingWindow.clear(window)
        calls = calls.filter(({ slice }) => slice > newest - slices)
        assert.deepStrictEqual(SlidingWindow.rates(window, now), tally(calls))
      }
    },
    { arbitrary: { runs: 10_000, size: 40, seed: "time window" } }
  )

  it.prop(
    "leaves in a count window the last of the calls",
    [Arbitrary.schema(Schema.Literals([1, 2, 5, 20])), commands],
    ([capacity, commands]) => {
      const window = SlidingWindow.make({ _tag: "Count", calls: capacity })
      let calls: Array<Call> = []
      for (const command of commands) {
        if (command._tag === "Record") {
          SlidingWindow.record(window, command.outcome, command.isSlow, 0)
          calls.push(command)
        }
        if (command._tag === "Clear") {
          SlidingWindow.clear(window)
          calls = []
        }
        assert.deepStrictEqual(SlidingWindow.rates(window, 0), tally(calls.slice(-capacity)))
      }
    },
    { arbitrary: { runs: 10_000, size: 40, seed: "count window" } }
  )
})
