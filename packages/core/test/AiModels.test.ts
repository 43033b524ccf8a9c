import { assert, describe, it } from "@effect/vitest"
import { Effect, Ref, Schema, Stream } from "effect"
import { EmbeddingModel, LanguageModel, Prompt, type Response, Tool, Toolkit } from "effect/ai"
import { AiErrors, AiModels, type EmbedModel, Failure, Provenance, Sampling, type TextModel } from "@holdfast/core"
import { everything } from "./Failures.ts"
import { delta, finish } from "./Scripted.ts"

/** A text model that answers as told and remembers what it was asked. */
const remembering = Effect.fnUntraced(function* (parts: ReadonlyArray<Response.PartEncoded>) {
  const requests = yield* Ref.make<ReadonlyArray<TextModel.Request>>([])
  const remember = (request: TextModel.Request) => Ref.update(requests, (all) => [...all, request])
  const model: TextModel.TextModel = {
    generate: (request) => Effect.as(remember(request), parts),
    stream: (request) =>
      Stream.unwrap(
        Effect.as(
          remember(request),
          Stream.make<Array<Response.StreamPartEncoded>>(
            { type: "text-start", id: "1" },
            delta("hel"),
            delta("lo"),
            { type: "text-end", id: "1" },
            finish
          )
        )
      )
  }
  const languageModel = yield* AiModels.languageModel(model)
  return {
    requests: Ref.get(requests),
    last: Effect.map(Ref.get(requests), (all) => all.at(-1) ?? assert.fail("nothing was asked")),
    provide: Effect.provideService(LanguageModel.LanguageModel, languageModel)
  }
})

const Weather = Tool.make("Weather", {
  description: "The weather at a place",
  parameters: Schema.Struct({ place: Schema.String }),
  success: Schema.Struct({ celsius: Schema.Number })
})
const Clock = Tool.make("Clock", { success: Schema.String })
const tools = Toolkit.make(Weather, Clock)
const handled = Effect.provide(
  tools.toLayer({ Weather: () => Effect.succeed({ celsius: 7 }), Clock: () => Effect.succeed("noon") })
)

describe("a language model made of a text model", () => {
  it.effect("asks in plain words, with nothing else set", () =>
    Effect.gen(function* () {
      const model = yield* remembering([{ type: "text", text: "hello" }, finish])
      const answer = yield* LanguageModel.generateText({ prompt: "hi" }).pipe(model.provide)
      assert.strictEqual(answer.text, "hello")
      assert.strictEqual(answer.usage.outputTokens.total, 2)
      const request = yield* model.last
      assert.deepStrictEqual(request.prompt.content, Prompt.make("hi").content)
      assert.deepStrictEqual(
        {
          tools: request.tools,
          choice: request.toolChoice,
          format: request.responseFormat,
          sampling: request.sampling
        },
        { tools: [], choice: "auto", format: { type: "text" }, sampling: {} }
      )
    })
  )

  it.effect("hands the tools on with their schemas, and runs them above the model, once", () =>
    Effect.gen(function* () {
      const model = yield* remembering([
        { type: "tool-call", id: "call_1", name: "Weather", params: { place: "Bergen" } },
        finish
      ])
      const answer = yield* LanguageModel.generateText({ prompt: "hi", toolkit: tools }).pipe(model.provide, handled)
      assert.deepStrictEqual(
        answer.toolResults.map(({ result }) => result),
        [{ celsius: 7 }]
      )
      assert.strictEqual((yield* model.requests).length, 1)
      const request = yield* model.last
      assert.deepStrictEqual(
        request.tools.map(({ name }) => name),
        ["Weather", "Clock"]
      )
      assert.strictEqual(request.tools[0]?.description, "The weather at a place")
      assert.deepInclude(request.tools[0]?.parameters, { type: "object", required: ["place"] })
    })
  )

  const choices = [
    ["auto", "auto"],
    ["none", "none"],
    ["required", "required"],
    [{ tool: "Weather" }, { tool: "Weather" }],
    [{ oneOf: ["Weather"] }, { mode: "auto", oneOf: ["Weather"] }],
    [
      { mode: "required", oneOf: ["Weather", "Clock"] },
      { mode: "required", oneOf: ["Weather", "Clock"] }
    ]
  ] as const
  it.effect.each(choices)("hands on the choice of tools: %o", ([toolChoice, expected]) =>
    Effect.gen(function* () {
      const model = yield* remembering([{ type: "text", text: "hello" }, finish])
      yield* LanguageModel.generateText({ prompt: "hi", toolkit: tools, toolChoice }).pipe(model.provide, handled)
      assert.deepStrictEqual((yield* model.last).toolChoice, expected)
    })
  )

  it.effect("asks for an object by its schema, and decodes what comes", () =>
    Effect.gen(function* () {
      const model = yield* remembering([{ type: "text", text: `{"celsius":"7"}` }, finish])
      const answer = yield* LanguageModel.generateObject({
        prompt: "hi",
        objectName: "weather",
        schema: Schema.Struct({ celsius: Schema.FiniteFromString })
      }).pipe(model.provide)
      assert.deepStrictEqual({ ...answer.value }, { celsius: 7 })
      const { responseFormat } = yield* model.last
      assert.deepInclude(responseFormat, { type: "json", name: "weather" })
      assert.deepInclude(responseFormat.type === "json" ? responseFormat.schema : {}, {
        type: "object",
        required: ["celsius"]
      })
    })
  )

  it.effect("hands on the sampling around the call, the inner over the outer", () =>
    Effect.gen(function* () {
      const model = yield* remembering([{ type: "text", text: "hello" }, finish])
      const ask = LanguageModel.generateText({ prompt: "hi" })
      yield* ask.pipe(
        Sampling.provide({ temperature: 0 }),
        Sampling.provide({ temperature: 1, maxOutputTokens: 10, stop: ["."] }),
        model.provide
      )
      assert.deepStrictEqual((yield* model.last).sampling, { temperature: 0, maxOutputTokens: 10, stop: ["."] })
    })
  )

  it.effect("streams in the same way, with the same request", () =>
    Effect.gen(function* () {
      const model = yield* remembering([])
      const parts = yield* LanguageModel.streamText({ prompt: "hi", toolkit: tools, toolChoice: "required" }).pipe(
        Stream.runCollect,
        Sampling.provide({ seed: 7 }),
        model.provide,
        handled
      )
      const words = parts.flatMap((part) => (part.type === "text-delta" ? [part.delta] : []))
      assert.deepStrictEqual(words, ["hel", "lo"])
      const request = yield* model.last
      assert.deepInclude(request, { toolChoice: "required", sampling: { seed: 7 } })
      assert.strictEqual(request.tools.length, 2)
    })
  )

  it.effect("fails with an AiError that stands for our failure, whole or streamed", () =>
    Effect.gen(function* () {
      const failure = Failure.make("ModelOverloaded", everything)
      const broken = yield* AiModels.languageModel({
        generate: () => Effect.fail(failure),
        stream: () => Stream.fail(failure)
      })
      const provide = Effect.provideService(LanguageModel.LanguageModel, broken)
      const whole = LanguageModel.generateText({ prompt: "hi" }).pipe(provide, AiErrors.typed, Effect.flip)
      assert.strictEqual(yield* whole, failure)
      const streamed = LanguageModel.streamText({ prompt: "hi" }).pipe(
        Stream.runDrain,
        provide,
        AiErrors.typed,
        Effect.flip
      )
      assert.strictEqual(yield* streamed, failure)
    })
  )
})

describe("an embedding model", () => {
  const counting = Effect.gen(function* () {
    const requests = yield* Ref.make<ReadonlyArray<EmbedModel.Request>>([])
    const model = yield* AiModels.embeddingModel({
      embed: (request) =>
        Effect.as(
          Ref.update(requests, (all) => [...all, request]),
          { vectors: request.inputs.map((input) => [input.length]), model: "x", inputTokens: 5 }
        )
    })
    return { model, requests: Ref.get(requests), provide: Effect.provideService(EmbeddingModel.EmbeddingModel, model) }
  })

  it.effect("makes one request of many inputs, and keeps their order", () =>
    Effect.gen(function* () {
      const { model, requests } = yield* counting
      const { embeddings, usage } = yield* model.embedMany(["a", "bbb", "cc"])
      assert.deepStrictEqual(
        embeddings.map(({ vector }) => vector),
        [[1], [3], [2]]
      )
      assert.strictEqual(usage.inputTokens, 5)
      assert.deepStrictEqual(yield* requests, [{ inputs: ["a", "bbb", "cc"] }])
    })
  )

  it.effect("shares one request between concurrent questions of the same kind, and no other", () =>
    Effect.gen(function* () {
      const { model, requests } = yield* counting
      const query = Effect.provideService(AiModels.EmbedOptions, { task: "query" })
      const small = Effect.provideService(AiModels.EmbedOptions, { dimensions: 256 })
      const answers = yield* Effect.all(
        [
          model.embed("a"),
          query(model.embed("bb")),
          model.embed("ccc"),
          small(model.embed("dddd")),
          query(model.embed("e"))
        ],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        answers.map(({ vector }) => vector),
        [[1], [2], [3], [4], [1]]
      )
      assert.sameDeepMembers(
        [...(yield* requests)],
        [{ inputs: ["a", "ccc"] }, { inputs: ["bb", "e"], task: "query" }, { inputs: ["dddd"], dimensions: 256 }]
      )
    })
  )

  it.effect("does not share a request between two that ask for their own provenance", () =>
    Effect.gen(function* () {
      const { model, requests } = yield* counting
      yield* Effect.all([Provenance.of(model.embed("a")), Provenance.of(model.embed("b"))], {
        concurrency: "unbounded"
      })
      assert.strictEqual((yield* requests).length, 2)
    })
  )

  it.effect("fails with an AiError that stands for our failure", () =>
    Effect.gen(function* () {
      const failure = Failure.make("QuotaExceeded", everything)
      const model = yield* AiModels.embeddingModel({ embed: () => Effect.fail(failure) })
      assert.strictEqual(yield* Effect.flip(AiErrors.typed(model.embedMany(["a"]))), failure)
      assert.strictEqual(yield* Effect.flip(AiErrors.typed(model.embed("a"))), failure)
    })
  )
})
