import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, References } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead } from "@holdfast/core"

const alone = Effect.provide(Bulkhead.layer)
const snapshot = Effect.map(
  Bulkhead.Bulkhead.use((bulkhead) => bulkhead.snapshot("lane")),
  ({ running, waiting }) => ({ running, waiting })
)
/** Lets everything that can run now run. */
const settle = TestClock.adjust(0)

describe("a bulkhead", () => {
  it.effect("runs as many calls at once as it is told, and the next when one ends", () =>
    Effect.gen(function* () {
      const inSlot = Bulkhead.run("lane", { maxConcurrent: 2 })
      const gates = yield* Effect.forEach([1, 2, 3], () => Deferred.make<void>())
      const calls = yield* Effect.forEach(gates, (gate) => Effect.forkChild(inSlot(Deferred.await(gate))))
      yield* settle
      assert.deepStrictEqual(yield* snapshot, { running: 2, waiting: 1 })
      yield* Deferred.succeed(gates[0]!, undefined)
      yield* settle
      assert.deepStrictEqual(yield* snapshot, { running: 2, waiting: 0 })
      yield* Effect.forEach(gates, (gate) => Deferred.succeed(gate, undefined))
      yield* Effect.forEach(calls, Fiber.join)
      assert.deepStrictEqual(yield* snapshot, { running: 0, waiting: 0 })
    }).pipe(alone)
  )

  it.effect("refuses at once when its queue is full, and says what it holds (behaviour 31)", () =>
    Effect.gen(function* () {
      const inSlot = Bulkhead.run("lane", { maxConcurrent: 1, maxQueue: 1 })
      yield* Effect.forkChild(inSlot(Effect.never))
      const queued = yield* Effect.forkChild(inSlot(Effect.succeed("second")))
      yield* settle
      const refusal = yield* Effect.flip(inSlot(Effect.succeed("third")))
      assert.deepInclude(refusal, { _tag: "BulkheadFull", reason: "queue-full", maxConcurrent: 1, maxQueue: 1 })
      yield* Fiber.interrupt(queued)
      assert.deepStrictEqual(yield* snapshot, { running: 1, waiting: 0 })
      const next = yield* Effect.forkChild(inSlot(Effect.succeed("fourth")))
      yield* settle
      assert.deepStrictEqual(yield* snapshot, { running: 1, waiting: 1 })
      yield* Fiber.interrupt(next)
    }).pipe(alone)
  )

  it.effect("without a queue refuses whoever finds no free slot", () =>
    Effect.gen(function* () {
      const inSlot = Bulkhead.run("lane", { maxConcurrent: 1, maxQueue: 0 })
      const call = yield* Effect.forkChild(inSlot(Effect.never))
      yield* settle
      assert.strictEqual((yield* Effect.flip(inSlot(Effect.void))).reason, "queue-full")
      yield* Fiber.interrupt(call)
      yield* inSlot(Effect.void)
    }).pipe(alone)
  )

  it.effect("refuses whoever has waited too long, and only then", () =>
    Effect.gen(function* () {
      const inSlot = Bulkhead.run("lane", { maxConcurrent: 1, queueTimeout: "5 seconds" })
      yield* Effect.forkChild(inSlot(Effect.never))
      const queued = yield* Effect.forkChild(Effect.flip(inSlot(Effect.void)))
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(queued.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const refusal = yield* Fiber.join(queued)
      assert.deepInclude(refusal, { _tag: "BulkheadFull", reason: "queue-timeout" })
      assert.deepStrictEqual(yield* snapshot, { running: 1, waiting: 0 })
    }).pipe(alone)
  )

  it.effect("counts only the wait against the queue's time, not the call", () =>
    Effect.gen(function* () {
      const call = yield* Effect.forkChild(
        Bulkhead.run("lane", { queueTimeout: "1 second" })(Effect.as(Effect.sleep("1 hour"), "hello"))
      )
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* Fiber.join(call), "hello")
    }).pipe(alone)
  )

  it.effect("serves in the order of arrival, high priority before normal", () =>
    Effect.gen(function* () {
      const inSlot = Bulkhead.run("lane", { maxConcurrent: 1 })
      const order: Array<string> = []
      const call = (name: string) => inSlot(Effect.sync(() => order.push(name)))
      const gate = yield* Deferred.make<void>()
      yield* Effect.forkChild(inSlot(Deferred.await(gate)))
      yield* settle
      const high = Effect.provideService(Bulkhead.Priority, "high")
      for (const name of ["a", "b", "C", "d", "E"]) {
        const isHigh = name !== name.toLowerCase()
        yield* Effect.forkChild(isHigh ? high(call(name)) : call(name))
        yield* settle
      }
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.deepStrictEqual(order, ["C", "E", "a", "b", "d"])
    }).pipe(alone)
  )

  it.effect("gives the slot back when the call fails, dies or is interrupted", () =>
    Effect.gen(function* () {
      const inSlot = Bulkhead.run("lane", { maxConcurrent: 1, maxQueue: 0 })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(inSlot(Effect.fail("no")))))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(inSlot(Effect.die("bug")))))
      const call = yield* Effect.forkChild(inSlot(Effect.never))
      yield* settle
      yield* Fiber.interrupt(call)
      assert.deepStrictEqual(yield* snapshot, { running: 0, waiting: 0 })
    }).pipe(alone)
  )

  it.effect("passes on the slot of a caller that is interrupted in the instant its turn comes", () =>
    Effect.gen(function* () {
      const inSlot = Bulkhead.run("lane", { maxConcurrent: 1 })
      const gate = yield* Deferred.make<void>()
      const holder = yield* Effect.forkChild(inSlot(Deferred.await(gate)))
      yield* settle
      const first = yield* Effect.forkChild(inSlot(Effect.never))
      yield* settle
      const second = yield* Effect.forkChild(inSlot(Effect.succeed("second")))
      yield* settle
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.interruptAll([holder, first])
      assert.strictEqual(yield* Fiber.join(second), "second")
      assert.deepStrictEqual(yield* snapshot, { running: 0, waiting: 0 })
    }).pipe(alone)
  )

  it.effect.each(["holder first", "waiter first"] as const)(
    "leaks nothing when a wait times out in the instant its turn comes (%s)",
    (order) =>
      Effect.gen(function* () {
        const inSlot = Bulkhead.run("lane", { maxConcurrent: 1, queueTimeout: "5 seconds" })
        const start = yield* Deferred.make<void>()
        const work = Effect.sleep("5 seconds")
        yield* Effect.forkChild(inSlot(order === "holder first" ? work : Effect.andThen(Deferred.await(start), work)))
        yield* settle
        const waiter = yield* Effect.forkChild(Effect.exit(inSlot(Effect.succeed("hello"))))
        yield* settle
        yield* Deferred.succeed(start, undefined)
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(waiter)
        assert.deepStrictEqual(yield* snapshot, { running: 0, waiting: 0 })
        assert.strictEqual(yield* inSlot(Effect.succeed("next")), "next")
      }).pipe(alone)
  )

  it.effect("misses no slot that is freed while a caller is looking for one", () =>
    Effect.gen(function* () {
      const inSlot = Bulkhead.run("lane", { maxConcurrent: 1 })
      // The caller takes a few steps per turn only; each round frees the slot one turn later than the round before.
      const slowly = Effect.provideService(References.MaxOpsBeforeYield, 4)
      const turns = (n: number) => Effect.forEach(Array.from({ length: n }), () => Effect.yieldNow)
      for (let turn = 0; turn < 30; turn++) {
        const gate = yield* Deferred.make<void>()
        const holder = yield* Effect.forkChild(inSlot(Deferred.await(gate)))
        yield* settle
        const caller = yield* Effect.forkChild(slowly(inSlot(Effect.succeed("hello"))), { startImmediately: true })
        yield* turns(turn)
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(holder)
        yield* turns(100)
        assert.isDefined(caller.pollUnsafe(), `forgotten when the slot was freed at turn ${turn}`)
      }
    }).pipe(alone)
  )

  it.effect("holds each route that shares the lane to its own number", () =>
    Effect.gen(function* () {
      const narrow = Bulkhead.run("lane", { maxConcurrent: 1 })
      const wide = Bulkhead.run("lane", { maxConcurrent: 3 })
      const [one, two] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      yield* Effect.forkChild(wide(Deferred.await(one)))
      yield* Effect.forkChild(wide(Deferred.await(two)))
      yield* settle
      const started = yield* Deferred.make<void>()
      yield* Effect.forkChild(narrow(Effect.andThen(Deferred.succeed(started, undefined), Effect.never)))
      yield* settle
      yield* Deferred.succeed(one, undefined)
      yield* settle
      assert.deepStrictEqual(yield* snapshot, { running: 1, waiting: 1 })
      yield* Deferred.succeed(two, undefined)
      yield* Deferred.await(started)
      assert.deepStrictEqual(yield* snapshot, { running: 1, waiting: 0 })
    }).pipe(alone)
  )

  it.effect("keeps lanes apart", () =>
    Effect.gen(function* () {
      yield* Effect.forkChild(Bulkhead.run("lane", { maxConcurrent: 1, maxQueue: 0 })(Effect.never))
      yield* settle
      yield* Bulkhead.run("other", { maxConcurrent: 1, maxQueue: 0 })(Effect.void)
      assert.deepStrictEqual(yield* snapshot, { running: 1, waiting: 0 })
    }).pipe(alone)
  )

  it("refuses impossible settings when it is made, by name and value", () => {
    assert.throws(() => Bulkhead.run("x", { maxConcurrent: 0 }), RangeError)
    assert.throws(() => Bulkhead.run("x", { maxConcurrent: 0 }), /got 0[^]*maxConcurrent/)
    assert.throws(() => Bulkhead.run("x", { maxQueue: -1 }), /got -1[^]*maxQueue/)
    assert.throws(() => Bulkhead.run("x", { queueTimeout: 0 }), /got 0[^]*queueTimeout/)
  })
})
