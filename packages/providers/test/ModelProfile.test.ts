import { Lane } from "@holdfast/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import * as Settings from "../src/internal/Settings.ts"
import * as ModelProfile from "../src/ModelProfile.ts"
import * as OpenAi from "../src/OpenAi.ts"

const found = (provider: string, model: string, catalogue = ModelProfile.all): ModelProfile.ModelProfile => {
  const profile = ModelProfile.find(provider, model, catalogue)
  assert.isDefined(profile, `${provider}/${model}`)
  return profile
}

describe("the catalogue of models", () => {
  it("fits its schema, with a day behind every value, and has every name of a model once", () => {
    const decoded = Schema.decodeSync(Schema.Array(ModelProfile.ModelProfile))(ModelProfile.all, {
      onExcessProperty: "error"
    })
    assert.deepStrictEqual<unknown>(decoded, ModelProfile.all)
    const names = ModelProfile.all.flatMap(({ aliases = [], id, provider }) =>
      [id, ...aliases].map((name) => `${provider}/${name}`)
    )
    assert.strictEqual(new Set(names).size, names.length)
    for (const { asOf, id } of ModelProfile.all) assert.isDefined(asOf, id)
  })

  it("leaves a model room for its answer, and tells vectors from text", () => {
    for (const profile of ModelProfile.all) {
      if (profile.kind === "text") {
        assert.isBelow(profile.maxOutputTokens ?? 0, profile.contextWindow ?? Infinity, profile.id)
        assert.isUndefined(profile.dimensions, profile.id)
        assert.isTrue(profile.price === undefined || "output" in profile.price, profile.id)
      } else {
        assert.isUndefined(profile.maxOutputTokens, profile.id)
        assert.isTrue(profile.price === undefined || "embedding" in profile.price, profile.id)
      }
    }
  })

  it("finds a model by its name, its dated name, its other names and its resource name, and no other", () => {
    assert.strictEqual(found("openai", "gpt-4o-2024-11-20").id, "gpt-4o")
    assert.strictEqual(found("openai", "gpt-5.6").id, "gpt-5.6-sol")
    assert.strictEqual(found("anthropic", "claude-haiku-4-5-20251001").id, "claude-haiku-4-5")
    assert.strictEqual(found("gemini", "models/gemini-2.5-pro").id, "gemini-2.5-pro")
    for (const [provider, model] of [
      ["openai", "gpt-4o-audio"],
      ["local", "gpt-4o"],
      ["anthropic", "claude-opus-5-51"],
      ["openai", ""]
    ] as const) {
      assert.isUndefined(ModelProfile.find(provider, model), model)
    }
  })

  it("has a snapshot with limits of its own before the model it is a snapshot of", () => {
    assert.strictEqual(found("openai", "gpt-4o-2024-05-13").maxOutputTokens, 4096)
    assert.strictEqual(found("openai", "gpt-4o-2024-08-06").maxOutputTokens, 16_384)
  })
})

describe("what a lane offers", () => {
  it("is what its profile states", () => {
    const { capabilities, isEmbedding, isText } = Settings.offer("anthropic", "claude-opus-5-5", undefined)
    assert.deepStrictEqual<unknown>(JSON.parse(JSON.stringify(capabilities)), {
      contextWindow: 1_000_000,
      maxOutputTokens: 128_000,
      tools: true,
      vision: true,
      jsonSchema: true,
      streaming: true
    })
    assert.isTrue(isText)
    assert.isFalse(isEmbedding)
    assert.strictEqual(Settings.offer("openai", "o3-mini", undefined).capabilities.vision, false)
  })

  it("is both kinds of call where the model is not known", () => {
    assert.deepStrictEqual<unknown>(Settings.offer("local", "llama", { tools: false }), {
      capabilities: { tools: false },
      isText: true,
      isEmbedding: true,
      price: undefined
    })
  })

  it("is one space of vectors under every name of a model, and another at another length", () => {
    const space = (model: string, capabilities?: Lane.Capabilities) => {
      const offer = Settings.offer("gemini", model, capabilities)
      assert.isFalse(offer.isText)
      return Lane.vectorSpace(Lane.make({ provider: "gemini", model, capabilities: offer.capabilities }))
    }
    assert.strictEqual(space("gemini-embedding-001"), "gemini-embedding-001@3072")
    assert.strictEqual(space("models/gemini-embedding-001"), "gemini-embedding-001@3072")
    assert.strictEqual(space("gemini-embedding-001", { dimensions: 768 }), "gemini-embedding-001@768")
    assert.strictEqual(space("gemini-embedding-001", { vectorSpace: "mine" }), "mine")
    assert.strictEqual(space("gemini-embedding-2"), "gemini-embedding-2")
  })
})

describe("profiles from a configuration", () => {
  it("replace the fields they name and leave the others", () => {
    const catalogue = ModelProfile.withOverrides([
      { provider: "openai", id: "gpt-4o", contextWindow: 64_000, price: { input: 1, output: 2 } }
    ])
    const profile = found("openai", "gpt-4o", catalogue)
    assert.strictEqual(profile.contextWindow, 64_000)
    assert.strictEqual(profile.maxOutputTokens, 16_384)
    assert.deepStrictEqual<unknown>(profile.price, { input: 1, output: 2 })
    assert.strictEqual(catalogue.length, ModelProfile.all.length)
    assert.strictEqual(found("openai", "gpt-4o").contextWindow, 128_000)
  })

  it("add models of other providers, for text unless they say otherwise", () => {
    const catalogue = ModelProfile.withOverrides([
      { provider: "local", id: "llama" },
      { provider: "local", id: "bge", kind: "embedding", dimensions: 1024 }
    ])
    assert.strictEqual(found("local", "llama", catalogue).kind, "text")
    assert.strictEqual(found("local", "bge", catalogue).dimensions, 1024)
  })

  it("single out a snapshot or another name without touching the model", () => {
    const catalogue = ModelProfile.withOverrides([
      { provider: "openai", id: "gpt-5.6", maxOutputTokens: 9 },
      { provider: "openai", id: "gpt-4.1-2025-04-14", tools: false },
      { provider: "openai", id: "gpt-4.1-2025-04-14", streaming: false }
    ])
    assert.strictEqual(found("openai", "gpt-5.6", catalogue).maxOutputTokens, 9)
    assert.strictEqual(found("openai", "gpt-5.6-sol", catalogue).maxOutputTokens, 128_000)
    const snapshot = found("openai", "gpt-4.1-2025-04-14", catalogue)
    assert.isFalse(snapshot.tools)
    assert.isFalse(snapshot.streaming)
    assert.isTrue(found("openai", "gpt-4.1", catalogue).tools)
  })

  it.effect("are refused with the path of what is wrong", () =>
    Effect.gen(function* () {
      for (const [entry, path] of [
        [{ contextWindw: 3 }, "contextWindw"],
        [{ contextWindow: 0 }, "contextWindow"],
        [{ price: { input: 1 } }, "price"],
        [{ price: { input: 1, output: 2, cached: 3 } }, "price"],
        [{ price: { embedding: -1 } }, "price"],
        [{ acceptsTemperature: "sometimes" }, "acceptsTemperature"],
        [{ laterPrices: [{ from: "soon", price: { input: 1, output: 1 } }] }, "from"]
      ] as const) {
        const error = yield* Effect.flip(ModelProfile.decodeOverrides([{ provider: "local", id: "m", ...entry }]))
        assert.include(error.message, path)
      }
      const overrides = yield* ModelProfile.decodeOverrides([
        {
          provider: "openai",
          id: "gpt-4o",
          price: { input: 1, output: 2, longContext: { above: 9, input: 2, output: 3 } }
        }
      ])
      assert.strictEqual(overrides.length, 1)
    })
  )
})

describe("the cost of an answer", () => {
  const opus = found("anthropic", "claude-opus-5-5")
  const sol = found("openai", "gpt-5.6-sol")

  it("reads the usage as an answer states it", () => {
    const usage = ModelProfile.usageOf({
      inputTokens: { total: 10, uncached: 5, cacheRead: 4, cacheWrite: 1 },
      outputTokens: { total: 7, text: 3, reasoning: 4 }
    })
    assert.deepStrictEqual<unknown>(usage, {
      inputTokens: 10,
      outputTokens: 7,
      cacheReadTokens: 4,
      cacheWriteTokens: 1
    })
    assert.isUndefined(ModelProfile.cost(opus, ModelProfile.usageOf({ inputTokens: {}, outputTokens: {} })))
  })

  it("prices cached tokens apart from the rest of the input", () => {
    const usage = { inputTokens: 1_000_000, outputTokens: 100_000 }
    assert.approximately(ModelProfile.cost(opus, usage) ?? 0, 4 + 2, 1e-9)
    assert.approximately(
      ModelProfile.cost(opus, { ...usage, cacheReadTokens: 500_000, cacheWriteTokens: 100_000 }) ?? 0,
      0.4 * 4 + 0.5 * 0.2 + 0.1 * 5 + 2,
      1e-9
    )
  })

  it("charges the whole of a long request at the rates of long ones", () => {
    assert.approximately(ModelProfile.cost(sol, { inputTokens: 271_999, outputTokens: 1 }) ?? 0, 1.088_016, 1e-9)
    assert.approximately(ModelProfile.cost(sol, { inputTokens: 272_000, outputTokens: 1 }) ?? 0, 2.176_03, 1e-9)
  })

  it("charges cached tokens as input where they have no rate, and never less than nothing", () => {
    const pro = found("openai", "gpt-5-pro")
    assert.approximately(
      ModelProfile.cost(pro, { inputTokens: 100, outputTokens: 0, cacheReadTokens: 50 }) ?? 0,
      0.0015,
      1e-12
    )
    assert.isAtLeast(ModelProfile.cost(opus, { inputTokens: 0, outputTokens: 0, cacheReadTokens: 10 }) ?? -1, 0)
  })

  it("follows announced changes of price to the day", () => {
    const flash = found("gemini", "gemini-3.8-flash")
    const usage = { inputTokens: 1_000_000, outputTokens: 0 }
    assert.strictEqual(ModelProfile.cost(flash, usage), 0.75)
    assert.strictEqual(ModelProfile.cost(flash, usage, "2026-12-31"), 0.75)
    assert.strictEqual(ModelProfile.cost(flash, usage, "2027-01-01"), 1.5)
  })

  it("needs no output where vectors are made", () => {
    assert.strictEqual(ModelProfile.cost(found("openai", "text-embedding-3-small"), { inputTokens: 500_000 }), 0.01)
  })

  it("is not known where the price or the usage is not", () => {
    assert.isUndefined(ModelProfile.cost(opus, { inputTokens: 1 }))
    assert.isUndefined(ModelProfile.cost(opus, { outputTokens: 1 }))
    assert.isUndefined(ModelProfile.cost(found("gemini", "gemini-flash-latest"), { inputTokens: 1, outputTokens: 1 }))
  })
})

describe("a lane of a model that the configuration describes", () => {
  it.effect("offers what the configuration says", () =>
    Effect.gen(function* () {
      const overrides = yield* ModelProfile.decodeOverrides([
        { provider: "openai", id: "gpt-next", kind: "text", contextWindow: 5000, tools: false }
      ])
      const lane = yield* OpenAi.lane("gpt-next", {
        apiKey: Redacted.make("sk-test"),
        catalogue: ModelProfile.withOverrides(overrides)
      })
      assert.strictEqual(lane.capabilities.contextWindow, 5000)
      assert.strictEqual(lane.capabilities.tools, false)
      assert.isUndefined(lane.embed)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )
})
