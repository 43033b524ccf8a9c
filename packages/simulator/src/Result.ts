/** What one run amounts to, in the figures that people would notice. Plain data; times are milliseconds of the run's clock. */

export interface Quantiles {
  /** `null` where nothing succeeded. */
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

/** How one stretch of trouble was met. */
export interface OutageResult {
  readonly lane: string
  readonly kind: string
  readonly from: number
  /** When it was over, with its recovery. */
  readonly until: number
  /** From its beginning until the lane was passed by: its circuit opened, it cooled, or its health fell. `null`: never. */
  readonly detectMs: number | null
  /** From its end until the lane answered again. `null`: it did not, perhaps since nobody asked it. */
  readonly recoveryMs: number | null
}

export interface LaneResult {
  readonly lane: string
  /** Calls it was offered. */
  readonly attempts: number
  /** Calls whose answers somebody got. */
  readonly answered: number
  readonly costUsd: number
  /** The most slots that were busy at the end of a slice, and how many it has; `null`: no bound. */
  readonly peakBusy: number
  readonly slots: number | null
}

/** What a lane's circuits, limits and health said, and when. */
export interface LaneChange {
  readonly at: number
  readonly lane: string
  readonly state: "closed" | "open" | "half-open" | "cooling" | "healthy" | "degraded" | "unhealthy"
  readonly reason: string
  /** Of `cooling`: until when. */
  readonly until?: number
}

/** One slice of the run's time. */
export interface Slice {
  readonly arrived: number
  /** Of those that arrived in it. */
  readonly succeeded: number
  /** Of those that arrived in it and succeeded. */
  readonly p50: number | null
  readonly p95: number | null
  /** By lane, in their order: calls offered, calls answered, slots busy at its end. */
  readonly offered: ReadonlyArray<number>
  readonly answered: ReadonlyArray<number>
  readonly busy: ReadonlyArray<number>
}

export interface Series {
  readonly sliceMs: number
  readonly lanes: ReadonlyArray<string>
  readonly slices: ReadonlyArray<Slice>
}

/** The figures of a run, in the order in which they are printed. */
export interface Summary {
  readonly scenario: string
  readonly seed: number
  readonly operations: number
  /** Those that were answered in full before their deadline. */
  readonly succeeded: number
  readonly successRate: number
  /** Calls that providers were offered. */
  readonly attempts: number
  /** Attempts ÷ operations. */
  readonly amplification: number
  /** Of the operations that succeeded, from the caller's first try to the whole answer. */
  readonly latencyMs: Quantiles
  readonly costUsd: number
  /**
   * The longest of the recoveries of the first lane that had an outage: of the lanes behind it nobody asks those that are not
   * needed. `null` where there was no outage, or one was never recovered from.
   */
  readonly recoveryMs: number | null
  /** How long the run took, from the first instant to the end of the last operation. */
  readonly virtualMs: number
  /** How long working it out took. The only figure that differs between two runs of one seed. */
  readonly wallMs: number
  readonly policy: string
  /** Of streams that succeeded: from the caller's first try to the first content. */
  readonly firstContentMs: Quantiles
  /** The longest that an outage of that lane went on before the lane was passed by. */
  readonly detectMs: number | null
  /** Calls whose answers nobody got, failures among them, and what was paid for those. */
  readonly wasted: { readonly calls: number; readonly usd: number }
  /** How often callers asked again on their own. */
  readonly resubmissions: number
  /** How operations failed, by the tag of the error; `Left` where the caller's patience ended. */
  readonly failures: Readonly<Record<string, number>>
  readonly outages: ReadonlyArray<OutageResult>
  readonly lanes: ReadonlyArray<LaneResult>
  /** Little's law: operations under way on average, and arrivals per millisecond times how long one is under way. */
  readonly little: { readonly underWay: number; readonly arrivalsTimesStay: number }
}

export interface Result extends Summary {
  readonly changes: ReadonlyArray<LaneChange>
  /** Changes that came after the first ten thousand, and are not listed. */
  readonly changesLeftOut: number
  readonly series: Series
}

/** A run without its course over time. */
export const summary = ({ changes: _1, changesLeftOut: _2, series: _3, ...summary }: Result): Summary => summary
