/**
 * The health of every lane, from what its attempts did: the last 100 of the last 5 minutes. Passive: it never calls
 * anybody. The windows belong to this layer.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as EventBus from "./EventBus.ts"
import type * as HealthStatus from "./HealthStatus.ts"
import * as HealthWindow from "./internal/HealthWindow.ts"
import type * as Lane from "./Lane.ts"

/** Results that are remembered per lane. */
export const windowCalls = 100

/** How long a result is remembered, in milliseconds. */
export const windowMillis = 5 * 60_000

/** Fewer recent calls than this say too little to prefer another lane over this one. */
export const minimumEvidence = 20

export interface Snapshot extends HealthWindow.Summary {
  readonly lane: string
  readonly provider: string
  readonly model: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

export class Health extends Context.Service<
  Health,
  {
    /** Adds the lane to the list before it has been called. */
    readonly register: (lane: Lane.Lane) => Effect.Effect<void>
    /** Remembers how an attempt ended, unless it only says something about its caller. */
    readonly record: (lane: Lane.Lane, result: HealthWindow.Result) => Effect.Effect<void>
    /** Forgets a lane's past: its circuit has closed, what was before no longer speaks about it. */
    readonly restart: (lane: Lane.Lane) => Effect.Effect<void>
    /** The same two for code that cannot wait. */
    readonly recordUnsafe: (lane: Lane.Lane, result: HealthWindow.Result) => void
    readonly restartUnsafe: (lane: Lane.Lane, now: number) => void
    /** The status for choosing between lanes: `idle` while there is too little evidence. */
    readonly standing: (lane: Lane.Lane, now: number) => HealthStatus.HealthStatus
    readonly snapshots: Effect.Effect<ReadonlyArray<Snapshot>>
  }
>()("@holdfast/core/Health") {}

interface Entry {
  readonly lane: Lane.Lane
  readonly window: HealthWindow.Window
  announced: HealthStatus.HealthStatus
}

export const make: Effect.Effect<Health["Service"], never, EventBus.EventBus> = Effect.gen(function* () {
  const bus = yield* EventBus.EventBus
  const entries = new Map<string, Entry>()

  const entryOf = (lane: Lane.Lane): Entry => {
    const known = entries.get(lane.id)
    if (known !== undefined) return known
    const made: Entry = { lane, window: HealthWindow.make(windowCalls, windowMillis), announced: "idle" }
    entries.set(lane.id, made)
    return made
  }

  /** Announces a change once; few results say too little to call a lane anything but idle or healthy. */
  const announce = (entry: Entry, at: number): void => {
    const { lane, window } = entry
    const calls = window.calls
    const now = calls < minimumEvidence && window.successes < calls ? entry.announced : HealthWindow.status(window)
    if (now === entry.announced) return
    const from = entry.announced
    entry.announced = now
    bus.publishUnsafe(at, {
      _tag: "HealthChanged",
      lane: lane.id,
      provider: lane.provider,
      model: lane.model,
      from,
      to: now,
      successRate: calls === 0 ? 1 : window.successes / calls
    })
  }

  const recordUnsafe = (lane: Lane.Lane, result: HealthWindow.Result): void => {
    const entry = entryOf(lane)
    HealthWindow.record(entry.window, result)
    announce(entry, result.at)
  }
  const restartUnsafe = (lane: Lane.Lane, now: number): void => {
    const entry = entryOf(lane)
    HealthWindow.clear(entry.window)
    announce(entry, now)
  }

  return Health.of({
    register: (lane) => Effect.sync(() => void entryOf(lane)),
    recordUnsafe,
    restartUnsafe,
    record: (lane, result) => Effect.sync(() => recordUnsafe(lane, result)),
    restart: (lane) =>
      Effect.clockWith((clock) => Effect.sync(() => restartUnsafe(lane, clock.currentTimeMillisUnsafe()))),
    standing: (lane, now) => {
      const { window } = entryOf(lane)
      HealthWindow.expire(window, now)
      return window.calls < minimumEvidence ? "idle" : HealthWindow.status(window)
    },
    snapshots: Effect.map(Clock.currentTimeMillis, (at) =>
      [...entries.values()].map(({ lane, window }) => ({
        lane: lane.id,
        provider: lane.provider,
        model: lane.model,
        at,
        ...HealthWindow.summarise(window, at)
      }))
    )
  })
})

export const layer: Layer.Layer<Health, never, EventBus.EventBus> = Layer.effect(Health, make)
