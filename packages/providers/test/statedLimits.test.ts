import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { Policy, Resilience, Route } from "@holdfast/core"
import { OpenAi } from "../src/index.ts"
import * as StatedLimits from "../src/internal/statedLimits.ts"
import * as MemoryHost from "./MemoryHost.ts"
import { hello } from "./requests.ts"

const now = 1_792_567_650_000 // 2026-10-21T07:27:30Z

describe("what the headers say is left", () => {
  it("is read from OpenAI's", () => {
    assert.deepStrictEqual(
      StatedLimits.read(
        {
          "x-ratelimit-limit-requests": "10000",
          "x-ratelimit-remaining-requests": "9999",
          "x-ratelimit-reset-requests": "8.64s",
          "x-ratelimit-limit-tokens": "200000",
          "x-ratelimit-remaining-tokens": "199985",
          "x-ratelimit-reset-tokens": "6m0s"
        },
        now
      ),
      {
        requests: { limit: 10_000, remaining: 9999, resetAt: now + 8640 },
        tokens: { limit: 200_000, remaining: 199_985, resetAt: now + 360_000 }
      }
    )
  })

  it("is read from Anthropic's, where the narrowest of its token limits counts", () => {
    assert.deepStrictEqual(
      StatedLimits.read(
        {
          "anthropic-ratelimit-requests-limit": "50",
          "anthropic-ratelimit-requests-remaining": "49",
          "anthropic-ratelimit-requests-reset": "2026-10-21T07:27:31Z",
          "anthropic-ratelimit-tokens-limit": "8000",
          "anthropic-ratelimit-tokens-remaining": "7000",
          "anthropic-ratelimit-tokens-reset": "2026-10-21T07:28:00Z",
          "anthropic-ratelimit-input-tokens-remaining": "39000"
        },
        now
      ),
      {
        requests: { limit: 50, remaining: 49, resetAt: now + 1000 },
        tokens: { limit: 8000, remaining: 7000, resetAt: now + 30_000 }
      }
    )
  })

  it("is read from the general ones, with the window behind the number or without", () => {
    const about = { limit: 100, remaining: 0, resetAt: now + 12_000 }
    assert.deepStrictEqual(
      StatedLimits.read(
        { "ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "0", "ratelimit-reset": "12" },
        now
      )?.requests,
      about
    )
    assert.deepStrictEqual(
      StatedLimits.read(
        {
          "x-ratelimit-limit": "100",
          "x-ratelimit-remaining": "0",
          "x-ratelimit-reset": String(now + 12_000)
        },
        now
      )?.requests,
      about
    )
  })

  it("is nothing where nothing can be read", () => {
    assert.isUndefined(StatedLimits.read({}, now))
    assert.isUndefined(StatedLimits.read({ "x-ratelimit-reset-requests": "8s" }, now))
    for (const value of ["", "many", "-1", "1e9", "NaN", "9".repeat(40)]) {
      assert.isUndefined(StatedLimits.read({ "x-ratelimit-remaining-requests": value }, now), value)
    }
    assert.deepStrictEqual(
      StatedLimits.read({ "x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "soon" }, now)?.requests,
      { limit: undefined, remaining: 3, resetAt: undefined }
    )
  })
})

describe("a route over a provider", () => {
  const spent = {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "1m"
  }
  const kinds = [
    ["answered", 200],
    ["refused the request", 400]
  ] as const

  it.effect.each(kinds)("waits before the next request when the headers say so, though it %s", ([, status]) =>
    Effect.gen(function* () {
      const host = MemoryHost.make({
        status,
        headers: spent,
        body: { error: { message: "no", type: "invalid_request_error" } }
      })
      const model = yield* Route.text("chat", {
        lanes: [OpenAi.lane("gpt-mini", { apiKey: Redacted.make("sk-test") }).pipe(Effect.provide(host.layer))],
        policy: Policy.standard.pipe(Policy.retry({ jitter: "none-unsafe", maxRetries: 0 }))
      })
      const ask = Effect.ignore(model.generate(hello))
      yield* ask
      const next = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(host.sent.length, 1)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(next)
      assert.strictEqual(host.sent.length, 2)
    }).pipe(Effect.provide(Layer.fresh(Resilience.layer)))
  )
})
