import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Policy, Provenance, Refusal } from "@holdfast/core"
import { alone, chat, exact, held, nothing } from "../Chat.ts"
import { recorder } from "../Recorder.ts"
import { after, failing, replying, scripted } from "../Scripted.ts"

const narrow = exact.pipe(Policy.bulkhead({ maxConcurrent: 1, queueTimeout: "30 seconds" }))
const slowly = (text: string) => after("10 seconds", replying(text))

describe("a lane whose slots are all taken", () => {
  it.effect("is not waited for where another one has a slot free, whole answers and streams", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("acme/x", [slowly("hello from a")])
      const b = yield* scripted("zeta/z", [replying("hello from b")])
      const { ask, listen } = yield* chat([a, b], narrow)
      const first = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      const [answer, provenance] = yield* Provenance.of(ask)
      assert.deepInclude({ answer, ...provenance }, { answer: "hello from b", lane: "zeta/z", sent: 1, degraded: true })
      assert.strictEqual(yield* listen, "hello from b")
      const refused = yield* events.of("LaneRefused")
      assert.deepStrictEqual(
        refused.map(({ lane, reason }) => [lane, reason]),
        [
          ["acme/x", "BulkheadFull"],
          ["acme/x", "BulkheadFull"]
        ]
      )
      const failedOver = yield* events.of("FailedOver")
      assert.deepInclude(failedOver[0], { from: "acme/x", to: "zeta/z", reason: "BulkheadFull" })
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* Fiber.join(first), "hello from a")
      assert.deepStrictEqual(yield* held(a, b), nothing)
    }).pipe(alone)
  )

  it.effect("is waited for where all are full, and no other", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [slowly("hello from a")])
      const b = yield* scripted("zeta/z", [after("9 seconds", replying("hello from b"))])
      const { ask } = yield* chat([a, b], narrow)
      const fibers = yield* Effect.forEach([1, 2, 3, 4], () => Effect.forkChild(ask))
      yield* TestClock.adjust("1 second")
      const bulkhead = yield* Bulkhead.Bulkhead
      assert.deepInclude(yield* bulkhead.snapshot("acme/x"), { running: 1, waiting: 2 })
      assert.deepInclude(yield* bulkhead.snapshot("zeta/z"), { running: 1, waiting: 0 })
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* Fiber.joinAll(fibers), [
        "hello from a",
        "hello from b",
        "hello from a",
        "hello from a"
      ])
    }).pipe(alone)
  )

  it.effect("is asked next, standing in its line, by whom the other one has failed", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [slowly("hello from a")])
      const b = yield* scripted("zeta/z", [failing("ContentPolicy"), failing("ServiceUnavailable")])
      const c = yield* scripted("zeta/w", [replying("hello from c")])
      const policy = narrow.pipe(Policy.retry({ maxRetries: 0 }), Policy.fallback({ onContentPolicy: true }))
      const { ask } = yield* chat([a, b, c], policy)
      const first = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      // The third has a slot free as well: then the full one is left again.
      assert.strictEqual(yield* ask, "hello from c")
      assert.deepStrictEqual([yield* a.calls, yield* b.calls, yield* c.calls], [1, 1, 1])
      const second = yield* Effect.forkChild((yield* chat([a, b], policy)).ask)
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* Fiber.join(first), "hello from a")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(second), "hello from a")
    }).pipe(alone)
  )

  it.effect("says so in the trail of an operation that nobody served", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [slowly("hello from a")])
      const b = yield* scripted("zeta/z", [failing("InvalidResponse")])
      const policy = narrow.pipe(Policy.retry({ maxRetries: 0 }), Policy.bulkhead({ maxQueue: 0 }))
      const { ask } = yield* chat([a, b], policy)
      yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      const error = yield* Effect.flip(ask)
      assert.instanceOf(error, Refusal.AllLanesFailed)
      assert.deepStrictEqual(
        error.trail.map(({ attempts, error, lane }) => [lane, attempts, error._tag]),
        [
          ["zeta/z", 1, "InvalidResponse"],
          ["acme/x", 0, "BulkheadFull"]
        ]
      )
    }).pipe(alone)
  )

  it.effect.each([
    ["is open", Policy.fallback({}), "opened"],
    ["is not to be gone to, by the policy", Policy.fallback({ spillOver: false }), "closed"]
  ] as const)("is waited for where the other one %s", ([, change, circuit]) =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [slowly("hello from a")])
      const b = yield* scripted("zeta/z", [replying("hello from b")])
      const { ask } = yield* chat([a, b], narrow.pipe(change))
      if (circuit === "opened") {
        const breaker = yield* CircuitBreaker.CircuitBreaker
        yield* breaker.trip("zeta/z", narrow.breaker, { reason: "a test" })
        // Its time to be probed has come, which is no task for a crowd.
        yield* TestClock.adjust("2 minutes")
      }
      const first = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("1 second")
      const second = yield* Effect.forkChild(ask)
      yield* TestClock.adjust("19 seconds")
      assert.deepStrictEqual(yield* Fiber.joinAll([first, second]), ["hello from a", "hello from a"])
      assert.strictEqual(yield* b.calls, 0)
    }).pipe(alone)
  )

  it.effect("gives away no more than there are free slots, however many come at once", () =>
    Effect.gen(function* () {
      const a = yield* scripted("acme/x", [slowly("hello from a")])
      const b = yield* scripted("zeta/z", [slowly("hello from b")])
      const policy = exact.pipe(Policy.bulkhead({ maxConcurrent: 5, maxQueue: 1000, queueTimeout: "30 seconds" }))
      const { ask } = yield* chat([a, b], policy)
      const fibers = yield* Effect.forEach(Array.from({ length: 100 }), () => Effect.forkChild(Effect.result(ask)))
      yield* TestClock.adjust("1 second")
      const bulkhead = yield* Bulkhead.Bulkhead
      assert.deepInclude(yield* bulkhead.snapshot("acme/x"), { running: 5, waiting: 90 })
      assert.deepInclude(yield* bulkhead.snapshot("zeta/z"), { running: 5, waiting: 0 })
      yield* TestClock.adjust("2 minutes")
      const done = yield* Fiber.joinAll(fibers)
      // Ten at once, and five every ten seconds while they stand in the line of one lane or the other.
      assert.isAtLeast(done.filter(Result.isSuccess).length, 20)
      assert.deepStrictEqual(yield* held(a, b), nothing)
    }).pipe(alone)
  )
})
