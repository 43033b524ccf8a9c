/**
 * How long a day takes to simulate: 24 hours at 10 operations per second with an outage of 2 hours, and shorter runs, to see
 * that the time grows with the operations and the memory does not. `node --expose-gc packages/simulator/bench/day.ts`.
 */
import { Effect } from "effect"
import { Scenario, Simulation, Subject } from "@holdfast/simulator"

const scenario = (hours: number, streams: number) =>
  Scenario.fromUnknown(
    {
      duration: `${hours * 60} minutes`,
      workload: { arrivals: { poisson: "10 per second" }, deadline: "60 seconds", streams },
      providers: {
        "gemini/gemini-flash": {
          latency: { p50: "900 millis", p99: "6 seconds" },
          tokensPerSecond: 80,
          outages: [{ at: `${hours * 20} minutes`, for: `${hours * 5} minutes`, kind: "service-unavailable" }]
        },
        "openai/gpt-mini": { latency: { p50: "700 millis", p99: "5 seconds" }, tokensPerSecond: 100 }
      }
    },
    "the benchmark",
    "day"
  )

const subject = Subject.named("interactive") ?? Subject.none
for (const streams of [0, 0.5]) {
  for (const hours of [0.28, 2.8, 24]) {
    const result = await Effect.runPromise(
      Effect.flatMap(scenario(hours, streams), (one) => Simulation.run(one, subject))
    )
    globalThis.gc?.()
    const { heapUsed } = process.memoryUsage()
    console.log(
      [
        `${(streams * 100).toFixed(0).padStart(3)} % streamed`,
        `${result.operations.toString().padStart(7)} operations`,
        `${(result.wallMs / 1000).toFixed(2).padStart(6)} s`,
        `${((result.wallMs * 1000) / result.operations).toFixed(1).padStart(6)} µs each`,
        `${(heapUsed / 2 ** 20).toFixed(0).padStart(4)} MiB after`,
        `${(result.successRate * 100).toFixed(2)} % succeeded`
      ].join("  ")
    )
  }
}
