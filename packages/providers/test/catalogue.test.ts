import { calcPrice, findProvider, type ModelPrice, type TieredPrices } from "@pydantic/genai-prices"
import { assert, describe, it } from "@effect/vitest"
import * as allGptModels from "gpt-tokenizer/models.gen"
import { MODEL_CONFIGS, ModelProvider, type ModelConfig } from "llm-zoo"
import * as ModelProfile from "../src/ModelProfile.ts"
import * as known from "./catalogue/known.ts"

/** What one source says of a model, in the words of our profile. */
type Said = { readonly [field: string]: number | boolean | undefined }

/** How the two packages name our providers. */
const theirs: { readonly [provider: string]: ModelProvider } = {
  openai: ModelProvider.OPENAI,
  gemini: ModelProvider.GOOGLE,
  anthropic: ModelProvider.ANTHROPIC
}

const name = (profile: ModelProfile.ModelProfile) => `${profile.provider}/${profile.id}`

/** What `@pydantic/genai-prices` charges for on a day: base rates, and those of a long context behind them. */
const rates = (prices: ModelPrice, isEmbedding: boolean): Said => {
  const { cache_read_mtok, cache_write_mtok, input_mtok, output_mtok } = prices
  const base = (price: number | TieredPrices | undefined) => (typeof price === "object" ? price.base : price)
  const long = (price: number | TieredPrices | undefined) =>
    typeof price === "object" ? price.tiers[0]?.price : undefined
  if (isEmbedding) return { embedding: base(input_mtok) }
  return {
    input: base(input_mtok),
    output: base(output_mtok),
    cachedInput: base(cache_read_mtok),
    cacheWrite: base(cache_write_mtok),
    longAbove: typeof input_mtok === "object" ? input_mtok.tiers[0]?.start : undefined,
    longInput: long(input_mtok),
    longOutput: long(output_mtok),
    longCachedInput: long(cache_read_mtok),
    longCacheWrite: long(cache_write_mtok)
  }
}

const genaiPrices = (profile: ModelProfile.ModelProfile): Said | undefined => {
  const found = calcPrice({ input_tokens: 1 }, profile.id, {
    providerId: theirs[profile.provider] ?? profile.provider,
    timestamp: new Date(`${profile.asOf}T12:00:00Z`)
  })
  if (found === null) return undefined
  return { contextWindow: found.model.context_window, ...rates(found.model_price, profile.kind === "embedding") }
}

/** The entries of llm-zoo for a model: with and without reasoning, but not a tier or mode that has its own price. */
const zooEntries = (profile: ModelProfile.ModelProfile): ReadonlyArray<ModelConfig> =>
  Object.values(MODEL_CONFIGS).filter(
    (entry) =>
      theirs[profile.provider] === entry.provider &&
      (entry.fullName === profile.id || entry.shortName === profile.id) &&
      entry.serviceTier === undefined &&
      !entry.openRouterOnly
  )

const llmZoo = (profile: ModelProfile.ModelProfile): Said | undefined => {
  const entries = zooEntries(profile)
  const entry = entries.find(({ capabilities }) => capabilities.supportsReasoning) ?? entries[0]
  if (entry === undefined) return undefined
  const { capabilities, contextWindow, inputPrice, maxOutputTokens, outputPrice } = entry
  const caches = capabilities.supportsPromptCaching || capabilities.supportsAutoPromptCaching
  return {
    contextWindow,
    maxOutputTokens,
    input: inputPrice,
    output: outputPrice,
    cachedInput: caches ? inputPrice * capabilities.cacheDiscountFactor : undefined,
    tools: capabilities.supportsFunctionCalling,
    image: capabilities.supportsVision,
    pdf: capabilities.supportsNativePdf,
    audio: capabilities.supportsNativeAudio,
    reasoning: capabilities.supportsReasoning,
    systemPrompt: capabilities.supportsSystemPrompt
  }
}

/** A model of gpt-tokenizer, of which some fields may be missing. */
interface GptModel {
  readonly modalities: { readonly input: ReadonlyArray<string> }
  readonly context_window?: number
  readonly max_output_tokens?: number
  readonly supported_features?: ReadonlyArray<string>
  readonly reasoning_tokens?: boolean
}
const gptModels: { readonly [id: string]: GptModel } = allGptModels

/** What gpt-tokenizer copies from OpenAI's own pages. Of features it lists only those that a model has. */
const gptTokenizer = (profile: ModelProfile.ModelProfile): Said | undefined => {
  const spec = profile.provider === "openai" ? gptModels[profile.id] : undefined
  if (spec === undefined) return undefined
  const has = (feature: string) => (spec.supported_features?.includes(feature) ? true : undefined)
  return {
    contextWindow: spec.context_window,
    maxOutputTokens: spec.max_output_tokens,
    image: spec.modalities.input.includes("image"),
    tools: has("function_calling"),
    jsonSchema: has("structured_outputs"),
    streaming: has("streaming"),
    reasoning: spec.reasoning_tokens
  }
}

/** What our profile says, in the same words. */
const ours = (profile: ModelProfile.ModelProfile): Said => {
  const { modalities, price } = profile
  const text = price !== undefined && "input" in price ? price : undefined
  const { longContext } = text ?? {}
  return {
    contextWindow: profile.contextWindow,
    maxOutputTokens: profile.maxOutputTokens,
    embedding: price !== undefined && "embedding" in price ? price.embedding : undefined,
    input: text?.input,
    output: text?.output,
    cachedInput: text?.cachedInput,
    cacheWrite: text?.cacheWrite,
    longAbove: longContext?.above,
    longInput: longContext?.input,
    longOutput: longContext?.output,
    longCachedInput: longContext?.cachedInput,
    longCacheWrite: longContext?.cacheWrite,
    tools: profile.tools,
    image: modalities?.includes("image"),
    pdf: modalities?.includes("pdf"),
    audio: modalities?.includes("audio"),
    jsonSchema: profile.jsonSchema,
    streaming: profile.streaming,
    reasoning: profile.reasoning,
    systemPrompt: profile.systemPrompt
  }
}

const isSame = (left: number | boolean | undefined, right: number | boolean | undefined): boolean =>
  typeof left === "number" && typeof right === "number" ? Math.abs(left - right) <= 1e-9 * right : left === right

/** Where a source says something else than we do; a field that the source leaves open is no difference. */
const differences = (source: known.Source, say: (profile: ModelProfile.ModelProfile) => Said | undefined) =>
  ModelProfile.all.flatMap((profile) => {
    const said = say(profile)
    const own = ours(profile)
    return said === undefined
      ? []
      : Object.entries(said).flatMap(([field, value]) =>
          value === undefined || isSame(own[field], value)
            ? []
            : [
                {
                  key: `${source} ${name(profile)} ${field}`,
                  text: `${String(own[field])} here, ${String(value)} there`
                }
              ]
        )
  })

/** The computed list and the explained one, side by side: what stands in one of them only. */
const compare = (
  found: ReadonlyArray<{ readonly key: string; readonly text: string }>,
  explained: ReadonlyArray<string>
) => ({
  unexplained: found.filter(({ key }) => !explained.includes(key)).map(({ key, text }) => `${key}: ${text}`),
  gone: explained.filter((key) => !found.some((entry) => entry.key === key))
})

const nothing = { unexplained: [], gone: [] }

describe("the catalogue beside other catalogues", () => {
  it("differs from llm-zoo only where it is said why", () => {
    assert.deepStrictEqual<unknown>(compare(differences("llm-zoo", llmZoo), known.differences("llm-zoo")), nothing)
  })

  it("differs from genai-prices only where it is said why", () => {
    assert.deepStrictEqual<unknown>(
      compare(differences("genai-prices", genaiPrices), known.differences("genai-prices")),
      nothing
    )
  })

  it("differs from gpt-tokenizer only where it is said why", () => {
    assert.deepStrictEqual<unknown>(
      compare(differences("gpt-tokenizer", gptTokenizer), known.differences("gpt-tokenizer")),
      nothing
    )
  })

  it("says nothing of a model that neither knows, but where it is said who does", () => {
    const alone = ModelProfile.all.filter(
      (profile) => llmZoo(profile) === undefined && genaiPrices(profile) === undefined
    )
    const found = alone.map((profile) => ({ key: name(profile), text: "in neither" }))
    assert.deepStrictEqual<unknown>(compare(found, known.elsewhere), nothing)
  })

  it("knows every model that llm-zoo knows and that is still served, but where it is said why not", () => {
    const covered = new Set(ModelProfile.all.flatMap(zooEntries))
    const missing = Object.values(MODEL_CONFIGS).filter(
      (entry) =>
        Object.values(theirs).includes(entry.provider) &&
        entry.retired !== true &&
        !entry.openRouterOnly &&
        entry.serviceTier === undefined &&
        !covered.has(entry)
    )
    const found = missing.map((entry) => ({ key: entry.fullName, text: entry.label }))
    assert.deepStrictEqual<unknown>(compare(found, known.leftOut), nothing)
  })

  it("knows every model that genai-prices prices, but for kinds that are named", () => {
    const covered = new Set(
      ModelProfile.all.map((profile) => {
        const found = calcPrice({ input_tokens: 1 }, profile.id, { providerId: theirs[profile.provider] ?? "" })
        return found === null ? undefined : `${profile.provider}/${found.model.id}`
      })
    )
    const missing = Object.entries(theirs).flatMap(([provider, providerId]) =>
      (findProvider({ providerId })?.models ?? [])
        .map(({ id }) => `${provider}/${id}`)
        .filter((model) => !covered.has(model) && !known.otherKinds.some(({ pattern }) => pattern.test(model)))
    )
    assert.deepStrictEqual(missing, [])
    for (const { pattern, why } of known.otherKinds) {
      assert.isFalse(
        ModelProfile.all.some((profile) => pattern.test(name(profile))),
        `covered after all: ${why}`
      )
    }
  })

  it("announces the changes of price that genai-prices announces", () => {
    for (const profile of ModelProfile.all) {
      for (const { from, price } of profile.laterPrices ?? []) {
        const later = calcPrice({ input_tokens: 1 }, profile.id, {
          providerId: theirs[profile.provider] ?? profile.provider,
          timestamp: new Date(`${from}T12:00:00Z`)
        })
        assert.isNotNull(later, profile.id)
        const said = rates(later.model_price, profile.kind === "embedding")
        assert.deepStrictEqual<unknown>(
          Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)),
          price
        )
      }
    }
  })
})
