import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer, Stream } from "effect"
import { EmbeddingModel, LanguageModel } from "effect/ai"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { Script } from "@holdfast/chaos"
import { AiErrors, CircuitBreaker, Policy, Provenance, Route, VectorSpace } from "@holdfast/core"
import { Gemini, OpenAi } from "@holdfast/providers"

const policy = Policy.mission.pipe(Policy.retry({ maxRetries: 0 }))

/** As production has it: lanes that want a key and an HTTP client. */
const Chat = Route.languageModel("chat", {
  lanes: [Gemini.lane("gemini-3.5-flash"), OpenAi.lane("gpt-4o-mini")],
  policy
})
const [primary, secondary] = ["gemini/gemini-3.5-flash", "openai/gpt-4o-mini"] as const

const ask = LanguageModel.generateText({ prompt: "Why does kelp not float away?" })
const listen = LanguageModel.streamText({ prompt: "Why does kelp not float away?" }).pipe(
  Stream.map((part) => (part.type === "text-delta" ? part.delta : "")),
  Stream.filter((delta) => delta !== ""),
  Stream.runCollect
)

describe("a script", () => {
  it.effect("is what production layers talk to, at the test's own pace", () =>
    Effect.gen(function* () {
      for (let n = 0; n < 5; n++) yield* ask
      assert.strictEqual((yield* CircuitBreaker.state(primary)).state, "open")
      const [, provenance] = yield* Provenance.of(ask)
      assert.strictEqual(provenance?.lane, secondary)
      yield* TestClock.adjust("60 seconds")
      const [answer, healed] = yield* Provenance.of(ask)
      assert.strictEqual(answer.text, "hello again")
      assert.strictEqual(healed?.lane, primary)
      const calls = yield* Script.calls(primary)
      assert.deepStrictEqual(
        calls.map(({ at, kind }) => [kind, at]),
        [...Array.from({ length: 5 }, () => ["generate", 0] as const), ["generate", 60_000]]
      )
    }).pipe(
      Effect.provide(Chat),
      Effect.provide(
        Script.layer({
          [primary]: [Script.times(5, Script.serviceUnavailable), Script.reply("hello again")],
          [secondary]: [Script.always(Script.reply("hello"))]
        })
      )
    )
  )

  it.effect("streams word by word, breaks off where it is told to, and is late where it is told to", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* listen, ["Hold", " fast."])
      assert.strictEqual((yield* Effect.flip(AiErrors.typed(listen)))._tag, "StreamTruncated")
      const late = yield* Effect.forkChild(listen)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* (yield* Script.Script).open(primary), 1)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(late), ["Here."])
      assert.strictEqual(yield* (yield* Script.Script).open(primary), 0)
    }).pipe(
      Effect.provide(Chat),
      Effect.provide(
        Script.layer({
          [primary]: [Script.reply("Hold fast."), Script.cut("Hold"), Script.after("3 seconds", Script.reply("Here."))]
        })
      )
    )
  )

  it.effect("hangs until a clock runs out or the caller leaves, and holds nothing then", () =>
    Effect.gen(function* () {
      const asking = yield* Effect.forkChild(ask)
      yield* TestClock.adjust(policy.clocks.plainAttempt)
      assert.strictEqual((yield* Fiber.join(asking)).text, "hello")
      const left = yield* Effect.forkChild(listen)
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(left)
      assert.strictEqual(yield* (yield* Script.Script).open(primary), 0)
    }).pipe(
      Effect.provide(Chat),
      Effect.provide(Script.layer({ [primary]: [Script.always(Script.hang)], [secondary]: [Script.reply("hello")] }))
    )
  )

  it.effect("is waited for as long as it takes, and no longer", () =>
    Effect.gen(function* () {
      const [, provenance] = yield* Script.inTime(Provenance.of(ask))
      assert.strictEqual(provenance?.lane, secondary)
      const calls = yield* Script.calls(secondary)
      assert.strictEqual(calls[0]?.at, 7_000)
      const exit = yield* Effect.exit(Script.inTime(ask, { step: "1 second", within: "3 seconds" }))
      assert.include(String(exit), "not over within 3s")
      // Whoever is not waited for is left.
      assert.strictEqual(yield* (yield* Script.Script).open(primary), 0)
      assert.strictEqual((yield* Effect.flip(Script.inTime(AiErrors.typed(ask))))._tag, "ContentPolicy")
    }).pipe(
      Effect.provide(Chat),
      Effect.provide(
        Script.layer({
          [primary]: [
            Script.after("7 seconds", Script.serviceUnavailable),
            Script.hang,
            Script.after("1 second", Script.fail("ContentPolicy"))
          ],
          [secondary]: [Script.reply("hello")]
        })
      )
    )
  )

  it.effect("says what a failure says", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(AiErrors.typed(ask))
      assert.strictEqual(error._tag, "ContentPolicy")
      const limited = yield* Effect.forkChild(Provenance.of(ask))
      yield* TestClock.adjust("1 second")
      const [, provenance] = yield* Fiber.join(limited)
      assert.deepStrictEqual(
        provenance?.attempts.map(({ lane, result }) => [lane, result]),
        [
          [primary, "RateLimit"],
          [secondary, "Success"]
        ]
      )
    }).pipe(
      Effect.provide(Chat),
      Effect.provide(
        Script.layer({
          [primary]: [Script.fail("ContentPolicy"), Script.rateLimit(Duration.minutes(5))],
          [secondary]: [Script.reply("hello")]
        })
      )
    )
  )

  it.effect.each([
    ["is over", { [primary]: [Script.reply("one"), Script.reply("two")] }, `the script of ${primary} is over`],
    ["is not there", { [secondary]: [Script.reply("never")] }, `no script for ${primary}`],
    ["has no such answer", { [primary]: [Script.always(Script.vectors())] }, "cannot answer generate"]
  ] as const)("that %s is a defect that says so", ([, scripts, problem]) =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Effect.repeat(ask, { times: 2 }))
      assert.isTrue(Exit.hasDies(exit))
      assert.include(String(exit), problem)
    }).pipe(Effect.provide(Chat), Effect.provide(Script.layer(scripts)))
  )

  it("refuses a step for no call", () => {
    assert.throws(() => Script.times(0, Script.hang), RangeError, "times must be a whole number of at least 1, got 0")
  })

  it.effect("sends nothing", () =>
    HttpClient.get("http://127.0.0.1:1/").pipe(
      Effect.exit,
      Effect.map((exit) => assert.include(String(exit), "nothing is sent here: GET http://127.0.0.1:1/")),
      Effect.provide(Script.layer({}))
    )
  )

  const near = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) => a.reduce((sum, x, n) => sum + x * (b[n] ?? 0), 0)

  it.effect("makes vectors of the lane's own length, near one another where texts have words in common", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* VectorSpace.VectorSpace, "gemini-embedding-001@3072")
      const model = yield* EmbeddingModel.EmbeddingModel
      const { embeddings } = yield* model.embedMany([
        "The holdfast grips the rock.",
        "What grips the rock?",
        "Otters eat urchins."
      ])
      const [holdfast = [], question = [], otters = []] = embeddings.map(({ vector }) => vector)
      assert.strictEqual(holdfast.length, 3072)
      assert.isAbove(near(holdfast, question), 0.4)
      assert.isBelow(Math.abs(near(otters, question)), 0.2)
      const own = yield* model.embed("kelp")
      assert.deepStrictEqual(own.vector, [4, 0])
    }).pipe(
      Effect.provide(Route.embeddingModel("embed", { lanes: [Gemini.lane("gemini-embedding-001")] })),
      Effect.provide(
        Script.layer({
          "gemini/gemini-embedding-001": [Script.vectors(), Script.vectors(({ length }) => [length, 0])]
        })
      )
    )
  )

  it.effect("belongs to its layer", () =>
    Effect.gen(function* () {
      const scripts = Script.layer({ [primary]: [Script.reply("one")] })
      const once = ask.pipe(
        Effect.map(({ text }) => text),
        Effect.provide(Chat),
        Effect.provide(Layer.fresh(scripts))
      )
      assert.deepStrictEqual([yield* once, yield* once], ["one", "one"])
    })
  )
})
