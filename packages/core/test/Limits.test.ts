import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Lane, Limits } from "@holdfast/core"

const alone = Effect.provide(Limits.layer)
const lane = Lane.make({ provider: "acme", model: "anvil" })

describe("a cool-down", () => {
  it.effect("ends after the time it was given", () =>
    Effect.gen(function* () {
      const limits = yield* Limits.Limits
      assert.strictEqual(yield* limits.waitMillis(lane), 0)
      assert.isTrue(yield* limits.cool(lane, 30_000))
      yield* TestClock.adjust("29999 millis")
      assert.strictEqual(yield* limits.waitMillis(lane), 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* limits.waitMillis(lane), 0)
    }).pipe(alone)
  )

  it.effect("is lengthened by a later deadline and never shortened by an earlier one", () =>
    Effect.gen(function* () {
      const limits = yield* Limits.Limits
      yield* limits.cool(lane, 30_000)
      assert.isFalse(yield* limits.cool(lane, 10_000))
      assert.strictEqual(yield* limits.waitMillis(lane), 30_000)
      assert.isTrue(yield* limits.cool(lane, 40_000))
      assert.strictEqual(yield* limits.waitMillis(lane), 40_000)
    }).pipe(alone)
  )

  it.effect("of no time at all cools nothing", () =>
    Effect.gen(function* () {
      const limits = yield* Limits.Limits
      assert.isFalse(yield* limits.cool(lane, 0))
      assert.isFalse(yield* limits.cool(lane, -1000))
      assert.strictEqual(yield* limits.waitMillis(lane), 0)
    }).pipe(alone)
  )

  it.effect("of more than an hour ends after an hour, so that a call finds out whether it still holds", () =>
    Effect.gen(function* () {
      const limits = yield* Limits.Limits
      yield* limits.cool(lane, 86_400_000)
      assert.strictEqual(yield* limits.waitMillis(lane), 3_600_000)
    }).pipe(alone)
  )

  it.effect("can begin again after it has ended", () =>
    Effect.gen(function* () {
      const limits = yield* Limits.Limits
      yield* limits.cool(lane, 30_000)
      yield* TestClock.adjust("1 minute")
      assert.isTrue(yield* limits.cool(lane, 1000))
      assert.strictEqual(yield* limits.waitMillis(lane), 1000)
    }).pipe(alone)
  )

  it.effect("is shared by all lanes of the same credential and model, and by no other", () =>
    Effect.gen(function* () {
      const limits = yield* Limits.Limits
      yield* limits.cool(lane, 30_000)
      const wait = (options: Partial<Lane.Options>) =>
        limits.waitMillis(Lane.make({ provider: "acme", model: "anvil", ...options }))
      assert.strictEqual(yield* wait({ id: "the same by another name" }), 30_000)
      assert.strictEqual(yield* wait({ credential: "spare" }), 0)
      assert.strictEqual(yield* wait({ model: "hammer" }), 0)
      assert.strictEqual(yield* wait({ provider: "zeta", credential: "acme" }), 0)
    }).pipe(alone)
  )

  it.effect.prop(
    "is always the latest of the deadlines that were set",
    [
      Arbitrary.array(
        Arbitrary.schema(
          Schema.Struct({
            pass: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
            millis: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 }))
          })
        ),
        { maxLength: 30 }
      )
    ],
    ([steps]) =>
      Effect.gen(function* () {
        const limits = yield* Limits.Limits
        let now = 0
        let latest = 0
        for (const { pass, millis } of steps) {
          yield* TestClock.adjust(pass)
          now += pass
          yield* limits.cool(lane, millis)
          latest = Math.max(latest, now + millis)
          assert.strictEqual(yield* limits.waitMillis(lane), Math.max(0, latest - now))
        }
      }).pipe(alone),
    { arbitrary: { runs: 200 } }
  )
})

describe("the gates of a lane", () => {
  it.effect("are one for all policies with the same numbers, and apart for others", () =>
    Effect.gen(function* () {
      const { gateUnsafe } = yield* Limits.Limits
      const ten = gateUnsafe(lane, { requestsPerMinute: 10 })
      assert.strictEqual(gateUnsafe(lane, { requestsPerMinute: 10 }), ten)
      const others = [gateUnsafe(lane, { requestsPerMinute: 20 }), gateUnsafe(lane, {})]
      for (const other of others) {
        assert.notStrictEqual(other, ten)
        assert.strictEqual(other.shared, ten.shared, "the provider's word is for all")
      }
    }).pipe(alone)
  )
})
