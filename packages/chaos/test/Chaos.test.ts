import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Fiber, Layer, Option, Random, Ref, Stream } from "effect"
import { type AiError, EmbeddingModel, LanguageModel } from "effect/ai"
import { TestClock } from "effect/testing"
import { Chaos, Script } from "@holdfast/chaos"
import { AiErrors, Policy, Route } from "@holdfast/core"
import { Gemini, OpenAi } from "@holdfast/providers"

const [primary, secondary] = ["gemini/gemini-3.5-flash", "openai/gpt-4o-mini"] as const
const patient = Policy.standard.pipe(
  Policy.retry({ maxRetries: 0 }),
  Policy.breaker({ consecutiveFailures: 1000, rate: 0 })
)

/** A route of production, over scripted lanes that are always well, under chaos. */
const under = (plan: Chaos.LanePlan, policy: Policy.Policy = patient) =>
  Route.languageModel("chat", { lanes: [Gemini.lane("gemini-3.5-flash"), OpenAi.lane("gpt-4o-mini")], policy }).pipe(
    Layer.provide(Chaos.layer(plan)),
    Layer.provideMerge(
      Script.layer({
        [primary]: [Script.always(Script.reply("from the first"))],
        [secondary]: [Script.always(Script.reply("from the second"))]
      })
    )
  )

const ask = LanguageModel.generateText({ prompt: "Why does kelp not float away?" })
const listen = LanguageModel.streamText({ prompt: "Why does kelp not float away?" })
const text = Effect.map(ask, (answer) => answer.text)

/** The class of what an effect fails with. */
const classOf = <A, R>(self: Effect.Effect<A, AiError.AiError, R>) =>
  Effect.map(Effect.flip(self), (error) => AiErrors.toTyped(error)._tag)

describe("Chaos.layer", () => {
  it.effect("does not make a call that fails at once", () =>
    Effect.gen(function* () {
      yield* Effect.replicateEffect(text, 5)
      assert.strictEqual((yield* Script.calls(primary)).length, 0)
      assert.strictEqual((yield* Script.calls(secondary)).length, 5)
    }).pipe(Effect.provide(under({ rate: 1, faults: ["Network"], lanes: [primary] })))
  )

  it.effect("names the wait of a limit, and cools the lane for it", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* text, "from the second")
    }).pipe(Effect.provide(under({ rate: 1, faults: ["RateLimit"], retryAfter: "30 seconds", lanes: [primary] })))
  )

  it.effect("lets a call hang until its clock runs out, and answers late ones", () =>
    Effect.gen(function* () {
      const hanging = yield* Effect.forkChild(
        text.pipe(Effect.provide(under({ rate: 1, faults: ["hang"], lanes: [primary] })))
      )
      yield* TestClock.adjust("29 seconds")
      assert.isUndefined(hanging.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(hanging), "from the second")
      const late = yield* Effect.forkChild(text.pipe(Effect.provide(under({ rate: 1, latency: "3 seconds" }))))
      yield* TestClock.adjust("2 seconds")
      assert.isUndefined(late.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(late), "from the first")
    })
  )

  it.effect("breaks a stream off behind its first content", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const broken = listen.pipe(
        Stream.tap((part) => Effect.sync(() => part.type === "text-delta" && heard.push(part.delta))),
        Stream.runDrain
      )
      assert.strictEqual(yield* classOf(broken), "StreamTruncated")
      assert.deepStrictEqual(heard, ["from"])
    }).pipe(Effect.provide(under({ rate: 1, faults: ["truncate"] })))
  )

  it.effect("lets a stream go silent behind its first content, until the gap clock runs out", () =>
    Effect.gen(function* () {
      const stalled = yield* Effect.forkChild(classOf(Stream.runDrain(listen)))
      yield* TestClock.adjust("21 seconds")
      assert.strictEqual(yield* Fiber.join(stalled), "Timeout")
    }).pipe(Effect.provide(under({ rate: 1, faults: ["stall"] })))
  )

  it.effect("is not there when it is off", () =>
    Effect.gen(function* () {
      assert.strictEqual(Chaos.layer({ rate: 0.5, enabled: false, faults: ["hang"] }), Layer.empty)
      assert.strictEqual(Chaos.layer({ rate: 0, faults: ["hang"] }), Layer.empty)
      const self = Effect.succeed(1)
      assert.strictEqual(Chaos.inject({ rate: 0 })(self), self)
      assert.strictEqual(yield* text, "from the first")
    }).pipe(Effect.provide(under({ rate: 0, faults: ["hang"] })))
  )

  it("refuses a rate that is none", () => {
    assert.throws(() => Chaos.layer({ rate: 1.5 }), RangeError)
    assert.throws(() => Chaos.inject({ rate: Number.NaN }), RangeError)
    assert.throws(() => Chaos.inject({ rate: 1, latency: "-1 seconds" }), RangeError)
  })
})

/** A model of somebody else's. */
const Foreign = Layer.effect(
  LanguageModel.LanguageModel,
  LanguageModel.make({
    generateText: () => Effect.succeed([{ type: "text", text: "hello" }]),
    streamText: () =>
      Stream.make(
        { type: "text-start", id: "0" } as const,
        { type: "text-delta", id: "0", delta: "hel" } as const,
        { type: "text-delta", id: "0", delta: "lo" } as const
      )
  })
)
const ForeignVectors = Layer.effect(
  EmbeddingModel.EmbeddingModel,
  EmbeddingModel.make({
    embedMany: ({ inputs }) => Effect.succeed({ results: inputs.map(() => [1, 0]), usage: { inputTokens: 1 } })
  })
)

describe("Chaos around models of effect/ai", () => {
  it.effect("hits any language model", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* classOf(ask), "ModelOverloaded")
      assert.strictEqual(yield* classOf(Stream.runDrain(listen)), "ModelOverloaded")
    }).pipe(
      Effect.provide(Layer.provide(Chaos.languageModel({ rate: 1, faults: ["ModelOverloaded"] }), Foreign)),
      Effect.scoped
    )
  )

  it.effect("hits a part of the calls, the same with the same seed, each fault as often as the others", () =>
    Effect.gen(function* () {
      const classes = Effect.replicateEffect(
        Effect.match(ask, { onSuccess: () => "well", onFailure: (error) => AiErrors.toTyped(error)._tag }),
        1000
      ).pipe(
        Effect.provide(
          Layer.provide(Chaos.languageModel({ rate: 0.4, faults: ["Network", "ServiceUnavailable"] }), Foreign)
        ),
        Random.withSeed("chaos")
      )
      const first = yield* classes
      const count = (tag: string) => first.filter((other) => other === tag).length
      assert.approximately(count("well"), 600, 60)
      assert.approximately(count("Network"), 200, 50)
      assert.approximately(count("ServiceUnavailable"), 200, 50)
      assert.deepStrictEqual(yield* classes, first)
    })
  )

  it.effect("leaves a language model alone when it is off", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* text, "hello")
    }).pipe(Effect.provide(Layer.provide(Chaos.languageModel({ rate: 0, faults: ["hang"] }), Foreign)))
  )

  it.effect("hits any embedding model", () =>
    Effect.gen(function* () {
      const model = yield* EmbeddingModel.EmbeddingModel
      assert.strictEqual(yield* classOf(model.embed("kelp")), "Network")
      assert.strictEqual(yield* classOf(model.embedMany(["kelp"])), "Network")
    }).pipe(Effect.provide(Layer.provide(Chaos.embeddingModel({ rate: 1, faults: ["truncate"] }), ForeignVectors)))
  )
})

describe("Chaos.inject", () => {
  it.effect("does something else in a part of the runs, and what comes first", () =>
    Effect.gen(function* () {
      const hits = yield* Ref.make(0)
      const odd = Effect.succeed("well").pipe(
        Chaos.inject({
          rate: 0.5,
          latency: "1 second",
          behaviour: Ref.update(hits, (n) => n + 1),
          instead: Effect.fail("ill" as const)
        }),
        Effect.exit
      )
      const fiber = yield* Effect.forkChild(Random.withSeed(Effect.replicateEffect(odd, 100), "inject"))
      yield* TestClock.adjust("100 seconds")
      const ends = yield* Fiber.join(fiber)
      const failed = ends.filter(
        (exit) => Exit.isFailure(exit) && Option.getOrUndefined(Cause.findErrorOption(exit.cause)) === "ill"
      ).length
      assert.strictEqual(failed, yield* Ref.get(hits))
      assert.approximately(failed, 50, 20)
    })
  )

  it.effect("is left by a caller that does not wait", () =>
    Effect.gen(function* () {
      const late = yield* Effect.forkChild(
        Effect.andThen(Effect.succeed(1).pipe(Chaos.inject({ rate: 1, latency: "1 hour" })), Clock.currentTimeMillis)
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(late)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(late)))
    })
  )
})
