/**
 * The health of every lane, from what its attempts did: the last 100 of the last 5 minutes. Passive: it never calls
 * anybody. The windows belong to this layer.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as EventBus from "./EventBus.ts"
import type * as Failure from "./Failure.ts"
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
    /** What is kept of a lane, for code that cannot wait and looks it up once. */
    readonly laneUnsafe: (lane: Lane.Lane) => LaneHealth
    readonly snapshots: Effect.Effect<ReadonlyArray<Snapshot>>
  }
>()("@holdfast/core/Health") {}

/** The recent results of one lane, and what was last announced about them. It belongs to the `Health` that made it. */
export class LaneHealth {
  readonly lane: Lane.Lane
  readonly window = HealthWindow.make(windowCalls, windowMillis)
  readonly #bus: EventBus.EventBus["Service"]
  #announced: HealthStatus.HealthStatus = "idle"

  constructor(lane: Lane.Lane, bus: EventBus.EventBus["Service"]) {
    this.lane = lane
    this.#bus = bus
  }

  /** Remembers how an attempt ended at `now`; `failure` is `undefined` for a success. */
  record(
    now: number,
    durationMillis: number,
    firstContentMillis: number | undefined,
    failure: Failure.Class | undefined
  ): void {
    HealthWindow.add(this.window, now, durationMillis, firstContentMillis, failure)
    this.#announce(now)
  }

  /** Forgets the lane's past. */
  restart(now: number): void {
    HealthWindow.clear(this.window)
    this.#announce(now)
  }

  /** The status for choosing between lanes: `idle` while there is too little evidence. */
  standing(now: number): HealthStatus.HealthStatus {
    HealthWindow.expire(this.window, now)
    return this.window.calls < minimumEvidence ? "idle" : HealthWindow.status(this.window)
  }

  /** Announces a change once; few results say too little to call a lane anything but idle or healthy. */
  #announce(at: number): void {
    const { calls, successes } = this.window
    const from = this.#announced
    if (calls < minimumEvidence && successes < calls) return
    const to = HealthWindow.status(this.window)
    if (to === from) return
    this.#announced = to
    this.#bus.publishUnsafe(at, {
      _tag: "HealthChanged",
      lane: this.lane.id,
      provider: this.lane.provider,
      model: this.lane.model,
      from,
      to,
      successRate: calls === 0 ? 1 : successes / calls
    })
  }
}

export const make: Effect.Effect<Health["Service"], never, EventBus.EventBus> = Effect.gen(function* () {
  const bus = yield* EventBus.EventBus
  const lanes = new Map<string, LaneHealth>()

  const laneUnsafe = (lane: Lane.Lane): LaneHealth => {
    const known = lanes.get(lane.id)
    if (known !== undefined) return known
    const made = new LaneHealth(lane, bus)
    lanes.set(lane.id, made)
    return made
  }

  return Health.of({
    laneUnsafe,
    register: (lane) => Effect.sync(() => void laneUnsafe(lane)),
    record: (lane, { at, durationMillis, failure, firstContentMillis }) =>
      Effect.sync(() => laneUnsafe(lane).record(at, durationMillis, firstContentMillis, failure)),
    restart: (lane) =>
      Effect.clockWith((clock) => Effect.sync(() => laneUnsafe(lane).restart(clock.currentTimeMillisUnsafe()))),
    snapshots: Effect.map(Clock.currentTimeMillis, (at) =>
      [...lanes.values()].map(({ lane, window }) => ({
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
