import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Exit, Fiber, Schema } from "effect"
import { LanguageModel } from "effect/ai"
import { TestClock } from "effect/testing"
import { Policy, Resilience, RetryQuota, Route } from "@holdfast/core"
import { recorder } from "./Recorder.ts"
import { failing, hanging, replying, scripted, type Step } from "./Scripted.ts"

const policy = Policy.standard.pipe(
  Policy.retry({ maxRetries: 3, base: "10 millis", jitter: "none-unsafe" }),
  Policy.breaker({ consecutiveFailures: 10_000, rate: 0 }),
  Policy.retryQuota({ capacity: 30, cost: 10, throttledCost: 5, gain: 1 })
)

const down = failing("ServiceUnavailable")
const well = replying("hello")

/** Asks once on each of the lanes in turn, each with its steps; what is left on the lanes after it, and how it ended. */
const ask = Effect.fnUntraced(function* (...scripts: ReadonlyArray<readonly [Step, ...Array<Step>]>) {
  const lanes = yield* Effect.forEach(scripts, (steps, index) => scripted(`p${index}/m`, steps))
  const route = Route.languageModel("chat", { lanes: lanes.map(({ lane }) => lane), policy })
  const fiber = yield* LanguageModel.generateText({ prompt: "Why does kelp not float away?" }).pipe(
    Effect.exit,
    Effect.provide(route),
    Effect.forkChild
  )
  yield* TestClock.adjust("1 second")
  const left = RetryQuota.RetryQuota.use((quota) =>
    Effect.forEach(lanes, (_, index) => quota.left(`p${index}/m`, policy.retryQuota))
  )
  return { exit: Fiber.join(fiber), fiber, left, calls: Effect.forEach(lanes, ({ calls }) => calls) }
})

describe("a lane's retry quota", () => {
  it.effect("gives back what the retry that is answered took, and nothing of those before it", () =>
    Effect.gen(function* () {
      const { calls, exit, left } = yield* ask([down, down, well])
      assert.isTrue(Exit.isSuccess(yield* exit))
      assert.deepStrictEqual(yield* calls, [3])
      assert.deepStrictEqual(yield* left, [20])
    }).pipe(Effect.provide(Resilience.layer))
  )

  it.effect("ends retries where too little is left, says so, and is filled by answers alone", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const first = yield* ask([down])
      assert.isTrue(Exit.isFailure(yield* first.exit))
      assert.deepStrictEqual(yield* first.calls, [4])
      assert.deepStrictEqual(yield* first.left, [0])
      yield* TestClock.adjust("1 day")
      const second = yield* ask([down])
      assert.deepStrictEqual(yield* second.calls, [1])
      assert.deepStrictEqual(
        (yield* events.of("RetrySuppressed")).map(({ budget }) => budget),
        ["quota"]
      )
      for (let n = 1; n <= 12; n++) {
        const { exit, left } = yield* ask([well])
        assert.isTrue(Exit.isSuccess(yield* exit))
        assert.deepStrictEqual(yield* left, [n])
      }
      assert.deepStrictEqual(yield* (yield* ask([down])).calls, [2])
    }).pipe(Effect.provide(Resilience.layer))
  )

  it.effect("takes less for a retry of what was throttled", () =>
    Effect.gen(function* () {
      const { calls, left } = yield* ask([failing("RateLimit"), down])
      // 5 for the rate limit, 10 and 10 for what followed.
      assert.deepStrictEqual(yield* calls, [4])
      assert.deepStrictEqual(yield* left, [5])
    }).pipe(Effect.provide(Resilience.layer))
  )

  it.effect("is not paid for another lane, whose answer is no retry's", () =>
    Effect.gen(function* () {
      const { exit, left } = yield* ask([down], [well])
      assert.isTrue(Exit.isSuccess(yield* exit))
      assert.deepStrictEqual(yield* left, [0, 30])
    }).pipe(Effect.provide(Resilience.layer))
  )

  it.effect("keeps what an interrupted retry took, and pays the next answer as one without a retry", () =>
    Effect.gen(function* () {
      const { fiber, left } = yield* ask([down, hanging])
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* left, [20])
      assert.deepStrictEqual(yield* (yield* ask([well])).left, [21])
    }).pipe(Effect.provide(Resilience.layer))
  )

  it.effect("costs a plain policy nothing and is not there for it", () =>
    Effect.gen(function* () {
      assert.isFalse(Policy.standard.retryQuota.enabled)
      assert.isTrue(policy.retryQuota.enabled)
      assert.throws(() => Policy.standard.pipe(Policy.retryQuota({ capacity: 0 })), /retryQuota.*capacity/s)
      yield* Effect.void
    })
  )

  it.effect.prop(
    "is never below nothing nor above its capacity, and what it paid for is what retries took",
    [
      Arbitrary.array(Arbitrary.array(Arbitrary.schema(Schema.Literals(["down", "well", "limited"])), { maxLength: 4 }))
    ],
    ([operations]) =>
      Effect.gen(function* () {
        let model = 30
        for (const words of operations) {
          const steps = [...words, "well" as const]
          let paid: number | undefined
          let sent = 0
          for (const [index, word] of steps.entries()) {
            sent = index + 1
            if (word === "well") {
              model = Math.min(30, model + (paid ?? 1))
              break
            }
            const cost = word === "limited" ? 5 : 10
            if (index === 3 || model < cost) break
            model -= cost
            paid = cost
          }
          const script = { down, limited: failing("RateLimit"), well }
          const [first = well, ...others] = steps.map((word) => script[word])
          const { calls, left } = yield* ask([first, ...others])
          assert.deepStrictEqual(yield* left, [model])
          assert.deepStrictEqual(yield* calls, [sent])
          assert.isAtLeast(model, 0)
        }
      }).pipe(Effect.provide(Resilience.layer)),
    { arbitrary: { runs: 200, seed: "retry quotas" } }
  )
})
