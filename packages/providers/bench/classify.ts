/**
 * Median cost of one classification of a 1 KB body, beside `JSON.parse` of the same body, which any client pays anyway.
 * Run it with `node packages/providers/bench/classify.ts`.
 */
import * as Classifier from "../src/Classifier.ts"

const padded = (body: object): string => {
  const text = JSON.stringify(body)
  return JSON.stringify({ ...body, padding: "x".repeat(Math.max(0, 1024 - text.length - 13)) })
}

const bodies: ReadonlyArray<readonly [string, string, number, object]> = [
  [
    "openai tokens per minute",
    "openai",
    429,
    {
      error: {
        message:
          "Rate limit reached for gpt-4 in organization org-x on tokens per min (TPM): Limit 10000, Used 8554, Requested 3082. Please try again in 9.816s. Visit https://platform.openai.com/account/rate-limits to learn more.",
        type: "tokens",
        param: null,
        code: "rate_limit_exceeded"
      }
    }
  ],
  [
    "openai insufficient quota",
    "openai",
    429,
    { error: { message: "You exceeded your current quota", type: "insufficient_quota", code: "insufficient_quota" } }
  ],
  [
    "anthropic credit by wording",
    "anthropic",
    400,
    {
      type: "error",
      error: {
        type: "invalid_request_error",
        message:
          "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."
      }
    }
  ],
  [
    "anthropic unknown wording",
    "anthropic",
    400,
    {
      type: "error",
      error: {
        type: "invalid_request_error",
        message:
          "messages: final assistant content cannot end with trailing whitespace, and this sentence goes on for a while so that every rule has something to look at"
      }
    }
  ],
  [
    "gemini quota with details",
    "gemini",
    429,
    {
      error: {
        code: 429,
        message:
          "You exceeded your current quota, please check your plan and billing details.\n* Quota exceeded for metric: m, limit: 20, model: x\nPlease retry in 36.4s.",
        status: "RESOURCE_EXHAUSTED",
        details: [
          {
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            violations: [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier", quotaValue: "20" }]
          },
          { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "36s" }
        ]
      }
    }
  ],
  ["bedrock throttle", "bedrock", 429, { message: "Too many tokens, please wait before trying again." }],
  [
    "openrouter nested",
    "openrouter",
    400,
    {
      error: {
        message: "Provider returned error",
        code: 400,
        metadata: {
          raw: '{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 208656 tokens > 200000 maximum"}}'
        }
      }
    }
  ]
]

const median = (run: () => unknown): number => {
  const batch = 200
  const rounds = 200
  for (let i = 0; i < 20_000; i++) run()
  const micros: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint()
    for (let i = 0; i < batch; i++) run()
    micros.push(Number(process.hrtime.bigint() - start) / 1000 / batch)
  }
  return micros.toSorted((a, b) => a - b)[rounds / 2] ?? Number.NaN
}

const lines: Array<string> = ["case                          parsed body   text body   JSON.parse   ratio"]
const parsedCosts: Array<number> = []
const textCosts: Array<number> = []
for (const [name, provider, status, body] of bodies) {
  const text = padded(body)
  const parsed: unknown = JSON.parse(text)
  const headers = { "content-type": "application/json", "x-request-id": "req_1" }
  const parsedCost = median(() => Classifier.classify({ provider, kind: "http", status, headers, body: parsed }))
  const textCost = median(() => Classifier.classify({ provider, kind: "http", status, headers, body: text }))
  const parseCost = median(() => JSON.parse(text))
  parsedCosts.push(parsedCost)
  textCosts.push(textCost)
  lines.push(
    `${name.padEnd(28)} ${parsedCost.toFixed(2).padStart(9)} µs ${textCost.toFixed(2).padStart(9)} µs ${parseCost.toFixed(2).padStart(9)} µs ${(parsedCost / parseCost).toFixed(1).padStart(7)}`
  )
}
const middle = (costs: ReadonlyArray<number>): string =>
  (costs.toSorted((a, b) => a - b)[costs.length >> 1] ?? 0).toFixed(2)
const chunk = { choices: [{ index: 0, delta: { content: "hello" }, finish_reason: null }] }
const sound = median(() => Classifier.inspect({ provider: "openai", kind: "stream", status: 200, body: chunk }))
lines.push(
  `median ${middle(parsedCosts)} µs parsed, ${middle(textCosts)} µs as text; a sound stream chunk ${sound.toFixed(2)} µs`
)
process.stdout.write(`${lines.join("\n")}\n`)
