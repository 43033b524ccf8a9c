import * as RetryHint from "@holdfast/providers/RetryHint"
import * as Classifier from "@holdfast/providers/Classifier"
import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"

const now = 1_792_567_650_000 // 2026-10-21T07:27:30Z
const headers = (record: { readonly [name: string]: string }) => new Map(Object.entries(record))
const fromHeaders = (record: { readonly [name: string]: string }, at: number | undefined = now) =>
  RetryHint.millis({ headers: headers(record), now: at })
const fromBody = (body: unknown, provider = "gemini") => {
  const { retryAfter } = Classifier.classify({ provider, kind: "http", status: 429, body, now })
  return retryAfter === undefined ? undefined : Duration.toMillis(retryAfter)
}

describe("retry-after", () => {
  const rows: ReadonlyArray<readonly [string, number | undefined]> = [
    ["19", 19_000],
    ["0", 0],
    ["1.5", 1500],
    ["0.0001", 1],
    ["86400", 86_400_000],
    ["Wed, 21 Oct 2026 07:28:00 GMT", 30_000],
    ["Wednesday, 21-Oct-26 07:28:00 GMT", 30_000],
    // What is past needs no wait.
    ["Wed, 21 Oct 2026 07:27:00 GMT", 0],
    ["-5", undefined],
    ["soon", undefined],
    ["", undefined],
    ["NaN", undefined],
    ["Infinity", undefined],
    ["1e9", undefined],
    ["99999999999999999999", undefined],
    ["12 seconds", undefined],
    ["Wed, 99 Oct 2026 07:28:00 GMT", undefined],
    ["2026", 2_026_000]
  ]
  for (const [value, expected] of rows) {
    it(`"${value}"`, () => assert.strictEqual(fromHeaders({ "retry-after": value }), expected))
  }
  it("a date without a now is ignored", () => {
    assert.isUndefined(RetryHint.millis({ headers: headers({ "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT" }) }))
  })
  it("milliseconds come before seconds", () => {
    assert.strictEqual(fromHeaders({ "retry-after": "19", "retry-after-ms": "18642" }), 18_642)
  })
  it("malformed milliseconds leave the seconds", () => {
    assert.strictEqual(fromHeaders({ "retry-after": "19", "retry-after-ms": "soon" }), 19_000)
  })
})

describe("reset headers", () => {
  it("only what is exhausted counts, the longest of it", () => {
    assert.strictEqual(
      fromHeaders({
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m26.4s",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "6ms"
      }),
      86_400
    )
    assert.strictEqual(
      fromHeaders({ "x-ratelimit-remaining-requests": "12", "x-ratelimit-reset-requests": "4h43m36.314s" }),
      undefined
    )
  })
  const rows: ReadonlyArray<readonly [string, number | undefined]> = [
    ["6ms", 6],
    ["1.2s", 1200],
    ["7m12s", 432_000],
    ["4h43m36.314s", 17_016_314],
    ["1d2h", 93_600_000],
    ["12", 12_000],
    ["2026-10-21T07:28:00Z", 30_000],
    ["1792567680", 30_000],
    ["1792567680000", 30_000],
    ["later", undefined],
    ["1x", undefined],
    ["-1s", undefined]
  ]
  for (const [value, expected] of rows) {
    it(`"${value}"`, () => {
      assert.strictEqual(
        fromHeaders({ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": value }),
        expected
      )
    })
  }
  it("Anthropic's instants are counted from now", () => {
    const limits = {
      "anthropic-ratelimit-tokens-remaining": "0",
      "anthropic-ratelimit-tokens-reset": "2026-10-21T07:28:15Z"
    }
    assert.strictEqual(fromHeaders(limits), 45_000)
    assert.isUndefined(RetryHint.millis({ headers: headers(limits) }))
  })
  it("a header is preferred to them", () => {
    assert.strictEqual(
      fromHeaders({
        "retry-after": "2",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "2m59.56s"
      }),
      2000
    )
  })
})

describe("structured bodies", () => {
  const retryInfo = (retryDelay: unknown) => ({
    error: {
      code: 429,
      status: "RESOURCE_EXHAUSTED",
      message: "Please retry in 99s.",
      details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay }]
    }
  })
  const rows: ReadonlyArray<readonly [string, unknown, number]> = [
    ["seconds", "26s", 26_000],
    ["fractions", "34.4s", 34_400],
    ["nanoseconds round up", "0.539477544s", 540],
    ["a message", { seconds: 3, nanos: 500_000_000 }, 3500],
    ["a message of texts", { seconds: "3" }, 3000],
    ["a malformed one leaves the wording", "soon", 99_000]
  ]
  for (const [title, delay, expected] of rows)
    it(`retryDelay: ${title}`, () => assert.strictEqual(fromBody(retryInfo(delay)), expected))
  it("at any depth, in JSON text inside a message, inside an array", () => {
    const text = JSON.stringify([{ error: { message: JSON.stringify(retryInfo("7s")), code: 429 } }])
    assert.strictEqual(fromBody(text), 7000)
  })
  it("Cloudflare's seconds", () => {
    assert.strictEqual(
      fromBody({ title: "Error 522", status: 522, retryable: true, retry_after: 120 }, "anthropic"),
      120_000
    )
  })
  it("a header goes before the body", () => {
    const verdict = Classifier.classify({
      provider: "gemini",
      kind: "http",
      status: 429,
      headers: { "Retry-After": "1" },
      body: retryInfo("26s")
    })
    assert.strictEqual(verdict.retryAfter && Duration.toMillis(verdict.retryAfter), 1000)
  })
  it("OpenRouter's passed-on reset, in epoch milliseconds", () => {
    const body = {
      error: {
        code: 429,
        message: "Rate limit exceeded",
        metadata: { headers: { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": String(now + 12_345) } }
      }
    }
    assert.strictEqual(fromBody(body, "openrouter"), 12_345)
  })
})

describe("wording", () => {
  const rows: ReadonlyArray<readonly [string, number | undefined]> = [
    ["Please try again in 6ms.", 6],
    ["Please try again in 9.816s. Visit https://x", 9816],
    ["Please try again in 1.984999999s.", 1985],
    ["Please try again in 7m12s.", 432_000],
    ["Please try again in 9m38.016s. Need more", 578_016],
    ["Please retry in 36.429760048s.", 36_430],
    ["Please retry in 900.2ms", 901],
    ["Please retry after 20 seconds.", 20_000],
    ["Please retry after 86400 seconds. Please go here", 86_400_000],
    ["Rate limit is exceeded. Try again in 26 seconds.", 26_000],
    ["Your quota will reset after 19h14m47s.", 69_287_000],
    ["Quota will be replenished in 07:01:20.", 25_280_000],
    ["Quota will be replenished in 20.09:58:55.", 1_763_935_000],
    ["You will regain access on 2026-10-22 at 00:00 UTC.", 59_550_000],
    ["Retry after 1 minute and 30 seconds", 90_000],
    ["Please wait 5 minutes before trying again", 300_000],
    ["The limit resets in 2 hours.", 7_200_000],
    // No wait is named here.
    ["Limit: 10000 / min. Requested 5.", undefined],
    ["limited to 40 API calls / minute", undefined],
    ["it can take up to 15 minutes for access to propagate", undefined],
    ["If you created the deployment within the last 5 minutes, please wait a moment and try again.", undefined],
    ["Deadline exceeded after 60.001s", undefined],
    ["wait a few minutes and retry", undefined],
    ['the tool said "try again in 20s"', undefined],
    ["Signature expired: 20260101T000000Z is now earlier than 20260101T000429Z (20260101T000929Z - 5 min.)", undefined],
    ["available since 2026-10-22", undefined]
  ]
  for (const [message, expected] of rows) {
    it(`"${message}"`, () => assert.strictEqual(RetryHint.fromMessage(message, now), expected))
  }
})
