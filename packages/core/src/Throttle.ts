/**
 * Sends a lane that accepts only a part of its calls fewer of them, by refusing some here by chance: the client-side
 * throttling of Beyer et al., *Site Reliability Engineering* (2016), chapter 21. The counts belong to this layer, one per
 * lane, around the pure machine of `internal/ThrottleState.ts`. Off unless a policy has it.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { PositiveDuration } from "./internal/PositiveDuration.ts"
import * as ThrottleState from "./internal/ThrottleState.ts"

export const Settings = Schema.Struct({
  enabled: Schema.Boolean,
  /** Calls let through for each that is accepted. Nearer to 1 throttles earlier. */
  k: Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 100 })),
  /** How far back calls count; the longest clock of an attempt where that is more, or refusals would come too late. */
  window: PositiveDuration,
  /** Added to the calls in the formula: more of it makes few calls count less. */
  padding: Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })),
  /** The highest part that is refused: what is left finds out when the lane is well again. */
  maxProbability: Schema.Finite.check(Schema.isBetween({ minimum: 0.01, maximum: 1 }))
})
export type Settings = typeof Settings.Type

export const defaults: Settings = {
  enabled: false,
  k: ThrottleState.defaults.k,
  window: Duration.millis(ThrottleState.defaults.windowMillis),
  padding: ThrottleState.defaults.padding,
  maxProbability: ThrottleState.defaults.maxProbability
}

/** What a lane's throttle does, at the instant it was asked. */
export interface Snapshot {
  readonly lane: string
  /** The part of its calls that would be refused now, 0 to 1; the highest where policies differ. */
  readonly probability: number
}

export class Throttle extends Context.Service<
  Throttle,
  {
    readonly snapshot: (lane: string) => Effect.Effect<Snapshot>
    /** The lane's throttle under these settings, for code that cannot wait. */
    readonly throttleUnsafe: (lane: string, settings: ThrottleState.Settings) => ThrottleState.Throttle
  }
>()("@holdfast/core/Throttle") {}

export const make: Effect.Effect<Throttle["Service"]> = Effect.sync(() => {
  const lanes = new Map<string, Map<string, ThrottleState.Throttle>>()
  return Throttle.of({
    throttleUnsafe: (lane, settings) => {
      let throttles = lanes.get(lane)
      if (throttles === undefined) {
        throttles = new Map()
        lanes.set(lane, throttles)
      }
      const numbers = JSON.stringify(settings)
      let throttle = throttles.get(numbers)
      if (throttle === undefined) {
        throttle = ThrottleState.make(settings)
        throttles.set(numbers, throttle)
      }
      return throttle
    },
    snapshot: (lane) =>
      Effect.clockWith((clock) =>
        Effect.sync(() => {
          const now = clock.currentTimeMillisUnsafe()
          const each = [...(lanes.get(lane)?.values() ?? [])].map((throttle) =>
            ThrottleState.probability(throttle, now)
          )
          return { lane, probability: Math.max(0, ...each) }
        })
      )
  })
})

export const layer: Layer.Layer<Throttle> = Layer.effect(Throttle, make)
