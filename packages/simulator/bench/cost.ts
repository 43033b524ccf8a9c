/** What a piece of work costs: on the clock on the wall, and in the process's own time, which other processes do not lengthen. */
import { Effect } from "effect"

export interface Cost {
  readonly wallSeconds: number
  readonly cpuSeconds: number
}

export const of = async <A, E>(work: Effect.Effect<A, E>): Promise<readonly [A, Cost]> => {
  const [wall, cpu] = [performance.now(), process.cpuUsage()]
  const result = await Effect.runPromise(work)
  const { system, user } = process.cpuUsage(cpu)
  return [result, { wallSeconds: (performance.now() - wall) / 1000, cpuSeconds: (system + user) / 1_000_000 }]
}

/** How the cost grows with the size, as a power: the slope of the line through the logarithms; 1 is in proportion. */
export const slope = (points: ReadonlyArray<readonly [size: number, cost: number]>): number => {
  const logs = points.map(([size, cost]) => [Math.log(size), Math.log(cost)] as const)
  const mean = (at: 0 | 1) => logs.reduce((sum, log) => sum + log[at], 0) / logs.length
  const [x, y] = [mean(0), mean(1)]
  const over = logs.reduce((sum, log) => sum + (log[0] - x) * (log[1] - y), 0)
  return over / logs.reduce((sum, log) => sum + (log[0] - x) ** 2, 0)
}
