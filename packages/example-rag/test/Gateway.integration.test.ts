/**
 * The service of somebody who does not know Effect: the official SDK with the gateway as its base URL, and the models of
 * this application in the gateway's file. It asks the same, and is answered the same.
 */
import { assert, it, layer } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Layer } from "effect"
import { Config, Gateway } from "@holdfast/gateway"
import { APIError, OpenAI } from "openai"
import { readFile } from "node:fs/promises"
import { questions } from "../src/demo/documents.ts"
import * as World from "../src/demo/World.ts"
import * as Embedder from "../src/Embedder.ts"
import * as Evidence from "../src/Evidence.ts"
import * as Models from "../src/Models.ts"
import { PassageStore } from "../src/PassageStore.ts"
import { database, primary, secondary, serveStocked, space } from "./Harness.ts"

const file = Effect.promise(() => readFile(new URL("../gateway.yaml", import.meta.url), "utf8")).pipe(
  Effect.flatMap((text) => Config.parse(text, "gateway.yaml"))
)

it.effect("the gateway's file says what Models.ts says", () =>
  Effect.gen(function* () {
    const { routes } = yield* file
    assert.deepStrictEqual(routes["chat"]?.policy, Models.policy)
    assert.deepStrictEqual(routes["embed"]?.policy, Models.embedding)
    assert.deepStrictEqual(routes["embed-standby"]?.policy, Models.embedding)
    assert.deepStrictEqual(routes["chat"]?.lanes, [primary, secondary])
  })
)

/** The gateway on a free port, in front of the same providers, and the SDK pointed at it. */
const throughGateway = Effect.fnUntraced(function* (world: World.World) {
  const { providers, routes } = yield* file
  const { gemini, openai, second } = providers
  const config: Config.Config = {
    routes,
    providers: {
      gemini: { ...gemini, baseUrl: world.gemini.url },
      second: { ...second, baseUrl: world.second.url },
      openai: { ...openai, baseUrl: world.openAi.url }
    }
  }
  const gateway = yield* Layer.build(
    Gateway.layerNoDatabase({ config, port: 0, drainTimeout: "1 second" }).pipe(
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(World.keys)))
    )
  )
  const url = yield* Effect.provide(Gateway.url, gateway)
  return new OpenAI({ apiKey: "anything", baseURL: `${url}/v1`, maxRetries: 0 })
})

/** The same retrieval service in the SDK's terms, over the passages that are stored. */
const sdkService = (client: OpenAI, store: PassageStore["Service"]) => {
  const messages = Effect.fnUntraced(function* (question: string) {
    // What OpenAI has no word for goes along as `extra_body` does in Python.
    const request = { model: "embed", input: question, input_type: "query" }
    const { data } = yield* Effect.promise(() => client.embeddings.create(request))
    const vector = data[0]?.embedding ?? []
    const length = Math.hypot(...vector)
    const passages = yield* store.nearest(
      space,
      vector.map((value) => value / length),
      3
    )
    const chat: Array<OpenAI.ChatCompletionMessageParam> = [
      { role: "system", content: Evidence.instructions(passages) },
      { role: "user", content: question }
    ]
    return { chat, passages, vector }
  })
  const answer = Effect.fnUntraced(function* (question: string) {
    const { chat, passages } = yield* messages(question)
    const { data, response } = yield* Effect.promise(() =>
      client.chat.completions.create({ model: "chat", messages: chat }).withResponse()
    )
    return {
      text: data.choices[0]?.message.content,
      sources: passages.map(({ text }) => text),
      answeredBy: response.headers.get("x-holdfast-lane"),
      degraded: response.headers.get("x-holdfast-degraded") === "true"
    }
  })
  const listen = Effect.fnUntraced(function* (question: string) {
    const { chat } = yield* messages(question)
    return yield* Effect.promise(async () => {
      let text = ""
      for await (const chunk of await client.chat.completions.create({ model: "chat", messages: chat, stream: true })) {
        text += chunk.choices[0]?.delta.content ?? ""
      }
      return text
    })
  })
  return { answer, listen, messages }
}

/** What one provider was asked for, without what a client may say of itself. */
const asked = (emulator: World.World["gemini"]) =>
  Effect.map(emulator.journal, (entries) => entries.map(({ body, path }) => ({ path, body })))

const weathers: ReadonlyArray<readonly [string, { readonly [Provider in World.Provider]?: World.Rules }]> = [
  ["fair weather", {}],
  ["an overloaded model", { gemini: [{ operations: ["chat"], fault: { _tag: "Overloaded" } }] }],
  ["a first project that is down", { gemini: [{ fault: { _tag: "ServiceUnavailable" } }] }],
  [
    "a rate limit that passes",
    {
      gemini: [
        {
          operations: ["chat"],
          when: { requests: { to: 1 } },
          fault: { _tag: "RateLimit", retryAfter: "100 millis" }
        }
      ]
    }
  ],
  ["answers that are cut off", { gemini: [{ operations: ["chat"], fault: { _tag: "Truncate", after: 5 } }] }]
]

layer(database, { excludeTestServices: true })("the official SDK through the gateway", (it) => {
  const open = Effect.gen(function* () {
    const world = yield* World.make()
    const { client, context } = yield* serveStocked(world)
    const sdk = sdkService(yield* throughGateway(world), Context.get(context, PassageStore))
    return { client, context, sdk, world }
  })

  it.effect.each(weathers)("gives the answers that the application gives: %s", ([, weather]) =>
    Effect.gen(function* () {
      const { client, sdk, world } = yield* open
      for (const provider of World.providers) yield* world[provider].setPlan(World.plan(weather[provider] ?? []))
      const reset = Effect.forEach(World.providers, (provider) => world[provider].reset, { discard: true })
      // A third would meet an open circuit, and how long that stays open is up to chance.
      for (const question of questions.slice(0, 2)) {
        yield* reset
        const { answeredBy, degraded, sources, text } = yield* client.answer({ payload: { question } })
        const [toGemini, toOpenAi] = [yield* asked(world.gemini), yield* asked(world.openAi)]
        yield* reset
        const same = yield* sdk.answer(question)
        assert.deepStrictEqual(same, {
          text,
          sources: sources.map((source) => source.text),
          answeredBy,
          degraded
        } as never)
        assert.match(text, /\[1\]$/)
        // Down to the requests that the providers were sent.
        assert.deepStrictEqual(yield* asked(world.gemini), toGemini)
        assert.deepStrictEqual(yield* asked(world.openAi), toOpenAi)
      }
    })
  )

  it.effect("makes the vectors that the application makes", () =>
    Effect.gen(function* () {
      const { context, sdk } = yield* open
      const { query } = Context.get(context, Embedder.Embedder)
      const { vector } = yield* sdk.messages(questions[0])
      const length = Math.hypot(...vector)
      assert.deepStrictEqual(
        yield* query(questions[0]),
        vector.map((value) => value / length)
      )
    })
  )

  it.effect("hears the same stream, also when one model finishes what another began", () =>
    Effect.gen(function* () {
      const { client, sdk, world } = yield* open
      const question = questions[0]
      const { text } = yield* client.answer({ payload: { question } })
      assert.strictEqual(yield* sdk.listen(question), text)
      yield* world.gemini.setPlan(World.plan([{ operations: ["chat"], fault: { _tag: "Truncate", after: 5 } }]))
      assert.strictEqual(yield* sdk.listen(question), text)
      assert.isAbove((yield* world.openAi.journal).filter(({ operation }) => operation === "chat").length, 0)
    })
  )

  it.effect("is told of an outage by an error of its own kind, and never by an empty answer", () =>
    Effect.gen(function* () {
      const { sdk, world } = yield* open
      for (const provider of World.providers) {
        yield* world[provider].setPlan(World.plan([{ operations: ["chat"], fault: { _tag: "ServiceUnavailable" } }]))
      }
      const thrown = yield* Effect.catchDefect(sdk.answer(questions[0]), Effect.succeed)
      assert.instanceOf(thrown, APIError)
      assert.strictEqual(thrown.status, 503)
    })
  )
})
