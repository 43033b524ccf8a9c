/**
 * What a step of each pure machine costs: `node packages/core/bench/machines.ts`. Prints the median of seven runs in
 * nanoseconds of processor time, the loop included, and the memory of one machine's arrays. No test depends on it.
 */
import * as AdaptiveLimit from "../src/internal/AdaptiveLimitState.ts"
import * as LatencyQuantile from "../src/internal/LatencyQuantile.ts"
import * as RateLimit from "../src/internal/RateLimitState.ts"
import * as RetryBudget from "../src/internal/RetryBudgetState.ts"
import * as SlidingWindow from "../src/internal/SlidingWindow.ts"
import type * as TimeSlices from "../src/TimeSlices.ts"
import * as Throttle from "../src/internal/ThrottleState.ts"

/** Some hundred calls per second, each at an instant of its own, from a present day on. */
const instant = (n: number): number => 1_770_000_000_000 + n * 9

/** Random numbers enough, made beforehand. */
const randoms = Float64Array.from({ length: 4_096 }, () => Math.random())
const random = (n: number): number => randoms[n & 4_095] ?? 0

/** Machines that are only read are filled before, and read at this instant. */
const then = instant(1_000)

const budget = RetryBudget.make()
const window = SlidingWindow.make({ _tag: "Time", windowMillis: 60_000, slices: 10 })
const ring = SlidingWindow.make({ _tag: "Count", calls: 100 })
const throttle = Throttle.make()
const quantile = LatencyQuantile.make()
const read = {
  window: SlidingWindow.make({ _tag: "Time", windowMillis: 60_000, slices: 10 }),
  quantile: LatencyQuantile.make()
}
for (let n = 0; n < 1_000; n++) {
  SlidingWindow.record(read.window, (n & 7) === 0 ? "failure" : "success", false, then)
  LatencyQuantile.record(read.quantile, 100 + random(n) * 10_000, then)
}
const limit = RateLimit.make({
  ...RateLimit.defaults,
  requests: { perMinute: 10_000, burst: 1_000 },
  tokens: { perMinute: 10_000_000, burst: 1_000_000 }
})
const shut = RateLimit.make({ ...RateLimit.defaults, requests: { perMinute: 0.001, burst: 1 } })
RateLimit.admit(shut, 0, instant(0))
const corrected = RateLimit.make()
const gradient = AdaptiveLimit.make()
const vegas = AdaptiveLimit.make({ ...AdaptiveLimit.defaults, algorithm: { _tag: "Vegas" } })
const aimd = AdaptiveLimit.make({ ...AdaptiveLimit.defaults, algorithm: { _tag: "Aimd", timeoutMillis: 30_000 } })

/** Each returns a number that depends on its work, so that none of it is left out. */
const cases: { readonly [name: string]: (n: number) => number } = {
  "an empty step": (n) => instant(n) + random(n),
  "RetryBudget.deposit": (n) => {
    RetryBudget.deposit(budget, instant(n))
    return budget.history.newest
  },
  "RetryBudget.tryWithdraw": (n) => (RetryBudget.tryWithdraw(budget, instant(n)) ? 1 : 0),
  "SlidingWindow.record, time": (n) => {
    SlidingWindow.record(window, (n & 7) === 0 ? "failure" : "success", (n & 15) === 0, instant(n))
    return n
  },
  "SlidingWindow.record, count": (n) => {
    SlidingWindow.record(ring, (n & 7) === 0 ? "failure" : "success", (n & 15) === 0, instant(n))
    return n
  },
  "SlidingWindow.rates + failureRate": (n) =>
    SlidingWindow.failureRate(SlidingWindow.rates(read.window, then + (n & 7)), 20) ?? 0,
  "Throttle.admit": (n) => Throttle.admit(throttle, random(n), instant(n)) ?? 0,
  "Throttle.admit + refuse": (n) => {
    const ticket = Throttle.admit(throttle, random(n), instant(n))
    if (ticket !== undefined) Throttle.refuse(throttle, ticket)
    return ticket ?? 0
  },
  "LatencyQuantile.record": (n) => {
    LatencyQuantile.record(quantile, 100 + random(n) * 10_000, instant(n))
    return n
  },
  "LatencyQuantile.quantile": (n) => LatencyQuantile.quantile(read.quantile, 0.95, then + (n & 7)) ?? 0,
  "RateLimit.admit + settle": (n) => {
    const answer = RateLimit.admit(limit, 900, instant(n))
    if (typeof answer === "number") return answer
    RateLimit.settle(limit, answer, 700, instant(n))
    return answer.sequence
  },
  "RateLimit.admit, refused": (n) => {
    const answer = RateLimit.admit(shut, 0, instant(n & 1_023))
    return typeof answer === "number" ? answer : 0
  },
  "RateLimit.admit + correct + settle": (n) => {
    const now = instant(n)
    const answer = RateLimit.admit(corrected, 900, now)
    if (typeof answer === "number") return answer
    const requests = { limit: 10_000, remaining: 9_000, resetAt: now + 6_000 }
    const tokens = { limit: 10_000_000, remaining: 9_000_000, resetAt: now + 6_000 }
    RateLimit.correct(corrected, answer, { requests, tokens }, now)
    RateLimit.settle(corrected, answer, 700, now)
    return answer.sequence
  },
  "AdaptiveLimit.record, Gradient2": (n) => sample(gradient, n),
  "AdaptiveLimit.record, Vegas": (n) => sample(vegas, n),
  "AdaptiveLimit.record, AIMD": (n) => sample(aimd, n)
}

const sample = (state: AdaptiveLimit.AdaptiveLimit, n: number): number => {
  AdaptiveLimit.record(state, 900 + random(n) * 300, AdaptiveLimit.limit(state), (n & 255) === 0, random(n), instant(n))
  return AdaptiveLimit.limit(state)
}

const cpuMicros = (): number => {
  const { system, user } = process.cpuUsage()
  return user + system
}

const stepsPerRun = 1_000_000
let sink = 0
let n = 0
for (const [name, step] of Object.entries(cases)) {
  const runs = Array.from({ length: 8 }, () => {
    const from = cpuMicros()
    for (let index = 0; index < stepsPerRun; index++) sink += step(n++)
    return ((cpuMicros() - from) * 1000) / stepsPerRun
  })
  // The first one warms up.
  const median = runs.slice(1).toSorted((a, b) => a - b)[3] ?? Number.NaN
  console.log(`${name.padEnd(36)} ${median.toFixed(1).padStart(7)} ns`)
}
const bytes = ({ cells, totals }: TimeSlices.TimeSlices): number => 8 * (cells.length + totals.length)
console.log(
  `bytes of arrays: RetryBudget ${bytes(budget.history)}, Throttle ${bytes(throttle.history)}, ` +
    `LatencyQuantile ${bytes(quantile.history)}, SlidingWindow of 10 slices 264, of 100 calls 100 (${Number.isFinite(sink)})`
)
