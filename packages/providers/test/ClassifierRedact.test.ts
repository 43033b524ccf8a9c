import * as Classifier from "@holdfast/providers/Classifier"
import * as Redact from "@holdfast/core/Redact"
import { assert, describe, it } from "@effect/vitest"

const canary = "C4n4ry"
/** Keys as their issuers shape them, each with the canary inside. */
const keys: ReadonlyArray<string> = [
  `sk-${canary}aaaaaaaaaaaaaaaaaaaa`,
  `sk-proj-${canary}_aaaa-aaaaaaaaaaaaaaa`,
  `sk-ant-api03-${canary}-aaaaaaaaaaaaaaaa`,
  `sk-or-v1-${canary}aaaaaaaaaaaaaaaa`,
  `AIzaSy${canary}aaaaaaaaaaaaaaaaaaaaaaaaaa`,
  `ya29.${canary}-aaaaaaaaaaaaa`,
  `AKIA${canary.toUpperCase()}AAAAAAAAAA`,
  `gsk_${canary}aaaaaaaaaaaaaaaaaa`,
  `xai-${canary}aaaaaaaaaaaaaaaaaa`,
  `hf_${canary}aaaaaaaaaaaaaaa`,
  `eyJhbGciOiJ.${canary}aaaaaaa.aaaaaaaa`,
  `${canary}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1`
]
const sentences: ReadonlyArray<(key: string) => string> = [
  (key) => `Incorrect API key provided: ${key}. You can find your API key at https://example.com.`,
  (key) => `Authorization: Bearer ${key}`,
  (key) => `Consumer 'api_key:${key}' has been suspended.`,
  (key) => `request to https://example.com/v1/models?key=${key}&alt=sse failed`,
  (key) => `request to https://user:${key}@example.com/ failed`,
  (key) => `{"api_key": "${key}"}`,
  (key) => `${"padding ".repeat(148)}${key}`
]

describe("keys", () => {
  for (const key of keys) {
    it(`${key.slice(0, 8)}… is taken out wherever it stands`, () => {
      for (const sentence of sentences) {
        const message = sentence(key)
        const kept = JSON.stringify([
          Classifier.explain({
            provider: "openai",
            kind: "http",
            status: 401,
            body: { error: { message, code: key, request_id: key } },
            headers: { authorization: key, "x-api-key": key, "x-request-id": key }
          }),
          Classifier.fromThrown(
            "openai",
            Object.assign(new Error(message), { code: key, requestID: key, headers: { authorization: key } })
          ),
          Redact.redact(message)
        ]).toLowerCase()
        assert.notInclude(kept.replace(/"value":"[^"]*"/g, ""), canary.toLowerCase())
      }
    })
  }
  it("short credentials go by the word before them", () => {
    assert.strictEqual(Redact.redact("password: hunter2!"), "password: [redacted]")
    assert.strictEqual(Redact.redact("Authorization: Basic dXNlcjpwYXNz"), "Authorization: Basic [redacted]")
    assert.strictEqual(Redact.redact("https://x/?api_key=abc&b=1"), "https://x/?api_key=[redacted]&b=1")
  })
  it("prose stays as it is", () => {
    for (const text of [
      "The security token included in the request is invalid.",
      "Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 14567, Requested 24754. Please try again in 18.642s.",
      "This model's maximum context length is 16384 tokens.",
      "Basic authentication is required for this endpoint"
    ]) {
      assert.strictEqual(Redact.redact(text), text)
    }
  })
})

describe("bounds", () => {
  it("keeps 300 characters of a sentence and 64 of a code", () => {
    const verdict = Classifier.fromHttp("openai", {
      status: 400,
      body: { error: { message: "word ".repeat(1000), code: "x y ".repeat(40) } },
      headers: { "x-request-id": "a b ".repeat(50) }
    })
    assert.isAtMost(verdict.detail?.length ?? 0, Redact.maxDetail)
    assert.isAtMost(verdict.providerCode?.length ?? 0, 64)
    assert.isAtMost(verdict.requestId?.length ?? 0, 64)
  })
  it("a cut never leaves half a character or half a key", () => {
    const emoji = Redact.detail("😀".repeat(400)) ?? ""
    assert.isTrue(emoji.isWellFormed())
    assert.notInclude(Redact.redact(`${"x ".repeat(598)}sk-${canary}aaaaaaaa`), canary)
  })
})
