import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, Failure, Policy, Provenance, Resilience } from "@holdfast/core"
import { alone } from "./Chat.ts"
import { recorder } from "./Recorder.ts"

const lane = "acme/anvil"
const policy = Policy.standard.pipe(Policy.retry({ maxRetries: 1, base: "1 second", jitter: "none-unsafe" }))
const protect = Resilience.protectPromise({ lane, policy, classify: () => verdict })
const verdict = {
  class: "ServiceUnavailable",
  retryable: true,
  failover: true,
  scope: "provider",
  rule: "test"
} as const
const running = Effect.map(
  Bulkhead.Bulkhead.use((bulkhead) => bulkhead.snapshot(lane)),
  (snapshot) => snapshot.running
)

describe("a promise under protection", () => {
  it.effect("answers, and says where it came from", () =>
    Effect.gen(function* () {
      const [answer, provenance] = yield* Provenance.of(protect(() => Promise.resolve(7)))
      assert.strictEqual(answer, 7)
      assert.strictEqual(provenance?.lane, lane)
      assert.strictEqual(yield* running, 0)
    }).pipe(alone)
  )

  it.effect("is asked for again when it rejects, and when the call itself throws", () =>
    Effect.gen(function* () {
      let calls = 0
      const fiber = yield* Effect.forkChild(
        protect(() => {
          calls += 1
          if (calls === 1) throw new Error("not even a promise")
          return calls === 2 ? Promise.reject(new Error("bad")) : Promise.resolve("hello")
        }).pipe(Effect.flip)
      )
      yield* Effect.yieldNow
      yield* TestClock.adjust("10 seconds")
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag, "ServiceUnavailable")
      assert.strictEqual(calls, 2)
      assert.strictEqual(yield* running, 0)
    }).pipe(alone)
  )

  it.effect("keeps a failure of the union as it is where nobody classifies", () =>
    Effect.gen(function* () {
      const failure = Failure.make("ContentPolicy", {
        provider: "acme",
        model: "anvil",
        lane,
        scope: "request",
        rule: "test"
      })
      const error = yield* Effect.flip(Resilience.protectPromise({ lane })(() => Promise.reject(failure)))
      assert.strictEqual(error, failure)
      const unknown = yield* Effect.flip(Resilience.protectPromise({ lane })(() => Promise.reject(new Error("?"))))
      assert.strictEqual(unknown._tag, "Unknown")
    }).pipe(alone)
  )

  it.effect(
    "is told to stop when its clock runs out; its slot is free at once, and its late result changes nothing",
    () =>
      Effect.gen(function* () {
        const events = yield* recorder
        let late: (answer: string) => void = () => undefined
        let aborted = false
        const fiber = yield* Effect.forkChild(
          Effect.flip(
            Resilience.protectPromise({ lane, policy: policy.pipe(Policy.retry({ maxRetries: 0 })) })(({ signal }) => {
              signal.addEventListener("abort", () => (aborted = true))
              return new Promise<string>((resolve) => {
                late = resolve
              })
            })
          )
        )
        yield* TestClock.adjust("29 seconds")
        assert.strictEqual(yield* running, 1)
        yield* TestClock.adjust("1 second")
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error._tag, "Timeout")
        assert.isTrue(aborted)
        assert.strictEqual(yield* running, 0)
        late("too late")
        yield* Effect.promise(() => Promise.resolve())
        assert.deepStrictEqual(
          (yield* events.of("AttemptEnded")).map(({ result }) => result),
          ["Timeout"]
        )
        assert.strictEqual((yield* events.of("OperationEnded")).length, 1)
      }).pipe(alone)
  )

  it.effect("is told to stop when its caller leaves, which says nothing about the lane", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      let aborted = false
      const fiber = yield* Effect.forkChild(
        protect(({ signal }) => {
          signal.addEventListener("abort", () => (aborted = true))
          return new Promise<string>(() => {})
        })
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.isTrue(aborted)
      assert.strictEqual(yield* running, 0)
      assert.deepStrictEqual(
        (yield* events.of("OperationEnded")).map(({ result }) => result),
        ["Cancelled"]
      )
    }).pipe(alone)
  )
})
