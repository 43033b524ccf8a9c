import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import type { Failure } from "@holdfast/core"
import * as Provider from "./Provider.ts"

const made = (outage?: Provider.Outage) =>
  Random.withSeed(Provider.make({ name: "p", slots: 10, maxQueue: 20, outage }), "provider")

/** Makes so many calls at once. */
const offer = (provider: Provider.Provider, calls: number) =>
  Effect.replicateEffect(Effect.forkChild(provider.call(0, false)), calls)

/** How the calls stand. */
const count = (calls: ReadonlyArray<Fiber.Fiber<void, Failure.Failure>>) => {
  const ends = calls.map((call) => call.pollUnsafe()?._tag)
  const ending = (tag: "Success" | "Failure" | undefined) => ends.filter((end) => end === tag).length
  return { served: ending("Success"), failed: ending("Failure"), open: ending(undefined) }
}

describe("the provider of the fleet", () => {
  it.effect("serves what its slots hold, queues a while, and refuses the rest", () =>
    Effect.gen(function* () {
      const calls = yield* offer(yield* made(), 35)
      yield* TestClock.adjust(50)
      assert.deepStrictEqual(count(calls), { served: 0, failed: 5, open: 30 })
      yield* TestClock.adjust(1450)
      assert.isAtLeast(count(calls).served, 10)
      yield* TestClock.adjust(3000)
      assert.deepStrictEqual(count(calls), { served: 30, failed: 5, open: 0 })
    })
  )

  it.effect("works off what callers that have left have asked for", () =>
    Effect.gen(function* () {
      const provider = yield* made()
      const gone = yield* offer(provider, 29)
      yield* TestClock.adjust(10)
      yield* Fiber.interruptAll(gone)
      const late = yield* offer(provider, 1)
      yield* TestClock.adjust(1400)
      assert.deepStrictEqual(count(late), { served: 0, failed: 0, open: 1 })
      yield* TestClock.adjust(4000)
      assert.deepStrictEqual(count(late), { served: 1, failed: 0, open: 0 })
      assert.strictEqual(provider.calls.filter(({ isAbandoned }) => isAbandoned).length, 29)
    })
  )

  it.effect("cuts what is under way when it goes down, and fails everything until it is back", () =>
    Effect.gen(function* () {
      const provider = yield* made({ kind: "down", from: 400, until: 2000 })
      const cut = yield* offer(provider, 10)
      yield* TestClock.adjust(400)
      assert.deepStrictEqual(count(cut), { served: 0, failed: 10, open: 0 })
      const failing = yield* offer(provider, 10)
      yield* TestClock.adjust(50)
      assert.deepStrictEqual(count(failing), { served: 0, failed: 10, open: 0 })
      yield* TestClock.adjust(1550)
      const served = yield* offer(provider, 10)
      yield* TestClock.adjust(1500)
      assert.deepStrictEqual(count(served), { served: 10, failed: 0, open: 0 })
    })
  )

  it.effect("serves nothing while it hangs, and goes on where it stopped", () =>
    Effect.gen(function* () {
      const provider = yield* made({ kind: "hung", from: 400, until: 60_400 })
      const calls = yield* offer(provider, 30)
      yield* TestClock.adjust(60_400)
      assert.deepStrictEqual(count(calls), { served: 0, failed: 0, open: 30 })
      yield* TestClock.adjust(4100)
      assert.deepStrictEqual(count(calls), { served: 30, failed: 0, open: 0 })
    })
  )
})
