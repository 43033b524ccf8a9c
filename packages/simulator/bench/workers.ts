/**
 * What workers save: the same runs in this thread and in 1 and 2 worker threads, round by round, so that whatever else the
 * machine does falls on all of them. `node packages/simulator/bench/workers.ts`.
 */
import { NodeServices } from "@effect/platform-node"
import { Effect, type Layer } from "effect"
import { Policy } from "@holdfast/core"
import { InThread, NodeWorkers, Storms, Subject, Workers } from "@holdfast/simulator"

const rounds = 3
const runs = 16

const subject = Subject.described("interactive", Policy.interactive)
const scenario = await Effect.runPromise(Effect.provide(Storms.find("chaos-outage"), NodeServices.layer))
const jobs = Array.from({ length: runs }, (_, index) => ({ scenario, subject, seed: index + 1 }))

/** Seconds on the wall, and of this process's CPU time. */
const timed = async (layer: Layer.Layer<Workers.Workers, Workers.RunFailed>) => {
  const [before, began] = [process.cpuUsage(), performance.now()]
  await Effect.runPromise(Effect.provide(Workers.runAll(jobs), layer))
  const { system, user } = process.cpuUsage(before)
  return { wall: (performance.now() - began) / 1000, cpu: (user + system) / 1e6 }
}

for (let round = 1; round <= rounds; round++) {
  const here = await timed(InThread.layer)
  const shown = [`round ${round}: here ${here.wall.toFixed(1)} s (${here.cpu.toFixed(1)} s of CPU)`]
  for (const workers of [1, 2]) {
    const there = await timed(NodeWorkers.layer({ workers }))
    const ratio = (here.wall / there.wall).toFixed(2)
    shown.push(
      `${workers} in threads ${there.wall.toFixed(1)} s (${there.cpu.toFixed(1)} s of CPU), ${ratio} times as fast`
    )
  }
  console.log(shown.join("; "))
}
