import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Ref } from "effect"
import { EmbeddingModel } from "effect/ai"
import { TestClock } from "effect/testing"
import { AiModels, Cache, type EmbedModel, Failure, Lane, Policy, Provenance, Route } from "@holdfast/core"
import { alone, exact } from "./Chat.ts"
import { interruptedAt } from "./Interruption.ts"
import { recorder } from "./Recorder.ts"

const quick = exact.pipe(Policy.retry({ maxRetries: 0 }), Policy.breaker({ consecutiveFailures: 1000, rate: 0 }))
const cached = quick.pipe(Policy.cache({ ttl: "1 minute", staleIfError: "1 hour" }))

/** A lane whose vectors are told by text, task and the number of the call; it fails while told to. */
const embedding = Effect.fnUntraced(function* (provider = "a", takes = 0) {
  const asked = yield* Ref.make<ReadonlyArray<ReadonlyArray<string>>>([])
  const fails = yield* Ref.make<Failure.Class | undefined>(undefined)
  const lane = Lane.make({
    provider,
    model: "v3",
    capabilities: { dimensions: 3 },
    embed: {
      embed: ({ dimensions = 3, inputs, task }) =>
        Effect.gen(function* () {
          yield* Ref.update(asked, (before) => [...before, inputs])
          const call = (yield* Ref.get(asked)).length
          if (takes > 0) yield* Effect.sleep(takes)
          const class_ = yield* Ref.get(fails)
          const target = { provider, model: "v3", lane: lane.id, scope: "provider", rule: "test" } as const
          if (class_ !== undefined) return yield* Failure.make(class_, target)
          const vectors = inputs.map((input) => [input.length, call, dimensions + (task === "query" ? 0.5 : 0)])
          return { vectors, model: "v3-exact", inputTokens: inputs.length }
        })
    }
  })
  return { lane: Effect.succeed(lane), asked: Ref.get(asked), fail: (class_: Failure.Class) => Ref.set(fails, class_) }
})

const open = (lanes: ReadonlyArray<Effect.Effect<Lane.Lane>>, policy = cached) =>
  Effect.map(Route.embed("index", { lanes, policy }), (model) => ({
    embed: (inputs: ReadonlyArray<string>, more: Omit<EmbedModel.Request, "inputs"> = {}) =>
      model.embed({ inputs, ...more })
  }))

describe("kept vectors", () => {
  it.effect("are asked for once per text, and come back in the order of the request", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* embedding()
      const { embed } = yield* open([a.lane])
      const first = yield* embed(["one", "three"])
      assert.deepStrictEqual(first.vectors, [
        [3, 1, 3],
        [5, 1, 3]
      ])
      yield* TestClock.adjust("10 seconds")
      const [second, provenance] = yield* Provenance.of(embed(["seven", "three", "seven", "one", "eleven"]))
      assert.deepStrictEqual(second.vectors, [
        [5, 2, 3],
        [5, 1, 3],
        [5, 2, 3],
        [3, 1, 3],
        [6, 2, 3]
      ])
      assert.strictEqual(second.inputTokens, 2)
      assert.deepInclude(provenance, { cached: false, sent: 1, lane: "a/v3" })
      const [third, all] = yield* Provenance.of(embed(["one", "eleven"]))
      assert.deepStrictEqual(third, {
        vectors: [
          [3, 1, 3],
          [6, 2, 3]
        ],
        model: "v3-exact",
        inputTokens: 0
      })
      // As old as the oldest of them.
      assert.deepInclude(all, { cached: true, stale: false, ageMillis: 10_000, sent: 0, lane: "a/v3" })
      assert.deepStrictEqual(yield* a.asked, [
        ["one", "three"],
        ["seven", "eleven"]
      ])
      assert.deepStrictEqual(
        (yield* events.of("OperationEnded")).map(({ attempts, kind, source }) => [kind, attempts, source]),
        [
          ["embed", 1, undefined],
          ["embed", 1, undefined],
          ["embed", 0, "cache"]
        ]
      )
    }).pipe(alone)
  )

  it.effect("are for one space, length, task and tenant, whichever route asks", () =>
    Effect.gen(function* () {
      const a = yield* embedding()
      const b = yield* embedding("b")
      const { embed } = yield* open([a.lane])
      yield* embed(["kelp"])
      yield* embed(["kelp"], { dimensions: 2 })
      yield* embed(["kelp"], { task: "query" })
      yield* Effect.provideService(embed(["kelp"]), Cache.Tenant, "another")
      yield* Effect.provideService(embed(["kelp"]), Cache.Bypass, "no-store")
      yield* Effect.provideService(embed(["kelp"]), Cache.Bypass, "no-cache")
      assert.strictEqual((yield* a.asked).length, 6)
      // The same model at another host makes the same vectors; the newest is that of the last call.
      const other = yield* open([b.lane, a.lane])
      assert.deepStrictEqual((yield* other.embed(["kelp"])).vectors, [[4, 6, 3]])
      assert.strictEqual((yield* b.asked).length, 0)
    }).pipe(alone)
  )

  it.effect(
    "stand in when the lanes fail, if there is one for every text and the caller could not have helped it",
    () =>
      Effect.gen(function* () {
        const a = yield* embedding()
        const { embed } = yield* open([a.lane])
        yield* embed(["one"])
        yield* TestClock.adjust("50 seconds")
        yield* embed(["three"])
        yield* TestClock.adjust("20 seconds")
        yield* a.fail("ServiceUnavailable")
        const [answer, provenance] = yield* Provenance.of(embed(["one", "three"]))
        assert.deepStrictEqual(answer.vectors, [
          [3, 1, 3],
          [5, 2, 3]
        ])
        assert.deepInclude(provenance, { cached: true, stale: true, degraded: true, ageMillis: 70_000, sent: 1 })
        assert.strictEqual((yield* Effect.flip(embed(["one", "new"])))._tag, "ServiceUnavailable")
        yield* a.fail("InvalidRequest")
        assert.strictEqual((yield* Effect.flip(embed(["one"])))._tag, "InvalidRequest")
        yield* a.fail("Network")
        yield* TestClock.adjust("2 hours")
        assert.strictEqual((yield* Effect.flip(embed(["one"])))._tag, "Network")
      }).pipe(alone)
  )

  it.effect("are none by default, and none of an empty request", () =>
    Effect.gen(function* () {
      const a = yield* embedding()
      const { embed } = yield* open([a.lane], quick)
      yield* embed(["one", "one"])
      yield* embed(["one"])
      assert.deepStrictEqual(yield* a.asked, [["one", "one"], ["one"]])
      assert.deepStrictEqual((yield* (yield* open([a.lane])).embed([])).vectors, [])
    }).pipe(alone)
  )

  it.effect("of different tenants are asked for in different batches", () =>
    Effect.gen(function* () {
      const a = yield* embedding()
      const one = EmbeddingModel.EmbeddingModel.use((model) => model.embed("kelp"))
      const calls = [one, one, Effect.provideService(one, Cache.Tenant, "another")]
      const found = yield* Effect.all(calls, { concurrency: "unbounded" }).pipe(
        Effect.provide(Route.embeddingModel("index", { lanes: [a.lane], policy: quick }))
      )
      assert.strictEqual(found.length, 3)
      assert.deepStrictEqual(new Set((yield* a.asked).map(({ length }) => length)), new Set([1, 2]))
    }).pipe(Effect.provideService(AiModels.EmbedOptions, {}))
  )
})

describe("identical requests for vectors at the same time", () => {
  it.effect("share one attempt, also for what is missing of them", () =>
    Effect.gen(function* () {
      const a = yield* embedding("a", 1000)
      const { embed } = yield* open([a.lane], cached.pipe(Policy.coalesce()))
      const asking = (...inputs: ReadonlyArray<string>) => Effect.forkChild(Provenance.of(embed(inputs)))
      const warm = yield* asking("known")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(warm)
      const fibers = [yield* asking("new", "known"), yield* asking("known", "new"), yield* asking("other")]
      yield* TestClock.adjust("1 second")
      const answers = yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(
        answers.map(([{ vectors }, provenance]) => [vectors.map(([length]) => length), provenance?.coalesced]),
        [
          [[3, 5], false],
          [[5, 3], true],
          [[5], false]
        ]
      )
      assert.deepStrictEqual(yield* a.asked, [["known"], ["new"], ["other"]])
    }).pipe(alone)
  )

  it.effect("leave nothing behind at whichever step one is interrupted", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      let interrupted = 0
      for (let step = 1; ; step++) {
        const a = yield* embedding(`a${step}`, 1000)
        const { embed } = yield* open([a.lane], quick.pipe(Policy.coalesce()))
        const before = (yield* events.of("OperationEnded")).length
        const steady = yield* Effect.forkChild(embed([`text ${step}`]))
        const shaken = yield* Effect.forkChild(interruptedAt(step, embed([`text ${step}`])))
        yield* TestClock.adjust("1 second")
        const { exit, isOver } = yield* Fiber.join(shaken)
        if (Exit.isFailure(exit)) interrupted += 1
        assert.strictEqual((yield* Fiber.join(steady)).vectors.length, 1)
        assert.strictEqual((yield* a.asked).length, 1)
        assert.isAtMost((yield* events.of("OperationEnded")).length - before, 2)
        if (isOver) break
      }
      assert.isAbove(interrupted, 5)
    }).pipe(alone)
  )
})
