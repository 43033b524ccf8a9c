/**
 * Models of Anthropic. Windows, limits and abilities are those of llm-zoo 1.37.0, prices those of
 * `@pydantic/genai-prices` 0.1.8 (a write to the cache is one for five minutes), JSON Schema, streaming and temperatures
 * those of `@ai-sdk/anthropic` 4.0.105, confirmed by the request type of `@anthropic-ai/sdk` 1.12.0, which has no
 * temperature at all. The test of the catalogue lists where the sources differ, and who is believed.
 */
import type { ModelProfile } from "../ModelProfile.ts"
import { entry, rates, size, type Facts } from "./entry.ts"

const text = (id: string, ...facts: ReadonlyArray<Facts>): ModelProfile =>
  entry(
    {
      provider: "anthropic",
      id,
      kind: "text",
      modalities: ["text", "image", "pdf"],
      tools: true,
      systemPrompt: true,
      reasoning: true,
      asOf: "2026-09-23"
    },
    facts
  )

const accepting = (accepts: NonNullable<ModelProfile["acceptsTemperature"]>): Facts => ({
  acceptsTemperature: accepts,
  acceptsTopP: accepts,
  acceptsTopK: accepts
})
/** From Opus 4.7 on. */
const never = accepting(false)
const withoutReasoning = accepting("without-reasoning")

const million = size(1_000_000, 128_000)
const usual: Facts = { jsonSchema: true, streaming: true }

/** Named by `@ai-sdk/anthropic` and `@anthropic-ai/sdk` alone, which know neither windows nor prices. */
const newest: Facts = {
  ...usual,
  ...never,
  maxOutputTokens: 128_000,
  modalities: ["text", "image"],
  asOf: "2026-11-23"
}

export const anthropic: ReadonlyArray<ModelProfile> = [
  text("claude-fable-5-2", newest),
  text("claude-sonnet-5-5", newest),
  text("claude-haiku-5-5", newest),
  text("claude-fable-5-1", million, usual, never, { price: rates(10, 50, 0.25, 12.5) }),
  // Mythos is in llm-zoo alone: its cached input is priced by the factor given there.
  text("claude-mythos-5-1", million, { price: rates(10, 50, 0.25) }),
  text("claude-fable-5", million, usual, never, { price: rates(10, 50, 1, 12.5) }),
  text("claude-mythos-5", million, { price: rates(10, 50, 1) }),
  text("claude-opus-5-5", million, usual, never, { price: rates(4, 20, 0.2, 5) }),
  text("claude-opus-5", million, usual, never, { price: rates(5, 25, 0.5, 6.25) }),
  text("claude-opus-4-8", million, usual, never, { price: rates(5, 25, 0.5, 6.25) }),
  text("claude-opus-4-7", million, usual, never, { price: rates(5, 25, 0.5, 6.25) }),
  text("claude-opus-4-6", million, usual, withoutReasoning, { price: rates(5, 25, 0.5, 6.25) }),
  text("claude-opus-4-5", size(200_000, 64_000), usual, withoutReasoning, { price: rates(5, 25, 0.5, 6.25) }),
  text("claude-sonnet-5", million, usual, never, { price: rates(2, 10, 0.2, 2.5) }),
  text("claude-sonnet-4-6", size(1_000_000, 64_000), usual, withoutReasoning, { price: rates(3, 15, 0.3, 3.75) }),
  text("claude-sonnet-4-5", size(200_000, 64_000), usual, withoutReasoning, { price: rates(3, 15, 0.3, 3.75) }),
  text("claude-haiku-4-5", size(200_000, 64_000), usual, withoutReasoning, { price: rates(1, 5, 0.1, 1.25) })
]
