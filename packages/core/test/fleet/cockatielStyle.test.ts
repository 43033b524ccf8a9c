import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Ref } from "effect"
import { TestClock } from "effect/testing"
import { breaker } from "./cockatielStyle.ts"

/** A breaker of ten seconds around a call that ends when and as the test says. */
const circuit = Effect.gen(function* () {
  const calls: Array<Deferred.Deferred<void, "down">> = []
  const probes = yield* Ref.make(0)
  const execute = breaker(10_000, (isProbe) =>
    Effect.suspend(() => {
      const call = Deferred.makeUnsafe<void, "down">()
      calls.push(call)
      return Effect.andThen(
        Ref.update(probes, (n) => (isProbe ? n + 1 : n)),
        Deferred.await(call)
      )
    })
  )
  const start = Effect.forkChild(Effect.exit(execute), { startImmediately: true })
  const end = (index: number, how: "served" | "down") =>
    Effect.andThen(
      Deferred.done(calls[index]!, how === "served" ? Exit.void : Exit.fail("down" as const)),
      TestClock.adjust(0)
    )
  /** Opens it with five failures, and waits until it would probe. */
  const openAndWait = Effect.gen(function* () {
    for (let index = 0; index < 5; index++) {
      yield* start
      yield* end(calls.length - 1, "down")
    }
    yield* TestClock.adjust(10_000)
  })
  return { calls, probes: Ref.get(probes), start, end, openAndWait }
})

describe("the reference for cockatiel", () => {
  it.effect("refuses while it is open, and probes once after that", () =>
    Effect.gen(function* () {
      const { calls, openAndWait, probes, start } = yield* circuit
      yield* openAndWait
      yield* TestClock.adjust(-1)
      assert.strictEqual((yield* Fiber.join(yield* start))._tag, "Failure")
      assert.strictEqual(calls.length, 5)
      yield* TestClock.adjust(1)
      yield* start
      assert.strictEqual(yield* probes, 1)
    })
  )

  it.effect("lets everybody wait for the probe, and go together when it succeeds", () =>
    Effect.gen(function* () {
      const { calls, end, openAndWait, start } = yield* circuit
      yield* openAndWait
      yield* Effect.replicateEffect(start, 101, { discard: true })
      assert.strictEqual(calls.length, 6)
      yield* end(5, "served")
      assert.strictEqual(calls.length, 106)
    })
  )

  it.effect("refuses all who waited when the probe fails", () =>
    Effect.gen(function* () {
      const { calls, end, openAndWait, start } = yield* circuit
      yield* openAndWait
      const waiting = yield* Effect.replicateEffect(start, 11)
      yield* end(5, "down")
      for (const one of waiting) assert.strictEqual((yield* Fiber.join(one))._tag, "Failure")
      assert.strictEqual(calls.length, 6)
    })
  )

  it.effect("is reopened by the late failure of a call from before", () =>
    Effect.gen(function* () {
      const { calls, end, openAndWait, probes, start } = yield* circuit
      yield* start
      yield* openAndWait
      const probe = yield* start
      yield* end(0, "down")
      yield* end(6, "served")
      assert.strictEqual((yield* Fiber.join(probe))._tag, "Success")
      yield* start
      assert.strictEqual(calls.length, 7)
      assert.strictEqual(yield* probes, 1)
    })
  )
})
