import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Stream } from "effect"
import { type EmbedModel, FallbackPlan, HealthStatus, Lane, type TextModel } from "@holdfast/core"

const text: TextModel.TextModel = { generate: () => Effect.succeed([]), stream: () => Stream.empty }
const embed: EmbedModel.EmbedModel = { embed: () => Effect.succeed({ vectors: [], model: "x" }) }

const lane = (model: string, capabilities: Lane.Capabilities = {}, offers: Partial<Lane.Options> = { text }) =>
  Lane.make({ provider: "acme", model, capabilities, ...offers })

describe("which lanes can serve a request", () => {
  const cases: ReadonlyArray<readonly [Lane.Capabilities, FallbackPlan.Requirements, string | undefined]> = [
    [{}, {}, undefined],
    [{ tools: false }, { tools: true }, "acme/x has no tools"],
    [{ tools: false }, { tools: false }, undefined],
    [{ tools: true }, { tools: true }, undefined],
    [{}, { tools: true, vision: true, jsonSchema: true, streaming: true, maxOutputTokens: 9e9 }, undefined],
    [{ vision: false }, { vision: true }, "acme/x does not see images"],
    [{ streaming: false }, { streaming: true }, "acme/x does not stream"],
    [{ jsonSchema: false }, { jsonSchema: true }, "acme/x does not follow a JSON schema"],
    [{ maxOutputTokens: 100 }, { maxOutputTokens: 100 }, undefined],
    [{ maxOutputTokens: 100 }, { maxOutputTokens: 101 }, "acme/x writes at most 100 tokens, 101 are asked for"],
    [{ dimensions: 768 }, { dimensions: 256 }, undefined],
    [{ dimensions: 768 }, { dimensions: 1024 }, "acme/x makes vectors of 768, 1024 are asked for"],
    [{}, { text: true }, undefined],
    [{}, { embed: true }, "acme/x does not embed"]
  ]
  it.each(cases)("with %o for %o: lacking %o", (capabilities, needs, lack) => {
    assert.strictEqual(FallbackPlan.lacks(lane("x", capabilities), needs), lack)
  })

  it("does not take an embedding lane for a text lane", () => {
    const vectors = lane("x", {}, { embed })
    assert.strictEqual(FallbackPlan.lacks(vectors, { text: true }), "acme/x does not generate text")
    assert.isUndefined(FallbackPlan.lacks(vectors, { embed: true }))
  })

  it("keeps the route's order, and says what the others lack", () => {
    const lanes = [lane("a", { tools: true }), lane("b", { tools: false }), lane("c")]
    const capable = FallbackPlan.capable(lanes, { tools: true })
    assert.deepStrictEqual(
      capable.lanes.map(({ model }) => model),
      ["a", "c"]
    )
    assert.deepStrictEqual(capable.missing, ["acme/b has no tools"])
  })
})

describe("the order in which lanes are tried", () => {
  it("is healthy and unknown lanes first, then degraded, then unhealthy", () => {
    const standing: Record<string, HealthStatus.HealthStatus> = {
      a: "unhealthy",
      b: "degraded",
      c: "idle",
      d: "healthy",
      e: "unhealthy",
      f: "idle"
    }
    const lanes = Object.keys(standing).map((model) => lane(model))
    const ordered = FallbackPlan.order(lanes, ({ model }) => standing[model]!)
    assert.deepStrictEqual(
      ordered.map(({ model }) => model),
      ["c", "d", "f", "b", "a", "e"]
    )
  })

  it.prop(
    "keeps every lane, and the route's own order among lanes of the same standing",
    [Arbitrary.array(Arbitrary.schema(HealthStatus.HealthStatus), { maxLength: 12 })],
    ([statuses]) => {
      const lanes = statuses.map((_, index) => lane(String(index)))
      const standing = ({ model }: Lane.Lane) => statuses[Number(model)]!
      const ordered = FallbackPlan.order(lanes, standing)
      assert.sameMembers([...ordered], lanes)
      const rank = { idle: 0, healthy: 0, degraded: 1, unhealthy: 2 }
      for (const [index, after] of ordered.entries()) {
        const before = ordered[index - 1]
        if (before === undefined) continue
        const step = rank[standing(after)] - rank[standing(before)]
        assert.isAtLeast(step, 0)
        if (step === 0) assert.isAbove(Number(after.model), Number(before.model))
      }
    }
  )
})

describe("a larger window", () => {
  const window = (contextWindow?: number) => lane("x", { contextWindow })
  it("is one that is known to be larger", () => {
    assert.isTrue(FallbackPlan.isLarger(window(200), window(100)))
    assert.isFalse(FallbackPlan.isLarger(window(100), window(100)))
    assert.isFalse(FallbackPlan.isLarger(window(50), window(100)))
    assert.isFalse(FallbackPlan.isLarger(window(), window(100)))
    assert.isFalse(FallbackPlan.isLarger(window(100), window()))
  })
})

describe("a route that cannot work", () => {
  it("has no lane, or one twice", () => {
    assert.strictEqual(FallbackPlan.problemOf([]), "it has no lane")
    assert.include(FallbackPlan.problemOf([lane("a"), lane("b"), lane("a")]), "acme/a is in it twice")
    assert.isUndefined(FallbackPlan.problemOf([lane("a"), lane("b")]))
  })

  it("would mix vectors that cannot be compared", () => {
    const vectors = (provider: string, model: string, capabilities: Lane.Capabilities = {}) =>
      Lane.make({ provider, model, capabilities, embed })
    const problem = FallbackPlan.vectorProblemOf
    assert.isUndefined(problem([vectors("acme", "v3"), vectors("zeta", "v3")]))
    assert.include(problem([vectors("acme", "v3"), vectors("acme", "v4")]), "different spaces (v3, v4)")
    assert.include(
      problem([vectors("acme", "v3", { dimensions: 256 }), vectors("acme", "v3", { dimensions: 768 })]),
      "v3@256, v3@768"
    )
    assert.isUndefined(
      problem([vectors("acme", "v3", { vectorSpace: "same" }), vectors("zeta", "other", { vectorSpace: "same" })])
    )
  })
})

describe("a lane", () => {
  it("is named after provider and model, and the credential where one is named", () => {
    assert.deepInclude(Lane.make({ provider: "acme", model: "anvil" }), { id: "acme/anvil", credential: "acme" })
    assert.deepInclude(Lane.make({ provider: "acme", model: "anvil", credential: "spare" }), {
      id: "acme/anvil@spare",
      credential: "spare"
    })
    assert.strictEqual(Lane.make({ provider: "acme", model: "anvil", id: "mine" }).id, "mine")
  })
})
