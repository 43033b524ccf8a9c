/**
 * Models of Gemini. Windows, limits and abilities are those of llm-zoo 1.37.0, prices those of `@pydantic/genai-prices`
 * 0.1.8, JSON Schema and streaming those of `@ai-sdk/google` 4.0.121. None of them says which temperatures are taken, and
 * audio, where it has a rate of its own, is not told apart in the usage of an answer: prices are those of text. The test
 * of the catalogue lists where the sources differ, and who is believed.
 */
import type { ModelProfile } from "../ModelProfile.ts"
import { entry, rates, tiered, type Facts } from "./entry.ts"

const text = (id: string, ...facts: ReadonlyArray<Facts>): ModelProfile =>
  entry(
    {
      provider: "gemini",
      id,
      kind: "text",
      contextWindow: 1_048_576,
      maxOutputTokens: 65_536,
      modalities: ["text", "image", "pdf", "audio"],
      tools: true,
      systemPrompt: true,
      reasoning: true,
      asOf: "2026-09-23"
    },
    facts
  )

const usual: Facts = { jsonSchema: true, streaming: true }

/** Half price until the end of 2026. */
const introductory: Facts = {
  price: rates(0.75, 3.75, 0.075),
  laterPrices: [{ from: "2027-01-01", price: rates(1.5, 7.5, 0.15) }]
}

/** Named by `@ai-sdk/google` alone, which knows neither windows nor prices, and of modalities only images. */
const gemini4 = (id: string): ModelProfile => ({
  provider: "gemini",
  id,
  kind: "text",
  modalities: ["text", "image"],
  tools: true,
  ...usual,
  asOf: "2026-11-23"
})

export const gemini: ReadonlyArray<ModelProfile> = [
  gemini4("gemini-4-argon"),
  gemini4("gemini-4-carbon"),
  gemini4("gemini-4-hydrogen"),
  text("gemini-3.8-flash", usual, introductory),
  text("gemini-3.7-flash", usual, introductory),
  text("gemini-3.6-flash", usual, introductory),
  text("gemini-3.5-flash", usual, { price: rates(1.5, 9, 0.15) }),
  text("gemini-3.5-flash-lite", usual, {
    modalities: ["text", "image", "pdf", "audio", "video"],
    price: rates(0.3, 2.5, 0.03)
  }),
  text("gemini-3.1-pro-preview", usual, { price: tiered(rates(2, 12, 0.2), 200_000, rates(4, 18, 0.4)) }),
  text("gemini-3.1-flash-lite", usual, {
    aliases: ["gemini-3.1-flash-lite-preview"],
    price: rates(0.25, 1.5, 0.025)
  }),
  text("gemini-2.5-pro", usual, { price: tiered(rates(1.25, 10, 0.125), 200_000, rates(2.5, 15, 0.25)) }),
  text("gemini-2.5-flash", usual, { aliases: ["gemini-2.5-flash-preview-09-2025"], price: rates(0.3, 2.5, 0.03) }),
  // llm-zoo knows a retired preview of it only, so its limits are left open.
  {
    provider: "gemini",
    id: "gemini-2.5-flash-lite",
    kind: "text",
    contextWindow: 1_000_000,
    modalities: ["text", "image", "audio"],
    tools: true,
    ...usual,
    price: rates(0.1, 0.4, 0.01),
    asOf: "2026-09-23"
  },
  // Points at whatever Flash is newest: what all of them have in common, and no price.
  text("gemini-flash-latest"),
  {
    provider: "gemini",
    id: "gemini-embedding-001",
    kind: "embedding",
    modalities: ["text"],
    dimensions: 3072,
    canShorten: true,
    price: { embedding: 0.15 },
    asOf: "2026-09-23"
  },
  // Text has this rate; images, audio and video have others.
  {
    provider: "gemini",
    id: "gemini-embedding-2",
    kind: "embedding",
    contextWindow: 8192,
    modalities: ["text", "image", "audio", "video"],
    canShorten: true,
    price: { embedding: 0.2 },
    asOf: "2026-09-23"
  }
]
