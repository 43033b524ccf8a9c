/** What one run amounts to, in the figures that people would notice. Plain data; times are milliseconds of the run's clock. */
import * as Schema from "effect/Schema"

const Figure = Schema.NullOr(Schema.Finite)

export const Quantiles = Schema.Struct({
  /** `null` where nothing succeeded. */
  p50: Figure,
  p95: Figure,
  p99: Figure
})
export type Quantiles = typeof Quantiles.Type

/** How one stretch of trouble was met. */
export const OutageResult = Schema.Struct({
  lane: Schema.String,
  kind: Schema.String,
  from: Schema.Finite,
  /** When it was over, with its recovery. */
  until: Schema.Finite,
  /** From its beginning until the lane was passed by: its circuit opened, it cooled, or its health fell. `null`: never. */
  detectMs: Figure,
  /** From its end until the lane answered again. `null`: it did not, perhaps since nobody asked it. */
  recoveryMs: Figure
})
export type OutageResult = typeof OutageResult.Type

export const LaneResult = Schema.Struct({
  lane: Schema.String,
  /** Calls it was offered. */
  attempts: Schema.Finite,
  /** Calls whose answers somebody got. */
  answered: Schema.Finite,
  costUsd: Schema.Finite,
  /** The most slots that were busy at the end of a slice, and how many it has; `null`: no bound. */
  peakBusy: Schema.Finite,
  slots: Figure
})
export type LaneResult = typeof LaneResult.Type

/** What a lane's circuits, limits and health said, and when. */
export const LaneChange = Schema.Struct({
  at: Schema.Finite,
  lane: Schema.String,
  state: Schema.Literals(["closed", "open", "half-open", "cooling", "healthy", "degraded", "unhealthy"]),
  reason: Schema.String,
  /** Of `cooling`: until when. */
  until: Schema.optionalKey(Schema.Finite)
})
export type LaneChange = typeof LaneChange.Type

/** One slice of the run's time. */
export const Slice = Schema.Struct({
  arrived: Schema.Finite,
  /** Of those that arrived in it. */
  succeeded: Schema.Finite,
  /** By lane, in their order: calls offered, calls answered, slots busy at its end. */
  offered: Schema.Array(Schema.Finite),
  answered: Schema.Array(Schema.Finite),
  busy: Schema.Array(Schema.Finite),
  /** Of those that arrived in it and succeeded. */
  p50: Figure,
  p95: Figure
})
export type Slice = typeof Slice.Type

export const Series = Schema.Struct({
  sliceMs: Schema.Finite,
  lanes: Schema.Array(Schema.String),
  slices: Schema.Array(Slice)
})
export type Series = typeof Series.Type

const summaryFields = {
  scenario: Schema.String,
  seed: Schema.Finite,
  operations: Schema.Finite,
  /** Those that were answered in full before their deadline. */
  succeeded: Schema.Finite,
  successRate: Schema.Finite,
  /** Calls that providers were offered. */
  attempts: Schema.Finite,
  /** Attempts ÷ operations. */
  amplification: Schema.Finite,
  /** Of the operations that succeeded, from the caller's first try to the whole answer. */
  latencyMs: Quantiles,
  costUsd: Schema.Finite,
  /**
   * The longest of the recoveries of the first lane that had an outage: of the lanes behind it nobody asks those that are not
   * needed. `null` where there was no outage, or one was never recovered from.
   */
  recoveryMs: Figure,
  /** How long the run took, from the first instant to the end of the last operation. */
  virtualMs: Schema.Finite,
  /** How long working it out took. The only figure that differs between two runs of one seed. */
  wallMs: Schema.Finite,
  policy: Schema.String,
  /** Of streams that succeeded: from the caller's first try to the first content. */
  firstContentMs: Quantiles,
  /** The longest that an outage of that lane went on before the lane was passed by. */
  detectMs: Figure,
  /** Calls whose answers nobody got, failures among them, and what was paid for those. */
  wasted: Schema.Struct({ calls: Schema.Finite, usd: Schema.Finite }),
  /** How often callers asked again on their own. */
  resubmissions: Schema.Finite,
  /** How operations failed, by the tag of the error; `Left` where the caller's patience ended. */
  failures: Schema.Record(Schema.String, Schema.Finite),
  outages: Schema.Array(OutageResult),
  lanes: Schema.Array(LaneResult),
  /** Little's law: operations under way on average, and arrivals per millisecond times how long one is under way. */
  little: Schema.Struct({ underWay: Schema.Finite, arrivalsTimesStay: Schema.Finite })
}

/** The figures of a run, in the order in which they are printed. */
export const Summary = Schema.Struct(summaryFields)
export type Summary = typeof Summary.Type

export const Result = Schema.Struct({
  ...summaryFields,
  changes: Schema.Array(LaneChange),
  /** Changes that came after the first ten thousand, and are not listed. */
  changesLeftOut: Schema.Finite,
  series: Series
})
export type Result = typeof Result.Type

/** A run without its course over time. */
export const summary = ({ changes: _1, changesLeftOut: _2, series: _3, ...summary }: Result): Summary => summary
