/**
 * How long it takes to simulate: ten operations per second with an outage of a twelfth of the time, 10,000 to a million of
 * them, and a day (864,000, with two hours of outage); whole answers, and half of them streamed. Of how it grows with the
 * operations it says the power, 1 for in proportion, and of memory the heap after each run.
 * `node --expose-gc packages/simulator/bench/day.ts [most operations]`.
 */
import { Effect } from "effect"
import { Scenario, Simulation, Subject } from "@holdfast/simulator"
import * as Cost from "./cost.ts"

const perSecond = 10
const minutesFor = (operations: number) => operations / perSecond / 60

const scenario = (minutes: number, streams: number) =>
  Scenario.fromUnknown(
    {
      duration: `${minutes} minutes`,
      workload: { arrivals: { poisson: `${perSecond} per second` }, deadline: "60 seconds", streams },
      providers: {
        "gemini/gemini-flash": {
          latency: { p50: "900 millis", p99: "6 seconds" },
          tokensPerSecond: 80,
          outages: [{ at: `${minutes / 3} minutes`, for: `${minutes / 12} minutes`, kind: "service-unavailable" }]
        },
        "openai/gpt-mini": { latency: { p50: "700 millis", p99: "5 seconds" }, tokensPerSecond: 100 }
      }
    },
    "the benchmark",
    "day"
  )

const most = Number(process.argv[2] ?? 1_000_000)
const day = 864_000
const subject = Subject.named("interactive") ?? Subject.none

const measure = async (operations: number, streams: number) => {
  const one = Effect.flatMap(scenario(minutesFor(operations), streams), (it) => Simulation.run(it, subject))
  const [result, { cpuSeconds, wallSeconds }] = await Cost.of(one)
  globalThis.gc?.()
  const { heapUsed } = process.memoryUsage()
  console.log(
    [
      `${(streams * 100).toFixed(0).padStart(3)} % streamed`,
      `${result.operations.toString().padStart(7)} operations`,
      `${cpuSeconds.toFixed(2).padStart(6)} s of CPU`,
      `${wallSeconds.toFixed(2).padStart(6)} s on the wall`,
      `${((cpuSeconds * 1_000_000) / result.operations).toFixed(1).padStart(6)} µs each`,
      `${(heapUsed / 2 ** 20).toFixed(0).padStart(4)} MiB after`,
      `${(result.successRate * 100).toFixed(2)} % succeeded`
    ].join("  ")
  )
  return [result.operations, cpuSeconds] as const
}

// The first run pays for what the engine has to learn.
await measure(10_000, 0.5)
console.log("")
for (const streams of [0, 0.5]) {
  const points: Array<readonly [number, number]> = []
  for (const operations of [10_000, 100_000, 1_000_000]) {
    if (operations <= most) points.push(await measure(operations, streams))
  }
  if (day <= most) await measure(day, streams)
  console.log(`CPU time grows with the operations to the power of ${Cost.slope(points).toFixed(2)}\n`)
}
