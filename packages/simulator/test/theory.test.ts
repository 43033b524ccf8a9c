/** What mathematics says a run has to give. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Policy } from "@holdfast/core"
import { type Result, Subject } from "@holdfast/simulator"
import { run } from "./Storm.ts"

const near = (actual: number, expected: number, part: number): void =>
  assert.approximately(actual, expected, expected * part)

/** Little's law: what is under way is what arrives times how long it stays. */
const keepsLittlesLaw = ({ little }: Result.Result): void => near(little.underWay, little.arrivalsTimesStay, 1e-9)

const queue = (hours: number, perSecond: number, slots: number, waiting: number) =>
  run(
    {
      duration: `${hours} hours`,
      workload: { arrivals: { poisson: `${perSecond} per second` }, deadline: "10 hours" },
      providers: { "a/one": { latency: { exponential: "1 second" }, capacity: { slots, queue: waiting } } }
    },
    Subject.none
  )

/** How long an operation stays on average, in seconds. */
const staySeconds = ({ little, operations, virtualMs }: Result.Result): number =>
  (little.arrivalsTimesStay * virtualMs) / operations / 1000

/** Erlang's C formula: the part that waits with `c` servers and an offered load of `a` erlangs. */
const erlangC = (c: number, a: number): number => {
  let term = 1
  let sum = 0
  for (let k = 0; k < c; k++) {
    sum += term
    term = (term * a) / (k + 1)
  }
  const last = (term * c) / (c - a)
  return last / (sum + last)
}

/** Hundreds of thousands of operations each. */
describe("theory", { timeout: 180_000 }, () => {
  it.effect("M/M/c: the wait of Erlang's C formula within 3 %", () =>
    Effect.gen(function* () {
      for (const [perSecond, slots] of [
        [7, 10],
        [3.2, 4]
      ] as const) {
        const result = yield* queue(10, perSecond, slots, 1_000_000)
        const wait = erlangC(slots, perSecond) / (slots - perSecond)
        near(staySeconds(result), 1 + wait, 0.03)
        keepsLittlesLaw(result)
      }
    })
  )

  it.effect("M/M/1/K: losses and stay within 3 %", () =>
    Effect.gen(function* () {
      const [rho, places] = [0.9, 5]
      const result = yield* queue(28, rho, 1, places - 1)
      const lost = ((1 - rho) * rho ** places) / (1 - rho ** (places + 1))
      near(1 - result.successRate, lost, 0.03)
      assert.deepStrictEqual(Object.keys(result.failures), ["ModelOverloaded"])
      keepsLittlesLaw(result)
    })
  )

  it.effect("independent failures of probability p with n retries: 1 - p^(n+1) succeed", () =>
    Effect.gen(function* () {
      for (const [p, retries] of [
        [0.3, 2],
        [0.5, 3]
      ] as const) {
        const policy = Policy.standard.pipe(
          Policy.retry({ maxRetries: retries }),
          Policy.retryBudget({ ratio: 1, reservePerSecond: 1000 }),
          Policy.breaker({ consecutiveFailures: 10_000, rate: 0 }),
          Policy.fallback({ waitForReopening: false })
        )
        const result = yield* run(
          {
            duration: "1 hour",
            workload: { arrivals: { poisson: "3 per second" }, deadline: "10 minutes" },
            providers: {
              "a/one": { latency: { constant: "100 millis" }, errors: { "service-unavailable": p } }
            }
          },
          Subject.holdfast("retrying", policy)
        )
        const expected = 1 - p ** (retries + 1)
        // The 99.99 % confidence interval of a proportion.
        const margin = 3.89 * Math.sqrt((expected * (1 - expected)) / result.operations)
        assert.approximately(result.successRate, expected, margin)
        near(result.amplification, (1 - p ** (retries + 1)) / (1 - p), 0.02)
        keepsLittlesLaw(result)
      }
    })
  )

  it.effect("a token bucket lets through what it held and what flows in, to the call", () =>
    Effect.gen(function* () {
      const result = yield* run(
        {
          duration: "30 minutes",
          workload: { arrivals: { constant: "10 per second" }, deadline: "60 seconds" },
          providers: {
            "a/one": { latency: { constant: "100 millis" }, limits: { requestsPerMinute: 120, window: "1 minute" } }
          }
        },
        Subject.none
      )
      // 120 at once, then two per second: the last call comes 100 ms before the end.
      assert.strictEqual(result.succeeded, 120 + Math.floor(1799.9 * 2))
      assert.deepStrictEqual(result.failures, { RateLimit: 18_000 - result.succeeded })
    })
  )
})
