import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { AiError } from "effect/ai"
import { AiErrors, Failure } from "@holdfast/core"
import { ForeignErrors } from "@holdfast/providers"

const error = (reason: AiError.AiErrorReason) =>
  AiError.make({ module: "OpenAiClient", method: "createResponse", reason })
const read = (reason: AiError.AiErrorReason) =>
  ForeignErrors.toTyped(error(reason), { provider: "openai", model: "gpt" })
const http = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
  response: { status, headers },
  body: JSON.stringify(body)
})

describe("an AiError made elsewhere", () => {
  it("is read from the answer it carries, which says more than its reason", () => {
    const quota = read(
      new AiError.RateLimitError({
        http: http(429, { error: { message: "You exceeded your current quota", code: "insufficient_quota" } })
      })
    )
    assert.strictEqual(quota._tag, "QuotaExceeded")
    const context = read(
      new AiError.InvalidRequestError({
        http: http(400, { error: { message: "too long", code: "context_length_exceeded" } })
      })
    )
    assert.strictEqual(context._tag, "ContextLengthExceeded")
    const limited = read(
      new AiError.RateLimitError({
        http: http(429, { error: { code: "rate_limit_exceeded", message: "Rate limit" } }, { "retry-after": "7" })
      })
    )
    if (!Failure.isFailure(limited)) return assert.fail("not a failure")
    assert.strictEqual(Duration.toSeconds(limited.retryAfter ?? Duration.zero), 7)
    assert.strictEqual(limited.lane, "openai/gpt")
    assert.strictEqual(limited.status, 429)
  })

  it("is read from its reason where it carries no answer", () => {
    assert.strictEqual(read(new AiError.RateLimitError({}))._tag, "RateLimit")
    assert.strictEqual(read(new AiError.ContentPolicyError({ description: "stopped" }))._tag, "ContentPolicy")
    assert.strictEqual(read(new AiError.AuthenticationError({ kind: "InvalidKey" }))._tag, "Authentication")
  })

  it("is read from its words where the reason says nothing", () => {
    const overloaded = new AiError.InternalProviderError({ description: "The model is currently overloaded" })
    assert.strictEqual(read(overloaded)._tag, "ModelOverloaded")
    assert.strictEqual(read(new AiError.UnknownError({ description: "hm" }))._tag, "Unknown")
  })

  it("is read from the cause of a network error", () => {
    const cause = Object.assign(new TypeError("fetch failed"), {
      cause: Object.assign(new Error("connect ETIMEDOUT"), { code: "ETIMEDOUT" })
    })
    const reason = new AiError.NetworkError({ reason: "TransportError", method: "POST", url: "http://x", cause })
    assert.strictEqual(read(reason)._tag, "Timeout")
  })

  it("is ours when it was ours, whatever its reason says", () => {
    for (const class_ of Failure.Class.literals) {
      const failure = Failure.make(class_, {
        provider: "gemini",
        model: "flash",
        lane: "gemini/flash",
        scope: "request",
        rule: "test"
      })
      assert.strictEqual(ForeignErrors.toTyped(AiErrors.fromTyped(failure, "generateText")), failure)
    }
  })

  it.effect("narrows in the error channel like our own", () =>
    Effect.gen(function* () {
      const answer = yield* Effect.fail(
        error(new AiError.RateLimitError({ http: http(429, { error: { code: "insufficient_quota" } }) }))
      ).pipe(
        ForeignErrors.typed({ provider: "openai" }),
        Effect.catchTag("QuotaExceeded", () => Effect.succeed("no money"))
      )
      assert.strictEqual(answer, "no money")
    })
  )
})
