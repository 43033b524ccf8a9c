/** Counts a run as it goes, in a fixed amount of memory. */
import type * as Result from "../Result.ts"
import type * as Scenario from "../Scenario.ts"
import { Histogram } from "./Histogram.ts"
import type { ProviderModel } from "../ProviderModel.ts"

const sliceCount = 240
const maxChanges = 10_000

/** What keeps operations away from a lane. */
const passedBy: ReadonlySet<Result.LaneChange["state"]> = new Set(["open", "cooling", "degraded", "unhealthy"])

interface Stretch {
  readonly lane: string
  readonly kind: string
  readonly from: number
  readonly until: number
  /** When the lane is well again: later where another outage goes on. */
  wellAt: number
  detectedAt: number | undefined
  recoveredAt: number | undefined
}

interface Slice {
  arrived: number
  succeeded: number
  readonly latency: Coarse
  readonly offered: Array<number>
  readonly answered: Array<number>
  readonly busy: Array<number>
}

export class Tally {
  operations = 0
  succeeded = 0
  attempts = 0
  answered = 0
  usefulUsd = 0
  resubmissions = 0
  changesLeftOut = 0
  readonly latency = new Histogram()
  readonly firstContent = new Histogram()
  readonly failures = new Map<string, number>()
  readonly changes: Array<Result.LaneChange> = []
  readonly stretches: ReadonlyArray<Stretch>
  readonly sliceMillis: number
  readonly #lanes: ReadonlyArray<string>
  readonly #models: ReadonlyArray<ProviderModel>
  readonly #slices: ReadonlyArray<Slice>
  readonly #answeredBy: Array<number>
  readonly #peaks: Array<number>
  /** The last instant at which the number of operations under way changed, and the area under it. */
  #changedAt = 0
  #underWay = 0
  #area = 0
  #stay = 0
  /** Stretches that are not yet recovered from. */
  #open: Array<Stretch>
  #sampled = 0

  constructor(scenario: Scenario.Scenario, lanes: ReadonlyArray<string>, models: ReadonlyArray<ProviderModel>) {
    this.#lanes = lanes
    this.#models = models
    this.sliceMillis = Math.max(1, Math.ceil(scenario.duration / sliceCount))
    this.#slices = Array.from({ length: Math.ceil(scenario.duration / this.sliceMillis) }, () => ({
      arrived: 0,
      succeeded: 0,
      latency: new Coarse(),
      offered: lanes.map(() => 0),
      answered: lanes.map(() => 0),
      busy: lanes.map(() => 0)
    }))
    this.#answeredBy = lanes.map(() => 0)
    this.#peaks = lanes.map(() => 0)
    this.stretches = lanes
      .flatMap((lane) =>
        (scenario.providers[lane]?.outages ?? []).flatMap((outage) =>
          Array.from({ length: outage.times ?? 1 }, (_, index): Stretch => {
            const from = outage.at + index * (outage.every ?? 0)
            const until = from + outage.for + (outage.recovery ?? 0)
            return {
              lane,
              kind: outage.kind,
              from,
              until,
              wellAt: until,
              detectedAt: undefined,
              recoveredAt: undefined
            }
          })
        )
      )
      .filter(({ from }) => from < scenario.duration)
      .toSorted((a, b) => a.from - b.from)
    for (const stretch of this.stretches.toReversed()) {
      for (const other of this.stretches) {
        if (other.lane !== stretch.lane || other.from > stretch.wellAt || other.wellAt <= stretch.wellAt) continue
        stretch.wellAt = other.wellAt
      }
    }
    this.#open = [...this.stretches]
  }

  #sliceAt(now: number): Slice | undefined {
    return this.#slices[Math.floor(now / this.sliceMillis)]
  }

  /** Looks at the providers at the end of each slice that is over. */
  sample(now: number): void {
    while ((this.#sampled + 1) * this.sliceMillis <= now) {
      const at = (this.#sampled + 1) * this.sliceMillis
      const slice = this.#slices[this.#sampled]
      this.#sampled += 1
      if (slice === undefined) continue
      for (const [index, model] of this.#models.entries()) {
        const busy = model.busy(at)
        slice.busy[index] = busy
        this.#peaks[index] = Math.max(this.#peaks[index] ?? 0, busy)
      }
    }
  }

  #change(now: number, by: number): void {
    this.#area += this.#underWay * (now - this.#changedAt)
    this.#changedAt = now
    this.#underWay += by
  }

  arrived(now: number): void {
    this.sample(now)
    this.operations += 1
    this.#change(now, 1)
    const slice = this.#sliceAt(now)
    if (slice !== undefined) slice.arrived += 1
  }

  /** An operation is over. `failure`: what it failed with. */
  ended(arrivedAt: number, now: number, failure: string | undefined, firstContentAt: number | undefined): void {
    this.#change(now, -1)
    this.#stay += now - arrivedAt
    if (failure !== undefined) {
      this.failures.set(failure, (this.failures.get(failure) ?? 0) + 1)
      return
    }
    this.succeeded += 1
    this.latency.record(now - arrivedAt)
    if (firstContentAt !== undefined) this.firstContent.record(firstContentAt - arrivedAt)
    const slice = this.#sliceAt(arrivedAt)
    if (slice === undefined) return
    slice.succeeded += 1
    slice.latency.record(now - arrivedAt)
  }

  called(lane: string, now: number): void {
    this.attempts += 1
    const slice = this.#sliceAt(now)
    const index = this.#lanes.indexOf(lane)
    if (slice !== undefined) slice.offered[index] = (slice.offered[index] ?? 0) + 1
  }

  answer(lane: string, usd: number, now: number): void {
    this.answered += 1
    this.usefulUsd += usd
    const index = this.#lanes.indexOf(lane)
    this.#answeredBy[index] = (this.#answeredBy[index] ?? 0) + 1
    const slice = this.#sliceAt(now)
    if (slice !== undefined) slice.answered[index] = (slice.answered[index] ?? 0) + 1
    if (this.#open.length === 0) return
    for (const stretch of this.#open) {
      if (stretch.lane === lane && now >= stretch.wellAt) stretch.recoveredAt = now
    }
    this.#open = this.#open.filter(({ recoveredAt }) => recoveredAt === undefined)
  }

  /** A lane is passed by, or taken up again. */
  changed(change: Result.LaneChange): void {
    if (this.changes.length < maxChanges) this.changes.push(change)
    else this.changesLeftOut += 1
    if (!passedBy.has(change.state)) return
    for (const stretch of this.stretches) {
      if (stretch.lane !== change.lane || stretch.detectedAt !== undefined) continue
      if (change.at >= stretch.from && change.at <= stretch.until) stretch.detectedAt = change.at
    }
  }

  outages(): ReadonlyArray<Result.OutageResult> {
    return this.stretches.map(({ detectedAt, from, kind, lane, recoveredAt, until, wellAt }) => ({
      lane,
      kind,
      from,
      until,
      detectMs: detectedAt === undefined ? null : detectedAt - from,
      recoveryMs: recoveredAt === undefined ? null : recoveredAt - wellAt
    }))
  }

  lanes(scenario: Scenario.Scenario): ReadonlyArray<Result.LaneResult> {
    return this.#lanes.map((lane, index) => ({
      lane,
      attempts: this.#models[index]?.counts.calls ?? 0,
      answered: this.#answeredBy[index] ?? 0,
      costUsd: this.#models[index]?.counts.usd ?? 0,
      peakBusy: this.#peaks[index] ?? 0,
      slots: scenario.providers[lane]?.capacity?.slots ?? null
    }))
  }

  series(): Result.Series {
    return {
      sliceMs: this.sliceMillis,
      lanes: this.#lanes,
      slices: this.#slices.map(({ latency, ...slice }) => ({
        ...slice,
        p50: latency.quantile(0.5),
        p95: latency.quantile(0.95)
      }))
    }
  }

  little(now: number): Result.Summary["little"] {
    this.#change(now, 0)
    return now === 0
      ? { underWay: 0, arrivalsTimesStay: 0 }
      : { underWay: this.#area / now, arrivalsTimesStay: this.#stay / now }
  }
}

/** For pictures: nine buckets for each doubling. */
class Coarse {
  readonly #counts = new Uint32Array(256)
  #count = 0

  record(millis: number): void {
    const index = Math.min(255, Math.round(Math.log2(1 + millis) * 9))
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#count += 1
  }

  quantile(q: number): number | null {
    if (this.#count === 0) return null
    let left = Math.ceil(q * this.#count)
    const index = this.#counts.findIndex((count) => (left -= count) <= 0)
    return Math.round(2 ** (index / 9) - 1)
  }
}
