import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Ref, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, type Classification, Failure, Health, Lane, Policy, Refusal, Resilience } from "@holdfast/core"
import { alone, chat, exact, held, nothing } from "./Chat.ts"
import { recorder } from "./Recorder.ts"
import { after, failing, hanging, replying, scripted } from "./Scripted.ts"

const once = exact.pipe(Policy.retry({ maxRetries: 0 }))

describe("an operation", () => {
  it.effect("ends at its deadline, whatever is under way, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const policy = exact.pipe(Policy.clocks({ total: "70 seconds" }))
      const a = yield* scripted("a/x", [hanging])
      const b = yield* scripted("b/y", [hanging])
      const c = yield* scripted("c/z", [hanging])
      const fiber = yield* Effect.forkChild(Effect.flip((yield* chat([a, b, c], policy)).ask))
      yield* TestClock.adjust("69999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag, "DeadlineExceeded")
      assert.strictEqual(error._tag === "DeadlineExceeded" && Duration.toSeconds(error.total), 70)
      assert.deepStrictEqual(yield* held(a, b, c), nothing)
      assert.deepStrictEqual([yield* a.open, yield* b.open, yield* c.open], [0, 0, 0])
      assert.deepStrictEqual(
        (yield* events.of("AttemptEnded")).map(({ result }) => result),
        ["Timeout", "Timeout", "Cancelled"]
      )
      assert.deepStrictEqual(
        (yield* events.of("OperationEnded")).map(({ result }) => result),
        ["DeadlineExceeded"]
      )
    }).pipe(alone)
  )

  it.effect("that no lane can serve says what each of them lacks, and sends nothing", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const resilience = yield* Resilience.Resilience
      const lanes = [
        Lane.make({ provider: "a", model: "x", capabilities: { tools: false } }),
        Lane.make({ provider: "b", model: "y", capabilities: { tools: false } })
      ]
      const error = yield* Effect.flip(
        resilience.run({
          route: "chat",
          kind: "text",
          policy: exact,
          lanes,
          needs: { tools: true },
          call: () => Effect.die("never called")
        })
      )
      assert.deepInclude(error, {
        _tag: "NoCapableLane",
        route: "chat",
        missing: ["a/x has no tools", "b/y has no tools"]
      })
      assert.deepStrictEqual(yield* events.tags, ["OperationEnded"])
    }).pipe(alone)
  )

  it.effect("asks only the lanes that can serve it, and calls it degraded when the first cannot", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const resilience = yield* Resilience.Resilience
      const blind = Lane.make({ provider: "a", model: "x", capabilities: { vision: false } })
      const seeing = Lane.make({ provider: "b", model: "y" })
      const answer = resilience.run({
        route: "chat",
        kind: "text",
        policy: exact,
        lanes: [blind, seeing],
        needs: { vision: true },
        call: (lane) => Effect.succeed(lane.id)
      })
      assert.strictEqual(yield* answer, "b/y")
      assert.deepInclude((yield* events.of("OperationEnded"))[0], { lane: "b/y", degraded: true, attempts: 1 })
    }).pipe(alone)
  )

  it.effect("that only one lane can serve fails with that lane's own failure", () =>
    Effect.gen(function* () {
      const resilience = yield* Resilience.Resilience
      const error = yield* Effect.flip(
        resilience.run({
          route: "chat",
          kind: "text",
          policy: once,
          lanes: [
            Lane.make({ provider: "a", model: "x", capabilities: { tools: false } }),
            Lane.make({ provider: "b", model: "y" })
          ],
          needs: { tools: true },
          call: ({ id, model, provider }) =>
            Effect.fail(Failure.make("Network", { provider, model, lane: id, scope: "provider", rule: "test" }))
        })
      )
      assert.deepInclude(error, { _tag: "Network", lane: "b/y" })
    }).pipe(alone)
  )

  it.effect("prefers a healthy lane over one that keeps failing, but looks at the first one now and then", () =>
    Effect.gen(function* () {
      const policy = once.pipe(Policy.breaker({ consecutiveFailures: 10_000, rate: 0 }))
      const a = yield* scripted("a/x", [failing("ServiceUnavailable")])
      const b = yield* scripted("b/y", [replying("hello")])
      const { ask } = yield* chat([a, b], policy)
      for (let n = 0; n < 20; n++) yield* ask
      assert.strictEqual(yield* a.calls, 20)
      for (let n = 0; n < 40; n++) yield* ask
      assert.strictEqual(yield* a.calls, 22, "every twentieth operation keeps the route's order")
      assert.strictEqual(yield* b.calls, 60)
    }).pipe(alone)
  )

  it.effect("finds a first lane that is well again within ten seconds, however few operations there are", () =>
    Effect.gen(function* () {
      const policy = once.pipe(Policy.breaker({ consecutiveFailures: 10_000, rate: 0 }))
      const a = yield* scripted("a/x", [
        ...Array.from({ length: 20 }, () => failing("ServiceUnavailable")),
        replying("hello from a")
      ])
      const b = yield* scripted("b/y", [replying("hello from b")])
      const { ask } = yield* chat([a, b], policy)
      for (let n = 0; n < 20; n++) yield* ask
      assert.strictEqual(yield* ask, "hello from b")
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* ask, "hello from b")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* ask, "hello from a")
      assert.strictEqual(yield* ask, "hello from b", "one operation looks, not all of them")
    }).pipe(alone)
  )

  it.effect("is under its own clocks even in a region that cannot be interrupted", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [hanging])
      const fiber = yield* Effect.forkChild(Effect.uninterruptible(Effect.flip((yield* chat([a], once)).ask)))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Timeout")
    }).pipe(alone)
  )

  it.effect("costs one slot at a time, a hundred at once cost a hundred", () =>
    Effect.gen(function* () {
      const policy = exact.pipe(Policy.bulkhead({ maxConcurrent: 100 }))
      const a = yield* scripted("a/x", [after("1 second", replying("hello"))])
      const { ask } = yield* chat([a], policy)
      const fibers = yield* Effect.forEach(Array.from({ length: 100 }), () => Effect.forkChild(ask))
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(yield* held(a), { running: 100, waiting: 0 })
      yield* TestClock.adjust("500 millis")
      yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(yield* held(a), nothing)
    }).pipe(alone)
  )
})

describe("a bug in what the caller handed over", () => {
  const lane = Lane.make({ provider: "a", model: "x" })
  const bug = (): never => {
    throw new Error("a bug")
  }
  const buggy = (): Effect.Effect<string> => bug()
  const plan = { route: "chat", policy: exact, lanes: [lane] }
  const runs: ReadonlyArray<
    readonly [string, (resilience: Resilience.Resilience["Service"]) => Effect.Effect<unknown, unknown>]
  > = [
    ["the call", ({ run }) => run({ ...plan, kind: "text", call: bug })],
    ["the reading of usage", ({ run }) => run({ ...plan, kind: "text", call: () => Effect.succeed(1), usageOf: bug })],
    ["the stream", ({ runStream }) => Stream.runDrain(runStream({ ...plan, call: bug, commits: () => true }))],
    [
      "the commit point",
      ({ runStream }) => Stream.runDrain(runStream({ ...plan, call: () => Stream.make(1, 2), commits: bug }))
    ],
    [
      "the usage of a stream",
      ({ runStream }) =>
        Stream.runDrain(runStream({ ...plan, call: () => Stream.make(1, 2), commits: () => true, usageOf: bug }))
    ],
    [
      "the usage of a stream's later part",
      ({ runStream }) =>
        Stream.runDrain(
          runStream({
            ...plan,
            call: () => Stream.rechunk(Stream.make(1, 2), 1),
            commits: () => true,
            usageOf: (n) => (n === 2 ? bug() : undefined)
          })
        )
    ]
  ]
  it.effect.each(runs)("(%s) is a defect that holds nothing and is reported once", ([, run]) =>
    Effect.gen(function* () {
      const events = yield* recorder
      const exit = yield* Effect.exit(run(yield* Resilience.Resilience))
      assert.isTrue(Exit.isFailure(exit) && exit.cause.reasons.some((reason) => reason._tag === "Die"))
      assert.deepStrictEqual(yield* held(lane), nothing)
      assert.deepStrictEqual(
        (yield* events.of("AttemptEnded")).map(({ result }) => result),
        ["Defect"]
      )
      assert.deepStrictEqual(
        (yield* events.of("OperationEnded")).map(({ result }) => result),
        ["Defect"]
      )
    }).pipe(alone)
  )

  it.effect("counts against the lane's circuit, and a bug in its probe opens it again", () =>
    Effect.gen(function* () {
      const { run } = yield* Resilience.Resilience
      const once = { ...plan, policy: exact.pipe(Policy.fallback({ waitForReopening: false })) }
      for (let n = 0; n < 5; n++) yield* Effect.exit(run({ ...once, kind: "text", call: buggy }))
      assert.strictEqual((yield* CircuitBreaker.state("a/x")).state, "open")
      yield* TestClock.adjust("60 seconds")
      yield* Effect.exit(run({ ...once, kind: "text", call: buggy }))
      assert.strictEqual((yield* CircuitBreaker.state("a/x")).state, "open")
      yield* TestClock.adjust("120 seconds")
      assert.strictEqual(yield* run({ ...once, kind: "text", call: () => Effect.succeed("well") }), "well")
    }).pipe(alone)
  )
})

describe("protect", () => {
  class Busy extends Schema.TaggedError<Busy>()("Busy", { wait: Schema.Number }) {}
  class Rude extends Schema.TaggedError<Rude>()("Rude", {}) {}
  const classify = (error: Busy | Rude): Classification.Classification => ({
    class: error._tag === "Busy" ? "RateLimit" : "InvalidRequest",
    retryable: error._tag === "Busy",
    failover: true,
    scope: "request",
    rule: `vendor/${error._tag}`,
    retryAfter: error._tag === "Busy" ? Duration.seconds(error.wait) : undefined
  })

  it.effect("retries what the classifier calls worth it, and waits as long as it says", () =>
    Effect.gen(function* () {
      const calls = yield* Ref.make(0)
      const vendor: Effect.Effect<string, Busy | Rude> = Ref.updateAndGet(calls, (n) => n + 1).pipe(
        Effect.flatMap((n) => (n === 1 ? Effect.fail(new Busy({ wait: 7 })) : Effect.succeed("hello")))
      )
      const protectedCall = vendor.pipe(Resilience.protect({ lane: "vendor/model-x", classify, policy: exact }))
      expectTypeOf(protectedCall).toEqualTypeOf<
        Effect.Effect<string, Failure.Failure | Refusal.Refusal, Resilience.Resilience>
      >()
      const fiber = yield* Effect.forkChild(protectedCall)
      yield* TestClock.adjust("6999 millis")
      assert.strictEqual(yield* Ref.get(calls), 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(fiber), "hello")
    }).pipe(alone)
  )

  it.effect("turns its errors into failures of the lane, with the error as the cause", () =>
    Effect.gen(function* () {
      const rude = new Rude()
      const vendor: Effect.Effect<string, Busy | Rude> = Effect.fail(rude)
      const error = yield* Effect.flip(vendor.pipe(Resilience.protect({ lane: "vendor/model-x", classify })))
      assert.deepInclude(error, { _tag: "InvalidRequest", rule: "vendor/Rude", provider: "vendor", model: "model-x" })
      assert.strictEqual(Failure.isFailure(error) && error.cause, rude)
    }).pipe(alone)
  )

  it.effect("without a classifier passes failures on, and knows nothing of other errors: they are not repeated", () =>
    Effect.gen(function* () {
      const limit = Failure.make("ContentPolicy", {
        provider: "vendor",
        model: "m",
        lane: "vendor/m",
        scope: "request",
        rule: "mine"
      })
      const one = Effect.fail(limit).pipe(Resilience.protect({ lane: "vendor/m" }))
      assert.strictEqual(yield* Effect.flip(one), limit)
      const calls = yield* Ref.make(0)
      const other = Effect.andThen(
        Ref.update(calls, (n) => n + 1),
        Effect.fail("no")
      ).pipe(Resilience.protect({ lane: "vendor/m" }))
      assert.deepInclude(yield* Effect.flip(other), { _tag: "Unknown", rule: "protect/unclassified", cause: "no" })
      assert.strictEqual(yield* Ref.get(calls), 1)
    }).pipe(alone)
  )

  it.effect("shares the lane's state between all its uses", () =>
    Effect.gen(function* () {
      const guarded = Resilience.protect({ lane: "vendor/model-x", policy: exact })
      for (let n = 0; n < 5; n++) yield* Effect.ignore(guarded(Effect.fail("no")))
      assert.strictEqual((yield* CircuitBreaker.state("vendor/model-x")).state, "open")
      const fiber = yield* Effect.forkChild(guarded(Effect.succeed("hello")))
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "hello")
    }).pipe(alone)
  )

  it.effect("passes interruption into the effect, and its services through", () =>
    Effect.gen(function* () {
      const stopped = yield* Ref.make(false)
      const guarded = Effect.never.pipe(
        Effect.onInterrupt(() => Ref.set(stopped, true)),
        Resilience.protect({ lane: "vendor/model-x" })
      )
      const fiber = yield* Effect.forkChild(guarded)
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.isTrue(yield* Ref.get(stopped))
      assert.deepStrictEqual(yield* held({ id: "vendor/model-x" }), nothing)
    }).pipe(alone)
  )

  it.effect.each(["an effect", "a promise", "a stream"] as const)(
    "lets a refusal from a guard inside %s pass as it is, learns nothing from it and asks for nothing again",
    (how) =>
      Effect.gen(function* () {
        const events = yield* recorder
        const refusal = new Refusal.BulkheadFull({
          lane: "inner",
          reason: "queue-full",
          maxConcurrent: 1,
          maxQueue: 0
        })
        let asked = 0
        const inner = Effect.suspend(() => {
          asked += 1
          return Effect.fail(refusal)
        })
        const options = {
          lane: "vendor/m",
          policy: exact,
          classify: (): Classification.Classification => assert.fail("it is none of the classifier's business")
        }
        const call = {
          "an effect": inner.pipe(Resilience.protect(options)),
          "a promise": Resilience.protectPromise(options)(() => Effect.runPromise(inner)),
          "a stream": Stream.fromEffect(inner).pipe(Resilience.protectStream(options), Stream.runDrain)
        }
        const fiber = yield* Effect.forkChild(Effect.flip<unknown, unknown, Resilience.Resilience>(call[how]))
        assert.strictEqual(yield* Fiber.join(fiber), refusal)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(asked, 1)
        assert.deepInclude(yield* CircuitBreaker.state("vendor/m"), { state: "closed", failures: 0 })
        assert.strictEqual((yield* Health.Health.use((health) => health.snapshots))[0]?.calls ?? 0, 0)
        assert.deepStrictEqual(
          (yield* events.of("AttemptEnded")).map(({ result, rule }) => [result, rule]),
          [["Cancelled", "protect/refused"]]
        )
      }).pipe(alone)
  )

  it.effect.each([
    ["vendor/family/model", "vendor", "family/model"],
    ["vendor", "vendor", "vendor"],
    ["/odd", "/odd", "/odd"]
  ] as const)("reads %s as provider and model", ([lane, provider, model]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.fail("no").pipe(Resilience.protect({ lane })))
      assert.deepInclude(error, { provider, model, lane })
    }).pipe(alone)
  )

  it.effect("measures nothing against the provider when the call has a bug", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Effect.die("bug").pipe(Resilience.protect({ lane: "vendor/m" })))
      assert.isTrue(Exit.isFailure(exit) && exit.cause.reasons.every((reason) => reason._tag === "Die"))
      assert.deepStrictEqual(yield* held({ id: "vendor/m" }), nothing)
    }).pipe(alone)
  )
})

describe("protectStream", () => {
  it.effect("begins again unseen as long as nothing came, and never after", () =>
    Effect.gen(function* () {
      const calls = yield* Ref.make(0)
      const busy = Failure.make("ServiceUnavailable", {
        provider: "vendor",
        model: "m",
        lane: "vendor/m",
        scope: "provider",
        rule: "test"
      })
      const vendor = Stream.unwrap(
        Effect.map(
          Ref.updateAndGet(calls, (n) => n + 1),
          (n): Stream.Stream<number, Failure.Failure> =>
            n === 1 ? Stream.fail(busy) : Stream.concat(Stream.make(1, 2), Stream.fail(busy))
        )
      )
      const seen: Array<number> = []
      const fiber = yield* vendor.pipe(
        Resilience.protectStream({ lane: "vendor/m", policy: exact }),
        Stream.runForEach((n) => Effect.sync(() => seen.push(n))),
        Effect.flip,
        Effect.forkChild
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), busy)
      assert.deepStrictEqual(seen, [1, 2])
      assert.strictEqual(yield* Ref.get(calls), 2)
      assert.deepStrictEqual(yield* held({ id: "vendor/m" }), nothing)
    }).pipe(alone)
  )
})
