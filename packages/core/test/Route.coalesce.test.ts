import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Queue, Ref, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, Cache, Policy, Provenance } from "@holdfast/core"
import { alone, chat, exact, held, nothing, request } from "./Chat.ts"
import { interruptedAt } from "./Interruption.ts"
import { recorder } from "./Recorder.ts"
import {
  after,
  breaking,
  delta,
  failing,
  finish,
  hanging,
  part,
  pause,
  playing,
  replying,
  scripted,
  text
} from "./Scripted.ts"

const quick = exact.pipe(Policy.retry({ maxRetries: 0 }))
const sharing = quick.pipe(Policy.coalesce())

const slow = after("10 seconds", replying("hello"))
const story = playing(text("one "), pause("2 seconds"), text("two "), pause("2 seconds"), text("three"), part(finish))

const fork = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.forkChild(self, { startImmediately: true })

describe.each(["ask", "listen"] as const)("identical calls at the same time: %s", (way) => {
  it.effect("share one attempt, and each hears its own end", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [slow])
      const call = (yield* chat([a], sharing))[way]
      const first = yield* fork(Provenance.of(call))
      yield* TestClock.adjust("4 seconds")
      const second = yield* fork(Provenance.of(call))
      yield* TestClock.adjust("1 second")
      const third = yield* fork(Provenance.of(call))
      yield* TestClock.adjust("5 seconds")
      const answers = yield* Effect.forEach([first, second, third], Fiber.join)
      assert.deepStrictEqual(
        answers.map(([answer]) => answer),
        ["hello", "hello", "hello"]
      )
      assert.strictEqual(yield* a.calls, 1)
      assert.deepStrictEqual(
        answers.map(([, provenance]) => [provenance?.lane, provenance?.coalesced, provenance?.sent]),
        [
          ["a/x", false, 1],
          ["a/x", true, 0],
          ["a/x", true, 0]
        ]
      )
      const ids = answers.map(([, provenance]) => provenance?.operation)
      const ended = yield* events.of("OperationEnded")
      assert.deepStrictEqual(
        ended.map(({ attempts, durationMillis, joined, lane, operation, result, source }) => ({
          attempts,
          durationMillis,
          joined,
          lane,
          operation,
          result,
          source
        })),
        [10_000, 6000, 5000].map((durationMillis, index) => ({
          attempts: index === 0 ? 1 : 0,
          durationMillis,
          joined: index === 0 ? undefined : ids[0],
          lane: "a/x",
          operation: ids[index] ?? "",
          result: "Success" as const,
          source: index === 0 ? undefined : ("shared" as const)
        }))
      )
      assert.strictEqual(new Set(ids).size, 3)
      assert.strictEqual((yield* events.of("AttemptEnded"))[0]?.operation, ids[0])
    }).pipe(alone)
  )

  it.effect(
    "share nothing by default, with other requests, for other tenants, or where a new answer was asked for",
    () =>
      Effect.gen(function* () {
        const a = yield* scripted("a/x", [slow])
        const plain = yield* chat([a], quick)
        const shared = yield* chat([a], sharing)
        const other = { ...request, sampling: { temperature: 0 } }
        const calls = [
          plain[way],
          plain[way],
          shared[way],
          shared[way],
          way === "ask" ? shared.generate(other) : Stream.runDrain(shared.stream(other)),
          Effect.provideService(shared[way], Cache.Tenant, "another"),
          Effect.provideService(shared[way], Cache.Bypass, "no-cache"),
          Effect.provideService(shared[way], Cache.Bypass, "no-store")
        ]
        const fibers = yield* Effect.forEach(calls, fork)
        yield* TestClock.adjust("10 seconds")
        yield* Effect.forEach(fibers, Fiber.join)
        assert.strictEqual(yield* a.calls, 7)
      }).pipe(alone)
  )

  it.effect("share their error", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [after("1 second", failing("ServiceUnavailable")), replying("hello")])
      const call = (yield* chat([a], sharing))[way]
      const fibers = yield* Effect.forEach([call, call], fork)
      yield* TestClock.adjust("1 second")
      for (const fiber of fibers) assert.strictEqual((yield* Effect.flip(Fiber.join(fiber)))._tag, "ServiceUnavailable")
      assert.strictEqual(yield* a.calls, 1)
      // It is over: the next call is a new one.
      assert.strictEqual(yield* call, "hello")
    }).pipe(alone)
  )

  it.effect("go on when any of them leaves, and stop when the last one has", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [slow])
      const call = (yield* chat([a], sharing))[way]
      const first = yield* fork(call)
      const second = yield* fork(call)
      const third = yield* fork(call)
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(first)
      yield* Fiber.interrupt(third)
      assert.strictEqual(yield* a.open, 1)
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* Fiber.join(second), "hello")
      assert.deepStrictEqual(
        (yield* events.of("OperationEnded")).map(({ attempts, result }) => [result, attempts]),
        [
          ["Cancelled", 0],
          ["Cancelled", 0],
          ["Success", 1]
        ]
      )

      const leaving = yield* Effect.forEach([call, call], fork)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* a.open, 1)
      for (const fiber of leaving) yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* a.open, 0)
      assert.deepStrictEqual(yield* held(a), nothing)
      assert.deepStrictEqual(
        (yield* events.of("AttemptEnded")).map(({ result }) => result),
        ["Success", "Cancelled"]
      )
      const attempts = (yield* events.of("OperationEnded")).reduce((sum, one) => sum + one.attempts, 0)
      assert.strictEqual(attempts, yield* a.calls)
    }).pipe(alone)
  )

  it.effect("each have their own time: who came later asks again when the first one's is over", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(
        Policy.coalesce(),
        Policy.retry({ maxRetries: 1 }),
        Policy.clocks({ total: "60 seconds", plainAttempt: "40 seconds", firstContent: "40 seconds" })
      )
      for (const [step, end] of [
        [after("10 seconds", replying("late")), Exit.succeed("late")],
        [hanging, undefined]
      ] as const) {
        const a = yield* scripted(end === undefined ? "a/x" : "b/y", [hanging, hanging, step])
        const call = (yield* chat([a], policy))[way]
        const first = yield* fork(call)
        yield* TestClock.adjust("45 seconds")
        const second = yield* fork(call)
        yield* TestClock.adjust("15 seconds")
        assert.strictEqual((yield* Effect.flip(Fiber.join(first)))._tag, "DeadlineExceeded")
        yield* TestClock.adjust("44999 millis")
        if (end !== undefined) assert.deepStrictEqual(yield* Fiber.await(second), end)
        else {
          assert.isUndefined(second.pollUnsafe())
          yield* TestClock.adjust(1)
          assert.strictEqual((yield* Effect.flip(Fiber.join(second)))._tag, "DeadlineExceeded")
        }
        assert.strictEqual(yield* a.open, 0)
      }
    }).pipe(alone)
  )

  it.effect("do not keep an urgent one behind an ordinary one", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [slow])
      const call = (yield* chat([a], sharing))[way]
      const urgent = Effect.provideService(call, Bulkhead.Priority, "high")
      const fibers = yield* Effect.forEach([call, urgent, call, urgent], fork)
      yield* TestClock.adjust("10 seconds")
      yield* Effect.forEach(fibers, Fiber.join)
      // The ordinary one that came last joined the urgent one.
      assert.strictEqual(yield* a.calls, 2)
    }).pipe(alone)
  )

  it.effect("keep their answer once, and get the stale one each when they fail", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [slow, after("1 second", failing("Network"))])
      const call = (yield* chat([a], sharing.pipe(Policy.cache({ staleIfError: "1 hour" }))))[way]
      const pair = Effect.gen(function* () {
        const fibers = yield* Effect.forEach([Provenance.of(call), Provenance.of(call)], fork)
        yield* TestClock.adjust("10 seconds")
        return yield* Effect.forEach(fibers, Fiber.join)
      })
      yield* pair
      for (const [answer, provenance] of yield* pair) {
        assert.strictEqual(answer, "hello")
        assert.deepInclude(provenance, { cached: true, stale: true, ageMillis: 1000 })
      }
      assert.strictEqual(yield* a.calls, 2)
    }).pipe(alone)
  )

  it.effect.each(["first", "second"] as const)("lose nothing when the %s is interrupted at any step", (which) =>
    Effect.gen(function* () {
      const events = yield* recorder
      let interrupted = 0
      for (let step = 1; ; step++) {
        const a = yield* scripted(`a/x${step}`, [after("1 second", replying("hello"))])
        const call = (yield* chat([a], sharing))[way]
        const before = (yield* events.of("OperationEnded")).length
        const steady = which === "second" ? yield* fork(call) : undefined
        const shaken = yield* fork(interruptedAt(step, call))
        const other = steady ?? (yield* fork(call))
        yield* TestClock.adjust("1 second")
        const { exit, isOver } = yield* Fiber.join(shaken)
        // The interruption may have hit the shared fiber itself; whoever waits is told, and nobody hangs.
        const its = yield* Fiber.await(other)
        if (Exit.isFailure(exit)) interrupted += 1
        if (which === "second") assert.deepStrictEqual(its, Exit.succeed("hello"))
        const ended = (yield* events.of("OperationEnded")).slice(before)
        assert.isAtMost(ended.length, 2)
        assert.deepStrictEqual(yield* held(a), nothing)
        assert.strictEqual(yield* a.open, 0)
        if (isOver) break
      }
      assert.isAbove(interrupted, 10)
    }).pipe(alone)
  )
})

describe("a shared stream", () => {
  const words = (self: Stream.Stream<{ readonly type: string; readonly delta?: string }, unknown>) =>
    self.pipe(
      Stream.filter((part) => part.type === "text-delta"),
      Stream.map((part) => part.delta ?? "")
    )

  it.effect("begins for a late reader with what has been said, and goes on live", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [story])
      const { parts } = yield* chat([a], sharing)
      const heard = (name: string) =>
        Effect.gen(function* () {
          const at = yield* Ref.make<ReadonlyArray<string>>([])
          const listening = words(parts).pipe(
            Stream.runForEach((word) => Ref.update(at, (before) => [...before, `${name}:${word}`]))
          )
          return { fiber: yield* fork(listening), at: Ref.get(at) }
        })
      const first = yield* heard("first")
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* first.at, ["first:one ", "first:two "])
      const second = yield* heard("second")
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(yield* second.at, ["second:one ", "second:two "])
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(first.fiber)
      yield* Fiber.join(second.fiber)
      assert.deepStrictEqual(yield* second.at, ["second:one ", "second:two ", "second:three"])
      assert.strictEqual(yield* a.calls, 1)
    }).pipe(alone)
  )

  it.effect("breaks off for everybody where it breaks off, with what came before", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [playing(text("half"), pause("1 second"), breaking("Network"))])
      const { parts } = yield* chat([a], sharing)
      const heard = yield* Ref.make(0)
      const listen = Stream.runForEach(words(parts), () => Ref.update(heard, (n) => n + 1))
      const fibers = yield* Effect.forEach([listen, listen], fork)
      yield* TestClock.adjust("1 second")
      for (const fiber of fibers) assert.isTrue(Exit.isFailure(yield* Fiber.await(fiber)))
      assert.strictEqual(yield* Ref.get(heard), 2)
    }).pipe(alone)
  )

  /** A lane whose stream brings a word whenever the test says so. */
  const dictated = Effect.gen(function* () {
    const queue = yield* Queue.unbounded<string>()
    const script = () => ({
      generate: Effect.never,
      stream: Stream.fromQueue(queue).pipe(
        Stream.map(delta),
        Stream.takeWhile((part) => part.type !== "text-delta" || part.delta !== "end"),
        Stream.concat(Stream.make(finish))
      )
    })
    return { queue, lane: yield* scripted("a/x", [script]) }
  })

  it.effect("waits for nobody: a reader that falls too far behind is cut off, the others read on", () =>
    Effect.gen(function* () {
      const { lane, queue } = yield* dictated
      const { parts } = yield* chat([lane], quick.pipe(Policy.coalesce({ maxBytes: 500 })))
      const go = yield* Deferred.make<void>()
      const slow = yield* fork(Stream.runForEach(words(parts), () => Deferred.await(go)))
      const fast = yield* fork(Stream.runCollect(words(parts)))
      yield* TestClock.adjust(0)
      const said = Array.from({ length: 100 }, (_, n) => `word ${n} `)
      for (const word of said) {
        yield* Queue.offer(queue, word)
        yield* TestClock.adjust(0)
      }
      yield* Queue.offer(queue, "end")
      assert.deepStrictEqual(yield* Fiber.join(fast), said)
      yield* Deferred.succeed(go, undefined)
      const exit = yield* Fiber.await(slow)
      assert.include(String(exit), "coalesce/slow-reader")
      assert.deepStrictEqual(yield* held(lane), nothing)
    }).pipe(alone)
  )

  it.effect("waits for its only reader, however slow, and cuts nothing", () =>
    Effect.gen(function* () {
      const taken = yield* Ref.make(0)
      const many = Array.from({ length: 200 }, (_, n) => delta(`word ${n} `))
      const a = yield* scripted("a/x", [
        () => ({
          generate: Effect.never,
          stream: Stream.concat(
            Stream.fromIterable(many, { chunkSize: 1 }).pipe(Stream.tap(() => Ref.update(taken, (n) => n + 1))),
            Stream.make(finish)
          )
        })
      ])
      const { parts } = yield* chat([a], quick.pipe(Policy.coalesce({ maxBytes: 500 })))
      const reading = yield* fork(
        words(parts).pipe(
          Stream.tap(() => Effect.sleep("10 millis")),
          Stream.runCollect
        )
      )
      yield* TestClock.adjust("15 millis")
      assert.isBelow(yield* Ref.get(taken), 20)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(reading)).length, 200)
    }).pipe(alone)
  )

  it.effect("takes nobody in who could no longer see its beginning", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [playing(text("x".repeat(600)), pause("1 second"), text("end"), part(finish))])
      const { listen } = yield* chat([a], quick.pipe(Policy.coalesce({ maxBytes: 500 })))
      const first = yield* fork(listen)
      yield* TestClock.adjust(0)
      const second = yield* fork(listen)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(first), yield* Fiber.join(second))
      assert.strictEqual(yield* a.calls, 2)
    }).pipe(alone)
  )
})
