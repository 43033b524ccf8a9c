/**
 * Who was told to wait, and until when. A provider's "too many requests" is about a credential and a model: whoever was
 * told waits on the lane, everyone else takes another lane at once. Deadlines only move forward. The state belongs to this
 * layer.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Lane from "./Lane.ts"

export class Cooldown extends Context.Service<
  Cooldown,
  {
    /** Milliseconds until the lane's credential and model are warm again, 0 when they are. */
    readonly waitMillis: (lane: Lane.Lane) => Effect.Effect<number>
    /** Cools until at least `millis` from now. True when that moved the deadline forward. */
    readonly cool: (lane: Lane.Lane, millis: number) => Effect.Effect<boolean>
    /** The same two for code that cannot wait. */
    readonly waitMillisUnsafe: (lane: Lane.Lane, now: number) => number
    readonly coolUnsafe: (lane: Lane.Lane, millis: number, now: number) => boolean
  }
>()("@holdfast/core/Cooldown") {}

export const make: Effect.Effect<Cooldown["Service"]> = Effect.sync(() => {
  const deadlines = new Map<string, number>()
  const waitMillisUnsafe = (lane: Lane.Lane, now: number): number => {
    if (deadlines.size === 0) return 0
    const until = deadlines.get(keyOf(lane))
    if (until === undefined) return 0
    if (until > now) return until - now
    deadlines.delete(keyOf(lane))
    return 0
  }
  const coolUnsafe = (lane: Lane.Lane, millis: number, now: number): boolean => {
    const until = now + millis
    const key = keyOf(lane)
    // "Retry at once" cools nothing.
    const moved = until > Math.max(now, deadlines.get(key) ?? now)
    if (moved) deadlines.set(key, until)
    return moved
  }
  return Cooldown.of({
    waitMillisUnsafe,
    coolUnsafe,
    waitMillis: (lane) =>
      Effect.clockWith((clock) => Effect.succeed(waitMillisUnsafe(lane, clock.currentTimeMillisUnsafe()))),
    cool: (lane, millis) =>
      Effect.clockWith((clock) => Effect.succeed(coolUnsafe(lane, millis, clock.currentTimeMillisUnsafe())))
  })
})

export const layer: Layer.Layer<Cooldown> = Layer.effect(Cooldown, make)

const keyOf = (lane: Lane.Lane): string => `${lane.provider}\n${lane.credential}\n${lane.model}`
