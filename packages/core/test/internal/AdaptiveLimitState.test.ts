import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as AdaptiveLimit from "../../src/internal/AdaptiveLimitState.ts"

const algorithms = {
  Gradient2: { _tag: "Gradient2" },
  Vegas: { _tag: "Vegas" },
  Aimd: { _tag: "Aimd", timeoutMillis: 30_000 }
} as const satisfies Record<string, AdaptiveLimit.Algorithm>

/** A limit that learns from every single call. */
const limits = (algorithm: AdaptiveLimit.Algorithm, settings: Partial<AdaptiveLimit.Settings> = {}) =>
  AdaptiveLimit.make({
    ...AdaptiveLimit.defaults,
    algorithm,
    max: 1_000,
    windowCalls: 1,
    windowMillis: 0,
    ...settings
  })

const record = (
  state: AdaptiveLimit.AdaptiveLimit,
  millis: number,
  inFlight: number,
  isDropped = false,
  random = 0.5
) => AdaptiveLimit.record(state, millis, inFlight, isDropped, random, 0)

/**
 * A provider that works on `capacity` calls at once, each for `serviceMillis`, holds `queue` more, and drops what is beyond.
 * All that is allowed to run runs, and `demand` at most. By Little's law a call then takes its service time as often as
 * the calls in flight fill the capacity.
 */
class Provider {
  capacity = 50
  serviceMillis = 1_000
  queue = Number.POSITIVE_INFINITY
  demand = Number.POSITIVE_INFINITY
  /** Latencies vary by so much to both sides. */
  noise = 0.05
  private seed = 42

  random(): number {
    this.seed = (this.seed * 48_271) % 2_147_483_647
    return this.seed / 2_147_483_647
  }

  /** The limit after so many more calls, and the lowest, mean and highest on the way. */
  serve(state: AdaptiveLimit.AdaptiveLimit, calls: number) {
    let [lowest, sum, highest] = [Number.POSITIVE_INFINITY, 0, 0]
    for (let n = 0; n < calls; n++) {
      const inFlight = Math.min(AdaptiveLimit.limit(state), this.demand)
      const load = Math.max(1, inFlight / this.capacity)
      const millis = this.serviceMillis * load * (1 - this.noise + 2 * this.noise * this.random())
      const excess = inFlight - this.capacity - this.queue
      AdaptiveLimit.record(state, millis, inFlight, excess > this.random() * inFlight, this.random(), n)
      sum += AdaptiveLimit.limit(state)
      lowest = Math.min(lowest, AdaptiveLimit.limit(state))
      highest = Math.max(highest, AdaptiveLimit.limit(state))
    }
    return { limit: AdaptiveLimit.limit(state), lowest, mean: sum / calls, highest }
  }
}

describe("Vegas", () => {
  it("settles a little above what the provider can do at once, and stays there", () => {
    const provider = new Provider()
    const state = limits(algorithms.Vegas)
    assert.isAtMost(provider.serve(state, 300).highest, 70)
    const { highest, lowest } = provider.serve(state, 3_000)
    assert.isAtLeast(lowest, 45)
    assert.isAtMost(highest, 65)
  })

  it("goes down with the provider's capacity", () => {
    const provider = new Provider()
    const state = limits(algorithms.Vegas)
    provider.serve(state, 500)
    provider.capacity = 25
    assert.isAtMost(provider.serve(state, 500).limit, 40)
    provider.capacity = 50
    assert.isAtLeast(provider.serve(state, 1_500).limit, 45)
  })

  it("learns after a while that all calls have become slower, and does not take it for a queue for ever", () => {
    const provider = new Provider()
    const state = limits(algorithms.Vegas)
    provider.serve(state, 500)
    provider.serviceMillis = 2_000
    assert.isAtLeast(provider.serve(state, 4_000).limit, 45)
  })

  it("grows by 6 log10 while nothing queues, by log10 while little does, and shrinks by it when much does", () => {
    // Queues of 100 × (1 − 1000 / millis) calls; log10 is 2.
    const after = (millis: number) => {
      const state = limits(algorithms.Vegas, { initial: 100 })
      record(state, 1_000, 100)
      record(state, millis, 100)
      return AdaptiveLimit.limit(state)
    }
    assert.strictEqual(after(1_000), 112)
    assert.strictEqual(after(1_020), 112)
    assert.strictEqual(after(1_050), 102)
    assert.strictEqual(after(1_100), 100)
    assert.strictEqual(after(1_150), 98)
  })
})

describe("Gradient2", () => {
  it("settles near what the provider can do at once, when more is dropped", () => {
    const provider = new Provider()
    provider.queue = 10
    const state = limits(algorithms.Gradient2)
    provider.serve(state, 300)
    const { highest, lowest, mean } = provider.serve(state, 3_000)
    assert.isAtLeast(lowest, 45)
    assert.closeTo(mean, 65, 10)
    assert.isAtMost(highest, 100)
  })

  it("does so under latencies that differ tenfold, with samples of ten calls", () => {
    const provider = new Provider()
    provider.queue = 10
    provider.noise = 0.9
    const state = limits(algorithms.Gradient2, { windowCalls: 10 })
    provider.serve(state, 3_000)
    const { highest, lowest, mean } = provider.serve(state, 30_000)
    assert.isAtLeast(lowest, 40)
    assert.closeTo(mean, 60, 10)
    assert.isAtMost(highest, 100)
  })

  it("bounds the queue at half its latency for as long as its average has not learnt it", () => {
    const provider = new Provider()
    const state = limits(algorithms.Gradient2)
    const { highest } = provider.serve(state, 150)
    assert.isAtLeast(highest, 75)
    assert.isAtMost(highest, 100)
  })

  it("takes a shift of latency for a queue first and recovers from it", () => {
    const provider = new Provider()
    provider.queue = 10
    const state = limits(algorithms.Gradient2)
    provider.serve(state, 1_000)
    provider.serviceMillis = 3_000
    assert.isAtMost(provider.serve(state, 30).limit, 30)
    assert.isAtLeast(provider.serve(state, 1_000).limit, 45)
    provider.serviceMillis = 1_000
    assert.isAtLeast(provider.serve(state, 100).lowest, 40)
  })

  it("begins with the plain average of ten samples, then hardly moves", () => {
    const state = limits(algorithms.Gradient2)
    for (let n = 1; n <= 10; n++) record(state, n * 100, 1)
    assert.closeTo(state.baseMillis, 550, 1e-9)
    record(state, 1_151, 1)
    assert.closeTo(state.baseMillis, 552, 1e-9)
  })

  it("forgets a long overload faster than by averaging", () => {
    const state = limits(algorithms.Gradient2)
    for (let n = 0; n < 10; n++) record(state, 60_000, 1)
    for (let n = 0; n < 60; n++) record(state, 1_000, 1)
    assert.isAtMost(state.baseMillis, 2_500)
  })

  it("creeps up to its maximum under a load that never lets up and drops nothing: it has learnt to expect the queue", () => {
    const provider = new Provider()
    const state = limits(algorithms.Gradient2, { max: 400 })
    assert.strictEqual(provider.serve(state, 3_000).limit, 400)
  })

  it("never shrinks by more than a tenth per sample, however long a call took", () => {
    const state = limits(algorithms.Gradient2, { initial: 100 })
    for (let n = 0; n < 10; n++) record(state, 1_000, 10)
    record(state, 1e9, 100)
    assert.strictEqual(AdaptiveLimit.limit(state), 90)
  })
})

describe("AIMD", () => {
  it("keeps between what fits and a little more than what fits", () => {
    const provider = new Provider()
    provider.queue = 10
    const state = limits(algorithms.Aimd)
    provider.serve(state, 300)
    const { highest, lowest, mean } = provider.serve(state, 3_000)
    assert.isAtLeast(lowest, 45)
    assert.closeTo(mean, 65, 10)
    assert.isAtMost(highest, 100)
  })

  it("takes a call that is longer than its timeout for a dropped one", () => {
    const state = limits(algorithms.Aimd)
    record(state, 30_000, 20)
    assert.strictEqual(AdaptiveLimit.limit(state), 21)
    record(state, 30_001, 21)
    assert.strictEqual(AdaptiveLimit.limit(state), 18)
  })
})

describe.each(Object.values(algorithms))("$_tag", (algorithm) => {
  it("does not grow while fewer than half of the allowed calls run", () => {
    const state = limits(algorithm)
    for (let n = 0; n < 1_000; n++) record(state, 1_000, 9)
    assert.strictEqual(AdaptiveLimit.limit(state), 20)
    for (let n = 0; n < 100; n++) record(state, 1_000, 20)
    assert.isAbove(AdaptiveLimit.limit(state), 20)
  })

  it("shrinks when calls are dropped, even if few run, down to its minimum", () => {
    const state = limits(algorithm, { min: 3 })
    record(state, 5, 1, true)
    assert.isBelow(AdaptiveLimit.limit(state), 20)
    for (let n = 0; n < 100; n++) record(state, 5, 1, true)
    assert.strictEqual(AdaptiveLimit.limit(state), 3)
  })

  it("rises again after an outage", () => {
    const provider = new Provider()
    provider.queue = 10
    const state = limits(algorithm)
    provider.serve(state, 500)
    for (let n = 0; n < 200; n++) record(state, 5, AdaptiveLimit.limit(state), true)
    assert.strictEqual(AdaptiveLimit.limit(state), 1)
    assert.isAtLeast(provider.serve(state, 500).limit, 45)
  })

  it("does not take the quick answer of a refusal for the latency of an idle provider", () => {
    const provider = new Provider()
    const state = limits(algorithm)
    provider.serve(state, 200)
    const before = state.baseMillis
    for (let n = 0; n < 5; n++) record(state, 1, 50, true)
    assert.strictEqual(state.baseMillis, before)
  })

  it("grows to its maximum and no further", () => {
    const state = limits(algorithm, { max: 33 })
    for (let n = 0; n < 500; n++) record(state, 1_000, 1_000)
    assert.strictEqual(AdaptiveLimit.limit(state), 33)
  })

  it("changes once per sample: enough calls, over enough time, of whatever outcome", () => {
    const state = limits(algorithm, { windowCalls: 3, windowMillis: 1_000 })
    const at = (now: number, isDropped = true) => {
      AdaptiveLimit.record(state, 1_000, 20, isDropped, 0.5, now)
      return AdaptiveLimit.limit(state)
    }
    assert.deepStrictEqual([at(5_000), at(5_100), at(5_200), at(5_999)], [20, 20, 20, 20])
    const after = at(6_000, false)
    assert.isBelow(after, 20)
    assert.deepStrictEqual([at(6_001), at(9_000)], [after, after])
    assert.isBelow(at(9_000), after)
  })

  it("does not wait for a clock that was set back", () => {
    const state = limits(algorithm, { windowCalls: 2, windowMillis: 1_000 })
    AdaptiveLimit.record(state, 5, 20, true, 0.5, 3_600_000)
    AdaptiveLimit.record(state, 5, 20, true, 0.5, 0)
    assert.isBelow(AdaptiveLimit.limit(state), 20)
  })

  it("looks at the calls in flight of one sample only", () => {
    const state = limits(algorithm)
    for (let n = 0; n < 5; n++) record(state, 1_000, 1_000)
    const busy = AdaptiveLimit.limit(state)
    for (let n = 0; n < 50; n++) record(state, 1_000, 1)
    assert.strictEqual(AdaptiveLimit.limit(state), busy)
  })

  it.prop(
    "stays a number between its minimum and maximum, whatever it is told",
    [
      Schema.Struct({
        min: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
        spread: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_000 })),
        windowCalls: Schema.Literals([1, 4])
      }),
      Arbitrary.array(
        Arbitrary.schema(
          Schema.Struct({
            millis: Schema.Union([Schema.Number, Schema.Literals([0, -1, 1, 900, 1e308])]),
            inFlight: Schema.Literals([0, 1, 5, 50, 5_000]),
            isDropped: Schema.Literals([false, false, false, true]),
            random: Schema.Literals([0, 0.5, 0.999]),
            now: Schema.Literals([0, 1, 5_000, 1e15, -1e15])
          })
        ),
        { maxLength: 60 }
      )
    ],
    ([{ min, spread, windowCalls }, samples]) => {
      const state = limits(algorithm, { min, max: min + spread, initial: min + Math.floor(spread / 2), windowCalls })
      for (const { inFlight, isDropped, millis, now, random } of samples) {
        AdaptiveLimit.record(state, millis, inFlight, isDropped, random, now)
        const limit = AdaptiveLimit.limit(state)
        assert.isTrue(Number.isInteger(limit) && limit >= min && limit <= min + spread)
        assert.isTrue(Number.isFinite(state.baseMillis) && Number.isFinite(state.windowSum))
      }
    },
    { arbitrary: { runs: 1_000, size: 60, seed: algorithm._tag } }
  )
})

it.each([
  { min: 0 },
  { min: 2.5 },
  { max: 0 },
  { initial: 0 },
  { initial: 1_001 },
  { windowCalls: 0 },
  { windowMillis: -1 },
  { algorithm: { _tag: "Aimd", timeoutMillis: 0 } }
] as const)("%o is refused", (settings) => {
  assert.throws(() => limits(algorithms.Vegas, settings), RangeError)
})
