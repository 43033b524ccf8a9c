/**
 * What this process has seen lately, for the page: the last events, the last operations, groups of errors, and what lanes
 * and routes did. Heard from the bus, kept in memory, bounded everywhere; it belongs to this layer.
 */
import type * as Event from "@holdfast/core/Event"
import * as EventBus from "@holdfast/core/EventBus"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Routes from "../Routes.ts"
import * as Bands from "./internal/Bands.ts"
import * as ErrorGroups from "./internal/ErrorGroups.ts"
import * as EventRing from "./internal/EventRing.ts"
import * as SlidingCounts from "./internal/SlidingCounts.ts"
import * as Tally from "./internal/Tally.ts"
import * as Trails from "./internal/Trails.ts"

/** Events that whoever comes back can be given. */
const keptEvents = 10_000

/** Operations that can be looked up. */
const keptOperations = 2_000

/** A person's decisions and a start, for the charts. */
export interface Mark {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly kind: "start" | "hold" | "release"
  readonly text: string
}

/** What happened on a route in the last five minutes. */
export interface Flow {
  /** Operations, by how they ended. */
  readonly results: ReadonlyMap<string, number>
  /** Answers, by the lane or the source they came from. */
  readonly answers: ReadonlyMap<string, number>
  readonly degraded: number
  /** Attempts that failed, by lane. */
  readonly failed: ReadonlyMap<string, number>
  /** Refusals of ours, by lane. */
  readonly refused: ReadonlyMap<string, number>
  /** Operations that left a lane for another: `from`, `to`, how many. */
  readonly fallbacks: ReadonlyArray<{ readonly from: string; readonly to: string; readonly count: number }>
}

/** What is kept, updated in place. */
export interface Kept {
  readonly startedAt: number
  /** Done when the gateway is about to stop. */
  readonly over: Deferred.Deferred<void>
  readonly ring: EventRing.EventRing
  readonly trails: Trails.Trails
  readonly groups: ErrorGroups.ErrorGroups
  readonly bands: Bands.Bands
  readonly marks: Array<Mark>
  readonly tallies: ReadonlyMap<string, Tally.Tally>
  /** By route. */
  readonly flows: (now: number) => ReadonlyMap<string, Flow>
}

export class Live extends Context.Service<Live, Kept>()("@holdfast/gateway/admin/Live") {}

export const make = Effect.fnUntraced(function* () {
  const bus = yield* EventBus.EventBus
  const routes = yield* Routes.Routes
  const startedAt = yield* Clock.currentTimeMillis
  const tallies = new Map(routes.lanes.map((lane) => [lane.id, Tally.make()]))
  const counts = SlidingCounts.make()
  const ring = EventRing.make(keptEvents)
  const trails = Trails.make(keptOperations)
  const groups = ErrorGroups.make()
  const bands = Bands.make()
  const marks: Array<Mark> = [{ at: startedAt, kind: "start", text: "The gateway started" }]

  const hear = (event: Event.Event): void => {
    EventRing.add(ring, event)
    Trails.add(trails, event)
    switch (event._tag) {
      case "AttemptEnded": {
        ErrorGroups.add(groups, event)
        if (event.result === "Cancelled") return
        let tally = tallies.get(event.lane)
        if (tally === undefined) {
          tally = Tally.make()
          tallies.set(event.lane, tally)
        }
        Tally.add(tally, {
          at: event.at,
          durationMillis: event.durationMillis,
          result: event.result,
          tokens: (event.inputTokens ?? 0) + (event.outputTokens ?? 0),
          usd: event.usd ?? 0
        })
        if (event.result !== "Success") count(["failed", event.route, event.lane], event.at)
        return
      }
      case "LaneRefused":
        return count(["refused", event.route, event.lane], event.at)
      case "FailedOver":
        return count(["fallback", event.route, event.from, event.to], event.at)
      case "OperationEnded":
        count(["result", event.route, event.result], event.at)
        if (event.result === "Success") {
          count(["answer", event.route, event.source ?? event.lane ?? "unknown"], event.at)
          if (event.degraded) count(["degraded", event.route], event.at)
        }
        return
      case "CircuitChanged":
        return Bands.add(bands, event)
      case "CircuitHeld":
        marks.push({
          at: event.at,
          kind: event.held ? "hold" : "release",
          text: event.held
            ? `${event.circuit} is held ${held[event.mode]}: ${event.reason}`
            : `${event.circuit} is released (was: ${event.reason})`
        })
        if (marks.length > 500) marks.splice(1, 1)
        break
      default:
    }
  }
  const count = (path: ReadonlyArray<string>, at: number): void => SlidingCounts.add(counts, path.join("\n"), at)

  const flows = (now: number): ReadonlyMap<string, Flow> => {
    const byRoute = new Map([...routes.byName.keys()].map((name) => [name, emptyFlow()]))
    for (const [path, number] of SlidingCounts.sum(counts, now)) {
      const [what, route = "", one = "", to = ""] = path.split("\n")
      const flow = byRoute.get(route) ?? emptyFlow()
      byRoute.set(route, flow)
      if (what === "result") flow.results.set(one, number)
      else if (what === "answer") flow.answers.set(one, number)
      else if (what === "failed") flow.failed.set(one, number)
      else if (what === "refused") flow.refused.set(one, number)
      else if (what === "degraded") flow.degraded = number
      else flow.fallbacks.push({ from: one, to, count: number })
    }
    return byRoute
  }

  const subscription = yield* bus.subscribe({ capacity: 16_384 })
  yield* Effect.forkScoped(
    Stream.runForEachArray(subscription.stream, (events) => Effect.sync(() => events.forEach(hear)))
  )
  return Live.of({ startedAt, over: yield* Deferred.make<void>(), ring, trails, groups, bands, marks, tallies, flows })
})

export const layer: Layer.Layer<Live, never, EventBus.EventBus | Routes.Routes> = Layer.effect(Live, make())

/**
 * Says that it is over as soon as this layer closes. Whoever listens does so for good: a server that waits for what is in
 * flight must not wait for them, so build this after it.
 */
export const farewell: Layer.Layer<never, never, Live> = Layer.effectDiscard(
  Live.use(({ over }) => Effect.addFinalizer(() => Deferred.succeed(over, undefined)))
)

const held = { "force-open": "open", "force-closed": "closed", observe: "to be observed only" } as const

const emptyFlow = () => ({
  results: new Map<string, number>(),
  answers: new Map<string, number>(),
  failed: new Map<string, number>(),
  refused: new Map<string, number>(),
  degraded: 0,
  fallbacks: new Array<{ readonly from: string; readonly to: string; readonly count: number }>()
})
