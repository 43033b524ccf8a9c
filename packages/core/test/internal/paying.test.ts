import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Failure, type Operation, Policy, Resilience } from "@holdfast/core"
import { alone, chat, exact, request } from "../Chat.ts"
import { recorder } from "../Recorder.ts"
import { after, breaking, failing, finish, hanging, playing, replying, scripted, text, type Step } from "../Scripted.ts"

/** A reply that says how much it took. */
const taking =
  (input: number, output: number): Step =>
  (target) => {
    const usage = {
      inputTokens: { ...finish.usage.inputTokens, total: input },
      outputTokens: { ...finish.usage.outputTokens, total: output }
    }
    const { generate, stream } = replying("hello")(target)
    const said = <Part extends { readonly type: string }>(part: Part): Part =>
      part.type === "finish" ? { ...part, usage } : part
    return { generate: Effect.map(generate, (parts) => parts.map(said)), stream: Stream.map(stream, said) }
  }

const estimating = (tokens: number, usdPerToken?: number) => ({
  // As lanes do: what the request says about its output is in the estimate.
  estimateTokens: () => tokens + (limited.sampling.maxOutputTokens ?? 0),
  cost:
    usdPerToken === undefined
      ? undefined
      : ({ inputTokens = 0, outputTokens = 0 }: Operation.Usage) => (inputTokens + outputTokens) * usdPerToken
})
const limited = { ...request, sampling: { maxOutputTokens: 20 } }

const over = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(self)
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.await(fiber)
  })
const errorOf = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.flatMap(over(self), Effect.flip)

const calm = exact.pipe(Policy.breaker({ consecutiveFailures: 1000, rate: 0 }))

describe("a budget of tokens", () => {
  it.effect("refuses the attempt it has no room for, by name, and asks nobody", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [replying("never asked")], estimating(100))
      const { generate } = yield* chat([a], calm.pipe(Policy.budget({ maxTokens: 119 })))
      const error = yield* Effect.flip(generate(limited))
      assert.deepInclude(error, { _tag: "BudgetExhausted", budget: "tokens", limit: 119 })
      assert.include(error.message, "budget of 119 tokens")
      assert.strictEqual(yield* a.calls, 0)
      assert.deepInclude((yield* events.of("LaneRefused"))[0], { reason: "BudgetExhausted", budget: "tokens" })
      const roomy = yield* chat([a], calm.pipe(Policy.budget({ maxTokens: 120 })))
      yield* roomy.generate(limited)
    }).pipe(alone)
  )

  it.effect(
    "pays for what an answer used, for nothing where the provider refused, for the estimate where nobody knows",
    () =>
      Effect.gen(function* () {
        const policy = calm.pipe(Policy.budget({ maxTokens: 300 }), Policy.clocks({ plainAttempt: "10 seconds" }))
        // Each attempt is estimated at 120: two that hang use 240, those refused use nothing.
        for (const [steps, calls] of [
          [[failing("ServiceUnavailable", { status: 503 })], 4],
          [[failing("Network")], 2],
          [[failing("Network"), failing("ServiceUnavailable", { status: 503 })], 4]
        ] as const) {
          const a = yield* scripted(`a/x${calls}${steps.length}`, steps, estimating(100))
          const { generate } = yield* chat([a], policy)
          const error = yield* errorOf(generate(limited))
          assert.isTrue(Failure.isFailure(error))
          assert.strictEqual(yield* a.calls, calls)
        }
      }).pipe(alone)
  )

  it.effect("says when it is the reason for not asking again", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [failing("Network")], estimating(100))
      const { generate } = yield* chat([a], calm.pipe(Policy.budget({ maxTokens: 200 })))
      yield* errorOf(generate(limited))
      assert.deepStrictEqual(
        (yield* events.of("RetrySuppressed")).map(({ budget, lane }) => [lane, budget]),
        [["a/x", "tokens"]]
      )
    }).pipe(alone)
  )

  it.effect("reserves the assumed output where a request does not limit it, and no more than the lane can write", () =>
    Effect.gen(function* () {
      const small = { capabilities: { maxOutputTokens: 10 } }
      const ask = Effect.fnUntraced(function* (lane: string, options: object, budget: object) {
        const a = yield* scripted(lane, [replying("hello")], options)
        return Exit.isSuccess(yield* Effect.exit((yield* chat([a], calm.pipe(Policy.budget(budget)))).ask))
      })
      assert.isFalse(yield* ask("a/1", {}, { maxTokens: 1023 }))
      assert.isTrue(yield* ask("a/2", {}, { maxTokens: 1024 }))
      assert.isTrue(yield* ask("a/3", small, { maxTokens: 10 }))
      assert.isTrue(yield* ask("a/4", {}, { maxTokens: 50, assumedOutputTokens: 50 }))
    }).pipe(alone)
  )

  it.effect("has the extra attempt beside a slow one in it as well", () =>
    Effect.gen(function* () {
      const slow = after("10 seconds", replying("slow"))
      for (const [maxTokens, calls] of [
        [239, 0],
        [240, 1]
      ] as const) {
        const a = yield* scripted(`a/x${maxTokens}`, [slow], estimating(100))
        const b = yield* scripted(`b/y${maxTokens}`, [slow], estimating(100))
        const policy = calm.pipe(Policy.budget({ maxTokens }), Policy.hedge({ delay: "1 second" }))
        assert.isTrue(Exit.isSuccess(yield* over((yield* chat([a, b], policy)).generate(limited))))
        assert.strictEqual(yield* b.calls, calls)
      }
    }).pipe(alone)
  )

  it.effect("never ends a call that is under way, though it turns out dearer", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [taking(1_000_000, 5)], estimating(100))
      const { generate, stream } = yield* chat([a], calm.pipe(Policy.budget({ maxTokens: 120 })))
      yield* generate(limited)
      assert.isNotEmpty(yield* Stream.runCollect(stream(limited)))
    }).pipe(alone)
  )

  it.effect("takes what a broken stream may have written at its estimate", () =>
    Effect.gen(function* () {
      const a = yield* scripted(
        "a/x",
        [playing(breaking("Network")), playing(text("half"), breaking("Network"))],
        estimating(100)
      )
      const { stream } = yield* chat([a], calm.pipe(Policy.budget({ maxTokens: 239 })))
      assert.strictEqual((yield* errorOf(Stream.runDrain(stream(limited))))._tag, "Network")
      assert.strictEqual(yield* a.calls, 1)
    }).pipe(alone)
  )
})

describe("a budget of money", () => {
  it.effect("passes over the lane it cannot pay, and asks the cheaper one", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/dear", [replying("dear")], estimating(100, 0.01))
      const b = yield* scripted("b/cheap", [replying("cheap")], estimating(100, 0.0001))
      const { generate } = yield* chat([a, b], calm.pipe(Policy.budget({ maxUsd: 0.05 })))
      assert.deepInclude(yield* generate(limited), { type: "text", text: "cheap" })
      assert.strictEqual(yield* a.calls, 0)
    }).pipe(alone)
  )

  it.effect("says which budget it was where no lane is cheap enough", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/dear", [replying("dear")], estimating(100, 0.01))
      const { generate } = yield* chat([a], calm.pipe(Policy.budget({ maxUsd: 0.05 })))
      const error = yield* Effect.flip(generate(limited))
      assert.deepInclude(error, { _tag: "BudgetExhausted", budget: "usd", limit: 0.05 })
      assert.include(error.message, "$0.05")
    }).pipe(alone)
  )

  it.effect("needs the price of every lane, and says so when the route is made", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/priced", [replying("a")], estimating(100, 0.01))
      const b = yield* scripted("b/free", [replying("b")], estimating(100, 0))
      const c = yield* scripted("c/unknown", [replying("c")], estimating(100))
      const policy = calm.pipe(Policy.budget({ maxUsd: 5 }))
      yield* chat([a, b], policy)
      const error = yield* Effect.flip(chat([a, b, c], policy))
      assert.include(error.message, "budget.maxUsd needs the price of c/unknown")
    }).pipe(alone)
  )
})

it("no budget of tokens or money is taken for an effect of one's own, of which nothing is known", () => {
  for (const budget of [{ maxTokens: 10 }, { maxUsd: 1 }]) {
    const policy = exact.pipe(Policy.budget(budget))
    assert.throws(
      () => Resilience.protect({ lane: "a/x", policy })(Effect.void),
      /policy.budget.max(Tokens|Usd) is for routes/
    )
  }
})

describe("any policy over any failures", () => {
  const Fate = Schema.Literals(["ok", "refused", "lost", "hangs", "limited", "policy"])
  const fates: { readonly [Each in typeof Fate.Type]: { readonly step: Step; readonly used: number } } = {
    ok: { step: taking(90, 25), used: 115 },
    refused: { step: failing("ServiceUnavailable", { status: 503 }), used: 0 },
    lost: { step: failing("Network"), used: 120 },
    hangs: { step: hanging, used: 120 },
    limited: { step: failing("RateLimit", { status: 429 }), used: 0 },
    policy: { step: failing("ContentPolicy", { status: 400 }), used: 0 }
  }
  const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

  it.effect.prop(
    "keeps to its attempts and its tokens",
    {
      lanes: Schema.NonEmptyArray(Schema.NonEmptyArray(Fate)),
      maxAttempts: between(1, 8),
      maxTokens: between(100, 900),
      maxRetries: between(0, 5),
      onContentPolicy: Schema.Boolean
    },
    ({ lanes, maxAttempts, maxRetries, maxTokens, onContentPolicy }) =>
      Effect.gen(function* () {
        const policy = calm.pipe(
          Policy.budget({ maxAttempts, maxTokens }),
          Policy.retry({ maxRetries }),
          Policy.retryBudget({ reservePerSecond: 1000 }),
          Policy.clocks({ plainAttempt: "5 seconds", firstContent: "5 seconds" }),
          Policy.fallback({ onContentPolicy })
        )
        const made = yield* Effect.forEach(lanes.slice(0, 3), (script, index) =>
          scripted(
            `p${index}/x`,
            script.map((fate) => fates[fate].step),
            estimating(100)
          )
        )
        const { generate } = yield* chat(made, policy)
        yield* over(generate(limited))
        let attempts = 0
        let used = 0
        for (const [index, lane] of made.entries()) {
          const script = lanes[index] ?? []
          const calls = yield* lane.calls
          attempts += calls
          for (let n = 0; n < calls; n++) used += fates[script[Math.min(n, script.length - 1)] ?? "ok"].used
          assert.strictEqual(yield* lane.open, 0)
        }
        assert.isAtMost(attempts, maxAttempts)
        assert.isAtMost(used, maxTokens)
      }).pipe(alone),
    { arbitrary: { runs: 200 } }
  )
})
