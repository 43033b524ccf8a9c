/**
 * What is known of some current models, as the default capabilities of their lanes. A field left out is not known; a
 * model left out can do anything, as far as we know.
 */
import type * as Lane from "@holdfast/core/Lane"
import * as Schema from "effect/Schema"

export const ModelProfile = Schema.Struct({
  provider: Schema.Literals(["openai", "gemini"]),
  id: Schema.NonEmptyString,
  kind: Schema.Literals(["text", "embedding"]),
  /** Tokens of input and output together. */
  contextWindow: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
  maxOutputTokens: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
  tools: Schema.optionalKey(Schema.Boolean),
  vision: Schema.optionalKey(Schema.Boolean),
  jsonSchema: Schema.optionalKey(Schema.Boolean),
  /** Length of the vectors unless the request asks for another. */
  dimensions: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
  vectorSpace: Schema.optionalKey(Schema.NonEmptyString),
  /** When the values were taken down. */
  asOf: Schema.String.check(Schema.isPattern(/^\d{4}-\d{2}-\d{2}$/))
})
export type ModelProfile = typeof ModelProfile.Type

const text = (
  provider: ModelProfile["provider"],
  id: string,
  contextWindow: number,
  maxOutputTokens: number
): ModelProfile => ({
  provider,
  id,
  kind: "text",
  contextWindow,
  maxOutputTokens,
  tools: true,
  vision: true,
  asOf: "2026-09-23"
})

const embedding = (provider: ModelProfile["provider"], id: string, dimensions: number): ModelProfile => ({
  provider,
  id,
  kind: "embedding",
  dimensions,
  asOf: "2026-11-23"
})

/** The catalogue. Windows, limits and abilities are those of llm-zoo 1.37.0; dimensions are the providers' defaults. */
export const all: ReadonlyArray<ModelProfile> = [
  text("openai", "gpt-6-astra", 1_050_000, 128_000),
  text("openai", "gpt-6-sol", 1_050_000, 128_000),
  text("openai", "gpt-6-luna", 1_050_000, 128_000),
  text("openai", "gpt-5.4", 1_050_000, 128_000),
  text("openai", "gpt-5.4-mini", 400_000, 128_000),
  text("openai", "gpt-5.4-nano", 400_000, 128_000),
  text("openai", "gpt-5-mini", 400_000, 128_000),
  text("openai", "gpt-5-nano", 400_000, 128_000),
  text("openai", "gpt-4.1", 1_000_000, 32_768),
  text("openai", "gpt-4.1-mini", 1_000_000, 32_768),
  text("openai", "gpt-4o", 128_000, 16_384),
  text("openai", "gpt-4o-mini", 128_000, 16_384),
  text("gemini", "gemini-3.8-flash", 1_048_576, 65_536),
  text("gemini", "gemini-3.5-flash", 1_048_576, 65_536),
  text("gemini", "gemini-3.5-flash-lite", 1_048_576, 65_536),
  text("gemini", "gemini-3.1-pro-preview", 1_048_576, 65_536),
  text("gemini", "gemini-2.5-pro", 1_048_576, 65_536),
  text("gemini", "gemini-2.5-flash", 1_048_576, 65_536),
  text("gemini", "gemini-flash-latest", 1_048_576, 65_536),
  embedding("openai", "text-embedding-3-small", 1536),
  embedding("openai", "text-embedding-3-large", 3072),
  embedding("openai", "text-embedding-ada-002", 1536),
  embedding("gemini", "gemini-embedding-001", 3072)
]

/** The profile of a model, also under a name with a date behind it, such as `gpt-4o-2024-11-20`. */
export const find = (provider: string, model: string): ModelProfile | undefined => {
  const id = model.replace(/^models\//, "")
  const undated = id.replace(/-\d{4}-\d{2}-\d{2}$/, "")
  const own = all.filter((profile) => profile.provider === provider)
  return own.find((profile) => profile.id === id) ?? own.find((profile) => profile.id === undated)
}

/** The capabilities that a profile states. */
export const capabilities = (profile: ModelProfile): Lane.Capabilities => {
  const { contextWindow, dimensions, jsonSchema, maxOutputTokens, tools, vectorSpace, vision } = profile
  return { contextWindow, maxOutputTokens, tools, vision, jsonSchema, dimensions, vectorSpace }
}
