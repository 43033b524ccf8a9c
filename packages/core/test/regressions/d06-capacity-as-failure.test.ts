import { assert, describe, it } from "@effect/vitest"
import CircuitBreakerOfOpossum from "opossum"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Policy, Resilience } from "@holdfast/core"
import { onVirtualTime } from "../conformance/Behaviour.ts"
import { opossum } from "../conformance/Opossum.ts"
import * as VirtualTimers from "../conformance/VirtualTimers.ts"

describe("D6: calls that a full bulkhead refuses are no failures of the dependency", () => {
  it.effect("ours stays closed while four of five quick calls are refused", () =>
    Effect.gen(function* () {
      const policy = Policy.standard.pipe(
        Policy.bulkhead({ maxConcurrent: 1, maxQueue: 0 }),
        Policy.breaker({ consecutiveFailures: 1 })
      )
      let sent = 0
      const call = Resilience.protect<never>({ lane: "acme/anvil", policy })(
        Effect.andThen(
          Effect.sync(() => {
            sent += 1
          }),
          Effect.never
        )
      )
      const fibers = yield* Effect.forEach(Array.from({ length: 5 }), () => Effect.forkChild(Effect.flip(call)))
      yield* TestClock.adjust(0)
      assert.strictEqual(sent, 1)
      assert.strictEqual(fibers.filter((fiber) => fiber.pollUnsafe() !== undefined).length, 4)
      assert.deepInclude(yield* CircuitBreaker.state("acme/anvil"), { state: "closed", failures: 0 })
    }).pipe(Effect.provide(Resilience.layer))
  )

  it.effect(`opossum ${opossum.version} opens without one failure of the dependency`, () =>
    onVirtualTime(opossum, () =>
      Effect.gen(function* () {
        let sent = 0
        const breaker = new CircuitBreakerOfOpossum(
          () => {
            sent += 1
            return new Promise<string>(() => {})
          },
          { capacity: 1, enableSnapshots: false }
        )
        for (let n = 0; n < 5; n++) breaker.fire().catch(() => undefined)
        yield* VirtualTimers.settle
        const isOpen = breaker.opened
        breaker.shutdown()
        assert.deepStrictEqual({ sent, isOpen }, { sent: 1, isOpen: true })
      })
    )
  )
})
