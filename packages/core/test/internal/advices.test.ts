import { assert, describe, it } from "@effect/vitest"
import * as advices from "../../src/internal/advices.ts"

const sent = { version: 1, id: "a-1", from: "a" } as const
const circuit = "acme/anvil@spare"

describe("what instances tell each other", () => {
  it.each<advices.Message>([
    { ...sent, _tag: "Opened", circuit, forMillis: 1234.5, isFresh: false, reason: "Timeout" },
    { ...sent, _tag: "Closed", circuit },
    { ...sent, _tag: "Released", circuit },
    {
      ...sent,
      _tag: "Cooling",
      lane: circuit,
      provider: "acme",
      model: "anvil",
      credential: "spare",
      reason: "RateLimit",
      forMillis: 30_000
    }
  ])("is the same after it was written and read: $_tag", (message) => {
    assert.deepStrictEqual(advices.decode(advices.encode(message)), message)
  })

  it("is understood with fields that are new", () => {
    const text = JSON.stringify({ ...sent, _tag: "Closed", circuit, mood: "good" })
    assert.deepStrictEqual(advices.decode(text), { ...sent, _tag: "Closed", circuit })
  })

  it.each(["", "{", "null", "[]", JSON.stringify({ ...sent, _tag: "Closed", circuit, version: 2 })])(
    "is not understood, and no error: %s",
    (text) => {
      assert.isUndefined(advices.decode(text))
    }
  )

  it("is kept as long as it holds; a closing ends that, the end of a probe does not", () => {
    const opened = { _tag: "Opened", circuit, forMillis: 10.2, isFresh: true, reason: "" } as const
    const [closed, released] = [{ _tag: "Closed", circuit } as const, { _tag: "Released", circuit } as const]
    assert.deepStrictEqual([opened, closed, released].map(advices.keepMillisOf), [11, 0, undefined])
    assert.strictEqual(advices.subjectOf(opened), advices.subjectOf(closed))
  })
})
