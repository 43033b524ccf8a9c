/** The simulator's truth: one storm in virtual time, and in real time through the gateway, on real sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeSync } from "node:fs"
import { Policy } from "@holdfast/core"
import { Agreement, Scenario, Simulation, Subject } from "@holdfast/simulator"
import { both } from "../../src/replay/both.ts"
import { wrong } from "./wrong.ts"

/**
 * Seconds of latency, so that some tens of milliseconds of a busy machine are nothing; a few calls at a time, so that the
 * machine is not busy with this. The waits of the policy are as short as the storm.
 */
const storm: Scenario.Input = {
  duration: "30 seconds",
  workload: {
    arrivals: { constant: "24 per second" },
    deadline: "15 seconds",
    streams: 0.5,
    tokens: { in: 200, out: { p50: 120, p99: 200 } }
  },
  providers: {
    "gemini/gemini-flash": {
      latency: { p50: "800 millis", p99: "1600 millis" },
      tokensPerSecond: 150,
      errors: { overloaded: 0.01, network: 0.005, truncated: 0.005 },
      outages: [{ at: "9 seconds", for: "12 seconds", kind: "service-unavailable" }]
    },
    "openai/gpt-mini": {
      latency: { p50: "2 seconds", p99: "3 seconds" },
      tokensPerSecond: 60,
      limits: { requestsPerMinute: 930, window: "2 seconds" },
      errors: { "service-unavailable": 0.01 }
    },
    "anthropic/claude-haiku": {
      latency: { p50: "2 seconds", p99: "3 seconds" },
      tokensPerSecond: 60,
      capacity: { slots: 24, queue: 4 },
      errors: { overloaded: 0.01 }
    }
  }
}

const policy = Policy.interactive.pipe(
  Policy.retry({ base: "200 millis", maxDelay: "2 seconds", patience: "2 seconds" }),
  Policy.breaker({ open: "1 second", openMax: "1 second", openGrowth: 1 }),
  Policy.clocks({
    firstContent: "6 seconds",
    plainAttempt: "12 seconds",
    chunkGap: "4 seconds",
    attempt: "16 seconds"
  }),
  Policy.bulkhead({ maxConcurrent: 200 })
)

const seed = 4

// Half a minute in which the machine had no time for it says nothing: it is replayed again then.
describe("a storm in real time", { timeout: 120_000, retry: 2 }, () => {
  it.live("succeeds as often as in virtual time within a percentage point, with a p95 within a tenth", () =>
    Effect.gen(function* () {
      const scenario = yield* Scenario.fromUnknown(storm, "the test", "half a minute")
      const { agreement, real, virtual } = yield* both(scenario, { name: "short", policy, seed, runs: 4 })
      for (const { difference, name, real, virtual } of agreement.measures) {
        // Past the reporter, which shows the output of failed tests only: these figures are always wanted.
        writeSync(2, `${name}: ${real} in real time, ${virtual.mean} in virtual time, ${difference} apart\n`)
      }
      assert.isTrue(agreement.agrees, JSON.stringify(agreement.measures))
      assert.strictEqual(real.operations, virtual[0].operations)
      // It was a storm: something failed, was asked again, and was answered by each of the lanes.
      assert.isBelow(real.successRate, 0.99)
      assert.isAbove(real.amplification, 1.1)
      assert.isAbove(Math.min(...real.lanes.map(({ answered }) => answered)), 20)
      assert.includeMembers(
        real.changes.map(({ lane, state }) => `${lane} ${state}`),
        ["gemini/gemini-flash open", "gemini/gemini-flash closed", "openai/gpt-mini cooling"]
      )

      // Another storm, were it simulated instead, would have been noticed.
      for (const name of ["answers take 20 % longer", "outages end 10 s earlier"]) {
        const other = wrong[name]?.(scenario) ?? scenario
        const simulated = yield* Simulation.run(other, Subject.holdfast("short", policy), { seed, draws: "operation" })
        assert.isFalse(Agreement.of(real, [simulated]).agrees, name)
      }
    })
  )
})
