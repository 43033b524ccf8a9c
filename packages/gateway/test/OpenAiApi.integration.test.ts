import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Healthy } from "@holdfast/chaos"
import { APIError, type OpenAI } from "openai"
import { embedded, question, start } from "./Harness.ts"

const thrown = (ask: () => PromiseLike<unknown>) =>
  Effect.promise(() =>
    ask().then(
      () => assert.fail("it should have been refused"),
      (error: unknown) => (error instanceof APIError ? error : assert.fail(String(error)))
    )
  )

layer(embedded, { excludeTestServices: true })("the OpenAI-shaped endpoints", (it) => {
  it.effect("stream text, the usage that was asked for, and the end, as the SDK reads them", () =>
    Effect.gen(function* () {
      const { client } = yield* start()
      yield* Effect.promise(async () => {
        const stream = await client.chat.completions.create({
          ...question,
          stream: true,
          stream_options: { include_usage: true }
        })
        let text = ""
        let finish: string | null | undefined
        let usage: OpenAI.CompletionUsage | null | undefined
        const ids = new Set<string>()
        for await (const chunk of stream) {
          ids.add(chunk.id)
          text += chunk.choices[0]?.delta.content ?? ""
          finish = chunk.choices[0]?.finish_reason ?? finish
          usage = chunk.usage ?? usage
        }
        assert.strictEqual(text, Healthy.sixtyWords)
        assert.strictEqual(finish, "stop")
        assert.strictEqual(usage?.completion_tokens, 60)
        assert.strictEqual(ids.size, 1)
      })
    })
  )

  it.effect("carry tools there and back, plain and streamed", () =>
    Effect.gen(function* () {
      const { client, openAi } = yield* start({ gemini: { rules: [{ fault: { _tag: "ServiceUnavailable" } }] } })
      const tools = [
        {
          type: "function" as const,
          function: {
            name: "weather",
            description: "The weather somewhere",
            parameters: { type: "object", properties: { place: { type: "string" } }, required: ["place"] }
          }
        }
      ]
      const asked = { ...question, tools, tool_choice: "required" as const }
      const call = yield* Effect.promise(async () => {
        const { choices } = await client.chat.completions.create(asked)
        assert.strictEqual(choices[0]?.finish_reason, "tool_calls")
        const [first] = choices[0]?.message.tool_calls ?? []
        if (first?.type !== "function") return assert.fail("no tool call")
        assert.strictEqual(first.function.name, "weather")
        assert.isObject(JSON.parse(first.function.arguments))
        return first
      })
      yield* Effect.promise(async () => {
        const final = await client.chat.completions.stream(asked).finalChatCompletion()
        const [first] = final.choices[0]?.message.tool_calls ?? []
        if (first?.type !== "function") return assert.fail("no tool call")
        assert.strictEqual(first.function.name, "weather")
        assert.deepStrictEqual(JSON.parse(first.function.arguments), JSON.parse(call.function.arguments))
      })
      yield* Effect.promise(() =>
        client.chat.completions.create({
          ...question,
          tools,
          messages: [
            ...question.messages,
            { role: "assistant", tool_calls: [call] },
            { role: "tool", tool_call_id: call.id, content: "sunny" }
          ]
        })
      )
      const last = (yield* openAi.journal).at(-1)
      assert.strictEqual(last?.lastRole, "tool")
      assert.strictEqual(last?.messageCount, 3)
    })
  )

  it.effect("say what had to be changed in the request for the lane that answered", () =>
    Effect.gen(function* () {
      const { client } = yield* start()
      const asked = {
        ...question,
        messages: [...question.messages, { role: "system" as const, content: "Be brief." }, ...question.messages]
      }
      const adapted = (asking: { readonly model: string }) =>
        Effect.promise(async () => {
          const whole = await client.chat.completions.create({ ...asked, ...asking }).withResponse()
          const stream = await client.chat.completions.create({ ...asked, ...asking, stream: true }).withResponse()
          stream.data.controller.abort()
          return [whole, stream].map(({ response }) => response.headers.get("x-holdfast-adapted"))
        })
      assert.deepStrictEqual(yield* adapted({ model: "chat" }), [
        "messages-joined,system-moved",
        "messages-joined,system-moved"
      ])
      assert.deepStrictEqual(yield* adapted({ model: "back" }), [null, null])
    })
  )

  it.effect("embed, in floats and in the SDK's own encoding", () =>
    Effect.gen(function* () {
      const { client } = yield* start()
      yield* Effect.promise(async () => {
        const input = ["kelp", "rock"]
        const packed = await client.embeddings.create({ model: "embed", input })
        const plain = await client.embeddings.create({ model: "embed", input, encoding_format: "float" })
        assert.strictEqual(packed.data.length, 2)
        assert.strictEqual(packed.data[0]?.embedding.length, 1536)
        for (const [index, value] of (plain.data[1]?.embedding ?? []).entries()) {
          assert.closeTo(packed.data[1]?.embedding[index] ?? Number.NaN, value, 1e-6)
        }
        assert.strictEqual(plain.model, "text-embedding-3-small")
        assert.strictEqual(plain.usage.prompt_tokens, 2)
      })
    })
  )

  it.effect("say what vectors are for, where the model tells the two apart", () =>
    Effect.gen(function* () {
      const { client, gemini } = yield* start({
        config: { routes: { embed: { lanes: ["gemini/embedding"], kind: "embed" } } }
      })
      const asking = (more: object) => () => client.embeddings.create({ model: "embed", input: "kelp", ...more })
      yield* Effect.promise(asking({ input_type: "query" }))
      yield* Effect.promise(asking({ input_type: "document" }))
      yield* Effect.promise(asking({}))
      const bodies = JSON.stringify((yield* gemini.journal).map(({ body }) => body))
      assert.deepStrictEqual(bodies.match(/RETRIEVAL_\w+/g), ["RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT"])
      const refused = yield* thrown(asking({ input_type: "passage" }))
      assert.deepInclude(refused, { status: 400, param: "input_type" })
    })
  )

  it.effect("list the routes as models", () =>
    Effect.gen(function* () {
      const { client } = yield* start()
      const ids = yield* Effect.promise(async () => {
        const found: Array<string> = []
        for await (const model of client.models.list()) found.push(model.id)
        return found
      })
      assert.deepStrictEqual(ids, ["chat", "back", "embed"])
    })
  )

  it.effect("refuse what they cannot honour by the name of the field, and list what changes nothing", () =>
    Effect.gen(function* () {
      const { client, gemini, url } = yield* start()
      const several = yield* thrown(() => client.chat.completions.create({ ...question, n: 2 }))
      assert.deepStrictEqual([several.status, several.code, several.param], [400, "unsupported_parameter", "n"])
      const wrong = yield* thrown(() =>
        client.post("/chat/completions", { body: { ...question, temperature: "warm" } })
      )
      assert.deepStrictEqual([wrong.status, wrong.param], [400, "temperature"])
      const nowhere = yield* thrown(() => client.chat.completions.create({ ...question, model: "nowhere" }))
      assert.deepStrictEqual([nowhere.status, nowhere.code], [404, "model_not_found"])
      assert.include(nowhere.message, "chat")
      const embedded = yield* thrown(() => client.chat.completions.create({ ...question, model: "embed" }))
      assert.strictEqual(embedded.status, 404)
      const tokens = yield* thrown(() => client.embeddings.create({ model: "embed", input: [1, 2, 3] }))
      assert.deepStrictEqual([tokens.status, tokens.param], [400, "input"])
      const post = (path: string, body: string) =>
        Effect.promise(() => fetch(`${url}${path}`, { method: "POST", body }))
      assert.strictEqual((yield* post("/v1/chat/completions", "{")).status, 400)
      assert.strictEqual((yield* post("/v1/nothing", "{}")).status, 404)
      assert.strictEqual((yield* gemini.journal).length, 0)

      const { response } = yield* Effect.promise(() =>
        client.chat.completions.create({ ...question, service_tier: "auto", store: false }).withResponse()
      )
      assert.strictEqual(response.headers.get("x-holdfast-ignored"), "service_tier,store")
    })
  )

  for (const [ending, said] of [
    ["clean", `"code":"stream_truncated"`],
    ["cut", `gemini broke off while it answered for gemini-3.5-flash, HTTP 200 (transport/reset)`]
  ] as const) {
    it.effect(`end a stream that breaks after its first words (${ending}) with an error event, without [DONE]`, () =>
      Effect.gen(function* () {
        const { url } = yield* start({ gemini: { rules: [{ fault: { _tag: "Truncate", after: 5, ending } }] } })
        const body = yield* Effect.promise(() =>
          fetch(`${url}/v1/chat/completions`, {
            method: "POST",
            body: JSON.stringify({ ...question, stream: true })
          }).then((response) => response.text())
        )
        assert.notInclude(body, "[DONE]")
        assert.include(body, said)
        assert.include(body, `"content":"A`)
      })
    )
  }

  it.effect("answer with a status and a retry-after when every lane is closed to them", () =>
    Effect.gen(function* () {
      const down = { rules: [{ fault: { _tag: "RateLimit" as const, retryAfter: "30 seconds" } }] }
      const { client } = yield* start({ gemini: down, openAi: down })
      const first = yield* thrown(() => client.chat.completions.create(question))
      assert.strictEqual(first.status, 429)
      assert.strictEqual(first.code, "all_lanes_failed")
      assert.include(first.message, "gemini/gemini-3.5-flash: RateLimit")
      assert.isAtLeast(Number(first.headers?.get("retry-after")), 25)
      assert.strictEqual(first.headers?.get("x-should-retry"), "false")
      assert.strictEqual(first.headers?.get("x-holdfast-attempts"), "2")
    })
  )

  it.effect("say that they are alive and ready, and how the lanes are", () =>
    Effect.gen(function* () {
      const { url } = yield* start()
      const get = (path: string) => Effect.promise(() => fetch(`${url}${path}`))
      assert.strictEqual((yield* get("/health/live")).status, 200)
      const ready = yield* get("/health/ready")
      assert.strictEqual(ready.status, 200)
      const report = yield* Effect.promise(() =>
        get("/api/health")
          .pipe(Effect.runPromise)
          .then((one) => one.text())
      )
      assert.include(report, `"status":"healthy"`)
      assert.include(report, `"lane":"gemini/gemini-3.5-flash"`)
    })
  )
})
