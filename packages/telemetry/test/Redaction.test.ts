import { assert, describe, it } from "@effect/vitest"
import { Cause, Redacted } from "effect"
import { Redaction } from "../src/index.ts"

const odd = 'kelp/canary+of"the-rock='
const redaction = Redaction.make({ secrets: [Redacted.make(odd)] })

describe("what is written", () => {
  it("has no Redacted value in it", () => {
    const safe = redaction.value({
      apiKey: Redacted.make("a"),
      nested: [{ deeper: new Map([["x", Redacted.make("b")]]) }]
    })
    assert.deepStrictEqual(safe, { apiKey: "[redacted]", nested: [{ deeper: { x: "[redacted]" } }] })
  })

  it("has no key in a field that is named after one", () => {
    const headers = {
      Authorization: "hunter2!",
      "x-api-key": "hunter2!",
      "x-goog-api-key": "hunter2!",
      cookie: "hunter2!",
      clientSecret: "hunter2!",
      access_token: "hunter2!",
      password: "hunter2!"
    }
    assert.notInclude(JSON.stringify(redaction.value({ headers })), "hunter2!")
    assert.deepStrictEqual(redaction.value({ inputTokens: 12, tokens: 3, key: "chat" }), {
      inputTokens: 12,
      tokens: 3,
      key: "chat"
    })
  })

  it("has no key of a provider's shape, no bearer token and no key in a URL", () => {
    const said = redaction.text(
      "sk-proj-abcdefgh12345678 AIzaSyA-1234567890 Authorization: Bearer abc.def-ghi1 https://x.test/v1?key=plain&alt=sse"
    )
    assert.strictEqual(
      said,
      "[redacted] [redacted] Authorization: Bearer [redacted] https://x.test/v1?key=[redacted]&alt=sse"
    )
  })

  it("has no key that is known, however it is written", () => {
    const writings = [odd, JSON.stringify({ key: odd }), encodeURIComponent(odd), encodeURIComponent(odd).toLowerCase()]
    for (const writing of writings) {
      assert.notInclude(redaction.text(`it said ${writing} here`), "the-rock")
      assert.notInclude(redaction.name(writing), "the-rock")
      assert.notInclude(JSON.stringify(redaction.value({ [writing]: { deep: [writing] } })), "the-rock")
    }
  })

  it("has no key that long text is cut in", () => {
    const long = `${"x ".repeat(8185)}${odd}${"y".repeat(100)}`
    assert.notInclude(redaction.text(long), "kelp")
    assert.isAtMost(redaction.text(long).length, 16_384)
  })

  it("keeps e-mail addresses, unless they are to go", () => {
    const text = "ask ada.lovelace+x@example.co.uk or b@c.de, not @home"
    assert.strictEqual(redaction.text(text), text)
    assert.strictEqual(Redaction.make({ emails: true }).text(text), "ask [redacted] or [redacted], not @home")
  })

  it("is what JSON can say, of whatever it was", () => {
    const loop: { self?: unknown } = {}
    loop.self = loop
    const odd = {
      loop,
      big: 1n,
      when: new Date(0),
      never: new Date(Number.NaN),
      f: () => 1,
      s: Symbol("s"),
      set: new Set([1])
    }
    const safe = redaction.value(odd)
    assert.isAtMost(JSON.stringify(safe).length, 1000)
    assert.deepInclude(safe, { big: "1", when: "1970-01-01T00:00:00.000Z", never: null, f: "[function]", set: [1] })
    assert.strictEqual(redaction.value(new Error("no: sk-abcdefgh1234")), "Error: no: [redacted]")
    assert.include(String(redaction.value(Cause.fail(new Error("why")))), "why")
    assert.strictEqual(redaction.value(null), null)
  })
})
