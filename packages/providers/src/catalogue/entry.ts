/** How the tables of the catalogue are written: facts laid over facts, and prices in a line. */
import type { ModelProfile, Rates, TextPrice } from "../ModelProfile.ts"

export type Facts = Partial<Omit<ModelProfile, "provider" | "id" | "kind">>

/** The profile with all the facts in place, later ones over earlier ones. */
export const entry = (profile: ModelProfile, [first, ...rest]: ReadonlyArray<Facts>): ModelProfile =>
  first === undefined ? profile : entry({ ...profile, ...first }, rest)

export const size = (contextWindow: number, maxOutputTokens: number): Facts => ({ contextWindow, maxOutputTokens })

/** USD per million tokens. */
export const rates = (input: number, output: number, cachedInput?: number, cacheWrite?: number): Rates => ({
  input,
  output,
  ...(cachedInput === undefined ? {} : { cachedInput }),
  ...(cacheWrite === undefined ? {} : { cacheWrite })
})

/** Requests whose input is longer than `above` tokens pay the other rates, from their first token on. */
export const tiered = (ordinary: Rates, above: number, long: Rates): TextPrice => ({
  ...ordinary,
  longContext: { above, ...long }
})
