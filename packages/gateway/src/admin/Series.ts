/** What lanes did over time, for charts: from memory for the last hour. */
import * as Bands from "./internal/Bands.ts"
import { defined } from "./internal/defined.ts"
import * as Tally from "./internal/Tally.ts"
import type * as Live from "./Live.ts"
import type * as Model from "./Model.ts"

/** What is asked for. */
export interface Query {
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  /** Default: all. */
  readonly lane?: string | undefined
}

/** More points than this say nothing more on a screen. */
const maxPoints = 240

const steps = [10, 30, 60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400].map((seconds) => seconds * 1000)

/** The distance of points, in milliseconds: the least round one that gives no more points than a screen shows. */
export const stepOf = ({ from, to }: Query): number =>
  steps.find((step) => (to - from) / step <= maxPoints) ?? Math.ceil((to - from) / maxPoints)

/** The instants at which the points of a query begin. */
export const instantsOf = (query: Query): ReadonlyArray<number> => {
  const step = stepOf(query)
  const first = Math.floor(query.from / step) * step
  return Array.from({ length: Math.max(0, Math.ceil((query.to - first) / step)) }, (_, index) => first + index * step)
}

export const fromMemory = (live: Live.Kept, query: Query): Model.Series => {
  const step = stepOf(query)
  const at = instantsOf(query)
  const tallies = [...live.tallies].filter(([lane]) => query.lane === undefined || lane === query.lane)
  const points = at.map((from) => Tally.merge(tallies.flatMap(([, tally]) => Tally.between(tally, from, from + step))))
  const classes = [...new Set(points.flatMap(({ errors }) => [...errors.keys()]))].toSorted()
  return {
    from: query.from,
    to: query.to,
    step,
    source: "memory",
    at,
    ok: points.map(({ ok }) => ok),
    failed: points.map(({ failed }) => failed),
    p50Millis: points.map((point) => Tally.percentile(point, 0.5) ?? null),
    p95Millis: points.map((point) => Tally.percentile(point, 0.95) ?? null),
    usd: points.map(({ usd }) => usd),
    errors: Object.fromEntries(classes.map((name) => [name, points.map(({ errors }) => errors.get(name) ?? 0)])),
    bands: Bands.between(live.bands, query.from, query.to)
      .filter(({ circuit }) => query.lane === undefined || circuit === query.lane)
      .map((band) => defined({ ...band })),
    marks: live.marks.filter((mark) => mark.at >= query.from && mark.at < query.to)
  }
}

/**
 * The store's series with what memory knows of the time since `reach`: the store hears of the latest a moment later. A step
 * that both know a part of has the greater of the two. Marks of the store are those of before this process.
 */
export const joined = (stored: Model.Series, here: Model.Series, reach: number): Model.Series => {
  const isHere = stored.at.map((at) => at + stored.step > reach)
  const greater = (before: ReadonlyArray<number>, now: ReadonlyArray<number>): ReadonlyArray<number> =>
    before.map((count, index) => (isHere[index] === true ? Math.max(count, now[index] ?? 0) : count))
  const latest = <A>(before: ReadonlyArray<A | null>, now: ReadonlyArray<A | null>): ReadonlyArray<A | null> =>
    before.map((value, index) => (isHere[index] === true ? (now[index] ?? value) : value))
  const none = stored.at.map(() => 0)
  const classes = [...new Set([...Object.keys(stored.errors), ...Object.keys(here.errors)])].toSorted()
  return {
    ...stored,
    ok: greater(stored.ok, here.ok),
    failed: greater(stored.failed, here.failed),
    p50Millis: latest(stored.p50Millis, here.p50Millis),
    p95Millis: latest(stored.p95Millis, here.p95Millis),
    usd: greater(stored.usd, here.usd),
    errors: Object.fromEntries(
      classes.map((name) => [name, greater(stored.errors[name] ?? none, here.errors[name] ?? none)])
    ),
    bands: [...stored.bands.filter(({ to }) => to !== undefined && to <= reach), ...here.bands],
    marks: [...stored.marks, ...here.marks]
  }
}
