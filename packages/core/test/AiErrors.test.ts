import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Duration, Effect, Schema } from "effect"
import { AiError } from "effect/ai"
import { AiErrors, Failure, Refusal } from "@holdfast/core"
import { everything, failures, refusals } from "./Failures.ts"

const Json = Schema.fromJsonString(Schema.toCodecJson(AiError.AiError))
const throughJson = (error: AiError.AiError) => Schema.decodeUnknownSync(Json)(Schema.encodeSync(Json)(error))

const Ours = Schema.fromJsonString(Schema.toCodecJson(Schema.Union([Failure.Failure, Refusal.Refusal])))
const encoded = Schema.encodeSync(Ours)

/** An error as it may travel: what was thrown and what the provider said stay at home. */
const travelling = (error: Failure.Failure | Refusal.Refusal): Failure.Failure | Refusal.Refusal => {
  if (Failure.isFailure(error)) return Failure.withoutCause(error)
  if (error._tag !== "AllLanesFailed") return error
  const trail = error.trail.map((entry) => ({
    ...entry,
    error: Failure.isFailure(entry.error) ? Failure.withoutCause(entry.error) : entry.error
  }))
  const { blames, reopensAt, retryAfter, route } = error
  return new Refusal.AllLanesFailed({ route, trail, retryAfter, reopensAt, blames })
}

const ours = [...failures, ...refusals].map((error) => ({ name: error._tag, error }))

describe("one of our errors as an AiError", () => {
  it.each(ours)("$name comes back as the very same object in this process", ({ error }) => {
    assert.strictEqual(AiErrors.toTyped(AiErrors.fromTyped(error, "generateText")), error)
  })

  it.each(ours)("$name comes back from JSON with its class and fields", ({ error }) => {
    const back = AiErrors.toTyped(throughJson(AiErrors.fromTyped(error, "generateText")))
    assert.strictEqual(back.constructor, error.constructor)
    assert.strictEqual(encoded(back), encoded(travelling(error)))
  })

  it.each(ours)("$name takes no prompt, provider sentence or key with it", ({ error }) => {
    const ai = AiErrors.fromTyped(error, "generateText")
    const json = Schema.encodeSync(Json)(ai)
    for (const text of [json, ai.message, String(ai)]) {
      assert.notInclude(text, "sk-live")
      assert.notInclude(text, "kelp")
    }
  })

  it("speaks effect/ai's language to code that only knows that", () => {
    const reason = (error: Failure.Failure | Refusal.Refusal) => AiErrors.fromTyped(error, "m").reason._tag
    const of = (class_: Failure.Class) => reason(Failure.make(class_, everything))
    assert.strictEqual(of("RateLimit"), "RateLimitError")
    assert.strictEqual(of("QuotaExceeded"), "QuotaExhaustedError")
    assert.strictEqual(of("Authentication"), "AuthenticationError")
    assert.strictEqual(of("PermissionDenied"), "AuthenticationError")
    assert.strictEqual(of("ContentPolicy"), "ContentPolicyError")
    assert.strictEqual(of("ContextLengthExceeded"), "InvalidRequestError")
    assert.strictEqual(of("ServiceUnavailable"), "InternalProviderError")
    assert.strictEqual(of("StreamTruncated"), "InvalidResponseError")
    assert.strictEqual(reason(refusals[0]!), "InternalProviderError")
    const limited = AiErrors.fromTyped(Failure.make("RateLimit", everything), "m").reason
    assert.strictEqual(limited._tag === "RateLimitError" && Duration.toMillis(limited.retryAfter ?? 0), 90_000)
  })
})

describe("an AiError of somebody else", () => {
  const http = (status: number) => ({
    request: { method: "POST" as const, url: "http://x", urlParams: [], hash: undefined, headers: {} },
    response: { status, headers: {} }
  })
  const cases: ReadonlyArray<readonly [string, AiError.AiErrorReason, Failure.Class]> = [
    ["a rate limit", new AiError.RateLimitError({ retryAfter: Duration.seconds(3) }), "RateLimit"],
    ["a spent quota", new AiError.QuotaExhaustedError({}), "QuotaExceeded"],
    ["a wrong key", new AiError.AuthenticationError({ kind: "InvalidKey" }), "Authentication"],
    ["a forbidden call", new AiError.AuthenticationError({ kind: "InsufficientPermissions" }), "PermissionDenied"],
    ["a filtered prompt", new AiError.ContentPolicyError({ description: "no" }), "ContentPolicy"],
    ["a bad request", new AiError.InvalidRequestError({}), "InvalidRequest"],
    ["an unsupported schema", new AiError.UnsupportedSchemaError({ description: "no" }), "InvalidRequest"],
    ["a fault of the provider", new AiError.InternalProviderError({ description: "no" }), "ServiceUnavailable"],
    [
      "an overloaded model",
      new AiError.InternalProviderError({ description: "no", http: http(529) }),
      "ModelOverloaded"
    ],
    ["an unreadable answer", new AiError.InvalidOutputError({ description: "no" }), "InvalidResponse"],
    ["a broken answer", new AiError.InvalidResponseError({ description: "no" }), "InvalidResponse"],
    ["an unpaid bill", new AiError.UnknownError({ http: http(402) }), "QuotaExceeded"],
    ["an unknown model", new AiError.UnknownError({ http: http(404) }), "ModelNotFound"],
    ["a gateway's timeout", new AiError.UnknownError({ http: http(504) }), "Timeout"],
    ["an unprocessable request", new AiError.UnknownError({ http: http(422) }), "InvalidRequest"],
    ["a body that is too large", new AiError.UnknownError({ http: http(413) }), "ContextLengthExceeded"],
    ["nothing to go by", new AiError.UnknownError({}), "Unknown"]
  ]
  it.each(cases)("that means %s becomes the failure of that class", (_, reason, class_) => {
    const foreign = AiError.make({ module: "SomeProvider", method: "generateText", reason })
    const typed = AiErrors.toTyped(foreign)
    assert.strictEqual(typed._tag, class_)
    assert.isTrue(Failure.isFailure(typed))
    assert.strictEqual((typed as Failure.Failure).cause, foreign)
  })

  it("keeps the wait that it names", () => {
    const reason = new AiError.RateLimitError({ retryAfter: Duration.seconds(3) })
    const typed = AiErrors.toTyped(AiError.make({ module: "SomeProvider", method: "m", reason }))
    assert.strictEqual(typed._tag === "RateLimit" && Duration.toMillis(typed.retryAfter ?? 0), 3000)
  })

  it("with metadata under our name that is not ours is classified like any other", () => {
    const reason = new AiError.ContentPolicyError({ description: "no", metadata: { holdfast: { _tag: "Nonsense" } } })
    assert.strictEqual(AiErrors.toTyped(AiError.make({ module: "X", method: "m", reason }))._tag, "ContentPolicy")
  })
})

describe("typed", () => {
  class Other extends Schema.TaggedError<Other>()("Other", {}) {}

  it.effect("puts our union in place of AiError, so that catchTags narrows it", () =>
    Effect.gen(function* () {
      const failing: Effect.Effect<string, AiError.AiError | Other> = Effect.fail(
        AiErrors.fromTyped(Failure.make("ContentPolicy", everything), "generateText")
      )
      const handled = failing.pipe(
        AiErrors.typed,
        Effect.catchTags({
          ContentPolicy: (failure) => Effect.succeed(`explained ${failure.rule}`),
          AllLanesFailed: (refusal) => Effect.succeed(`come back in ${String(refusal.retryAfter)}`),
          Other: () => Effect.succeed("something else")
        })
      )
      type Left = Exclude<Failure.Failure | Refusal.Refusal, { readonly _tag: "ContentPolicy" | "AllLanesFailed" }>
      expectTypeOf<Effect.Error<typeof handled>>().toEqualTypeOf<Left>()
      assert.strictEqual(yield* handled, "explained acme/teapot")
    })
  )

  it.effect("leaves other errors as they are", () =>
    Effect.gen(function* () {
      const other = new Other()
      const failing: Effect.Effect<string, AiError.AiError | Other> = Effect.fail(other)
      assert.strictEqual(yield* Effect.flip(AiErrors.typed(failing)), other)
    })
  )
})
