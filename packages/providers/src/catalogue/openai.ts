/**
 * Models of OpenAI. Sources, as of the date of each entry: llm-zoo 1.37.0 for windows, limits and abilities,
 * `@pydantic/genai-prices` 0.1.8 for prices, gpt-tokenizer 4.0.0 for modalities, JSON Schema and streaming up to GPT-5.6,
 * `@ai-sdk/openai` 4.0.118 for temperatures, JSON Schema from GPT-6 on and the lengths of vectors. Where they differ, see
 * the test of the catalogue, which lists every difference with who is believed.
 */
import type { Accepts, ModelProfile } from "../ModelProfile.ts"
import { rates } from "./rates.ts"

const asOf = "2026-09-23"

type Facts = Omit<ModelProfile, "provider" | "kind" | "asOf">

/** Takes no temperature while it reasons: only with the effort `none`. */
const whileNotReasoning = sampling("without-reasoning")

/** Takes no temperature at all. */
const never = sampling(false)

function sampling(accepts: Accepts) {
  return { acceptsTemperature: accepts, acceptsTopP: accepts, acceptsTopK: false } as const
}

const text = (facts: Facts): ModelProfile => ({
  provider: "openai",
  kind: "text",
  modalities: ["text", "image", "pdf"],
  tools: true,
  jsonSchema: true,
  streaming: true,
  systemPrompt: true,
  asOf,
  ...facts
})

const reasoning = (facts: Facts): ModelProfile => text({ reasoning: true, ...facts })

/** From GPT-6 on: no source says that they take PDF, or that they stream other than by serving chat completions. */
const gpt6 = (facts: Facts): ModelProfile =>
  reasoning({ contextWindow: 1_050_000, maxOutputTokens: 128_000, modalities: ["text", "image"], ...facts })

/** Named by `@ai-sdk/openai` 4.0.118 alone, which states neither windows nor prices. */
const newer = (facts: Facts): ModelProfile => ({ ...reasoning({ modalities: ["text", "image"], ...facts }), asOf: "2026-11-23" })

const gpt41 = (facts: Facts): ModelProfile =>
  text({ contextWindow: 1_047_576, maxOutputTokens: 32_768, reasoning: false, ...sampling(true), ...facts })

const gpt4o = (facts: Facts): ModelProfile =>
  text({ contextWindow: 128_000, maxOutputTokens: 16_384, reasoning: false, ...sampling(true), ...facts })

const oSeries = (facts: Facts): ModelProfile =>
  reasoning({ contextWindow: 200_000, maxOutputTokens: 100_000, ...never, ...facts })

const embedding = (id: string, dimensions: number, canShorten: boolean, price: number, more: Partial<Facts> = {}): ModelProfile => ({
  provider: "openai",
  id,
  kind: "embedding",
  contextWindow: 8192,
  modalities: ["text"],
  dimensions,
  canShorten,
  price: { embedding: price },
  asOf,
  ...more
})

export const openai: ReadonlyArray<ModelProfile> = [
  newer({ id: "gpt-6.1-sol", ...never }),
  newer({ id: "gpt-6.1-terra", ...whileNotReasoning }),
  gpt6({
    id: "gpt-6-astra",
    ...never,
    price: { ...rates(10, 50, 1, 12.5), longContext: { above: 271_999, ...rates(20, 75, 2, 25) } }
  }),
  gpt6({
    id: "gpt-6-sol",
    ...whileNotReasoning,
    price: { ...rates(2, 10, 0.2, 2.5), longContext: { above: 272_000, ...rates(4, 15, 0.4, 5) } }
  }),
  gpt6({
    id: "gpt-6-luna",
    ...whileNotReasoning,
    price: { ...rates(0.1, 0.5, 0.01, 0.125), longContext: { above: 272_000, ...rates(0.2, 0.75, 0.02, 0.25) } }
  }),
  reasoning({
    id: "gpt-5.6-sol",
    aliases: ["gpt-5.6"],
    contextWindow: 1_050_000,
    maxOutputTokens: 128_000,
    ...whileNotReasoning,
    price: { ...rates(4, 20, 0.4, 5), longContext: { above: 271_999, ...rates(8, 30, 0.8, 10) } }
  }),
  reasoning({
    id: "gpt-5.6-terra",
    contextWindow: 1_050_000,
    maxOutputTokens: 128_000,
    ...whileNotReasoning,
    price: { ...rates(2, 12, 0.2, 2.5), longContext: { above: 271_999, ...rates(4, 18, 0.4, 5) } }
  }),
  reasoning({
    id: "gpt-5.6-luna",
    contextWindow: 1_050_000,
    maxOutputTokens: 128_000,
    ...whileNotReasoning,
    price: { ...rates(0.2, 1.2, 0.02, 0.25), longContext: { above: 271_999, ...rates(0.4, 1.8, 0.04, 0.5) } }
  }),
  reasoning({
    id: "gpt-5.5",
    contextWindow: 1_050_000,
    maxOutputTokens: 128_000,
    ...whileNotReasoning,
    price: { ...rates(5, 30, 0.5), longContext: { above: 271_999, ...rates(10, 45, 1) } }
  }),
  stated({
    id: "gpt-5.5-pro",
    contextWindow: 1_050_000,
    maxOutputTokens: 128_000,
    jsonSchema: true,
    price: { ...rates(30, 180), longContext: { above: 271_999, ...rates(60, 270) } }
  }),
  reasoning({
    id: "gpt-5.4",
    contextWindow: 1_050_000,
    maxOutputTokens: 128_000,
    ...whileNotReasoning,
    price: { ...rates(2.5, 15, 0.25), longContext: { above: 271_999, ...rates(5, 22.5, 0.5) } }
  }),
  stated({
    id: "gpt-5.4-pro",
    contextWindow: 1_050_000,
    maxOutputTokens: 128_000,
    streaming: true,
    price: { ...rates(30, 180), longContext: { above: 271_999, ...rates(60, 270) } }
  }),
  reasoning({
    id: "gpt-5.4-mini",
    contextWindow: 400_000,
    maxOutputTokens: 128_000,
    ...whileNotReasoning,
    price: rates(0.75, 4.5, 0.075)
  }),
  reasoning({
    id: "gpt-5.4-nano",
    contextWindow: 400_000,
    maxOutputTokens: 128_000,
    ...whileNotReasoning,
    price: rates(0.2, 1.25, 0.02)
  }),
  reasoning({
    id: "gpt-5.3-codex",
    contextWindow: 400_000,
    maxOutputTokens: 128_000,
    ...whileNotReasoning,
    price: rates(1.75, 14, 0.175)
  }),
  reasoning({
    id: "gpt-5.2",
    contextWindow: 400_000,
    maxOutputTokens: 128_000,
    ...whileNotReasoning,
    price: rates(1.75, 14, 0.175)
  }),
  stated({
    id: "gpt-5.2-pro",
    contextWindow: 400_000,
    maxOutputTokens: 128_000,
    streaming: true,
    price: rates(21, 168)
  }),
  reasoning({
    id: "gpt-5.1",
    contextWindow: 400_000,
    maxOutputTokens: 128_000,
    ...whileNotReasoning,
    price: rates(1.25, 10, 0.125)
  }),
  reasoning({ id: "gpt-5", contextWindow: 400_000, maxOutputTokens: 128_000, ...never, price: rates(1.25, 10, 0.125) }),
  reasoning({
    id: "gpt-5-pro",
    contextWindow: 400_000,
    maxOutputTokens: 272_000,
    ...never,
    price: rates(15, 120)
  }),
  reasoning({ id: "gpt-5-mini", contextWindow: 400_000, maxOutputTokens: 128_000, ...never, price: rates(0.25, 2, 0.025) }),
  reasoning({ id: "gpt-5-nano", contextWindow: 400_000, maxOutputTokens: 128_000, ...never, price: rates(0.05, 0.4, 0.005) }),
  gpt41({ id: "gpt-4.1", price: rates(2, 8, 0.5) }),
  gpt41({ id: "gpt-4.1-mini", price: rates(0.4, 1.6, 0.1) }),
  gpt41({ id: "gpt-4.1-nano", price: rates(0.1, 0.4, 0.025) }),
  gpt4o({ id: "gpt-4o", price: rates(2.5, 10, 1.25) }),
  gpt4o({ id: "gpt-4o-mini", price: rates(0.15, 0.6, 0.075) }),
  oSeries({ id: "o4-mini", price: rates(1.1, 4.4, 0.275) }),
  oSeries({ id: "o3", price: rates(2, 8, 0.5) }),
  oSeries({ id: "o3-mini", modalities: ["text"], price: rates(1.1, 4.4, 0.55) }),
  oSeries({ id: "o1", price: rates(15, 60, 7.5) }),
  embedding("text-embedding-3-small", 1536, true, 0.02),
  embedding("text-embedding-3-large", 3072, true, 0.13),
  embedding("text-embedding-ada-002", 1536, false, 0.1, { aliases: ["text-embedding-ada-002-v2"] })
]
