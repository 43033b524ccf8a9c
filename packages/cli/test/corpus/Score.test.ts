import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Answer, type Case, decode, toEvidence } from "../../src/corpus/Case.ts"
import { score } from "../../src/corpus/Score.ts"

const line = (id: string, category: string, more: Partial<Case> = {}): Case => ({
  id,
  provider: "openai",
  kind: "http",
  expected: { category, retryable: true, retryAfterMs: null, failover: true },
  ...more
})
const answer = (id: string, category: string, more: Partial<Answer> = {}): Answer => ({
  id,
  category,
  retryable: true,
  retryAfterMs: null,
  failover: true,
  rule: "http/x",
  ...more
})

describe("score", () => {
  it("counts strictly, leniently, and adversarial cases apart", () => {
    const cases = [
      line("a", "RateLimit"),
      line("b", "RateLimit", { ambiguousWith: ["QuotaExceeded"], adversarial: true }),
      line("c", "Timeout", { adversarial: true })
    ]
    const found = score(cases, [answer("a", "RateLimit"), answer("b", "QuotaExceeded"), answer("c", "Network")])
    assert.deepStrictEqual(found.strict, { right: 1, of: 3 })
    assert.deepStrictEqual(found.lenient, { right: 2, of: 3 })
    assert.deepStrictEqual(found.adversarialStrict, { right: 0, of: 2 })
    assert.deepStrictEqual(found.adversarialLenient, { right: 1, of: 2 })
    assert.deepStrictEqual(
      found.misses.map(({ defensible, fields, id }) => [id, fields, defensible]),
      [
        ["b", ["category"], true],
        ["c", ["category"], false]
      ]
    )
    assert.strictEqual(found.confusion.length, 2)
  })
  it("a hint is right within a second; none against one is wrong either way", () => {
    const hint = (expected: number | null, got: number | null) =>
      score(
        [
          line("a", "RateLimit", {
            expected: { category: "RateLimit", retryable: true, retryAfterMs: expected, failover: true }
          })
        ],
        [answer("a", "RateLimit", { retryAfterMs: got })]
      ).hint.right
    assert.deepStrictEqual(
      [hint(36_000, 36_430), hint(36_000, 37_001), hint(null, null), hint(0, null), hint(null, 0), hint(0, 0)],
      [1, 0, 1, 0, 0, 1]
    )
  })
  it("a case without an answer is wrong in every field, one without labels is left out", () => {
    const unlabelled: Case = { id: "b", provider: "openai", kind: "http" }
    const found = score([line("a", "Timeout"), unlabelled], [])
    assert.deepStrictEqual(
      [found.strict, found.retryable, found.failover, found.hint],
      [
        { right: 0, of: 1 },
        { right: 0, of: 1 },
        { right: 0, of: 1 },
        { right: 0, of: 1 }
      ]
    )
  })
})

describe("a line", () => {
  it.effect("shows a classifier the payload and nothing of the labels", () =>
    Effect.gen(function* () {
      const read = yield* decode(
        JSON.stringify({
          ...line("a", "RateLimit"),
          status: 429,
          body: { error: {} },
          now: "2026-10-21T07:27:30.000Z",
          note: "why",
          sdkError: { name: "Error" }
        })
      )
      assert.deepStrictEqual(toEvidence(read), {
        provider: "openai",
        kind: "http",
        status: 429,
        headers: undefined,
        body: { error: {} },
        event: undefined,
        error: { name: "Error" },
        now: 1_792_567_650_000
      })
    })
  )
  it.effect("that is not a case fails by naming the field", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(decode('{"id":"a","provider":"openai"}'))
      assert.include(failure.message, "kind")
    })
  )
})
