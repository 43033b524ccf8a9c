import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Journal from "../src/Journal.ts"

const entry = (id: number, over: Partial<Journal.Entry> = {}): Journal.Entry => ({
  id,
  t: 0,
  operation: "chat",
  method: "POST",
  path: "/",
  model: "m",
  stream: false,
  requestNumber: id,
  messageCount: 1,
  lastRole: "user",
  keyGiven: false,
  headerNames: [],
  headers: {},
  body: undefined,
  fault: undefined,
  status: undefined,
  bytesSent: 0,
  chunksSent: 0,
  outcome: undefined,
  endedAt: undefined,
  connection: 1,
  closedAt: undefined,
  closedBy: undefined,
  ...over
})

const make = (maxEntries = 10) => Effect.map(Clock.Clock, (clock) => Journal.make(clock, maxEntries))

describe("Journal", () => {
  it.effect("finds an entry that is already there", () =>
    Effect.gen(function* () {
      const journal = yield* make()
      journal.addUnsafe(entry(1))
      assert.strictEqual((yield* journal.awaitEntry((e) => e.id === 1)).id, 1)
    })
  )

  it.effect("wakes whoever waits when an entry changes into what they wait for, and nobody else", () =>
    Effect.gen(function* () {
      const journal = yield* make()
      journal.addUnsafe(entry(1))
      const third = yield* Effect.forkChild(
        journal.awaitEntry((e) => e.chunksSent === 3),
        { startImmediately: true }
      )
      const closed = yield* Effect.forkChild(journal.awaitClosed(1), { startImmediately: true })
      journal.updateUnsafe(1, () => ({ chunksSent: 3 }))
      assert.strictEqual((yield* Fiber.join(third)).chunksSent, 3)
      yield* Effect.yieldNow
      assert.isUndefined(closed.pollUnsafe())
      journal.updateUnsafe(1, () => ({ closedAt: 5 }))
      assert.strictEqual((yield* Fiber.join(closed)).chunksSent, 3)
    })
  )

  it.effect("drops the oldest entry at its bound", () =>
    Effect.gen(function* () {
      const journal = yield* make(2)
      for (const id of [1, 2, 3]) journal.addUnsafe(entry(id))
      assert.deepStrictEqual(
        (yield* journal.entries).map((e) => e.id),
        [2, 3]
      )
      journal.updateUnsafe(1, () => ({ chunksSent: 1 }))
      assert.deepStrictEqual(
        (yield* journal.entries).map((e) => e.id),
        [2, 3]
      )
    })
  )

  it.effect("starts its clock anew at a reset, and ignores news of what it forgot", () =>
    Effect.gen(function* () {
      const journal = yield* make()
      journal.addUnsafe(entry(1))
      yield* TestClock.adjust("90 millis")
      assert.strictEqual(journal.elapsedUnsafe(), 90)
      journal.resetUnsafe()
      assert.strictEqual(journal.elapsedUnsafe(), 0)
      journal.updateUnsafe(1, () => ({ chunksSent: 1 }))
      assert.deepStrictEqual(yield* journal.entries, [])
    })
  )

  it.effect("forgets a waiter that was interrupted", () =>
    Effect.gen(function* () {
      const journal = yield* make()
      let asked = 0
      const waiting = yield* Effect.forkChild(
        journal.awaitEntry(() => {
          asked += 1
          return false
        }),
        { startImmediately: true }
      )
      journal.addUnsafe(entry(1))
      yield* Fiber.interrupt(waiting)
      journal.addUnsafe(entry(2))
      assert.strictEqual(asked, 1)
    })
  )
})
