import { Classification } from "@holdfast/core"
import * as Classifier from "@holdfast/providers/Classifier"
import { assert, describe, it } from "@effect/vitest"
import { scopes } from "../src/rules/Rule.ts"
import { all, common } from "../src/rules/tables.ts"

const insufficient = {
  error: { message: "You exceeded your current quota", type: "insufficient_quota", code: "insufficient_quota" }
}

describe("verdicts", () => {
  it("carries what a support desk and a circuit need", () => {
    const verdict = Classifier.fromHttp("openai", {
      status: 429,
      headers: { "X-Request-Id": "req_1", "retry-after": "3" },
      body: insufficient
    })
    assert.strictEqual(verdict.class, "QuotaExceeded")
    assert.strictEqual(verdict.scope, "credential")
    assert.strictEqual(verdict.status, 429)
    assert.strictEqual(verdict.providerCode, "insufficient_quota")
    assert.strictEqual(verdict.requestId, "req_1")
    assert.strictEqual(verdict.detail, "You exceeded your current quota")
  })
  it("becomes the failure of its class, without repeating the defaults", () => {
    const verdict = Classifier.fromHttp("openai", { status: 429, body: insufficient })
    const failure = Classification.toFailure(verdict, { provider: "openai", model: "m", lane: "openai/m" })
    assert.strictEqual(failure._tag, "QuotaExceeded")
    assert.isUndefined(failure.retryable)
  })
  it("a status inside a 200 is not the answer's status", () => {
    const verdict = Classifier.classify({
      provider: "openrouter",
      kind: "response-200",
      status: 200,
      body: { error: { code: 429, message: "slow" } }
    })
    assert.strictEqual(verdict.class, "RateLimit")
    assert.isUndefined(verdict.status)
  })
  it("reads a Headers object, and headers of an error", () => {
    const headers = new Headers({ "Retry-After": "7", "request-id": "req_2" })
    assert.strictEqual(Classifier.fromHttp("anthropic", { status: 429, headers }).requestId, "req_2")
    const thrown = Object.assign(new Error("429 slow"), { status: 429, headers })
    assert.strictEqual(Classifier.fromThrown("anthropic", thrown).requestId, "req_2")
  })
  it("a live error and its plain form get the same verdict", () => {
    const live = new TypeError("fetch failed", {
      cause: Object.assign(new Error("getaddrinfo EAI_AGAIN x"), { code: "EAI_AGAIN" })
    })
    const plain = {
      name: "TypeError",
      message: "fetch failed",
      cause: { name: "Error", message: "getaddrinfo EAI_AGAIN x", code: "EAI_AGAIN" }
    }
    assert.deepStrictEqual(Classifier.fromThrown("gemini", live), Classifier.fromThrown("gemini", plain))
  })
  it("JSON text, decoded JSON and an event stream of it get the same class", () => {
    const text = JSON.stringify(insufficient)
    for (const body of [insufficient, text, ` ${text}`, `event: error\ndata: ${text}\n\n`]) {
      assert.strictEqual(
        Classifier.classify({ provider: "openai", kind: "stream", status: 200, body }).class,
        "QuotaExceeded"
      )
    }
  })
  it("an unknown provider is read by every table", () => {
    const verdict = Classifier.fromHttp("somebody-new", {
      status: 400,
      body: { error: { code: 400, status: "INVALID_ARGUMENT", details: [{ reason: "API_KEY_INVALID" }] } }
    })
    assert.strictEqual(verdict.class, "Authentication")
  })
  it("says which clock ran out", () => {
    const phase = (code: string) =>
      Classifier.timeoutPhase(Classifier.fromThrown("openai", Object.assign(new Error("x"), { code })))
    assert.strictEqual(phase("UND_ERR_CONNECT_TIMEOUT"), "connect")
    assert.strictEqual(phase("UND_ERR_HEADERS_TIMEOUT"), "first-content")
    assert.strictEqual(phase("UND_ERR_BODY_TIMEOUT"), "chunk-gap")
    assert.strictEqual(phase("ETIMEDOUT"), "attempt")
    assert.strictEqual(Classifier.timeoutPhase(Classifier.fromHttp("openai", { status: 504 })), "provider")
  })
  it("a connect timeout is the provider's, a slow model its own", () => {
    assert.strictEqual(
      Classifier.fromThrown("openai", Object.assign(new Error("x"), { code: "UND_ERR_CONNECT_TIMEOUT" })).scope,
      "provider"
    )
    assert.strictEqual(Classifier.fromHttp("openai", { status: 504 }).scope, "model")
  })
})

describe("explain", () => {
  it("tells the rules that were read, in order, the last of them deciding", () => {
    const { source, trail, verdict } = Classifier.explain({
      provider: "anthropic",
      kind: "http",
      status: 400,
      body: {
        type: "error",
        error: { type: "invalid_request_error", message: "Your credit balance is too low to access the Anthropic API." }
      }
    })
    assert.deepStrictEqual(
      trail.map(({ effect, field, rule }) => [field, rule, effect]),
      [
        ["code", "code/invalid-request", "presumes"],
        ["status", "http/bad-request", "weaker"],
        ["message", "wording/credits-gone", "decides"]
      ]
    )
    assert.strictEqual(verdict.rule, "wording/credits-gone")
    assert.include(source, "Anthropic")
  })
  it("a code decides before the status and the text are read", () => {
    const { trail } = Classifier.explain({ provider: "openai", kind: "http", status: 429, body: insufficient })
    assert.deepStrictEqual(
      trail.map(({ effect, rule }) => [rule, effect]),
      [["code/quota", "decides"]]
    )
  })
  it("has the same verdict as classify", () => {
    const evidence: Classifier.Evidence = {
      provider: "gemini",
      kind: "http",
      status: 503,
      body: { error: { code: 503, status: "UNAVAILABLE", message: "The model is overloaded." } }
    }
    assert.deepStrictEqual(Classifier.explain(evidence).verdict, Classifier.classify(evidence))
  })
})

describe("inspect", () => {
  const inspect = (body: unknown, kind: "response-200" | "stream" = "response-200", event?: string) =>
    Classifier.inspect({ provider: "openai", kind, status: 200, body, event })?.class
  const sound: ReadonlyArray<readonly [string, unknown]> = [
    [
      "a completion",
      {
        choices: [
          {
            finish_reason: "stop",
            message: { role: "assistant", content: "Error: rate limit exceeded", refusal: null }
          }
        ]
      }
    ],
    [
      "a completion cut by length with text",
      { choices: [{ finish_reason: "length", message: { content: "once upon" } }] }
    ],
    [
      "a tool call without text",
      { choices: [{ finish_reason: "tool_calls", message: { content: null, tool_calls: [{ id: "c" }] } }] }
    ],
    [
      "a response",
      {
        object: "response",
        status: "completed",
        error: null,
        incomplete_details: null,
        output: [{ type: "message", content: [{ type: "output_text", text: "x" }] }]
      }
    ],
    ["embeddings", { object: "list", data: [{ embedding: [1] }] }],
    [
      "a Gemini answer",
      { candidates: [{ finishReason: "STOP", content: { parts: [{ text: "quota" }] } }], usageMetadata: {} }
    ],
    [
      "a Gemini call",
      { candidates: [{ finishReason: "STOP", content: { parts: [{ functionCall: { name: "f" } }] } }] }
    ],
    ["Gemini embeddings", { embedding: { values: [0.1] } }],
    ["Gemini token counts", { totalTokens: 503, usageMetadata: {} }],
    ["an Anthropic message", { type: "message", content: [{ type: "text", text: "x" }], stop_reason: "end_turn" }],
    ["a Bedrock answer", { output: { message: { content: [{ text: "x" }] } }, stopReason: "end_turn" }]
  ]
  for (const [title, body] of sound) it(`${title} is sound`, () => assert.isUndefined(inspect(body)))
  it("a sound answer that is still text is sound, however long", () => {
    const answer = { choices: [{ finish_reason: "stop", message: { content: "error ".repeat(50_000) } }] }
    assert.isUndefined(inspect(JSON.stringify(answer)))
    assert.strictEqual(inspect(JSON.stringify(answer).slice(0, -5)), "InvalidResponse")
  })
  const chunks: ReadonlyArray<readonly [string, unknown]> = [
    ["a chunk", { choices: [{ delta: { content: "x" }, finish_reason: null }] }],
    ["a last chunk", { choices: [{ delta: {}, finish_reason: "stop" }] }],
    ["a chunk of usage alone", { choices: [], usage: { total_tokens: 429 } }],
    ["a Gemini chunk of usage alone", { usageMetadata: { totalTokenCount: 529 } }],
    ["a Gemini chunk without text at its end", { candidates: [{ finishReason: "STOP", content: { parts: [] } }] }],
    ["a message_start", { type: "message_start", message: { stop_reason: null } }],
    ["a message_delta", { type: "message_delta", delta: { stop_reason: "end_turn" } }],
    ["a text delta", { type: "response.output_text.delta", delta: "x" }],
    ["a response in progress", { type: "response.created", response: { status: "in_progress", error: null } }],
    ["a completed response", { type: "response.completed", response: { status: "completed", error: null, output: [] } }]
  ]
  for (const [title, body] of chunks) it(`${title} is sound`, () => assert.isUndefined(inspect(body, "stream")))
  it("an error, a block, a filter, a refusal, a failed response are not", () => {
    assert.strictEqual(inspect({ error: { code: 429, message: "slow" } }), "RateLimit")
    assert.strictEqual(inspect({ promptFeedback: { blockReason: "OTHER" } }), "ContentPolicy")
    assert.strictEqual(inspect({ candidates: [{ finishReason: "SAFETY" }] }, "stream"), "ContentPolicy")
    assert.strictEqual(
      inspect({ choices: [{ finish_reason: "content_filter", delta: {} }] }, "stream"),
      "ContentPolicy"
    )
    assert.strictEqual(
      inspect({ choices: [{ finish_reason: "stop", message: { content: null, refusal: "no" } }] }),
      "ContentPolicy"
    )
    assert.strictEqual(
      inspect(
        { type: "response.failed", response: { status: "failed", error: { code: "server_is_overloaded" } } },
        "stream"
      ),
      "ModelOverloaded"
    )
    assert.strictEqual(
      inspect({ type: "error", error: { type: "overloaded_error" } }, "stream", "error"),
      "ModelOverloaded"
    )
    assert.strictEqual(inspect({ type: "message_delta", delta: { stop_reason: "refusal" } }, "stream"), "ContentPolicy")
    assert.strictEqual(inspect({ choices: [] }), "InvalidResponse")
    assert.strictEqual(inspect("<html>login</html>"), "InvalidResponse")
    assert.strictEqual(inspect(""), "InvalidResponse")
    assert.strictEqual(inspect(undefined), "InvalidResponse")
  })
})

describe("the tables", () => {
  const tables = [...all, ...common]
  const rules = tables.flatMap((table) => table.rules)
  it("name every rule once, with its table and its source", () => {
    const ids = rules.map((rule) => rule.id)
    assert.strictEqual(new Set(ids).size, ids.length)
    for (const rule of rules) {
      assert.match(rule.id, /^[a-z]+\/[a-z-]+$/)
      assert.isAbove(rule.source.length, 3, rule.id)
    }
  })
  it("anchor every pattern at the start of a sentence", () => {
    const loose = rules.filter((rule) => rule.reads === "message" && !rule.says.source.startsWith("^"))
    assert.deepStrictEqual(loose, [])
  })
  it("know a scope and a default for every class", () => {
    assert.sameMembers(Object.keys(scopes), Object.keys(Classification.defaults))
  })
})
