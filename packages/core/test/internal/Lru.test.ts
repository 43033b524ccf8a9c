import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Lru } from "../../src/internal/Lru.ts"

const Step = Schema.Union([
  Schema.TaggedStruct("Get", { key: Schema.Literals(["a", "b", "c", "d"]) }),
  Schema.TaggedStruct("Set", {
    key: Schema.Literals(["a", "b", "c", "d"]),
    bytes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 })),
    life: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))
  })
])

describe("what is kept", () => {
  it.prop(
    "is what was used last, within both bounds, and never what is over",
    [Schema.Array(Step)],
    ([steps]) => {
      const limits = { maxEntries: 3, maxBytes: 20 }
      const lru = new Lru(limits)
      /** Used longest ago first. */
      let model: Array<{ key: string; text: string; bytes: number; until: number }> = []
      steps.forEach((step, now) => {
        const known = model.find(({ key }) => key === step.key)
        model = model.filter(({ key }) => key !== step.key)
        if (step._tag === "Get") {
          const held = known !== undefined && known.until > now ? known : undefined
          assert.strictEqual(lru.get(step.key, now), held?.text)
          if (held !== undefined) model.push(held)
        } else {
          const text = `${step.key}${now}`
          lru.set(step.key, text, step.bytes, now + step.life)
          model.push({ key: step.key, text, bytes: step.bytes, until: now + step.life })
          const bytes = () => model.reduce((sum, one) => sum + one.bytes, 0)
          while (model.length > limits.maxEntries || bytes() > limits.maxBytes) model.shift()
        }
        assert.strictEqual(lru.size, model.length)
        assert.strictEqual(
          lru.bytes,
          model.reduce((sum, one) => sum + one.bytes, 0)
        )
      })
    },
    { arbitrary: { runs: 500 } }
  )

  it("is nothing that alone is larger than everything may be, and the others stay", () => {
    const lru = new Lru({ maxEntries: 3, maxBytes: 10 })
    lru.set("a", "small", 5, 100)
    lru.set("b", "large", 11, 100)
    assert.deepStrictEqual([lru.get("a", 0), lru.get("b", 0), lru.bytes], ["small", undefined, 5])
  })
})
