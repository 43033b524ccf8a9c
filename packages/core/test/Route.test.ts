import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { EmbeddingModel, LanguageModel, Prompt } from "effect/ai"
import { TestClock } from "effect/testing"
import {
  AiErrors,
  AiModels,
  CircuitBreaker,
  Failure,
  type FallbackPlan,
  Health,
  Lane,
  Policy,
  Provenance,
  Route
} from "@holdfast/core"
import { alone, chat, exact, request } from "./Chat.ts"
import { failing, playing, replying, scripted, text } from "./Scripted.ts"

const ask = LanguageModel.generateText({ prompt: "Why does kelp not float away?" })

describe("a route", () => {
  it.effect("answers from the fallback while the primary's circuit is open, and from the primary again after it", () =>
    Effect.gen(function* () {
      const primary = yield* scripted("gemini/flash", [
        ...Array.from({ length: 5 }, () => failing("ServiceUnavailable")),
        replying("hello again")
      ])
      const second = yield* scripted("openai/mini", [replying("hello")])
      const policy = Policy.mission.pipe(Policy.retry({ maxRetries: 0 }))
      yield* Effect.gen(function* () {
        for (let n = 0; n < 5; n++) yield* ask
        assert.strictEqual((yield* CircuitBreaker.state("gemini/flash")).state, "open")
        const [, provenance] = yield* Provenance.of(ask)
        assert.strictEqual(provenance?.lane, "openai/mini")
        assert.isTrue(provenance?.degraded)
        yield* TestClock.adjust("60 seconds")
        const [answer, healed] = yield* Provenance.of(ask)
        assert.strictEqual(answer.text, "hello again")
        assert.strictEqual(healed?.lane, "gemini/flash")
        assert.strictEqual((yield* CircuitBreaker.state("gemini/flash")).state, "closed")
      }).pipe(Effect.provide(Route.languageModel("chat", { lanes: [primary.lane, second.lane], policy })))
    })
  )

  it.effect("retries a stream that fails before its first content, unseen", () =>
    Effect.gen(function* () {
      const primary = yield* scripted("gemini/flash", [failing("ServiceUnavailable"), replying("hello")])
      const fiber = yield* LanguageModel.streamText({ prompt: "hi" }).pipe(
        Stream.runCollect,
        Effect.provide(Route.languageModel("chat", { lanes: [primary.lane] })),
        Effect.forkChild
      )
      yield* TestClock.adjust("1 second")
      const parts = yield* Fiber.join(fiber)
      assert.strictEqual(
        parts
          .filter((part) => part.type === "text-delta")
          .map((part) => part.delta)
          .join(""),
        "hello"
      )
      assert.strictEqual(yield* primary.calls, 2)
    })
  )

  it.effect("shows its errors as the typed union", () =>
    Effect.gen(function* () {
      const primary = yield* scripted("gemini/flash", [failing("ContentPolicy")])
      const second = yield* scripted("openai/mini", [replying("hello")])
      const error = yield* ask.pipe(
        AiErrors.typed,
        Effect.flip,
        Effect.provide(Route.languageModel("chat", { lanes: [primary.lane, second.lane] }))
      )
      assert.strictEqual(error._tag, "ContentPolicy")
      assert.strictEqual(yield* second.calls, 0)
    })
  )
})

describe("what a request needs", () => {
  const needing = Effect.fnUntraced(function* (cannot: Lane.Capabilities) {
    const a = yield* scripted("a/x", [replying("from a")], { capabilities: cannot })
    const b = yield* scripted("b/y", [replying("from b")])
    const model = yield* chat([a, b])
    const answer = (asked: Partial<typeof request>) =>
      Effect.map(model.generate({ ...request, ...asked }), (parts) =>
        parts.map((part) => (part.type === "text" ? part.text : "")).join("")
      )
    return { answer, listen: model.listen }
  })
  const parameters = { type: "object" } as const
  const image = Prompt.make([
    {
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "file", mediaType: "image/png", data: new Uint8Array([1]) }
      ]
    }
  ])
  const document = Prompt.make([
    { role: "user", content: [{ type: "file", mediaType: "text/plain", data: new Uint8Array([1]) }] }
  ])

  it.effect.each([
    ["tools", { tools: false }, { tools: [{ name: "t", parameters }] }],
    ["eyes", { vision: false }, { prompt: image }],
    ["a schema", { jsonSchema: false }, { responseFormat: { type: "json", name: "n", schema: parameters } }],
    ["a long answer", { maxOutputTokens: 100 }, { sampling: { maxOutputTokens: 101 } }]
  ] as const)("is kept from a lane that lacks it: %s", ([, cannot, asked]) =>
    Effect.gen(function* () {
      const { answer } = yield* needing(cannot)
      assert.strictEqual(yield* answer({}), "from a")
      assert.strictEqual(yield* answer(asked), "from b")
    }).pipe(alone)
  )

  it.effect("is nothing special for a document, or for JSON without a schema", () =>
    Effect.gen(function* () {
      const { answer } = yield* needing({ vision: false, jsonSchema: false })
      assert.strictEqual(yield* answer({ prompt: document }), "from a")
      assert.strictEqual(yield* answer({ responseFormat: { type: "json-object" } }), "from a")
    }).pipe(alone)
  )

  it.effect("of a stream is a lane that streams", () =>
    Effect.gen(function* () {
      const { answer, listen } = yield* needing({ streaming: false })
      assert.strictEqual(yield* answer({}), "from a")
      assert.strictEqual(yield* listen, "from b")
    }).pipe(alone)
  )
})

describe("the context window a request needs", () => {
  /** Lanes of these windows, under a request that takes at least so many tokens. */
  const asked = Effect.fnUntraced(function* (least: number, ...windows: ReadonlyArray<number | undefined>) {
    const lanes = yield* Effect.forEach(windows, (contextWindow, index) =>
      scripted(`${"abc"[index]}/x`, [failing("ContentPolicy", { failover: false }), replying("hello")], {
        capabilities: { contextWindow },
        leastTokens: () => least
      })
    )
    const model = yield* Route.text("chat", { lanes: lanes.map(({ lane }) => lane), policy: exact })
    const prompt = Prompt.make("kelp ".repeat(20_000))
    yield* Effect.exit(model.generate({ ...request, prompt }))
    yield* Effect.exit(Stream.runDrain(model.stream({ ...request, prompt })))
    return yield* Effect.forEach(lanes, ({ calls }) => calls)
  })

  it.effect("is kept from a lane that is too small for it by every estimate", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* asked(1001, 1000, 2000), [0, 2])
    }).pipe(alone)
  )

  it.effect("may be just what a lane has, or what nobody knows", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* asked(1000, 1000, 2000), [2, 0])
      assert.deepStrictEqual(yield* asked(1e9, undefined, 2000), [2, 0])
      assert.deepStrictEqual(yield* asked(1e9, 2000, undefined), [0, 2])
    }).pipe(alone)
  )

  it.effect("is tried on the largest where it fits into none: the provider's count decides", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* asked(5000, 1000, 2000, 2000), [0, 2, 0])
      assert.deepStrictEqual(yield* asked(5000, 1000), [2])
    }).pipe(alone)
  )

  it.effect("is not estimated for a request whose very letters are fewer", () =>
    Effect.gen(function* () {
      let estimates = 0
      const leastTokens = () => {
        estimates += 1
        return 0
      }
      const options = { capabilities: { contextWindow: 1000 }, leastTokens }
      const a = yield* scripted("a/x", [replying("hello")], options)
      const b = yield* scripted("b/y", [replying("hello")], options)
      const model = yield* chat([a, b])
      const asking = (asked: Partial<typeof request>) => model.generate({ ...request, ...asked })
      yield* asking({})
      assert.strictEqual(estimates, 0)
      yield* asking({ prompt: Prompt.make("x".repeat(1000)) })
      assert.isAbove(estimates, 0)
      const before = estimates
      yield* asking({ sampling: { maxOutputTokens: 1000 } })
      yield* asking({ tools: [{ name: "t", description: "x".repeat(1000), parameters: {} }] })
      yield* asking({
        prompt: Prompt.make([
          { role: "user", content: [{ type: "file", mediaType: "text/plain", data: new Uint8Array([1]) }] }
        ])
      })
      assert.isAtLeast(estimates - before, 3)
    }).pipe(alone)
  )
})

describe("building a route", () => {
  const make = (...lanes: ReadonlyArray<Lane.Lane>) =>
    Effect.flip(Route.text("chat", { lanes: lanes.map((lane) => Effect.succeed(lane)) }))
  const vectors = (provider: string, model: string, capabilities: Lane.Capabilities = {}) =>
    Lane.make({
      provider,
      model,
      capabilities,
      embed: {
        embed: ({ inputs }) => Effect.succeed({ vectors: inputs.map(({ length }) => [length]), model, inputTokens: 1 })
      }
    })
  const embed = (...lanes: ReadonlyArray<Lane.Lane>) =>
    Route.embed("index", { lanes: lanes.map((lane) => Effect.succeed(lane)) })

  it.effect("fails without lanes, with a lane twice, and with one that does not generate text", () =>
    Effect.gen(function* () {
      const lane = yield* (yield* scripted("a/x", [replying("hello")])).lane
      assert.deepInclude(yield* make(), { _tag: "InvalidRoute", route: "chat", problem: "it has no lane" })
      assert.include((yield* make(lane, lane)).message, "Route chat: a/x is in it twice")
      assert.include((yield* make(lane, vectors("b", "y"))).message, "b/y does not generate text")
    }).pipe(alone)
  )

  it.effect("fails when its vectors could not be compared, or a lane makes none", () =>
    Effect.gen(function* () {
      const lane = yield* (yield* scripted("a/x", [replying("hello")])).lane
      assert.include((yield* Effect.flip(embed(vectors("a", "v3"), vectors("b", "v4")))).message, "different spaces")
      assert.include((yield* Effect.flip(embed(vectors("a", "v3"), lane))).message, "a/x does not embed")
      const model = yield* embed(vectors("a", "v3"), vectors("b", "v3"))
      assert.strictEqual(model.space, "v3")
      assert.deepStrictEqual((yield* model.embed({ inputs: ["ab", "c"] })).vectors, [[2], [1]])
    }).pipe(alone)
  )

  it.effect("fails when a lane lacks what the route needs, and says what", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("hello")], { capabilities: { contextWindow: 200_000, tools: true } })
      const b = yield* scripted("b/y", [replying("hello")], { capabilities: { contextWindow: 8192, tools: false } })
      const lanes = [a.lane, b.lane]
      const build = (needs: FallbackPlan.Requirements) => Route.text("chat", { lanes, needs })
      assert.include((yield* Effect.flip(build({ tools: true }))).message, "b/y has no tools")
      assert.include(
        (yield* Effect.flip(build({ contextTokens: 100_000 }))).message,
        "b/y holds at most 8192 tokens, 100000 are asked for"
      )
      yield* build({ contextTokens: 8192, vision: true })
      const short = Route.embed("index", {
        lanes: [Effect.succeed(vectors("a", "v3", { dimensions: 768 }))],
        needs: { dimensions: 1024 }
      })
      assert.include((yield* Effect.flip(short)).message, "a/v3 makes vectors of 768, 1024 are asked for")
    }).pipe(alone)
  )

  it.effect("makes an embedding model that fails over inside its space", () =>
    Effect.gen(function* () {
      const broken = Lane.make({
        provider: "a",
        model: "v3",
        embed: {
          embed: () =>
            Effect.fail(
              Failure.make("Authentication", {
                provider: "a",
                model: "v3",
                lane: "a/v3",
                scope: "credential",
                rule: "test"
              })
            )
        }
      })
      const lanes = [Effect.succeed(broken), Effect.succeed(vectors("b", "v3", { dimensions: undefined }))]
      const [{ vector }, provenance] = yield* Provenance.of(
        EmbeddingModel.EmbeddingModel.use((model) => model.embed("kelp"))
      ).pipe(Effect.provide(Route.embeddingModel("index", { lanes })))
      assert.deepStrictEqual(vector, [4])
      assert.deepInclude(provenance, { lane: "b/v3", degraded: true })
    })
  )

  it.effect("refuses more dimensions than any lane makes, before it asks", () =>
    Effect.gen(function* () {
      const model = yield* embed(vectors("a", "v3", { dimensions: 768 }))
      assert.strictEqual((yield* Effect.flip(model.embed({ inputs: ["x"], dimensions: 1024 })))._tag, "NoCapableLane")
      const layer = Route.embeddingModel("index", { lanes: [Effect.succeed(vectors("a", "v3", { dimensions: 768 }))] })
      const error = yield* EmbeddingModel.EmbeddingModel.use((model) => model.embed("x")).pipe(
        Effect.provideService(AiModels.EmbedOptions, { dimensions: 1024 }),
        AiErrors.typed,
        Effect.flip,
        Effect.provide(layer)
      )
      assert.strictEqual(error._tag, "NoCapableLane")
    }).pipe(alone)
  )

  it.effect("hands on the error of a lane that cannot be made", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Route.text("chat", { lanes: [Effect.fail("no key" as const)] }))
      assert.strictEqual(error, "no key")
    }).pipe(alone)
  )

  it.effect("makes its lanes known to the health monitor before the first call", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("hello")])
      const b = yield* scripted("b/y", [replying("hello")])
      yield* chat([a, b])
      const snapshots = yield* Health.Health.use((health) => health.snapshots)
      assert.deepStrictEqual(
        snapshots.map(({ lane, status }) => [lane, status]),
        [
          ["a/x", "idle"],
          ["b/y", "idle"]
        ]
      )
    }).pipe(alone)
  )

  it.effect("passes its lanes through the interceptor", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [replying("hello")])
      const b = yield* (yield* scripted("b/y", [replying("intercepted")])).lane
      const model = yield* Effect.provideService(chat([a]), Lane.Interceptor, () => b)
      assert.strictEqual(yield* model.ask, "intercepted")
    }).pipe(alone)
  )

  it.effect("of several in one layer lets them share what lanes share", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("InvalidResponse")])
      const b = yield* scripted("b/y", [replying("hello")])
      const policy = exact.pipe(Policy.retry({ maxRetries: 0 }))
      const both = Route.embeddingModel("index", { lanes: [Effect.succeed(vectors("c", "v3"))] }).pipe(
        Layer.merge(Route.languageModel("chat", { lanes: [a.lane, b.lane], policy }))
      )
      yield* Effect.gen(function* () {
        for (let n = 0; n < 5; n++) yield* ask
        assert.strictEqual((yield* CircuitBreaker.state("a/x")).state, "open")
        yield* EmbeddingModel.EmbeddingModel.use((model) => model.embed("x"))
        const snapshots = yield* Health.Health.use((health) => health.snapshots)
        assert.sameMembers(
          snapshots.map(({ lane }) => lane),
          ["a/x", "b/y", "c/v3"]
        )
      }).pipe(Effect.provide(both))
    })
  )

  it.effect("shows a stream's failure after its first content as the typed union", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [
        playing(text("hel"), (target) =>
          Effect.fail(Failure.make("StreamTruncated", { ...target, scope: "request", rule: "test" }))
        )
      ])
      const words: Array<string> = []
      const error = yield* LanguageModel.streamText({ prompt: "hi" }).pipe(
        Stream.runForEach((part) => Effect.sync(() => part.type === "text-delta" && words.push(part.delta))),
        AiErrors.typed,
        Effect.flip,
        Effect.provide(Route.languageModel("chat", { lanes: [a.lane] }))
      )
      assert.strictEqual(error._tag, "StreamTruncated")
      assert.deepStrictEqual(words, ["hel"])
    })
  )
})
