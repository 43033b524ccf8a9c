import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Deadlines from "../../src/internal/Deadlines.ts"

const setUp = Effect.gen(function* () {
  const clock = yield* Effect.clockWith(Effect.succeed)
  const deadlines = Deadlines.of(clock)
  const expired: Array<string> = []
  const add = (name: string, millis: number) =>
    deadlines.add(clock.currentTimeMillisUnsafe(), millis, () => expired.push(name))
  return { add, deadlines, expired }
})

describe("deadlines under one timer", () => {
  it.effect("expire in their order, at their millisecond, whatever their lengths", () =>
    Effect.gen(function* () {
      const { add, expired } = yield* setUp
      add("long", 60_000)
      add("short", 10)
      add("middle", 1500)
      yield* TestClock.adjust("9 millis")
      assert.deepStrictEqual(expired, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(expired, ["short"])
      add("late short", 10)
      yield* TestClock.adjust("1489 millis")
      assert.deepStrictEqual(expired, ["short", "late short"])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(expired, ["short", "late short", "middle"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(expired, ["short", "late short", "middle", "long"])
    })
  )

  it.effect("do not expire when they were called off, first, middle or last of their list; twice is once", () =>
    Effect.gen(function* () {
      const { add, deadlines, expired } = yield* setUp
      const [a, , c, , e] = ["a", "b", "c", "d", "e"].map((name) => add(name, 100))
      for (const entry of [a, c, e]) if (entry !== undefined) deadlines.remove(entry)
      if (c !== undefined) deadlines.remove(c)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(expired, ["b", "d"])
      add("f", 100)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(expired, ["b", "d", "f"])
    })
  )

  it.effect("may be added and called off while others expire", () =>
    Effect.gen(function* () {
      const { add, deadlines, expired } = yield* setUp
      const clock = yield* Effect.clockWith(Effect.succeed)
      const doomed = add("doomed", 100)
      deadlines.remove(doomed)
      deadlines.add(clock.currentTimeMillisUnsafe(), 100, () => {
        expired.push("first")
        add("second", 100)
      })
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(expired, ["first"])
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(expired, ["first", "second"])
    })
  )

  it.effect("belong to their clock", () =>
    Effect.gen(function* () {
      const { deadlines } = yield* setUp
      const live = yield* TestClock.withLive(Effect.clockWith(Effect.succeed))
      assert.notStrictEqual(Deadlines.of(live), deadlines)
      assert.strictEqual(Deadlines.of(live), Deadlines.of(live))
    })
  )
})
