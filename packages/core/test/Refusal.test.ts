import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Failure, Refusal } from "@holdfast/core"
import { failures, refusals } from "./Failures.ts"

const Json = Schema.fromJsonString(Schema.toCodecJson(Refusal.Refusal))
const encode = Schema.encodeSync(Json)
const decode = Schema.decodeUnknownSync(Json)

const named = refusals.map((refusal) => ({ name: refusal._tag, refusal }))

describe("a refusal", () => {
  it.each(named)("$name comes back from JSON as the same class with the same fields", ({ refusal }) => {
    const back = decode(encode(refusal))
    assert.strictEqual(back.constructor, refusal.constructor)
    assert.strictEqual(back.message, refusal.message)
    assert.strictEqual(encode(back), encode(refusal))
  })

  it.each(named)("$name is a refusal and never a failure", ({ refusal }) => {
    assert.isTrue(Refusal.isRefusal(refusal))
    assert.isFalse(Failure.isFailure(refusal))
  })

  it.each(named)("$name says nothing of prompts or keys", ({ refusal }) => {
    assert.notInclude(refusal.message, "sk-live")
    assert.notInclude(refusal.message, "kelp")
  })

  it("says what a person wants to know", () => {
    assert.deepStrictEqual(
      refusals.slice(0, -2).map((refusal) => refusal.message),
      [
        "The circuit credential:acme is open for another 12s",
        "acme/anvil-2 already runs 32 calls and 64 wait",
        "acme/anvil-2 had no free slot in time (1 calls at once)",
        "acme/anvil-2 is cooling for another 1s 500ms",
        "The operation did not finish within 2m",
        "The operation has used its 6 attempts",
        "No lane of chat can serve the request: acme/anvil-2 has no tools; b/c does not stream"
      ]
    )
    const all = new Refusal.AllLanesFailed({
      route: "chat",
      trail: [{ lane: "acme/anvil-2", attempts: 1, error: failures[0]! }]
    })
    assert.strictEqual(all.message, "All lanes of chat failed (acme/anvil-2: RateLimit)")
    assert.include(refusals.at(-2)?.message, "acme/anvil-2: Timeout after 3 attempts")
    assert.include(refusals.at(-2)?.message, "b/c: CircuitOpen; the earliest opens in 12s)")
    assert.strictEqual(
      refusals.at(-1)?.message,
      "The request breaks the lanes of chat, which answer others (b/c: ServiceUnavailable after 3 attempts)"
    )
  })

  it("is never taken for a failure of a provider, nor the other way round", () => {
    for (const failure of failures) assert.isFalse(Refusal.isRefusal(failure))
  })
})
