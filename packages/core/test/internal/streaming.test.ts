import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, type Duration, Effect, Exit, Fiber, Predicate, Queue, Ref, Scope, Stream } from "effect"
import type { Response } from "effect/ai"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Failure, Health, Lane, Policy, Provenance, Resilience } from "@holdfast/core"
import { alone, chat, exact, held, nothing } from "../Chat.ts"
import { recorder } from "../Recorder.ts"
import {
  after,
  type Beat,
  breaking,
  delta,
  dying,
  failing,
  finish,
  hanging,
  part,
  pause,
  playing,
  scripted,
  silence,
  text
} from "../Scripted.ts"

const now = TestClock.testClockWith((clock) => clock.currentTimeMillis)
const trip = (circuit: string) =>
  CircuitBreaker.CircuitBreaker.use((breaker) => breaker.trip(circuit, exact.breaker, { reason: "test" }))
const start: Response.StreamPartEncoded = { type: "text-start", id: "1" }
const hello = playing(part(start), text("hel"), text("lo"), part({ type: "text-end", id: "1" }, finish))

/** Reads a stream to its end, however long that takes: what it emitted, how it ended, and when. */
const read = Effect.fnUntraced(function* <A, E, R>(stream: Stream.Stream<A, E, R>) {
  const seen: Array<A> = []
  const fiber = yield* stream.pipe(
    Stream.runForEach((one) => Effect.sync(() => seen.push(one))),
    Effect.exit,
    Effect.flatMap((exit) => Effect.map(now, (at) => ({ exit, at }))),
    Effect.forkChild
  )
  yield* TestClock.adjust("1 hour")
  const { at, exit } = yield* Fiber.join(fiber)
  const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  return { seen, error, at, exit }
})
const wordsOf = (parts: ReadonlyArray<Response.StreamPartEncoded>) =>
  parts.flatMap((part) => (part.type === "text-delta" ? [part.delta] : []))
const tagOf = (error: unknown) =>
  Failure.isFailure(error) && error._tag === "Timeout"
    ? `Timeout ${error.phase}`
    : Predicate.hasProperty(error, "_tag")
      ? String(error._tag)
      : String(error)

describe("before its first content", () => {
  it.effect.each([
    ["fails at once", failing("ServiceUnavailable"), 1000],
    ["fails after its head", playing(part(start), pause("2 seconds"), breaking("Network")), 3000],
    ["is cut after empty pieces", playing(part(start), text(""), text(""), breaking("StreamTruncated")), 1000]
  ] as const)("a stream that %s is asked again unseen", ([, step, at]) =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [step, hello])
      const result = yield* read((yield* chat([a])).parts)
      assert.deepStrictEqual(result.seen, [start, delta("hel"), delta("lo"), { type: "text-end", id: "1" }, finish])
      assert.isUndefined(result.error)
      assert.deepStrictEqual(yield* a.times, [0, at])
    }).pipe(alone)
  )

  it.effect("a stream goes on to the next lane unseen", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [playing(part(start), breaking("Authentication"))])
      const b = yield* scripted("b/y", [hello])
      const { error, seen } = yield* read((yield* chat([a, b])).parts)
      assert.isUndefined(error)
      assert.deepStrictEqual(wordsOf(seen), ["hel", "lo"])
      assert.strictEqual(seen.filter(({ type }) => type === "text-start").length, 1)
    }).pipe(alone)
  )

  it.effect.each([
    ["never answers", hanging],
    ["never opens", after("1 hour", hello)],
    ["sends empty pieces only", playing(part(start), pause("20 seconds"), text(""), pause("20 seconds"), text("late"))]
  ] as const)("a lane that %s is left after thirty seconds, closed", ([, step]) =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [step])
      const b = yield* scripted("b/y", [hello])
      const { at, seen } = yield* read((yield* chat([a, b])).parts)
      assert.deepStrictEqual(wordsOf(seen), ["hel", "lo"])
      assert.strictEqual(at, 30_000)
      assert.deepStrictEqual([yield* a.calls, yield* a.open], [1, 0])
      const [attempt] = yield* events.of("AttemptEnded")
      assert.deepInclude(attempt, { lane: "a/x", result: "Timeout", rule: "clock/first-content" })
      assert.isUndefined(attempt?.firstContentMillis)
    }).pipe(alone)
  )

  it.effect("a lane that hangs while its stream is being opened is under the clock too", () =>
    Effect.gen(function* () {
      const resilience = yield* Resilience.Resilience
      const [a, b] = [Lane.make({ provider: "a", model: "x" }), Lane.make({ provider: "b", model: "y" })]
      const unopened: Stream.Stream<string> = Stream.fromPull(Effect.never)
      const { at, seen } = yield* read(
        resilience.runStream({
          route: "chat",
          policy: exact,
          lanes: [a, b],
          call: (lane) => (lane === a ? unopened : Stream.make("hello")),
          commits: () => true
        })
      )
      assert.deepStrictEqual(seen, ["hello"])
      assert.strictEqual(at, 30_000)
      assert.deepStrictEqual(yield* held(a, b), nothing)
    }).pipe(alone)
  )

  it.effect("a request fault surfaces as itself", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("ContentPolicy")])
      const b = yield* scripted("b/y", [hello])
      const { error, seen } = yield* read((yield* chat([a, b])).parts)
      assert.strictEqual(tagOf(error), "ContentPolicy")
      assert.deepStrictEqual(seen, [])
      assert.strictEqual(yield* b.calls, 0)
    }).pipe(alone)
  )

  it.effect.each([
    ["text", delta("x")],
    ["reasoning", { type: "reasoning-delta", id: "1", delta: "x" }],
    ["the start of a tool call", { type: "tool-params-start", id: "1", name: "t" }],
    ["a tool call", { type: "tool-call", id: "1", name: "t", params: {} }]
  ] as const)("everything is still open; %s commits", ([, committing]) =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [playing(part(start), part(committing), breaking("Network")), hello])
      const { error, seen } = yield* read((yield* chat([a])).parts)
      assert.strictEqual(tagOf(error), "Network")
      assert.deepStrictEqual(seen, [start, committing])
      assert.strictEqual(yield* a.calls, 1)
    }).pipe(alone)
  )
})

describe("after its first content", () => {
  it.effect("a stream that breaks keeps what was said, and surfaces the failure: nobody says it again", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [playing(text("hel"), pause("1 second"), breaking("StreamTruncated")), hello])
      const b = yield* scripted("b/y", [hello])
      const { at, error, seen } = yield* read((yield* chat([a, b])).parts)
      assert.deepStrictEqual(wordsOf(seen), ["hel"])
      assert.deepInclude(error, { _tag: "StreamTruncated", lane: "a/x" })
      assert.strictEqual(at, 1000)
      assert.deepStrictEqual([yield* a.calls, yield* b.calls], [1, 0])
    }).pipe(alone)
  )

  it.effect("a silence longer than the gap ends it, and no shorter one", () =>
    Effect.gen(function* () {
      const quick = playing(text("a"), pause("19999 millis"), text("b"), pause("19999 millis"), text("c"), part(finish))
      const slow = playing(text("a"), pause("19999 millis"), text("b"), pause("20001 millis"), text("c"))
      const a = yield* scripted("a/x", [quick, slow])
      const { parts } = yield* chat([a])
      assert.deepStrictEqual(wordsOf((yield* read(parts)).seen), ["a", "b", "c"])
      const { error, seen } = yield* read(parts)
      assert.strictEqual(tagOf(error), "Timeout chunk-gap")
      assert.deepStrictEqual(wordsOf(seen), ["a", "b"])
      assert.strictEqual(yield* a.open, 0)
    }).pipe(alone)
  )

  it.effect("an attempt that drips on is ended by its own clock", () =>
    Effect.gen(function* () {
      const drip: ReadonlyArray<Beat> = Array.from({ length: 100 }, () => [text("."), pause("7 seconds")]).flat()
      const a = yield* scripted("a/x", [playing(...drip)])
      const { at, error, seen } = yield* read((yield* chat([a])).parts)
      assert.strictEqual(tagOf(error), "Timeout attempt")
      assert.strictEqual(at, 60_000)
      assert.strictEqual(seen.length, 9)
    }).pipe(alone)
  )

  it.effect("the deadline of the whole ends it, whatever the attempt's clock says", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.clocks({ total: "90 seconds" }))
      const drip: ReadonlyArray<Beat> = Array.from({ length: 100 }, () => [text("."), pause("7 seconds")]).flat()
      const a = yield* scripted("a/x", [after("29 seconds", failing("Network")), after("29 seconds", playing(...drip))])
      const { at, error } = yield* read((yield* chat([a], policy)).parts)
      assert.deepInclude(error, { _tag: "DeadlineExceeded" })
      assert.strictEqual(at, 90_000)
      assert.strictEqual(yield* a.open, 0)
      assert.deepStrictEqual(yield* held(a), nothing)
    }).pipe(alone)
  )

  const pulse = Stream.make(1, 2, 3, 4).pipe(Stream.tap(() => Effect.sleep("2 seconds")))
  const machineries: ReadonlyArray<readonly [string, Stream.Stream<number>]> = [
    ["a buffer", Stream.buffer(pulse, { capacity: 2 })],
    ["a merge", Stream.merge(pulse, Stream.empty)],
    ["workers", Stream.mapEffect(pulse, (n) => Effect.succeed(n), { concurrency: 2 })],
    ["a timer between parts", Stream.timeout(pulse, "5 seconds")],
    [
      "a fiber of its own",
      Stream.callback<number>((queue) =>
        Effect.forEach([1, 2, 3, 4], (n) => Effect.andThen(Effect.sleep("2 seconds"), Queue.offer(queue, n))).pipe(
          Effect.andThen(Queue.end(queue))
        )
      )
    ],
    [
      "a fiber in its scope",
      Stream.unwrap(
        Effect.gen(function* () {
          const queue = yield* Queue.unbounded<number, Cause.Done>()
          yield* Stream.runIntoQueue(pulse, queue).pipe(Effect.forkScoped)
          return Stream.fromQueue(queue)
        })
      )
    ]
  ]
  it.effect.each(machineries)("the machinery of a lane's stream works on to its end (%s)", ([, stream]) =>
    Effect.gen(function* () {
      const resilience = yield* Resilience.Resilience
      const lane = Lane.make({ provider: "a", model: "x" })
      const { error, seen } = yield* read(
        resilience.runStream({
          route: "chat",
          policy: exact,
          lanes: [lane],
          call: () => stream,
          commits: (n) => n === 2
        })
      )
      assert.deepStrictEqual([seen, error], [[1, 2, 3, 4], undefined])
      assert.deepStrictEqual(yield* held(lane), nothing)
    }).pipe(alone)
  )

  it.effect("a consumer that takes its time does not count as the provider's silence", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [playing(text("a"), text("b"), part(finish))])
      const { parts } = yield* chat([a])
      const fiber = yield* parts.pipe(
        Stream.mapEffect((part) => Effect.as(Effect.sleep("25 seconds"), part)),
        Stream.runCollect,
        Effect.forkChild
      )
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(wordsOf(yield* Fiber.join(fiber)), ["a", "b"])
    }).pipe(alone)
  )
})

describe("a consumer that takes its time", () => {
  const between = (parts: Stream.Stream<Response.StreamPartEncoded, unknown>, pause: Duration.Input) =>
    Stream.mapEffect(parts, (part) => Effect.as(Effect.sleep(pause), part))
  const three = playing(text("a"), pause("1 second"), text("b"), pause("1 second"), text("c"), part(finish))

  it.effect("does not count against the attempt: the lane is not blamed for it", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [three])
      const policy = exact.pipe(Policy.clocks({ total: "10 minutes" }))
      const { error, seen } = yield* read(between((yield* chat([a], policy)).parts, "50 seconds"))
      assert.isUndefined(error)
      assert.deepStrictEqual(wordsOf(seen), ["a", "b", "c"])
      assert.deepInclude((yield* events.of("AttemptEnded"))[0], { result: "Success" })
    }).pipe(alone)
  )

  it.effect("leaves the attempt the time that it has not used", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.clocks({ total: "10 minutes", attempt: "25 seconds", firstContent: "1 second" }))
      const a = yield* scripted("a/x", [
        playing(text("a"), pause("15 seconds"), text("b"), pause("15 seconds"), text("c"))
      ])
      const { at, error, seen } = yield* read(between((yield* chat([a], policy)).parts, "1 minute"))
      assert.strictEqual(tagOf(error), "Timeout attempt")
      assert.deepStrictEqual(wordsOf(seen), ["a", "b"])
      assert.strictEqual(at, 60_000 + 15_000 + 60_000 + 10_000)
    }).pipe(alone)
  )

  it.effect("counts against the deadline of the whole, at which everything is given back", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [three])
      const fiber = yield* Effect.forkChild(read(between((yield* chat([a])).parts, "3 minutes")))
      yield* TestClock.adjust("119 seconds")
      assert.deepStrictEqual([(yield* held(a)).running, yield* a.open], [1, 1])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([(yield* held(a)).running, yield* a.open], [0, 0])
      yield* TestClock.adjust("1 hour")
      const { error, seen } = yield* Fiber.join(fiber)
      assert.strictEqual(tagOf(error), "DeadlineExceeded")
      assert.deepStrictEqual(wordsOf(seen), ["a"])
      for (const tag of ["AttemptEnded", "OperationEnded"] as const) {
        assert.deepStrictEqual(
          (yield* events.of(tag)).map(({ result }) => result),
          ["DeadlineExceeded"]
        )
      }
      assert.strictEqual((yield* Health.Health.use((health) => health.snapshots))[0]?.calls, 0)
    }).pipe(alone)
  )
})

describe("the outcome of a stream", () => {
  it.effect("is a success only at its end: until then a half-open circuit stays half-open", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [playing(text("hel"), pause("10 seconds"), text("lo"), part(finish))])
      yield* trip("a/x")
      yield* TestClock.adjust("60 seconds")
      const fiber = yield* Effect.forkChild((yield* chat([a])).listen)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* CircuitBreaker.state("a/x")).state, "half-open")
      assert.strictEqual((yield* Health.Health.use((health) => health.snapshots))[0]?.calls, 0)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "hello")
      assert.strictEqual((yield* CircuitBreaker.state("a/x")).state, "closed")
      assert.strictEqual((yield* Health.Health.use((health) => health.snapshots))[0]?.successes, 1)
    }).pipe(alone)
  )

  it.effect("is a failure when it breaks in the middle: enough of them open the circuit", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [playing(text("hel"), breaking("StreamTruncated"))])
      const { listen } = yield* chat([a])
      for (let n = 0; n < 5; n++) yield* Effect.ignore(listen)
      assert.strictEqual((yield* CircuitBreaker.state("a/x")).state, "open")
      assert.deepInclude((yield* Health.Health.use((health) => health.snapshots))[0], {
        calls: 5,
        successes: 0,
        errors: { StreamTruncated: 5 }
      })
    }).pipe(alone)
  )

  it.effect("is no verdict when its consumer has had enough: the slot is free, the probe too", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const policy = exact.pipe(Policy.bulkhead({ maxConcurrent: 1, maxQueue: 0 }))
      const a = yield* scripted("a/x", [playing(text("hel"), text("lo"), silence)])
      yield* trip("a/x")
      yield* TestClock.adjust("60 seconds")
      const { parts } = yield* chat([a], policy)
      const taken = yield* Stream.runCollect(Stream.take(parts, 1))
      assert.deepStrictEqual(wordsOf(taken), ["hel"])
      assert.deepStrictEqual(yield* held(a), nothing)
      assert.strictEqual(yield* a.open, 0)
      assert.deepInclude(yield* CircuitBreaker.state("a/x"), { state: "half-open" })
      assert.strictEqual(yield* CircuitBreaker.CircuitBreaker.use((breaker) => breaker.waitMillis("a/x")), 0)
      assert.deepStrictEqual(
        (yield* events.of("AttemptEnded")).map(({ result }) => result),
        ["Cancelled"]
      )
      assert.strictEqual((yield* Health.Health.use((health) => health.snapshots))[0]?.calls, 0)
    }).pipe(alone)
  )

  it.effect("holds its slot to its end", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.bulkhead({ maxConcurrent: 1, maxQueue: 0 }))
      const a = yield* scripted("a/x", [playing(text("hel"), pause("10 seconds"), text("lo"), part(finish)), hello])
      const { listen } = yield* chat([a], policy)
      const first = yield* Effect.forkChild(listen)
      yield* TestClock.adjust("9999 millis")
      assert.strictEqual((yield* Effect.flip(listen))._tag, "BulkheadFull")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(first), "hello")
      assert.strictEqual(yield* listen, "hello")
    }).pipe(alone)
  )

  it.effect("notes when the first content came, and the tokens that were told last", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [
        playing(part(start), pause("3 seconds"), text("x"), pause("4 seconds"), part(finish))
      ])
      yield* read((yield* chat([a])).parts)
      assert.deepInclude((yield* events.of("AttemptEnded"))[0], {
        result: "Success",
        firstContentMillis: 3000,
        durationMillis: 7000,
        inputTokens: 3,
        outputTokens: 2
      })
    }).pipe(alone)
  )

  it.effect("is a success without content too, which has no first instant then", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [playing(part(finish))])
      const { error, seen } = yield* read((yield* chat([a])).parts)
      assert.isUndefined(error)
      assert.deepStrictEqual(seen, [finish])
      const [attempt] = yield* events.of("AttemptEnded")
      assert.strictEqual(attempt?.result, "Success")
      assert.isUndefined(attempt?.firstContentMillis)
      assert.deepStrictEqual(yield* held(a), nothing)
    }).pipe(alone)
  )

  type Way = readonly [
    name: string,
    step: Parameters<typeof scripted>[1][number],
    use: (parts: Stream.Stream<Response.StreamPartEncoded, unknown>) => Effect.Effect<unknown, unknown>,
    result: string
  ]
  const ways: ReadonlyArray<Way> = [
    ["is read to its end", hello, Stream.runDrain, "Success"],
    ["has no content", playing(part(finish)), Stream.runDrain, "Success"],
    ["fails before its content", failing("InvalidRequest"), Stream.runDrain, "InvalidRequest"],
    ["fails after it", playing(text("x"), breaking("Network")), Stream.runDrain, "Network"],
    ["falls silent", playing(text("x"), silence), Stream.runDrain, "Timeout"],
    ["dies before its content", dying, Stream.runDrain, "Defect"],
    ["dies after it", playing(text("x"), () => Effect.die("bug")), Stream.runDrain, "Defect"],
    ["is left early", hello, (parts) => Stream.runDrain(Stream.take(parts, 2)), "Cancelled"],
    ["meets a consumer that fails", hello, Stream.runForEach(() => Effect.fail("no")), "Cancelled"],
    ["meets a consumer that dies", hello, Stream.runForEach(() => Effect.die("no")), "Cancelled"],
    ["is interrupted before its content", hanging, (parts) => Effect.timeout(Stream.runDrain(parts), 10), "Cancelled"],
    [
      "is interrupted after it",
      playing(text("x"), silence),
      (parts) => Effect.timeout(Stream.runDrain(parts), 10),
      "Cancelled"
    ]
  ]
  it.effect.each(ways)("is reported exactly once when it %s", ([, step, use, result]) =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [step])
      const { parts } = yield* chat([a])
      const fiber = yield* Effect.forkChild(Effect.exit(use(parts)))
      yield* TestClock.adjust("2 minutes")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        (yield* events.of("OperationEnded")).map(({ result }) => result),
        [result]
      )
      const attempts = yield* events.of("AttemptEnded")
      assert.deepStrictEqual(
        attempts.map(({ result }) => result),
        [result]
      )
      assert.deepStrictEqual(yield* held(a), nothing)
      assert.strictEqual(yield* a.open, 0)
    }).pipe(alone)
  )

  it.effect("is reported each time it is run, and never for a stream that nobody runs", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [hello])
      const { parts } = yield* chat([a])
      assert.strictEqual((yield* events.all).length, 0)
      yield* Stream.runDrain(parts)
      yield* Stream.runDrain(parts)
      const ended = yield* events.of("OperationEnded")
      assert.strictEqual(ended.length, 2)
      assert.strictEqual(new Set(ended.map(({ operation }) => operation)).size, 2)
    }).pipe(alone)
  )

  it.effect.each([0, 1])(
    "is settled even when its reader leaves while the socket is being closed (%i part of content)",
    (pieces) =>
      Effect.gen(function* () {
        const events = yield* recorder
        const resilience = yield* Resilience.Resilience
        const lane = Lane.make({ provider: "a", model: "x" })
        const closing = yield* Deferred.make<void>()
        const parts = resilience.runStream({
          route: "chat",
          policy: exact,
          lanes: [lane],
          call: () =>
            Stream.unwrap(
              Effect.as(
                Effect.acquireRelease(Effect.void, () =>
                  Effect.andThen(Deferred.succeed(closing, undefined), Effect.sleep("5 seconds"))
                ),
                Stream.make("head", ...Array.from({ length: pieces }, () => "content"))
              )
            ),
          commits: (part) => part === "content"
        })
        const fiber = yield* Effect.forkChild(Stream.runDrain(parts))
        yield* Deferred.await(closing)
        const interrupted = yield* Effect.forkChild(Fiber.interrupt(fiber))
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(interrupted)
        assert.deepStrictEqual(yield* held(lane), nothing)
        // It had come to its end before the reader left.
        assert.deepStrictEqual(
          (yield* events.of("AttemptEnded")).map(({ result }) => result),
          ["Success"]
        )
        assert.deepStrictEqual(
          (yield* events.of("OperationEnded")).map(({ result }) => result),
          ["Success"]
        )
      }).pipe(alone)
  )
})

describe("the provenance of a stream", () => {
  it.effect("is there once it has opened, and complete once it has ended", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("Authentication")])
      const b = yield* scripted("b/y", [playing(text("hel"), pause("2 seconds"), text("lo"), part(finish))])
      const { parts } = yield* chat([a, b])
      const sink = Provenance.collector()
      const opened = yield* Ref.make<Provenance.Provenance | undefined>(undefined)
      const fiber = yield* parts.pipe(
        Stream.runForEach(() => Ref.update(opened, (known) => known ?? sink.provenance)),
        Effect.provideService(Provenance.Sink, sink),
        Effect.forkChild
      )
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(fiber)
      const early = yield* Ref.get(opened)
      assert.deepInclude(early, { lane: "b/y", model: "y", degraded: true, sent: 2 })
      assert.deepStrictEqual(
        early?.attempts.map(({ lane, result }) => [lane, result]),
        [["a/x", "Authentication"]]
      )
      assert.deepStrictEqual(
        sink.provenance?.attempts.map(({ durationMillis, lane, result }) => [lane, result, durationMillis]),
        [
          ["a/x", "Authentication", 0],
          ["b/y", "Success", 2000]
        ]
      )
    }).pipe(alone)
  )

  it.effect("reaches whoever asked for it, even when the stream is closed by somebody else", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [playing(text("hel"), text("lo"), part(finish))])
      const { parts } = yield* chat([a])
      const sink = Provenance.collector()
      const scope = yield* Scope.make()
      const pull = yield* Stream.toPull(parts).pipe(Scope.provide(scope), Effect.provideService(Provenance.Sink, sink))
      yield* Effect.provideService(pull, Provenance.Sink, sink)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(
        sink.provenance?.attempts.map(({ result }) => result),
        ["Cancelled"]
      )
    }).pipe(alone)
  )
})
