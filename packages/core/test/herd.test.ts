import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Failure, Policy, Resilience } from "@holdfast/core"
import { alone, exact } from "./Chat.ts"

const lane = "acme/x"
const policyOf = (probes: number) =>
  exact.pipe(
    Policy.retry({ maxRetries: 0 }),
    Policy.bulkhead({ maxConcurrent: 2_000 }),
    Policy.breaker({ probes, probeSuccesses: probes, open: "30 seconds" })
  )

/** Calls that are under way, and end all together. */
const provider = () => {
  const calls = { all: 0, under: 0 }
  const gate = Promise.withResolvers<void>()
  const call = async (): Promise<string> => {
    calls.all += 1
    calls.under += 1
    await gate.promise
    calls.under -= 1
    return "hello"
  }
  return { calls, call, open: gate.resolve }
}
type Call = () => Promise<string>

const interfaces = {
  "an effect": (call: Call, policy: Policy.Policy) => Effect.promise(call).pipe(Resilience.protect({ lane, policy })),
  "a promise": (call: Call, policy: Policy.Policy) => Resilience.protectPromise({ lane, policy })(call),
  "a stream": (call: Call, policy: Policy.Policy) =>
    Stream.fromEffect(Effect.promise(call)).pipe(Resilience.protectStream({ lane, policy }), Stream.mkString)
}
const cases = (["an effect", "a promise", "a stream"] as const).flatMap((how) =>
  [1, 5].map((probes) => ({ how, probes }))
)

const trip = (policy: Policy.Policy) =>
  CircuitBreaker.CircuitBreaker.use((breaker) => breaker.trip(lane, policy.breaker, { reason: "test" }))
const thousand = Array.from({ length: 1_000 })
/** Lets everything that can run now run, promises too. */
const settle = Effect.andThen(TestClock.adjust(0), TestClock.adjust(0))

describe("a thousand callers at the instant at which a circuit may be probed", () => {
  it.effect.each(cases)("send $probes calls with $how, and the others are refused at once", ({ how, probes }) =>
    Effect.gen(function* () {
      const policy = policyOf(probes).pipe(Policy.fallback({ waitForReopening: false }))
      const { call, calls, open } = provider()
      yield* trip(policy)
      yield* TestClock.adjust("30 seconds")
      const callers = yield* Effect.forEach(thousand, () =>
        Effect.forkChild(Effect.exit(interfaces[how](call, policy)))
      )
      yield* settle
      assert.strictEqual(calls.all, probes)
      const refused = callers.flatMap((fiber) => fiber.pollUnsafe() ?? [])
      assert.strictEqual(refused.length, 1_000 - probes)
      open()
      const exits = yield* Effect.forEach(callers, Fiber.join)
      assert.strictEqual(exits.filter(Exit.isSuccess).length, probes)
      for (const exit of exits) {
        const error = Exit.findErrorOption(exit)
        if (error._tag === "Some") assert.strictEqual(error.value._tag, "CircuitOpen")
      }
      assert.strictEqual((yield* CircuitBreaker.state(lane)).state, "closed")
      assert.strictEqual(calls.all, probes)
    }).pipe(alone)
  )

  it.effect.each(cases)(
    "send $probes calls with $how though all have waited for it, and then all are served",
    ({ how, probes }) =>
      Effect.gen(function* () {
        const policy = policyOf(probes)
        const { call, calls, open } = provider()
        yield* trip(policy)
        const callers = yield* Effect.forEach(thousand, () => Effect.forkChild(interfaces[how](call, policy)))
        yield* TestClock.adjust("29999 millis")
        assert.strictEqual(calls.all, 0)
        yield* TestClock.adjust("1 millis")
        yield* settle
        assert.strictEqual(calls.all, probes)
        open()
        const answers = yield* Effect.forEach(callers, Fiber.join)
        assert.deepStrictEqual(new Set(answers), new Set(["hello"]))
        assert.deepInclude(calls, { all: 1_000, under: 0 })
        const slots = yield* Bulkhead.Bulkhead.use((bulkhead) => bulkhead.snapshot(lane))
        assert.deepInclude(slots, { running: 0, waiting: 0 })
      }).pipe(alone)
  )

  it.effect.each(cases)("send $probes calls with $how when that is all that fail again", ({ how, probes }) =>
    Effect.gen(function* () {
      const policy = policyOf(probes).pipe(Policy.fallback({ waitForReopening: false }))
      let calls = 0
      const gate = Promise.withResolvers<never>()
      yield* trip(policy)
      yield* TestClock.adjust("30 seconds")
      const down = Failure.make("ServiceUnavailable", {
        provider: "acme",
        model: "x",
        lane,
        scope: "provider",
        rule: "test"
      })
      const call = () => {
        calls += 1
        return gate.promise
      }
      const failing = {
        "an effect": () =>
          Effect.tryPromise({ try: call, catch: () => down }).pipe(Resilience.protect({ lane, policy })),
        "a promise": () => Resilience.protectPromise({ lane, policy })(call),
        "a stream": () =>
          Stream.fromEffect(Effect.tryPromise({ try: call, catch: () => down })).pipe(
            Resilience.protectStream({ lane, policy }),
            Stream.runDrain
          )
      }
      const callers = yield* Effect.forEach(thousand, () => Effect.forkChild(Effect.exit(failing[how]())))
      yield* settle
      gate.reject(down)
      const exits = yield* Effect.forEach(callers, Fiber.join)
      assert.strictEqual(calls, probes)
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 0)
      assert.deepInclude(yield* CircuitBreaker.state(lane), { state: "open", openings: 2 })
    }).pipe(alone)
  )
})
