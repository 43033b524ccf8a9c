import { assert, describe, it } from "@effect/vitest"
import * as Classifier from "@holdfast/providers/Classifier"
import * as Paste from "../../src/corpus/Paste.ts"

const verdict = (text: string, known: Paste.Known = {}) => {
  const { class: category, retryAfter } = Classifier.classify(Paste.read(text, known))
  return [category, retryAfter?.toString()]
}
const category = (text: string, known: Paste.Known = {}) => verdict(text, known)[0]

describe("a pasted error", () => {
  it("may be what curl -i prints, after redirects and 100 Continue", () => {
    const text = [
      "HTTP/1.1 100 Continue",
      "",
      "HTTP/2 429",
      "retry-after: 20",
      "content-type: application/json",
      "",
      `{"error":{"message":"Rate limit reached","type":"tokens","code":"rate_limit_exceeded"}}`
    ].join("\r\n")
    const evidence = Paste.read(text)
    assert.strictEqual(evidence.kind, "http")
    assert.strictEqual(evidence.status, 429)
    assert.deepStrictEqual(evidence.headers, { "retry-after": "20", "content-type": "application/json" })
    assert.strictEqual(category(text), "RateLimit")
  })

  it("may be a body alone, with the status beside it", () => {
    assert.strictEqual(
      category(`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`),
      "ModelOverloaded"
    )
    assert.strictEqual(category("<html><title>502 Bad Gateway</title></html>", { status: 502 }), "ServiceUnavailable")
    assert.strictEqual(category("<html><title>Log in</title></html>", { status: 200 }), "InvalidResponse")
  })

  it("may be an event of a stream", () => {
    const text = `event: error\ndata: {"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}`
    const evidence = Paste.read(text, { provider: "anthropic" })
    assert.strictEqual(evidence.kind, "stream")
    assert.strictEqual(evidence.event, "error")
    assert.strictEqual(category(text, { provider: "anthropic" }), "RateLimit")
  })

  it("may be what Node prints of something thrown, with its causes and the code at the end", () => {
    const text = [
      "TypeError: fetch failed",
      "    at node:internal/deps/undici/undici:13510:13 {",
      "  [cause]: Error: connect ECONNREFUSED 127.0.0.1:1",
      "      at TCPConnectWrap.afterConnect {",
      "    errno: -111,",
      "    code: 'ECONNREFUSED',"
    ].join("\n")
    assert.deepStrictEqual(Paste.read(text).error, {
      name: "TypeError",
      message: "fetch failed",
      cause: { name: "Error", message: "connect ECONNREFUSED 127.0.0.1:1", code: "ECONNREFUSED", cause: undefined }
    })
    assert.strictEqual(category(text), "Network")
  })

  it("is unknown when it says nothing, and never throws", () => {
    for (const text of ["hello", "{", "data", "HTTP/1.1 ", "\u0000", "a:".repeat(10_000)]) {
      assert.isString(category(text))
    }
    assert.strictEqual(category("hello"), "Unknown")
  })
})
