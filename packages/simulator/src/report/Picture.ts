/**
 * A scenario under one or two policies as data to draw: success and latency over time, what each lane was taken for, and
 * what its provider was asked against what it can serve. Plain JSON; times are milliseconds of the run's clock, and lines
 * have one value per slice.
 */
import * as Schema from "effect/Schema"
import * as Result from "../Result.ts"
import type * as Scenario from "../Scenario.ts"

const Values = Schema.Array(Schema.NullOr(Schema.Finite))

/** A stretch in which a lane was not simply well. */
export const Stretch = Schema.Struct({
  from: Schema.Finite,
  until: Schema.Finite,
  state: Schema.Literals(["open", "half-open", "cooling", "degraded", "unhealthy"]),
  reason: Schema.String
})
export type Stretch = typeof Stretch.Type

/** What one policy made of it. */
export const Policy = Schema.Struct({
  policy: Schema.String,
  operations: Schema.Finite,
  succeeded: Schema.Finite,
  successRate: Schema.Finite,
  latencyMs: Result.Quantiles,
  firstContentMs: Result.Quantiles,
  amplification: Schema.Finite,
  wasted: Result.Summary.fields.wasted,
  costUsd: Schema.Finite,
  detectMs: Schema.NullOr(Schema.Finite),
  recoveryMs: Schema.NullOr(Schema.Finite),
  failures: Result.Summary.fields.failures,
  /** Which part succeeded of those that arrived in each slice; `null` where none did. */
  success: Values,
  p50: Values,
  p95: Values,
  lanes: Schema.Array(
    Schema.Struct({
      lane: Schema.String,
      /** Calls per second that it was offered, and that it answered. */
      asked: Values,
      answered: Values,
      /** How long its circuit was open or probing. */
      notClosedMs: Schema.Finite,
      states: Schema.Array(Stretch)
    })
  ),
  /** Changes of lanes that are not among the states, since there were too many. */
  changesLeftOut: Schema.Finite
})
export type Policy = typeof Policy.Type

export const Picture = Schema.Struct({
  scenario: Schema.String,
  description: Schema.optionalKey(Schema.String),
  sources: Schema.Array(Schema.String),
  seed: Schema.Finite,
  operations: Schema.Finite,
  virtualMs: Schema.Finite,
  sliceMs: Schema.Finite,
  spanMs: Schema.Finite,
  /** What the providers go through. */
  troubles: Schema.Array(
    Schema.Struct({ lane: Schema.String, kind: Schema.String, from: Schema.Finite, until: Schema.Finite })
  ),
  /** What each provider can serve; `null`: no bound. */
  providers: Schema.Array(
    Schema.Struct({
      lane: Schema.String,
      requestsPerMinute: Schema.NullOr(Schema.Finite),
      slots: Schema.NullOr(Schema.Finite),
      /** By its slots, on average. */
      servedPerSecond: Schema.NullOr(Schema.Finite)
    })
  ),
  policies: Schema.NonEmptyArray(Policy)
})
export type Picture = typeof Picture.Type

/** `results`: the policy in question first, what it is compared with behind it. */
export const of = (
  scenario: Scenario.Scenario,
  results: readonly [Result.Result, ...ReadonlyArray<Result.Result>]
): Picture => {
  const [first, ...others] = results
  const { sliceMs, slices } = first.series
  const spanMs = sliceMs * slices.length
  return {
    scenario: scenario.name,
    ...(scenario.description === undefined ? {} : { description: scenario.description }),
    sources: scenario.sources ?? [],
    seed: first.seed,
    operations: first.operations,
    virtualMs: first.virtualMs,
    sliceMs,
    spanMs,
    troubles: first.outages.map(({ from, kind, lane, until }) => ({ lane, kind, from, until })),
    providers: first.lanes.map(({ lane }) => providerOf(scenario, lane)),
    policies: [policyOf(first, spanMs), ...others.map((result) => policyOf(result, spanMs))]
  }
}

const policyOf = (result: Result.Result, spanMs: number): Policy => {
  const { lanes, sliceMs, slices } = result.series
  const perSecond = (counts: (slice: Result.Slice) => ReadonlyArray<number>, index: number) =>
    slices.map((slice) => rounded((counts(slice)[index] ?? 0) / (sliceMs / 1000)))
  return {
    policy: result.policy,
    operations: result.operations,
    succeeded: result.succeeded,
    successRate: result.successRate,
    latencyMs: result.latencyMs,
    firstContentMs: result.firstContentMs,
    amplification: result.amplification,
    wasted: result.wasted,
    costUsd: result.costUsd,
    detectMs: result.detectMs,
    recoveryMs: result.recoveryMs,
    failures: result.failures,
    success: slices.map(({ arrived, succeeded }) => (arrived === 0 ? null : rounded(succeeded / arrived))),
    p50: slices.map(({ p50 }) => p50),
    p95: slices.map(({ p95 }) => p95),
    lanes: lanes.map((lane, index) => {
      const states = statesOf(result, lane, spanMs)
      return {
        lane,
        asked: perSecond(({ offered }) => offered, index),
        answered: perSecond(({ answered }) => answered, index),
        notClosedMs: notClosed(states),
        states: seen(states, spanMs)
      }
    }),
    changesLeftOut: result.changesLeftOut
  }
}

/** From one change to the next, but for the states that are nothing to show; what is drawn over the others comes last. */
const statesOf = (result: Result.Result, lane: string, spanMs: number): ReadonlyArray<Stretch> => {
  const changes = result.changes.filter((change) => change.lane === lane)
  const stretches = (known: ReadonlyArray<Result.LaneChange["state"]>): ReadonlyArray<Stretch> => {
    const own = changes.filter(({ state }) => known.includes(state))
    return own.flatMap(({ at, reason, state }, index): ReadonlyArray<Stretch> => {
      if (state === "closed" || state === "healthy" || at >= spanMs) return []
      return [{ from: at, until: Math.min(spanMs, own[index + 1]?.at ?? spanMs), state, reason }]
    })
  }
  const cooling = changes.flatMap(({ at, reason, state, until }): ReadonlyArray<Stretch> =>
    state === "cooling" && until !== undefined && at < spanMs ? [{ from: at, until, state, reason }] : []
  )
  return [...stretches(["healthy", "degraded", "unhealthy"]), ...cooling, ...stretches(["closed", "open", "half-open"])]
}

/** Where there are more than anybody could see: by cells of time, each with what the lane was for most of it. */
const seen = (states: ReadonlyArray<Stretch>, spanMs: number): ReadonlyArray<Stretch> => {
  if (states.length <= maxStates) return states
  const cellMs = spanMs / maxStates
  const cells = Array.from({ length: maxStates }, () => new Map<Stretch["state"], { millis: number; reason: string }>())
  for (const { from, reason, state, until } of states) {
    const last = Math.min(maxStates - 1, Math.floor(until / cellMs))
    for (let index = Math.floor(from / cellMs); index <= last; index++) {
      const millis = Math.min(until, (index + 1) * cellMs) - Math.max(from, index * cellMs)
      const before = cells[index]?.get(state)
      cells[index]?.set(state, { millis: (before?.millis ?? 0) + millis, reason: before?.reason ?? reason })
    }
  }
  const all: Array<Stretch> = []
  for (const [index, cell] of cells.entries()) {
    const chosen = mostOf(cell)
    if (chosen === undefined) continue
    const [from, until] = [index * cellMs, (index + 1) * cellMs]
    const before = all.at(-1)
    if (before?.state === chosen.state && before.until === from) all[all.length - 1] = { ...before, until }
    else all.push({ from, until, ...chosen })
  }
  return all
}

/** What keeps calls away at once is shown before what the lane's health says, however short it was. */
const mostOf = (
  cell: ReadonlyMap<Stretch["state"], { readonly millis: number; readonly reason: string }>
): Pick<Stretch, "state" | "reason"> | undefined => {
  const circuit = [...cell].filter(([state]) => state === "open" || state === "half-open" || state === "cooling")
  const [most] = (circuit.length > 0 ? circuit : [...cell]).toSorted(([, a], [, b]) => b.millis - a.millis)
  return most === undefined ? undefined : { state: most[0], reason: most[1].reason }
}

/** As many as a wide screen has room for. */
const maxStates = 500

const notClosed = (states: ReadonlyArray<Stretch>): number =>
  states
    .filter(({ state }) => state === "open" || state === "half-open")
    .reduce((sum, { from, until }) => sum + until - from, 0)

const providerOf = (scenario: Scenario.Scenario, lane: string): Picture["providers"][number] => {
  const provider = scenario.providers[lane]
  return {
    lane,
    requestsPerMinute: provider?.limits?.requestsPerMinute ?? null,
    slots: provider?.capacity?.slots ?? null,
    servedPerSecond: provider === undefined ? null : servedPerSecond(scenario.workload, provider)
  }
}

/** What its slots serve on average, per second, when all of them are busy; `null` where they have no bound. */
const servedPerSecond = (workload: Scenario.Workload, provider: Scenario.Provider): number | null => {
  const { capacity, latency, tokensPerSecond } = provider
  if (capacity === undefined) return null
  const begin =
    "constant" in latency ? latency.constant : "exponential" in latency ? latency.exponential : meanOf(latency)
  const tokens = workload.tokens?.out ?? 200
  const rest =
    tokensPerSecond === undefined
      ? 0
      : ((typeof tokens === "number" ? tokens : meanOf(tokens)) * 1000) / tokensPerSecond
  return (capacity.slots * 1000) / ((begin + rest) * (capacity.slowdown ?? 1))
}

/** The mean of a log-normal distribution. */
const meanOf = ({ p50, p99 }: { readonly p50: number; readonly p99: number }): number =>
  p50 * Math.exp((Math.log(p99 / p50) / 2.326_348) ** 2 / 2)

/** More would be seen by nobody. */
const rounded = (value: number): number => Math.round(value * 100_000) / 100_000
