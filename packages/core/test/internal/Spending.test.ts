import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Estimate, Spending } from "../../src/internal/Spending.ts"

const tokens = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))
const Step = Schema.Union([
  Schema.TaggedStruct("Reserve", { inputTokens: tokens, outputTokens: tokens, isPriced: Schema.Boolean }),
  Schema.TaggedStruct("Reserve", { inputTokens: tokens, outputTokens: tokens, isPriced: Schema.Boolean }),
  Schema.TaggedStruct("Settle", { which: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })), tokens })
])
const price = 0.01

describe("what an operation spends", () => {
  it.prop(
    "is the sum of what was used and what is reserved, and passes no budget by more than attempts passed their estimates",
    [Schema.Array(Step)],
    ([steps]) => {
      const limits = { maxTokens: 100, maxUsd: 0.9 }
      const spending = new Spending(limits)
      const running: Array<Estimate> = []
      let spent = 0
      let above = 0
      for (const step of steps) {
        if (step._tag === "Reserve") {
          const { inputTokens, isPriced, outputTokens } = step
          const total = inputTokens + outputTokens
          const estimate = { inputTokens, outputTokens, usd: isPriced ? total * price : undefined }
          const refusal = spending.refuses(estimate)
          if (refusal === "tokens") assert.isAbove(spending.tokens + total, limits.maxTokens)
          else if (refusal === "usd") assert.isTrue(!isPriced || spending.usd + total * price > limits.maxUsd)
          else {
            spending.reserve(estimate)
            running.push(estimate)
          }
        } else {
          const [estimate] = running.splice(step.which, 1)
          if (estimate === undefined) continue
          spending.settle(estimate, { tokens: step.tokens, usd: step.tokens * price })
          spent += step.tokens
          above += Math.max(0, step.tokens - estimate.inputTokens - estimate.outputTokens)
        }
        const reserved = running.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0)
        assert.strictEqual(spending.tokens, spent + reserved)
        assert.closeTo(spending.usd, (spent + reserved) * price, 1e-9)
        assert.isAtMost(spending.tokens, limits.maxTokens + above)
        assert.isAtMost(spending.usd, limits.maxUsd + above * price + 1e-9)
      }
    },
    { arbitrary: { runs: 1000 } }
  )
})
