/**
 * What is known of current models: what they take and give, how much of it, and what it costs. A field left out is not
 * known; a model left out can do anything, as far as we know. The built-in catalogue is plain data with the day its
 * values were taken down; a configuration lays its own profiles over it.
 */
import type * as Lane from "@holdfast/core/Lane"
import type * as Response from "effect/ai/Response"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { anthropic } from "./catalogue/anthropic.ts"
import { gemini } from "./catalogue/gemini.ts"
import { openai } from "./catalogue/openai.ts"

const Tokens = Schema.Int.check(Schema.isGreaterThan(0))
const Usd = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
const Day = Schema.String.check(Schema.isPattern(/^\d{4}-\d{2}-\d{2}$/, { message: "expected a day, as 2026-09-23" }))

const rates = {
  input: Usd,
  /** Reasoning included. */
  output: Usd,
  /** Input read from the provider's cache. */
  cachedInput: Schema.optionalKey(Usd),
  /** Input written to the provider's cache. */
  cacheWrite: Schema.optionalKey(Usd)
}

/** USD per million tokens. */
export const Rates = Schema.Struct(rates)
export type Rates = typeof Rates.Type

/** Prices of a model for text; a request of more input tokens than `above` pays the other rates for all of them. */
export const TextPrice = Schema.Struct({
  ...rates,
  longContext: Schema.optionalKey(Schema.Struct({ above: Tokens, ...rates }))
})
export type TextPrice = typeof TextPrice.Type

/** USD per million tokens of text to embed. */
export const EmbeddingPrice = Schema.Struct({ embedding: Usd })

export const Price = Schema.Union([TextPrice, EmbeddingPrice])
export type Price = typeof Price.Type

/** Whether a parameter may be sent: always, never, or only while the model does not reason. */
export const Accepts = Schema.Union([Schema.Boolean, Schema.Literal("without-reasoning")])
export type Accepts = typeof Accepts.Type

const facts = {
  /** Other names of the same model, beside dated ones. */
  aliases: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  /** Tokens of input and output together; of input alone where the model makes vectors. */
  contextWindow: Schema.optionalKey(Tokens),
  maxOutputTokens: Schema.optionalKey(Tokens),
  /** What it takes. Complete for text and images; PDF, audio and video are listed where a source says so. */
  modalities: Schema.optionalKey(Schema.Array(Schema.Literals(["text", "image", "pdf", "audio", "video"]))),
  tools: Schema.optionalKey(Schema.Boolean),
  jsonSchema: Schema.optionalKey(Schema.Boolean),
  streaming: Schema.optionalKey(Schema.Boolean),
  systemPrompt: Schema.optionalKey(Schema.Boolean),
  /** Whether it can think before it answers. */
  reasoning: Schema.optionalKey(Schema.Boolean),
  acceptsTemperature: Schema.optionalKey(Accepts),
  acceptsTopP: Schema.optionalKey(Accepts),
  acceptsTopK: Schema.optionalKey(Accepts),
  /** Length of the vectors unless the request asks for another. */
  dimensions: Schema.optionalKey(Tokens),
  /** Whether a request may ask for shorter vectors. */
  canShorten: Schema.optionalKey(Schema.Boolean),
  /** Default: the id and the length of the vectors. */
  vectorSpace: Schema.optionalKey(Schema.NonEmptyString),
  /** What it cost on the day of `asOf`. */
  price: Schema.optionalKey(Price),
  /** Changes of price that were announced by then, the next one first. */
  laterPrices: Schema.optionalKey(Schema.Array(Schema.Struct({ from: Day, price: Price }))),
  /** When the values were taken down. The built-in profiles all have it. */
  asOf: Schema.optionalKey(Day)
}

const Kind = Schema.Literals(["text", "embedding"])

export const ModelProfile = Schema.Struct({
  provider: Schema.NonEmptyString,
  id: Schema.NonEmptyString,
  kind: Kind,
  ...facts
})
export type ModelProfile = typeof ModelProfile.Type

/** Profiles, each model of a provider once. */
export type Catalogue = ReadonlyArray<ModelProfile>

/** The built-in catalogue. */
export const all: Catalogue = [...openai, ...gemini, ...anthropic]

/**
 * The profile of a model by its id or another of its names, also with a date behind it (`gpt-4o-2024-11-20`,
 * `claude-haiku-4-5-20251001`) or `models/` before it. A dated profile of its own comes before the undated one.
 */
export const find = (provider: string, model: string, catalogue: Catalogue = all): ModelProfile | undefined => {
  const own = catalogue.filter((profile) => profile.provider === provider)
  const named = (name: string) =>
    own.find((profile) => profile.id === name) ?? own.find((profile) => profile.aliases?.includes(name))
  const name = model.replace(/^models\//, "")
  return named(name) ?? named(name.replace(/-(?:\d{4}-\d{2}-\d{2}|\d{8})$/, ""))
}

/** A profile as a configuration writes it: only what it adds to the catalogue, or knows better. */
export const Override = Schema.Struct({
  provider: Schema.NonEmptyString,
  id: Schema.NonEmptyString,
  /** Default: that of the catalogue, else `text`. */
  kind: Schema.optionalKey(Kind),
  ...facts
})
export type Override = typeof Override.Type

/**
 * Reads overrides as a configuration has them. A key that is not known is refused with its path, since a misspelt one
 * would silently change nothing.
 */
export const decodeOverrides: (input: unknown) => Effect.Effect<ReadonlyArray<Override>, Schema.SchemaError> =
  Schema.decodeUnknownEffect(Schema.Array(Override), {
    onExcessProperty: "error",
    errors: "all"
  })

/**
 * The catalogue with other profiles laid over it, field by field; later ones over earlier ones. A field replaces the
 * whole of its value, so a new `price` says all of its rates. A dated name or an alias becomes a profile of its own,
 * which starts from the one it belonged to.
 */
export const withOverrides = (overrides: ReadonlyArray<Override>, catalogue: Catalogue = all): Catalogue => {
  const profiles = [...catalogue]
  for (const override of overrides) {
    const known = find(override.provider, override.id, profiles)
    if (known?.id === override.id) profiles[profiles.indexOf(known)] = { ...known, ...override }
    else profiles.push({ kind: "text", ...known, aliases: [], ...override })
  }
  return profiles
}

/** The capabilities that a profile states. */
export const capabilities = (profile: ModelProfile): Lane.Capabilities => {
  const { contextWindow, dimensions, jsonSchema, maxOutputTokens, modalities, streaming, tools, vectorSpace } = profile
  const vision = modalities?.includes("image")
  return { contextWindow, maxOutputTokens, tools, vision, jsonSchema, streaming, dimensions, vectorSpace }
}

/** Tokens to pay for. */
export interface Usage {
  /** All of the input, what was read from a cache or written to it included. */
  readonly inputTokens?: number | undefined
  /** All of the output, reasoning included. */
  readonly outputTokens?: number | undefined
  /** Of the input: read from the provider's cache. Default 0. */
  readonly cacheReadTokens?: number | undefined
  /** Of the input: written to the provider's cache. Default 0. */
  readonly cacheWriteTokens?: number | undefined
}

/** The usage that the last part of an answer states. */
export const usageOf = ({ inputTokens, outputTokens }: typeof Response.Usage.Encoded): Usage => ({
  inputTokens: inputTokens.total,
  outputTokens: outputTokens.total,
  cacheReadTokens: inputTokens.cacheRead,
  cacheWriteTokens: inputTokens.cacheWrite
})

/**
 * What the usage costs in USD, on a day such as `2027-01-31`; without one, at the price of the day of `asOf`. Undefined
 * where the price or the usage is not known.
 *
 * **Gotchas**
 *
 * List prices of the ordinary tier: no batch or priority rates, no searches, no audio. Cached tokens without a rate of
 * their own are charged as input. A cache write is charged at its shortest life; a longer one costs more.
 */
export const cost = (profile: ModelProfile, usage: Usage, day?: string): number | undefined => {
  const price = priceOn(profile, day)
  return price === undefined ? undefined : costAt(price, usage)
}

/** What the usage costs in USD at a price. Undefined where the usage is not known. */
export const costAt = (price: Price, usage: Usage): number | undefined => {
  const { cacheReadTokens = 0, cacheWriteTokens = 0, inputTokens, outputTokens } = usage
  if (inputTokens === undefined) return undefined
  if ("embedding" in price) return (inputTokens * price.embedding) / 1_000_000
  if (outputTokens === undefined) return undefined
  const { longContext } = price
  const { cacheWrite, cachedInput, input, output } =
    longContext !== undefined && inputTokens > longContext.above ? longContext : price
  const plain = Math.max(0, inputTokens - cacheReadTokens - cacheWriteTokens)
  return (
    (plain * input +
      cacheReadTokens * (cachedInput ?? input) +
      cacheWriteTokens * (cacheWrite ?? input) +
      outputTokens * output) /
    1_000_000
  )
}

/** The price on a day; days are compared as text, which their form allows. */
const priceOn = (profile: ModelProfile, day: string | undefined): Price | undefined =>
  (day === undefined ? undefined : profile.laterPrices?.findLast(({ from }) => from <= day)?.price) ?? profile.price
