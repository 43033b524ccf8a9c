import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import type { Response } from "effect/ai"
import { TestClock } from "effect/testing"
import { Cache, Policy, Provenance } from "@holdfast/core"
import { alone, chat, exact, held, nothing, request } from "./Chat.ts"
import { interruptedAt } from "./Interruption.ts"
import { recorder } from "./Recorder.ts"
import {
  after,
  breaking,
  delta,
  dying,
  failing,
  finish,
  hanging,
  playing,
  replying,
  scripted,
  text
} from "./Scripted.ts"
import type { Step } from "./Scripted.ts"

const quick = exact.pipe(Policy.retry({ maxRetries: 0 }))
const cached = quick.pipe(Policy.cache({ ttl: "1 minute" }))
const steady = quick.pipe(Policy.cache({ ttl: "1 minute", staleIfError: "1 hour" }))

const ending =
  (reason: Response.FinishReason): Step =>
  () => ({
    generate: Effect.succeed([
      { type: "text", text: "some" },
      { ...finish, reason }
    ]),
    stream: Stream.make(delta("some"), { ...finish, reason })
  })

describe("a fresh answer", () => {
  it.effect("is given again, says so and how old it is, and costs no attempt", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [replying("first"), replying("second")])
      const { ask } = yield* chat([a], cached)
      assert.strictEqual(yield* ask, "first")
      yield* TestClock.adjust("59999 millis")
      const [again, provenance] = yield* Provenance.of(ask)
      assert.strictEqual(again, "first")
      assert.deepInclude(provenance, {
        lane: "a/x",
        model: "x",
        cached: true,
        stale: false,
        ageMillis: 59_999,
        sent: 0,
        attempts: [],
        degraded: false
      })
      yield* TestClock.adjust(1)
      const [newer, own] = yield* Provenance.of(ask)
      assert.strictEqual(newer, "second")
      assert.deepInclude(own, { lane: "a/x", cached: false, sent: 1 })
      const ended = yield* events.of("OperationEnded")
      assert.deepStrictEqual(
        ended.map(({ attempts, lane, result, source }) => [result, source, lane, attempts]),
        [
          ["Success", undefined, "a/x", 1],
          ["Success", "cache", undefined, 0],
          ["Success", undefined, "a/x", 1]
        ]
      )
      assert.strictEqual(new Set(ended.map(({ operation }) => operation)).size, 3)
      assert.strictEqual(provenance?.operation, ended[1]?.operation)
      assert.strictEqual((yield* events.of("AttemptEnded"))[0]?.operation, ended[0]?.operation)
    }).pipe(alone)
  )

  it.effect("of a stream is a stream of the same parts", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [playing(text("one "), text("two"), () => Effect.succeed([finish])), hanging])
      const { parts } = yield* chat([a], cached)
      const [first] = yield* Provenance.of(Stream.runCollect(parts))
      const [second, provenance] = yield* Provenance.of(Stream.runCollect(parts))
      assert.deepStrictEqual(JSON.parse(JSON.stringify(second)), JSON.parse(JSON.stringify(first)))
      assert.strictEqual(second.length, 3)
      assert.deepInclude(provenance, { cached: true, lane: "a/x", sent: 0 })
      assert.strictEqual(yield* a.calls, 1)
      assert.deepStrictEqual(
        (yield* events.of("OperationEnded")).map(({ kind, result, source }) => [kind, result, source]),
        [
          ["stream", "Success", undefined],
          ["stream", "Success", "cache"]
        ]
      )
    }).pipe(alone)
  )

  it.effect("is for exactly the same request, route of lanes and tenant", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("from a")])
      const b = yield* scripted("b/y", [replying("from b")])
      const { ask, generate } = yield* chat([a, b], cached)
      yield* ask
      yield* generate({ ...request, sampling: { temperature: 0 } })
      yield* generate({ ...request, sampling: { temperature: 0.5 } })
      yield* generate({ ...request, tools: [{ name: "look", parameters: { type: "object" } }] })
      yield* generate({ ...request, responseFormat: { type: "json-object" } })
      assert.strictEqual(yield* a.calls, 5)
      yield* Effect.provideService(ask, Cache.Tenant, "another")
      assert.strictEqual(yield* a.calls, 6)
      yield* Effect.provideService(ask, Cache.Tenant, "another")
      yield* generate({ ...request, sampling: { temperature: 0.5, topP: undefined } })
      assert.strictEqual(yield* a.calls, 6)
      const turned = yield* chat([b, a], cached)
      assert.strictEqual(yield* turned.ask, "from b")
    }).pipe(alone)
  )

  it.effect("is passed by on request, and then replaced (no-cache) or left alone (no-store)", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", ["first", "second", "third"].map(replying))
      const { ask } = yield* chat([a], cached)
      assert.strictEqual(yield* ask, "first")
      assert.strictEqual(yield* Effect.provideService(ask, Cache.Bypass, "no-store"), "second")
      assert.strictEqual(yield* ask, "first")
      assert.strictEqual(yield* Effect.provideService(ask, Cache.Bypass, "no-cache"), "third")
      assert.strictEqual(yield* ask, "third")
    }).pipe(alone)
  )

  it.effect("is none by default", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("first"), replying("second")])
      const { ask } = yield* chat([a])
      assert.deepStrictEqual([yield* ask, yield* ask], ["first", "second"])
    }).pipe(alone)
  )
})

describe("an answer is not kept", () => {
  it.effect.each(["length", "content-filter", "error", "pause", "other", "unknown"] as const)(
    "when it ended with %s, plain or streamed",
    (reason) =>
      Effect.gen(function* () {
        const a = yield* scripted("a/x", [ending(reason), ending(reason), replying("whole")])
        const { ask, listen } = yield* chat([a], cached)
        assert.deepStrictEqual([yield* ask, yield* listen], ["some", "some"])
        assert.deepStrictEqual([yield* ask, yield* listen], ["whole", "whole"])
      }).pipe(alone)
  )

  it.effect("when it has no content, when it failed, or when it broke off", () =>
    Effect.gen(function* () {
      const empty: Step = () => ({ generate: Effect.succeed([finish]), stream: Stream.make(finish) })
      const broken = playing(text("half an ans"), breaking("StreamTruncated"))
      const a = yield* scripted("a/x", [empty, empty, failing("Network"), broken, replying("whole")])
      const { ask, listen } = yield* chat([a], cached)
      assert.deepStrictEqual([yield* ask, yield* listen], ["", ""])
      assert.strictEqual((yield* Effect.flip(ask))._tag, "Network")
      assert.strictEqual((yield* Effect.flip(listen))._tag, "StreamTruncated")
      assert.deepStrictEqual([yield* ask, yield* listen], ["whole", "whole"])
    }).pipe(alone)
  )

  it.effect("when the reader of a stream has left before its end", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [replying("first"), replying("second")])
      const { listen, parts } = yield* chat([a], cached)
      yield* Stream.runDrain(Stream.take(parts, 2))
      assert.strictEqual(yield* listen, "second")
      assert.deepStrictEqual(
        (yield* events.of("OperationEnded")).map(({ result }) => result),
        ["Cancelled", "Success"]
      )
    }).pipe(alone)
  )

  it.effect("when it is too large", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("x".repeat(2000)), replying("x".repeat(2000)), replying("new")])
      const { ask, listen } = yield* chat([a], cached.pipe(Policy.cache({ maxEntryBytes: 1000 })))
      yield* ask
      yield* listen
      assert.deepStrictEqual([yield* ask, yield* listen], ["new", "new"])
    }).pipe(alone)
  )
})

describe("a stale answer", () => {
  it.effect("stands in for a failure that is not the caller's, and says so, for as long as it is kept", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [replying("old"), replying("old"), failing("ServiceUnavailable")])
      const policy = steady.pipe(Policy.breaker({ consecutiveFailures: 100, rate: 0 }))
      const { ask, listen } = yield* chat([a], policy)
      yield* ask
      yield* listen
      yield* TestClock.adjust("10 minutes")
      for (const [kind, again] of [
        ["text", ask],
        ["stream", listen]
      ] as const) {
        const [answer, provenance] = yield* Provenance.of(again)
        assert.strictEqual(answer, "old")
        assert.deepInclude(provenance, {
          lane: "a/x",
          cached: true,
          stale: true,
          degraded: true,
          ageMillis: 600_000,
          sent: 1
        })
        const ended = (yield* events.of("OperationEnded")).at(-1)
        assert.deepInclude(ended, {
          kind,
          operation: provenance?.operation ?? "",
          result: "Success",
          source: "stale",
          instead: "ServiceUnavailable",
          attempts: 1,
          degraded: true
        })
      }
      assert.strictEqual((yield* events.of("OperationEnded")).length, 4)
      yield* TestClock.adjust("51 minutes")
      assert.strictEqual((yield* Effect.flip(ask))._tag, "ServiceUnavailable")
    }).pipe(alone)
  )

  it.effect("may be all that a route keeps answers for", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("first"), replying("second"), failing("Network")])
      const { ask } = yield* chat([a], quick.pipe(Policy.cache({ staleIfError: "1 hour" })))
      assert.deepStrictEqual([yield* ask, yield* ask, yield* ask], ["first", "second", "second"])
    }).pipe(alone)
  )

  it.effect("stands in for our own refusals as well", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("old"), hanging])
      const { ask } = yield* chat([a], steady.pipe(Policy.clocks({ total: "61 seconds", plainAttempt: "61 seconds" })))
      yield* ask
      yield* TestClock.adjust("2 minutes")
      const asking = yield* Effect.forkChild(Provenance.of(ask))
      yield* TestClock.adjust("61 seconds")
      const [answer, provenance] = yield* Fiber.join(asking)
      assert.strictEqual(answer, "old")
      assert.isTrue(provenance?.stale)
    }).pipe(alone)
  )

  it.effect.each(["InvalidRequest", "ContentPolicy", "ContextLengthExceeded"] as const)(
    "does not hide that the caller has to change something: %s",
    (class_) =>
      Effect.gen(function* () {
        const a = yield* scripted("a/x", [replying("old"), replying("old"), failing(class_)])
        const { ask, listen } = yield* chat([a], steady)
        yield* ask
        yield* listen
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual((yield* Effect.flip(ask))._tag, class_)
        assert.strictEqual((yield* Effect.flip(listen))._tag, class_)
      }).pipe(alone)
  )

  it.effect(
    "does not stand in once a part of the new one has been seen, for a defect, or where no-cache was asked",
    () =>
      Effect.gen(function* () {
        const a = yield* scripted("a/x", [
          replying("old"),
          replying("old"),
          playing(text("new"), breaking("Network")),
          dying,
          failing("Network")
        ])
        const { ask, listen } = yield* chat([a], steady)
        yield* ask
        yield* listen
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual((yield* Effect.flip(listen))._tag, "Network")
        assert.isTrue(Exit.hasDies(yield* Effect.exit(ask)))
        const anew = Effect.provideService(ask, Cache.Bypass, "no-cache")
        assert.strictEqual((yield* Effect.flip(anew))._tag, "Network")
        assert.strictEqual(yield* ask, "old")
      }).pipe(alone)
  )
})

describe("interruption at any step", () => {
  const slow = after("1 second", replying("hello"))

  it.effect.each(["ask", "listen"] as const)("leaves nothing behind and is reported once: %s", (way) =>
    Effect.gen(function* () {
      const events = yield* recorder
      let interrupted = 0
      for (let step = 1; ; step++) {
        const a = yield* scripted(`a/x${step}`, [slow])
        const call = (yield* chat([a], steady))[way]
        const before = (yield* events.of("OperationEnded")).length
        const running = yield* Effect.forkChild(interruptedAt(step, call))
        yield* TestClock.adjust("1 second")
        const { exit, isOver } = yield* Fiber.join(running)
        const ended = (yield* events.of("OperationEnded")).slice(before)
        assert.isAtMost(ended.length, 1)
        if (Exit.isFailure(exit)) interrupted += 1
        assert.deepStrictEqual(yield* held(a), nothing)
        assert.strictEqual(yield* a.open, 0)
        if ((yield* a.calls) > 0) assert.strictEqual(ended.length, 1)
        if (isOver) break
      }
      assert.isAbove(interrupted, 20)
    }).pipe(alone)
  )
})
