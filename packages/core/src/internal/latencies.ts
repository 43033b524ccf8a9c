/** How long a lane's answers take: plain ones to their end, streams to their first content. Kept where somebody hedges. */
import * as LatencyQuantile from "./LatencyQuantile.ts"

export interface Latencies {
  readonly plain: LatencyQuantile.LatencyQuantile
  readonly stream: LatencyQuantile.LatencyQuantile
}

export const make = (): Latencies => ({ plain: LatencyQuantile.make(), stream: LatencyQuantile.make() })

/** Those of the operation's kind. */
export const of = (latencies: Latencies, kind: string): LatencyQuantile.LatencyQuantile =>
  kind === "stream" ? latencies.stream : latencies.plain
