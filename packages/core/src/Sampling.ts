/**
 * How the model should draw its answer. `effect/ai` has no such options, so they travel beside the call: set them with
 * `Effect.provideService(Sampling.Current, { temperature: 0 })`, or `Sampling.provide({ temperature: 0 })`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

export interface Sampling {
  readonly temperature?: number | undefined
  readonly topP?: number | undefined
  readonly topK?: number | undefined
  /** Tokens the answer may have, reasoning included. */
  readonly maxOutputTokens?: number | undefined
  readonly stop?: ReadonlyArray<string> | undefined
  readonly seed?: number | undefined
  readonly frequencyPenalty?: number | undefined
  readonly presencePenalty?: number | undefined
  readonly reasoningEffort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | undefined
}

/** The sampling of the calls made in this context; the provider's defaults when unset. */
export const Current = Context.Reference<Sampling>("@holdfast/core/Sampling/Current", { defaultValue: () => ({}) })

/** Runs an effect with sampling options, over those already set. */
export const provide =
  (sampling: Sampling) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateService(self, Current, (outer) => ({ ...outer, ...sampling }))
