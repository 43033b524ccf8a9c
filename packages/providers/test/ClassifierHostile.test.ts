import { Classification } from "@holdfast/core"
import * as Classifier from "@holdfast/providers/Classifier"
import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"

/** A small generator with a seed (mulberry32), so that a failure can be repeated. */
const random = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}

const secret = "sk-canary0123456789abcdef"
const providers = [
  "gemini",
  "vertex",
  "openai",
  "azure-openai",
  "anthropic",
  "bedrock",
  "mistral",
  "cohere",
  "groq",
  "deepseek",
  "xai",
  "together",
  "openrouter",
  "ollama",
  "vllm",
  "network",
  "nobody"
]
const kinds = ["http", "response-200", "stream", "sdk", "transport"] as const

const seeds: ReadonlyArray<unknown> = [
  {
    error: {
      message: `Incorrect API key provided: ${secret}`,
      type: "invalid_request_error",
      param: null,
      code: "invalid_api_key"
    }
  },
  [
    {
      error: {
        code: 429,
        message: "Quota exceeded for quota metric 'x' and limit 'y per day'",
        status: "RESOURCE_EXHAUSTED",
        details: [
          { "@type": "google.rpc.RetryInfo", retryDelay: "26s" },
          { violations: [{ quotaId: "PerDay", quotaValue: "0" }] }
        ]
      }
    }
  ],
  {
    type: "error",
    error: { type: "overloaded_error", message: "Overloaded", details: { error_code: "x" } },
    request_id: "req_1"
  },
  {
    error: {
      message: '{"error":{"message":"{\\"error\\":{\\"code\\":503}}"}}',
      code: 502,
      metadata: { raw: '{"error":"x"}', headers: { "X-RateLimit-Reset": "1" } }
    }
  },
  {
    choices: [
      { index: 0, finish_reason: "content_filter", message: { content: "", refusal: null }, error: { code: 1 } }
    ],
    object: "chat.completion"
  },
  {
    candidates: [{ finishReason: "SAFETY", content: { parts: [{ text: "x" }] } }],
    promptFeedback: { blockReason: "OTHER" },
    usageMetadata: {}
  },
  { detail: [{ type: "extra_forbidden", loc: ["body", "x"], msg: "Extra inputs", input: 429 }] },
  {
    type: "response.failed",
    response: { status: "failed", error: { code: "server_error", message: "x" }, output: [] }
  },
  { code: "Some resource has been exhausted", error: "Your team has used all credits" },
  "error code: 1015",
  "<html><title>502</title></html>",
  ': keep-alive\n\ndata: {"error":{}}\n\n'
]
const strings = [
  "",
  "\ud800",
  "\udfff lone",
  "a".repeat(5000),
  "'".repeat(300),
  "{".repeat(400),
  "[".repeat(3000),
  "the ".repeat(600),
  "\u0000",
  "429",
  "__proto__",
  "constructor",
  secret,
  '{"a":',
  "NaN",
  "retry in 99999999999999999999s",
  "9".repeat(400)
]
const scalars: ReadonlyArray<unknown> = [
  null,
  undefined,
  true,
  0,
  -1,
  429,
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  10n,
  Symbol("s"),
  () => 1,
  new Map(),
  new Uint8Array(3)
]

/** Changes one thing somewhere in a value: drops, retypes, repeats, nests. */
const mutate = (value: unknown, pick: (below: number) => number, depth: number): unknown => {
  if (depth > 6 || pick(6) === 0) {
    const choice = pick(4)
    if (choice === 0) return strings[pick(strings.length)]
    if (choice === 1) return scalars[pick(scalars.length)]
    if (choice === 2) return { error: value, message: value, cause: value, details: [value, value] }
    return [value, [value]]
  }
  if (typeof value === "string")
    return pick(2) === 0 ? value.slice(0, pick(value.length + 1)) : `${strings[pick(strings.length)]}${value}`
  if (Array.isArray(value))
    return value.map((element: unknown) => (pick(3) === 0 ? mutate(element, pick, depth + 1) : element))
  if (typeof value === "object" && value !== null) {
    const keys = Object.keys(value)
    const key = keys[pick(Math.max(1, keys.length))] ?? "error"
    const entries = Object.entries(value)
    if (pick(5) === 0) return Object.fromEntries(entries.filter(([name]) => name !== key))
    return { ...value, [key]: mutate(Reflect.get(value, key), pick, depth + 1) }
  }
  return scalars[pick(scalars.length)]
}

const text = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? ""
  } catch {
    return "{"
  }
}

const throwing = new Proxy(
  {},
  {
    get: () => {
      throw new Error("no")
    },
    has: () => {
      throw new Error("no")
    },
    ownKeys: () => {
      throw new Error("no")
    }
  }
)
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const cyclic = () => {
  const error: Error & { error?: unknown; response?: unknown; errors?: unknown } = new Error("x")
  error.cause = error
  error.error = error
  error.errors = [error]
  error.response = { data: error, headers: error }
  return error
}
const getters = {
  name: "Error",
  get message(): string {
    throw new Error("no")
  },
  get cause(): unknown {
    throw new Error("no")
  },
  get status(): number {
    throw new Error("no")
  }
}
const hostileHeaders: ReadonlyArray<unknown> = [
  undefined,
  { "retry-after": "\ud800", "x-ratelimit-reset-tokens": "9".repeat(2000), "x-ratelimit-remaining-tokens": "0" },
  { "retry-after": ["1", "2"], "Retry-After-Ms": 7, authorization: secret, "x-request-id": secret },
  Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`x-${index}`, "y"])),
  new Headers({ "retry-after": "-1" }),
  throwing,
  42
]

const assertTotal = (evidence: Classifier.Evidence): void => {
  const verdict = Classifier.classify(evidence)
  assert.property(Classification.defaults, verdict.class)
  assert.isBoolean(verdict.retryable)
  assert.isBoolean(verdict.failover)
  if (verdict.retryAfter !== undefined) {
    const wait = Duration.toMillis(verdict.retryAfter)
    assert.isTrue(Number.isSafeInteger(wait) && wait >= 0)
  }
  const kept = [verdict.detail, verdict.providerCode, verdict.requestId]
  for (const one of kept) {
    if (one === undefined) continue
    assert.isTrue(one.length <= 300 && one.isWellFormed())
    assert.isFalse(one.includes("canary0123456789"), one)
  }
}

describe("hostile payloads", () => {
  it("100,000 mutated payloads get a verdict, never a throw and never a key", { timeout: 120_000 }, () => {
    const pick = random(20_261_021)
    for (let run = 0; run < 100_000; run++) {
      let body = seeds[pick(seeds.length)]
      for (let changes = pick(4); changes >= 0; changes--) body = mutate(body, pick, 0)
      const asText = pick(4) === 0
      const kind = kinds[pick(kinds.length)] ?? "http"
      const isThrown = kind === "sdk" || kind === "transport"
      assertTotal({
        provider: providers[pick(providers.length)] ?? "openai",
        kind,
        status:
          pick(5) === 0 ? undefined : [200, 400, 401, 403, 404, 413, 429, 500, 503, 529, 777, -1, Number.NaN][pick(13)],
        headers: hostileHeaders[pick(hostileHeaders.length)],
        body: isThrown ? undefined : asText ? text(body).slice(0, pick(3) === 0 ? pick(400) : undefined) : body,
        error: isThrown ? body : undefined,
        event: pick(3) === 0 ? strings[pick(strings.length)] : undefined,
        now: pick(2) === 0 ? 1_792_567_650_000 : Number.NaN
      })
    }
  })

  it("proxies, getters, cycles and deep nesting get a verdict", () => {
    let deep: unknown = "end"
    for (let level = 0; level < 20_000; level++) deep = { error: { message: "x", error: deep } }
    let causes: unknown = "end"
    for (let level = 0; level < 20_000; level++) causes = { name: "Error", message: "x", cause: causes }
    for (const value of [throwing, revoked(), cyclic(), getters, deep, causes, Object.create(null)]) {
      for (const kind of kinds) {
        assertTotal({ provider: "openai", kind, status: 500, body: value, error: value, headers: value })
        assert.doesNotThrow(() => Classifier.inspect({ provider: "openai", kind, body: value, error: value }))
        assert.doesNotThrow(() => Classifier.explain({ provider: "openai", kind, body: value, error: value }))
      }
    }
  })

  it("a cause that repeats does not hide what failed", () => {
    const error = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
    error.cause = error
    assert.strictEqual(Classifier.fromThrown("openai", error).class, "Network")
  })
})

describe("size", () => {
  const megabytes = 10 * 1024 * 1024
  const bodies: ReadonlyArray<readonly [string, string]> = [
    ["text", "x".repeat(megabytes)],
    ["quotes", '"'.repeat(megabytes)],
    ["brackets", "[".repeat(megabytes)],
    ["braces", '{"error":'.repeat(megabytes / 9)],
    ["blanks", " ".repeat(megabytes)],
    ["lines", "data: {}\n".repeat(megabytes / 9)],
    ["a page", `<html>${"<p>rate limit</p>".repeat(megabytes / 17)}`],
    ["words", "the model is not ".repeat(megabytes / 17)]
  ]
  for (const [title, body] of bodies) {
    it(`10 MB of ${title} get a verdict from what is read of them`, () => {
      assertTotal({ provider: "openai", kind: "http", status: 500, body })
      assertTotal({ provider: "openai", kind: "stream", status: 200, body })
      assertTotal({ provider: "openai", kind: "http", status: 400, body: { error: { message: body, code: body } } })
      assertTotal({ provider: "openai", kind: "transport", error: new Error(body) })
    })
  }

  /** Reads of properties are counted by a proxy, so this does not depend on a clock. */
  it("the work on a body of 100,000 elements is that on one of 1,000", () => {
    const reads = (length: number): number => {
      let count = 0
      const counted = <A extends object>(value: A): A =>
        new Proxy(value, {
          get: (target, key) => {
            count++
            const found: unknown = Reflect.get(target, key)
            return typeof found === "object" && found !== null ? counted(found) : found
          }
        })
      const many = Array.from({ length }, (_, index) => ({
        reason: `r${index}`,
        message: "m",
        error: { message: "x" }
      }))
      Classifier.classify({
        provider: "gemini",
        kind: "http",
        status: 429,
        body: counted({ error: { message: "m", details: many, errors: many }, choices: many })
      })
      return count
    }
    const small = reads(1000)
    assert.isAbove(small, 10)
    assert.strictEqual(reads(100_000), small)
  })
})
