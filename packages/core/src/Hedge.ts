/**
 * When an attempt that is slow for its lane gets company: one more, on another lane where one is free, and whichever
 * answers first is the answer. Off unless a policy has it.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { PositiveDuration } from "./internal/PositiveDuration.ts"

export const Settings = Schema.Struct({
  enabled: Schema.Boolean,
  /** The part of the lane's recent answers that came sooner than the hedge is sent. */
  quantile: Schema.Finite.check(Schema.isBetween({ minimum: 0.5, maximum: 0.999 })),
  /** Recent answers of the lane without which nobody knows what is slow for it, and there is no hedge. */
  minimumCalls: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })),
  /** The hedge is sent no sooner. */
  minimumDelay: PositiveDuration,
  /** Always after this time, whatever the lane's answers take. */
  delay: Schema.optional(PositiveDuration)
})
export type Settings = typeof Settings.Type

export const defaults: Settings = {
  enabled: false,
  quantile: 0.95,
  minimumCalls: 20,
  minimumDelay: Duration.millis(200)
}
