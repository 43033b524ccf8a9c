import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { ModelProfile } from "../src/index.ts"

describe("the catalogue of models", () => {
  it("fits its schema and names every model once", () => {
    const decoded = Schema.decodeSync(Schema.Array(ModelProfile.ModelProfile))(ModelProfile.all, {
      onExcessProperty: "error"
    })
    assert.deepStrictEqual<unknown>(decoded, ModelProfile.all)
    assert.strictEqual(new Set(ModelProfile.all.map(({ id, provider }) => `${provider}/${id}`)).size, decoded.length)
  })

  it("leaves a model room for its answer, and gives vectors a length", () => {
    for (const profile of ModelProfile.all) {
      if (profile.kind === "embedding") assert.isDefined(profile.dimensions, profile.id)
      else assert.isBelow(profile.maxOutputTokens ?? 0, profile.contextWindow ?? Infinity, profile.id)
    }
  })

  it("finds a model by its name, its dated name and its resource name, and no other", () => {
    assert.strictEqual(ModelProfile.find("openai", "gpt-4o-2024-11-20")?.id, "gpt-4o")
    assert.strictEqual(ModelProfile.find("gemini", "models/gemini-2.5-pro")?.id, "gemini-2.5-pro")
    assert.isUndefined(ModelProfile.find("openai", "gpt-4o-audio"))
    assert.isUndefined(ModelProfile.find("local", "gpt-4o"))
  })
})
