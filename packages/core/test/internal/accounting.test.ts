import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Operation, Policy } from "@holdfast/core"
import { alone, chat, exact, request } from "../Chat.ts"
import { recorder } from "../Recorder.ts"
import { storyteller, whole } from "../Storyteller.ts"
import { after, breaking, failing, finish, hanging, playing, replying, scripted, text, type Step } from "../Scripted.ts"

/** What the lanes of these tests say of a request: 100 tokens in, and a dollar a token, half of that from the cache. */
const priced = {
  estimateTokens: () => 100 + (limited.sampling.maxOutputTokens ?? 0),
  cost: ({ cacheReadTokens = 0, inputTokens = 0, outputTokens = 0 }: Operation.Usage) =>
    inputTokens - cacheReadTokens / 2 + outputTokens
}
const limited = { ...request, sampling: { maxOutputTokens: 20 } }

const cachedReply: Step = (target) => ({
  ...replying("hello")(target),
  generate: Effect.succeed([
    { type: "text", text: "hello" },
    {
      ...finish,
      usage: {
        inputTokens: { uncached: 4, total: 10, cacheRead: 6, cacheWrite: 0 },
        outputTokens: { total: 2, text: 2, reasoning: 0 }
      }
    }
  ])
})

const over = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(self)
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.await(fiber)
  })

const calm = exact.pipe(Policy.breaker({ consecutiveFailures: 1000, rate: 0 }))

describe("what an operation's end says of its attempts", () => {
  it.effect("is what they used together, what it cost, and how long it waited", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted(
        "a/x",
        [failing("ServiceUnavailable", { status: 503, rule: "b/c" }), cachedReply],
        priced
      )
      const { generate } = yield* chat([a], calm)
      yield* over(Effect.provideService(generate(limited), Operation.Tenant, "team-a"))
      const attempts = yield* events.of("AttemptEnded")
      assert.deepStrictEqual(
        attempts.map(({ estimated, inputTokens, outputTokens, tenant, usd }) => [
          inputTokens,
          outputTokens,
          usd,
          estimated,
          tenant
        ]),
        [
          [0, 0, 0, undefined, "team-a"],
          [10, 2, 9, undefined, "team-a"]
        ]
      )
      const [end] = yield* events.of("OperationEnded")
      const waited = attempts[1]?.waitedMillis ?? 0
      assert.isAbove(waited, 0)
      assert.deepInclude(end, {
        tenant: "team-a",
        inputTokens: 10,
        outputTokens: 2,
        cachedTokens: 6,
        usd: 9,
        waitedMillis: waited,
        rule: undefined
      })
      assert.notProperty(end, "estimated")
    }).pipe(alone)
  )

  it.effect("is estimated, and says so, where an attempt could not say what it used", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [hanging], priced)
      const { generate } = yield* chat([a], calm.pipe(Policy.retry({ maxRetries: 0 })))
      yield* over(generate(limited))
      const [end] = yield* events.of("OperationEnded")
      assert.deepInclude(end, {
        result: "Timeout",
        rule: "clock/attempt",
        inputTokens: 100,
        outputTokens: 20,
        usd: 120,
        estimated: true
      })
    }).pipe(alone)
  )

  it.effect("says nothing of tokens where nobody can estimate them", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [failing("Network")])
      const { generate } = yield* chat([a], calm.pipe(Policy.retry({ maxRetries: 0 })))
      yield* over(generate(limited))
      const [attempt] = yield* events.of("AttemptEnded")
      assert.deepInclude(attempt, { inputTokens: undefined, outputTokens: undefined, usd: undefined })
      assert.notProperty(attempt, "estimated")
    }).pipe(alone)
  )

  it.effect("says that a stream broke off behind its first content", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [after("300 millis", playing(text("a"), breaking("StreamTruncated")))], priced)
      const { stream } = yield* chat([a], calm)
      yield* over(Stream.runDrain(stream(limited)))
      assert.deepInclude((yield* events.of("AttemptEnded"))[0], { truncated: true, firstContentMillis: 300 })
      assert.deepInclude((yield* events.of("OperationEnded"))[0], { truncated: true, firstContentMillis: 300 })
    }).pipe(alone)
  )

  it.effect("says that another attempt went on, and which one it was", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const kelp = "A holdfast is the part of a kelp that grips the rock beneath it."
      const a = storyteller("a/x", kelp, [{ ...whole, upTo: 5, ending: "StreamTruncated" }])
      const b = storyteller("b/y", kelp, [whole], { capabilities: { prefill: true } })
      const { stream } = yield* chat([a, b], calm.pipe(Policy.stream({ onFailure: "continue" })))
      yield* over(Stream.runDrain(stream(limited)))
      assert.deepStrictEqual(
        (yield* events.of("AttemptEnded")).map(({ continued, lane }) => [lane, continued]),
        [
          ["a/x", undefined],
          ["b/y", true]
        ]
      )
      const [end] = yield* events.of("OperationEnded")
      assert.deepInclude(end, { continued: true, result: "Success" })
      assert.notProperty(end, "truncated")
    }).pipe(alone)
  )

  it.effect("counts the wait for a slot", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [after("3 seconds", replying("a"))], priced)
      const { generate } = yield* chat([a], calm.pipe(Policy.bulkhead({ maxConcurrent: 1 })))
      yield* over(Effect.all([generate(limited), generate(limited)], { concurrency: 2 }))
      assert.deepStrictEqual(
        (yield* events.of("OperationEnded")).map(({ waitedMillis }) => waitedMillis),
        [0, 3_000]
      )
    }).pipe(alone)
  )

  it.effect("names the trace its caller is in", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [replying("a")], priced)
      const { generate } = yield* chat([a], calm)
      const traceId = yield* Effect.currentSpan.pipe(
        Effect.tap(() => generate(limited)),
        Effect.map((span) => span.traceId),
        Effect.withSpan("caller")
      )
      assert.deepInclude((yield* events.of("OperationEnded"))[0]?.trace, { traceId })
    }).pipe(alone)
  )
})
