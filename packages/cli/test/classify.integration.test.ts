import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
const classify = (input: string, ...args: ReadonlyArray<string>) =>
  spawnSync(process.execPath, [main, "classify", ...args], { input, encoding: "utf8" })

const labelled = [
  {
    id: "a",
    provider: "openai",
    kind: "http",
    status: 429,
    headers: { "retry-after": "2" },
    body: { error: { message: "Rate limit reached", type: "requests", code: "rate_limit_exceeded" } },
    expected: { category: "RateLimit", retryable: true, retryAfterMs: 2000, failover: true }
  },
  {
    id: "b",
    provider: "openai",
    kind: "http",
    status: 401,
    headers: {},
    body: { error: { message: "Incorrect API key provided: sk-canary12345678901234", code: "invalid_api_key" } },
    expected: { category: "QuotaExceeded", retryable: false, retryAfterMs: null, failover: true }
  }
]
const lines = labelled.map((one) => JSON.stringify(one)).join("\n")

describe("holdfast classify", () => {
  it("prints one line of JSON per case, in the order they came", () => {
    const { status, stdout } = classify(lines, "--input", "-")
    assert.strictEqual(status, 0)
    const [first, second] = stdout
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line))
    assert.deepStrictEqual(first, {
      id: "a",
      category: "RateLimit",
      retryable: true,
      retryAfterMs: 2000,
      failover: true,
      rule: "code/rate-limit"
    })
    assert.nestedPropertyVal(second, "category", "Authentication")
  })

  it("adds the trail and the deciding rule's source, and no key", () => {
    const { stdout } = classify(lines, "--explain")
    assert.include(stdout, `"trail":[{"rule":`)
    assert.include(stdout, `"source":"OpenAI`)
    assert.notInclude(stdout, "canary")
  })

  it("scores labelled cases, and says which are wrong", () => {
    const { stdout } = classify(lines, "--score")
    assert.include(stdout, "category, strict       50.0 %  (1 of 2)")
    assert.include(stdout, "1 × QuotaExceeded → Authentication")
  })

  it("names the line that cannot be read, and exits with 1", () => {
    const broken = classify(`${JSON.stringify(labelled[0])}\n{"id":"c"}`, "--input", "-")
    assert.strictEqual(broken.status, 1)
    assert.include(broken.stderr, "line 2:")
    assert.include(broken.stderr, `["provider"]`)
    assert.strictEqual(classify("").status, 1)
    assert.strictEqual(classify("", "--input", "/nowhere/at/all").status, 1)
  })
})
