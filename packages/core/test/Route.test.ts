import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { LanguageModel } from "effect/ai"
import { TestClock } from "effect/testing"
import { AiErrors, CircuitBreaker, Policy, Provenance, Route } from "@holdfast/core"
import { failing, replying, scripted } from "./Scripted.ts"

const ask = LanguageModel.generateText({ prompt: "Why does kelp not float away?" })

describe("a route", () => {
  it.effect("answers from the fallback while the primary's circuit is open, and from the primary again after it", () =>
    Effect.gen(function* () {
      const primary = yield* scripted("gemini/flash", [
        ...Array.from({ length: 5 }, () => failing("ServiceUnavailable")),
        replying("hello again")
      ])
      const second = yield* scripted("openai/mini", [replying("hello")])
      const policy = Policy.mission.pipe(Policy.retry({ maxRetries: 0 }))
      yield* Effect.gen(function* () {
        for (let n = 0; n < 5; n++) yield* ask
        assert.strictEqual((yield* CircuitBreaker.state("gemini/flash")).state, "open")
        const [, provenance] = yield* Provenance.of(ask)
        assert.strictEqual(provenance?.lane, "openai/mini")
        assert.isTrue(provenance?.degraded)
        yield* TestClock.adjust("60 seconds")
        const [answer, healed] = yield* Provenance.of(ask)
        assert.strictEqual(answer.text, "hello again")
        assert.strictEqual(healed?.lane, "gemini/flash")
        assert.strictEqual((yield* CircuitBreaker.state("gemini/flash")).state, "closed")
      }).pipe(Effect.provide(Route.languageModel("chat", { lanes: [primary.lane, second.lane], policy })))
    })
  )

  it.effect("retries a stream that fails before its first content, unseen", () =>
    Effect.gen(function* () {
      const primary = yield* scripted("gemini/flash", [failing("ServiceUnavailable"), replying("hello")])
      const fiber = yield* LanguageModel.streamText({ prompt: "hi" }).pipe(
        Stream.runCollect,
        Effect.provide(Route.languageModel("chat", { lanes: [primary.lane] })),
        Effect.forkChild
      )
      yield* TestClock.adjust("1 second")
      const parts = yield* Fiber.join(fiber)
      assert.strictEqual(
        parts
          .filter((part) => part.type === "text-delta")
          .map((part) => part.delta)
          .join(""),
        "hello"
      )
      assert.strictEqual(yield* primary.calls, 2)
    })
  )

  it.effect("shows its errors as the typed union", () =>
    Effect.gen(function* () {
      const primary = yield* scripted("gemini/flash", [failing("ContentPolicy")])
      const second = yield* scripted("openai/mini", [replying("hello")])
      const error = yield* ask.pipe(
        AiErrors.typed,
        Effect.flip,
        Effect.provide(Route.languageModel("chat", { lanes: [primary.lane, second.lane] }))
      )
      assert.strictEqual(error._tag, "ContentPolicy")
      assert.strictEqual(yield* second.calls, 0)
    })
  )
})
