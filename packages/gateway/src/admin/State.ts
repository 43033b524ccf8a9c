/** The state of everything now, as the API says it: read from the services of the pipeline and from what was heard lately. */
import * as Bulkhead from "@holdfast/core/Bulkhead"
import * as CircuitBreaker from "@holdfast/core/CircuitBreaker"
import * as EventBus from "@holdfast/core/EventBus"
import * as Health from "@holdfast/core/Health"
import type * as Lane from "@holdfast/core/Lane"
import * as Limits from "@holdfast/core/Limits"
import * as EventWriter from "@holdfast/store-sql/EventWriter"
import type * as Alerts from "@holdfast/telemetry/alerts/Alerts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Routes from "../Routes.ts"
import * as AlertSummary from "./AlertSummary.ts"
import * as Headline from "./Headline.ts"
import * as Holds from "./Holds.ts"
import { defined } from "./internal/defined.ts"
import * as SlidingCounts from "./internal/SlidingCounts.ts"
import * as Tally from "./internal/Tally.ts"
import * as Live from "./Live.ts"
import type * as Model from "./Model.ts"

/** Slices of a sparkline: five minutes of them. */
const sparkSlices = SlidingCounts.windowMillis / Tally.sliceMillis

/** However many ask, the lanes are looked at this often at most, in milliseconds. */
const freshMillis = 200

export class State extends Context.Service<State, { readonly now: Effect.Effect<Model.State> }>()(
  "@holdfast/gateway/admin/State"
) {}

export const make = Effect.gen(function* () {
  const alerts = yield* AlertSummary.make
  const breaker = yield* CircuitBreaker.CircuitBreaker
  const bulkhead = yield* Bulkhead.Bulkhead
  const bus = yield* EventBus.EventBus
  const health = yield* Health.Health
  const holds = yield* Holds.Holds
  const limits = yield* Limits.Limits
  const live = yield* Live.Live
  const routes = yield* Routes.Routes
  const writer = yield* EventWriter.EventWriter
  const lanesById = new Map(routes.lanes.map((lane) => [lane.id, lane]))

  const look = Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    const ours = yield* holds.list
    const circuits = new Map(
      (yield* breaker.list).map((snapshot) => [snapshot.circuit, circuitOf(snapshot, ours, at)] as const)
    )
    const snapshots = new Map((yield* health.snapshots).map((snapshot) => [snapshot.lane, snapshot]))

    const laneOf = Effect.fnUntraced(function* (lane: Lane.Lane) {
      const serving = [...routes.byName.values()].filter((route) => route.lanes.some(({ id }) => id === lane.id))
      const slots = yield* bulkhead.snapshot(lane.id)
      const limit = yield* limits.snapshot(lane)
      const cooling = Duration.toMillis(limit.cooling)
      const summary = snapshots.get(lane.id)
      const tally = live.tallies.get(lane.id) ?? Tally.make()
      const rates = Tally.rates(tally, at)
      const isPriced = lane.cost?.({ inputTokens: 1, outputTokens: 1 }) !== undefined
      return defined<Model.Lane>({
        lane: lane.id,
        provider: lane.provider,
        model: lane.model,
        credential: lane.credential,
        routes: serving.map(({ name }) => name),
        status: summary?.status ?? "idle",
        calls: summary?.calls ?? 0,
        successRate: summary?.successRate ?? 1,
        p50Millis: summary?.p50Millis,
        p95Millis: summary?.p95Millis,
        p99Millis: summary?.p99Millis,
        firstContentP50Millis: summary?.firstContentP50Millis,
        firstContentP95Millis: summary?.firstContentP95Millis,
        errors: { ...summary?.errors },
        circuit: circuits.get(lane.id) ?? closed(lane.id),
        wider: widerOf(lane).flatMap((name) => {
          const circuit = circuits.get(name)
          return circuit === undefined || (circuit.state === "closed" && circuit.holds.length === 0) ? [] : [circuit]
        }),
        running: slots.running,
        waiting: slots.waiting,
        maxConcurrent: slots.limit ?? Math.max(1, ...serving.map(({ policy }) => policy.bulkhead.maxConcurrent)),
        coolingUntil: cooling > 0 ? at + cooling : undefined,
        limited: limit.waiting,
        requestsLeft: limit.requests,
        tokensLeft: limit.tokens,
        perSecond: round(rates.perSecond),
        failedPerSecond: round(rates.failedPerSecond),
        tokensPerSecond: round(rates.tokensPerSecond),
        usdPerHour: isPriced ? round(rates.usdPerHour) : undefined,
        spark: { at: Math.floor(at / Tally.sliceMillis) * Tally.sliceMillis, ...Tally.recent(tally, at, sparkSlices) }
      })
    })

    const lanes = yield* Effect.forEach(lanesById.values(), laneOf)
    const flows = live.flows(at)
    const routeStates = [...routes.byName.values()].map((route) => routeOf(route, flows.get(route.name)))
    const { away, dropped, pending, rejected, written } = yield* writer.stats
    const store = { status: away ? "away" : "ok", written, pending, dropped, rejected } as const
    return {
      at,
      startedAt: live.startedAt,
      headline: Headline.of({ lanes, routes: routeStates, store }),
      lanes,
      routes: routeStates,
      holds: [...circuits.values()].flatMap((circuit) => circuit.holds),
      alerts: yield* alerts.now,
      store,
      eventsDropped: yield* bus.dropped
    } satisfies Model.State
  })

  const cached = yield* Effect.cachedWithTTL(look, freshMillis)
  return State.of({ now: cached })
})

export const layer: Layer.Layer<
  State,
  never,
  | Alerts.Alerts
  | Bulkhead.Bulkhead
  | CircuitBreaker.CircuitBreaker
  | EventBus.EventBus
  | EventWriter.EventWriter
  | Health.Health
  | Holds.Holds
  | Limits.Limits
  | Live.Live
  | Routes.Routes
> = Layer.effect(State, make)

/** The circuits a lane shares with others. */
const widerOf = ({ credential, model, provider }: Lane.Lane): ReadonlyArray<string> => [
  `credential:${credential === provider ? provider : `${provider}/${credential}`}`,
  `model:${provider}/${model}`
]

const closed = (circuit: string): Model.Circuit => ({ circuit, state: "closed", failures: 0, refused: 0, holds: [] })

const circuitOf = (snapshot: CircuitBreaker.Snapshot, ours: ReadonlyArray<Model.Hold>, at: number): Model.Circuit =>
  defined<Model.Circuit>({
    circuit: snapshot.circuit,
    state: snapshot.state,
    failures: snapshot.failures,
    reason: snapshot.reason,
    probeAt: snapshot.state === "open" ? at + Math.ceil(Duration.toMillis(snapshot.retryAfter)) : undefined,
    refused: snapshot.refused,
    holds: [
      ...ours.filter((hold) => hold.circuit === snapshot.circuit),
      ...strangers(snapshot, ours).map((hold) => ({ ...hold, circuit: snapshot.circuit, drain: false, isKept: false }))
    ]
  })

/** Holds that somebody else in this process has put: each of ours accounts for one that is alike. */
const strangers = (snapshot: CircuitBreaker.Snapshot, ours: ReadonlyArray<Model.Hold>) => {
  const rest = [...snapshot.holds]
  for (const hold of ours) {
    if (hold.circuit !== snapshot.circuit) continue
    const index = rest.findIndex((one) => one.mode === hold.mode && one.reason === hold.reason)
    if (index >= 0) rest.splice(index, 1)
  }
  return rest
}

const routeOf = (route: Routes.Route, flow: Live.Flow | undefined): Model.Route => ({
  route: route.name,
  kind: route.text === undefined ? "embed" : "text",
  lanes: route.lanes.map(({ id }) => id),
  operations: [...(flow?.results.values() ?? [])].reduce((total, one) => total + one, 0),
  results: Object.fromEntries(flow?.results ?? []),
  answers: Object.fromEntries(flow?.answers ?? []),
  degraded: flow?.degraded ?? 0,
  failed: Object.fromEntries(flow?.failed ?? []),
  refused: Object.fromEntries(flow?.refused ?? []),
  fallbacks: [...(flow?.fallbacks ?? [])]
})

/** Three decimals: more of them would change each second and say nothing. */
const round = (value: number): number => Math.round(value * 1000) / 1000
