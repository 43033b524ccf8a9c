/**
 * Models of OpenAI. Windows, limits and abilities are those of llm-zoo 1.37.0, prices those of `@pydantic/genai-prices`
 * 0.1.8; image input, JSON Schema and streaming up to GPT-5.6 those of gpt-tokenizer 4.0.0; temperatures, JSON Schema from
 * GPT-6 on and the lengths of vectors those of `@ai-sdk/openai` 4.0.118. The test of the catalogue lists where they
 * differ, and who is believed.
 */
import type { ModelProfile } from "../ModelProfile.ts"
import { entry, rates, size, tiered, type Facts } from "./entry.ts"

const accepting = (accepts: NonNullable<ModelProfile["acceptsTemperature"]>): Facts => ({
  acceptsTemperature: accepts,
  acceptsTopP: accepts,
  acceptsTopK: false
})
const always = accepting(true)
/** Only with the effort `none`. */
const withoutReasoning = accepting("without-reasoning")
const never = accepting(false)

const text = (id: string, ...facts: ReadonlyArray<Facts>): ModelProfile =>
  entry(
    {
      provider: "openai",
      id,
      kind: "text",
      modalities: ["text", "image", "pdf"],
      tools: true,
      systemPrompt: true,
      asOf: "2026-09-23"
    },
    facts
  )

const embedding = (id: string, dimensions: number, canShorten: boolean, price: number): ModelProfile => ({
  provider: "openai",
  id,
  kind: "embedding",
  contextWindow: 8192,
  modalities: ["text"],
  dimensions,
  canShorten,
  price: { embedding: price },
  asOf: "2026-09-23"
})

const million = size(1_050_000, 128_000)
const large = size(400_000, 128_000)

/** JSON Schema and streaming are said of most models, not of all. */
const usual: Facts = { jsonSchema: true, streaming: true }
const reasoning: Facts = { reasoning: true }
const plain: Facts = { reasoning: false, ...usual, ...always }

/** No source says that GPT-6 takes PDF. */
const gpt6: Facts = { ...reasoning, ...million, jsonSchema: true, modalities: ["text", "image"] }
/** Named by `@ai-sdk/openai` alone, which knows neither windows nor prices. */
const gpt61: Facts = { ...reasoning, jsonSchema: true, modalities: ["text", "image"], asOf: "2026-11-23" }
const gpt4o: Facts = { ...plain, ...size(128_000, 16_384) }
const gpt41: Facts = { ...plain, ...size(1_047_576, 32_768) }
const oSeries: Facts = { ...reasoning, ...usual, ...never, ...size(200_000, 100_000) }

export const openai: ReadonlyArray<ModelProfile> = [
  text("gpt-6.1-sol", gpt61, never),
  text("gpt-6.1-terra", gpt61, withoutReasoning),
  text("gpt-6-astra", gpt6, never, { price: tiered(rates(10, 50, 1, 12.5), 271_999, rates(20, 75, 2, 25)) }),
  text("gpt-6-sol", gpt6, withoutReasoning, {
    price: tiered(rates(2, 10, 0.2, 2.5), 272_000, rates(4, 15, 0.4, 5))
  }),
  text("gpt-6-luna", gpt6, withoutReasoning, {
    price: tiered(rates(0.1, 0.5, 0.01, 0.125), 272_000, rates(0.2, 0.75, 0.02, 0.25))
  }),
  text("gpt-5.6-sol", reasoning, million, usual, withoutReasoning, {
    aliases: ["gpt-5.6"],
    price: tiered(rates(4, 20, 0.4, 5), 271_999, rates(8, 30, 0.8, 10))
  }),
  text("gpt-5.6-terra", reasoning, million, usual, withoutReasoning, {
    price: tiered(rates(2, 12, 0.2, 2.5), 271_999, rates(4, 18, 0.4, 5))
  }),
  text("gpt-5.6-luna", reasoning, million, usual, withoutReasoning, {
    price: tiered(rates(0.2, 1.2, 0.02, 0.25), 271_999, rates(0.4, 1.8, 0.04, 0.5))
  }),
  text("gpt-5.5", reasoning, million, usual, withoutReasoning, {
    price: tiered(rates(5, 30, 0.5), 271_999, rates(10, 45, 1))
  }),
  text("gpt-5.5-pro", reasoning, million, withoutReasoning, {
    jsonSchema: true,
    price: tiered(rates(30, 180), 271_999, rates(60, 270))
  }),
  text("gpt-5.4", reasoning, million, usual, withoutReasoning, {
    price: tiered(rates(2.5, 15, 0.25), 271_999, rates(5, 22.5, 0.5))
  }),
  text("gpt-5.4-pro", reasoning, million, withoutReasoning, {
    streaming: true,
    price: tiered(rates(30, 180), 271_999, rates(60, 270))
  }),
  text("gpt-5.4-mini", reasoning, large, usual, withoutReasoning, { price: rates(0.75, 4.5, 0.075) }),
  text("gpt-5.4-nano", reasoning, large, usual, withoutReasoning, { price: rates(0.2, 1.25, 0.02) }),
  text("gpt-5.3-codex", reasoning, large, usual, withoutReasoning, { price: rates(1.75, 14, 0.175) }),
  text("gpt-5.2", reasoning, large, usual, withoutReasoning, { price: rates(1.75, 14, 0.175) }),
  text("gpt-5.2-pro", reasoning, large, withoutReasoning, { streaming: true, price: rates(21, 168) }),
  text("gpt-5.1", reasoning, large, usual, withoutReasoning, { price: rates(1.25, 10, 0.125) }),
  text("gpt-5", reasoning, large, usual, never, { price: rates(1.25, 10, 0.125) }),
  text("gpt-5-pro", reasoning, usual, never, size(400_000, 272_000), { price: rates(15, 120) }),
  text("gpt-5-mini", reasoning, large, usual, never, { price: rates(0.25, 2, 0.025) }),
  text("gpt-5-nano", reasoning, large, usual, never, { price: rates(0.05, 0.4, 0.005) }),
  text("gpt-4.1", gpt41, { price: rates(2, 8, 0.5) }),
  text("gpt-4.1-mini", gpt41, { price: rates(0.4, 1.6, 0.1) }),
  text("gpt-4.1-nano", gpt41, { price: rates(0.1, 0.4, 0.025) }),
  text("gpt-4o", gpt4o, { price: rates(2.5, 10, 1.25) }),
  // An early snapshot with a limit and prices of its own, and without JSON Schema as far as the sources say.
  text("gpt-4o-2024-05-13", always, size(128_000, 4096), {
    reasoning: false,
    streaming: true,
    modalities: ["text", "image"],
    price: rates(5, 15)
  }),
  text("gpt-4o-mini", gpt4o, { price: rates(0.15, 0.6, 0.075) }),
  text("o4-mini", oSeries, { price: rates(1.1, 4.4, 0.275) }),
  text("o3", oSeries, { price: rates(2, 8, 0.5) }),
  text("o3-pro", reasoning, never, size(200_000, 100_000), { jsonSchema: true, price: rates(20, 80) }),
  text("o3-mini", oSeries, { modalities: ["text"], price: rates(1.1, 4.4, 0.55) }),
  text("o1", oSeries, { price: rates(15, 60, 7.5) }),
  embedding("text-embedding-3-small", 1536, true, 0.02),
  embedding("text-embedding-3-large", 3072, true, 0.13),
  { ...embedding("text-embedding-ada-002", 1536, false, 0.1), aliases: ["text-embedding-ada-002-v2"] }
]
