import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { EventBus, Policy, Resilience, RetryBudget, Route } from "@holdfast/core"
import { LanguageModel } from "effect/ai"
import { failing, replying, scripted } from "./Scripted.ts"

const ask = LanguageModel.generateText({ prompt: "Why does kelp not float away?" })
const patient = Policy.standard.pipe(
  Policy.retry({ maxRetries: 3, base: "10 millis", jitter: "none-unsafe" }),
  Policy.breaker({ consecutiveFailures: 10_000, rate: 0 })
)

describe("a lane's retry budget", () => {
  it.effect("lets a fifth of the calls be retried, and the reserve on top, whatever the policy would like", () =>
    Effect.gen(function* () {
      const lane = yield* scripted("a/x", [failing("ServiceUnavailable")])
      const policy = patient.pipe(Policy.retryBudget({ ratio: 0.2, reservePerSecond: 0 }))
      yield* Effect.gen(function* () {
        const bus = yield* EventBus.EventBus
        const subscription = yield* bus.subscribe({ capacity: 10_000 })
        const fibers = yield* Effect.forEach(Array.from({ length: 100 }), () => Effect.forkChild(Effect.exit(ask)))
        yield* TestClock.adjust("1 second")
        for (const fiber of fibers) yield* Fiber.join(fiber)
        const retries = (yield* lane.calls) - 100
        assert.isAtMost(retries, 20)
        assert.isAtLeast(retries, 18)
        const events = yield* subscription.take(10_000)
        assert.isAbove(events.filter((event) => event._tag === "RetrySuppressed").length, 0)
        assert.strictEqual(events.filter((event) => event._tag === "RetryScheduled").length, retries)
      }).pipe(Effect.provide(Route.languageModel("chat", { lanes: [lane.lane], policy: bounded(policy) })))
    })
  )

  it.effect("lets a quiet lane retry from its reserve", () =>
    Effect.gen(function* () {
      const lane = yield* scripted("a/x", [failing("ServiceUnavailable"), replying("hello")])
      const fiber = yield* Effect.forkChild(
        ask.pipe(Effect.provide(Route.languageModel("chat", { lanes: [lane.lane], policy: patient })))
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber)).text, "hello")
    })
  )

  it.effect("sends the operation on to the next lane at once when it is spent", () =>
    Effect.gen(function* () {
      const first = yield* scripted("a/x", [failing("ServiceUnavailable")])
      const second = yield* scripted("b/y", [replying("hello")])
      const policy = patient.pipe(Policy.retryBudget({ ratio: 0, reservePerSecond: 0 }))
      const answer = yield* ask.pipe(
        Effect.provide(Route.languageModel("chat", { lanes: [first.lane, second.lane], policy }))
      )
      assert.strictEqual(answer.text, "hello")
      assert.strictEqual(yield* first.calls, 1)
    })
  )

  it.effect("is paid into by calls and not by retries, and forgets both after its life", () =>
    Effect.gen(function* () {
      const budget = yield* RetryBudget.RetryBudget
      const settings = { ...RetryBudget.defaults, ratio: 0.5, reservePerSecond: 0 }
      for (let n = 0; n < 10; n++) yield* budget.deposit("a/x", settings)
      assert.strictEqual(yield* budget.balance("a/x", settings), 5)
      assert.strictEqual(yield* budget.balance("b/y", settings), 0)
      for (let n = 0; n < 5; n++) assert.isTrue(yield* budget.tryWithdraw("a/x", settings))
      assert.isFalse(yield* budget.tryWithdraw("a/x", settings))
      yield* TestClock.adjust("11 seconds")
      assert.strictEqual(yield* budget.balance("a/x", settings), 0)
      yield* budget.deposit("a/x", settings)
      yield* budget.deposit("a/x", settings)
      assert.strictEqual(yield* budget.balance("a/x", settings), 1)
    }).pipe(Effect.provide(Resilience.layer))
  )
})

/** Room for all hundred at once. */
const bounded = Policy.bulkhead({ maxConcurrent: 1000 })
