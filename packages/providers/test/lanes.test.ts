import { Lane } from "@holdfast/core"
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Duration, Effect, Exit, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Prompt } from "effect/ai"
import { Gemini, ModelProfile, OpenAi, OpenAiCompatible, Tokens } from "../src/index.ts"
import * as MemoryHost from "./MemoryHost.ts"
import { canary, collect, generate, hello, laneTo, stream } from "./requests.ts"

const answer = { choices: [{ message: { content: "hi" }, finish_reason: "stop" }] }

describe("a lane", () => {
  it.effect("is named after its provider, model and credential", () =>
    Effect.gen(function* () {
      const host = MemoryHost.make({ body: answer })
      const openai = yield* OpenAi.lane("gpt-4o-mini-2024-07-18", {
        apiKey: Redacted.make(canary),
        credential: "team-b"
      }).pipe(Effect.provide(host.layer))
      assert.strictEqual(openai.id, "openai/gpt-4o-mini-2024-07-18@team-b")
      assert.strictEqual(openai.credential, "team-b")
      assert.strictEqual(openai.capabilities.contextWindow, 128_000)
      assert.isUndefined(openai.embed)
      const local = yield* laneTo(host, "compatible", { model: "llama" })
      assert.strictEqual(local.id, "local/llama")
      assert.deepStrictEqual<unknown>(local.capabilities, {})
      assert.isDefined(local.text)
      assert.isDefined(local.embed)
    })
  )

  it.effect("takes what the caller knows of the model over what the catalogue says", () =>
    Effect.gen(function* () {
      const lane = yield* laneTo(MemoryHost.make({}), "openai", {
        model: "text-embedding-3-large",
        capabilities: { dimensions: 256 }
      })
      assert.strictEqual(Lane.vectorSpace(lane), "text-embedding-3-large@256")
      assert.isUndefined(lane.text)
    })
  )

  it.effect(
    "says the least that a request takes of its window: the estimate less the most it is off, and the output",
    () =>
      Effect.gen(function* () {
        const lane = yield* laneTo(MemoryHost.make({}), "openai", { model: "gpt-4o-mini" })
        const request = { ...hello, prompt: Prompt.make("kelp holds on to the ground ".repeat(1000)) }
        const { margin, tokens } = Tokens.estimate(request, { provider: "openai", model: "gpt-4o-mini" })
        assert.isAbove(margin, 0.1)
        assert.strictEqual(lane.leastTokens?.(request), tokens * (1 - margin))
        const limited = { ...request, sampling: { maxOutputTokens: 500 } }
        assert.strictEqual(lane.leastTokens?.(limited), tokens * (1 - margin) + 500)
        assert.strictEqual(lane.estimateTokens?.(limited), tokens + 500)
      })
  )

  it.effect("costs what the catalogue says, or what the caller says it does, or nobody knows what", () =>
    Effect.gen(function* () {
      const usage = { inputTokens: 1_000_000, outputTokens: 2_000_000 }
      const costOf = Effect.fnUntraced(function* (model: string, price?: ModelProfile.Price) {
        return (yield* laneTo(MemoryHost.make({}), "openai", { model, price })).cost?.(usage)
      })
      const profile = ModelProfile.find("openai", "gpt-4o-mini")
      assert.isDefined(profile)
      assert.strictEqual(yield* costOf("gpt-4o-mini"), ModelProfile.cost(profile, usage))
      assert.isAbove(yield* Effect.fromNullishOr(yield* costOf("gpt-4o-mini")), 0)
      assert.strictEqual(yield* costOf("gpt-4o-mini", { input: 1, output: 10 }), 21)
      assert.strictEqual(yield* costOf("text-embedding-3-small"), 0.02)
      assert.isUndefined(yield* costOf("nobody-knows-this-one"))
      assert.strictEqual(yield* costOf("nobody-knows-this-one", { input: 0, output: 0 }), 0)
    })
  )

  it.effect("takes its key from the configuration, without the line break behind it", () =>
    Effect.gen(function* () {
      const host = MemoryHost.make({ body: answer })
      const lanes = yield* Effect.all([OpenAi.lane("m"), Gemini.lane("m")]).pipe(
        Effect.provide([
          host.layer,
          ConfigProvider.layer(ConfigProvider.fromUnknown({ OPENAI_API_KEY: "o-key\n", GEMINI_API_KEY: "g-key" }))
        ])
      )
      for (const lane of lanes) yield* Effect.exit(lane.text!.generate(hello))
      assert.strictEqual(host.sent[0]!.headers["authorization"], "Bearer o-key")
      assert.strictEqual(host.sent[1]!.headers["x-goog-api-key"], "g-key")
      assert.isUndefined(host.sent[1]!.headers["authorization"])
      assert.isFalse(host.sent[1]!.url.includes("g-key"))
    })
  )

  it.effect("is not made with a key that is missing or that no header can carry", () =>
    Effect.gen(function* () {
      const empty = ConfigProvider.layer(ConfigProvider.fromUnknown({}))
      const host = MemoryHost.make({})
      const missing = yield* OpenAi.lane("m").pipe(Effect.provide([host.layer, empty]), Effect.flip)
      assert.strictEqual(missing._tag, "ConfigError")
      for (const key of ["", "two words", "new\nline", "schlüssel"]) {
        const bad = yield* OpenAi.lane("m", { apiKey: Redacted.make(key) }).pipe(
          Effect.provide(host.layer),
          Effect.flip
        )
        assert.strictEqual(bad._tag, "ConfigError")
        if (key !== "") assert.isFalse(bad.message.includes(key))
      }
    })
  )

  it.effect("is not made with a base URL that is none", () =>
    Effect.gen(function* () {
      for (const baseUrl of ["", "host.test", "ftp://host.test", "https://u:p@host.test", "https://host.test?key=1"]) {
        const exit = yield* OpenAiCompatible.lane({ provider: "local", model: "m", baseUrl }).pipe(
          Effect.provide(MemoryHost.make({}).layer),
          Effect.exit
        )
        assert.isTrue(Exit.hasDies(exit), baseUrl)
      }
    })
  )

  it.effect("goes to the base URL that the configuration names, and to its own where that names none", () =>
    Effect.gen(function* () {
      const host = MemoryHost.make({ body: answer })
      const at = (env: object) =>
        OpenAi.lane("m", {
          apiKey: Redacted.make(canary),
          baseUrl: Config.String("OPENAI_URL").pipe(Config.withDefault(undefined))
        }).pipe(
          Effect.provide(host.layer),
          Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env))
        )
      for (const lane of [yield* at({ OPENAI_URL: "http://host.test/v1" }), yield* at({})]) {
        yield* lane.text!.generate(hello)
      }
      assert.deepStrictEqual(
        host.sent.map(({ url }) => url),
        ["http://host.test/v1/chat/completions", "https://api.openai.com/v1/chat/completions"]
      )
      const error = yield* Effect.flip(at({ OPENAI_URL: `http://u:${canary}@host.test` }))
      assert.strictEqual(error._tag, "ConfigError")
      assert.include(error.message, "base URL must have no credentials")
      assert.isFalse(error.message.includes(canary))
    })
  )

  it.effect("sends what identifies the account, to the address it was given", () =>
    Effect.gen(function* () {
      const host = MemoryHost.make({ body: answer })
      const lane = yield* OpenAi.lane("m", {
        apiKey: Redacted.make(canary),
        baseUrl: "https://eu.host.test/v1/",
        organization: "org-1",
        project: "proj-1"
      }).pipe(Effect.provide(host.layer))
      yield* lane.text!.generate(hello)
      const { headers, url } = host.sent[0]!
      assert.strictEqual(url, "https://eu.host.test/v1/chat/completions")
      assert.strictEqual(headers["openai-organization"], "org-1")
      assert.strictEqual(headers["openai-project"], "proj-1")
      const local = yield* laneTo(host, "compatible")
      yield* local.text!.generate(hello)
      assert.isUndefined(host.sent[1]!.headers["authorization"])
    })
  )

  it.effect("speaks both versions of the Gemini API, to models and other resources", () =>
    Effect.gen(function* () {
      const host = MemoryHost.make({ body: {} })
      const key = { apiKey: Redacted.make(canary), baseUrl: "http://host.test" }
      const lanes = yield* Effect.all([
        Gemini.lane("gemini-x", key),
        Gemini.lane("models/gemini-x", { ...key, apiVersion: "v1" }),
        Gemini.lane("tunedModels/mine", key)
      ]).pipe(Effect.provide(host.layer))
      for (const lane of lanes) yield* Effect.exit(lane.text!.generate(hello))
      yield* Effect.exit(Stream.runDrain(lanes[0].text!.stream(hello)))
      assert.deepStrictEqual<unknown>(
        host.sent.map(({ url }) => url),
        [
          "http://host.test/v1beta/models/gemini-x:generateContent",
          "http://host.test/v1/models/gemini-x:generateContent",
          "http://host.test/v1beta/tunedModels/mine:generateContent",
          "http://host.test/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
        ]
      )
    })
  )

  for (const kind of ["openai", "gemini"] as const) {
    it.effect(`${kind}: checks its provider with the list of models`, () =>
      Effect.gen(function* () {
        const host = MemoryHost.make({ body: { data: [], models: [] } })
        const lane = yield* laneTo(host, kind)
        yield* lane.check!
        assert.strictEqual(host.sent[0]!.method, "GET")
        assert.isTrue(host.sent[0]!.url.endsWith("/models"))
        const sick = yield* laneTo(MemoryHost.make({ status: 401, body: {} }), kind)
        assert.strictEqual((yield* Effect.flip(sick.check!))._tag, "Authentication")
        const portal = yield* laneTo(MemoryHost.make({ body: "<html>Sign in</html>" }), kind)
        assert.strictEqual((yield* Effect.flip(portal.check!))._tag, "InvalidResponse")
      })
    )
  }
})

describe("an answer that is not 2xx", () => {
  const limited: MemoryHost.Reply = {
    status: 429,
    headers: { "retry-after": "7", "x-request-id": "req-9" },
    body: { error: { message: "Rate limit reached for requests", type: "requests", code: "rate_limit_exceeded" } }
  }
  it.effect("fails with its class, code, request id and wait, whole and streamed", () =>
    Effect.gen(function* () {
      const whole = yield* Effect.flip(generate("openai", limited))
      const { failure: streamed } = yield* collect(stream("openai", limited))
      for (const failure of [whole, streamed!]) {
        assert.strictEqual(failure._tag, "RateLimit")
        assert.strictEqual(failure.provider, "openai")
        assert.strictEqual(failure.model, "model-x")
        assert.strictEqual(failure.lane, "openai/model-x")
        assert.strictEqual(failure.status, 429)
        assert.strictEqual(failure.providerCode, "rate_limit_exceeded")
        assert.strictEqual(failure.requestId, "req-9")
        assert.deepStrictEqual<unknown>(failure.retryAfter, Duration.seconds(7))
        assert.strictEqual(failure.detail, "Rate limit reached for requests")
      }
    })
  )

  it.effect("is read as the errors of the lane's provider, under whatever name it goes", () =>
    Effect.gen(function* () {
      const body = {
        error: {
          code: 400,
          status: "INVALID_ARGUMENT",
          message: "API key not valid.",
          details: [{ reason: "API_KEY_INVALID" }]
        }
      }
      const lane = yield* Gemini.lane("m", { apiKey: Redacted.make(canary), provider: "gemini-eu" }).pipe(
        Effect.provide(MemoryHost.make({ status: 400, body }).layer)
      )
      const failure = yield* Effect.flip(lane.text!.generate(hello))
      assert.strictEqual(failure._tag, "Authentication")
      assert.strictEqual(failure.lane, "gemini-eu/m")
    })
  )

  it.effect("is read to 64 KiB and no further", () =>
    Effect.gen(function* () {
      let read = 0
      const endless = new ReadableStream<Uint8Array>({
        pull(controller) {
          read += 1
          controller.enqueue(new Uint8Array(16 * 1024).fill(32))
        }
      })
      const host = MemoryHost.make({ status: 503, body: endless })
      assert.strictEqual(
        (yield* Effect.flip((yield* laneTo(host, "openai")).text!.generate(hello)))._tag,
        "ServiceUnavailable"
      )
      assert.isBelow(read, 10)
    })
  )

  it.effect("is not waited for longer than its status needs", () =>
    Effect.gen(function* () {
      const stalled = new ReadableStream<Uint8Array>({ start: () => undefined })
      const host = MemoryHost.make({ status: 503, body: stalled })
      const lane = yield* laneTo(host, "openai")
      const fiber = yield* Effect.forkChild(Effect.flip(lane.text!.generate(hello)))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* fiber.pollUnsafe()!)._tag, "ServiceUnavailable")
    })
  )
})

describe("an answer without a body", () => {
  for (const kind of ["openai", "gemini"] as const) {
    it.effect(`${kind}: is no answer`, () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(generate(kind, { status: 204 })))._tag, "InvalidResponse")
        assert.strictEqual((yield* collect(stream(kind, { status: 204 }))).failure?._tag, "InvalidResponse")
      })
    )
  }
})

describe("a host that keeps the connection open behind its last word", () => {
  it.effect("costs a second, and not the answer", () =>
    Effect.gen(function* () {
      const event = { choices: [{ delta: { content: "hi" }, finish_reason: "stop" }] }
      const open = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode(MemoryHost.events(event)))
      })
      const lane = yield* laneTo(MemoryHost.make({ body: open }), "openai")
      const fiber = yield* Effect.forkChild(Stream.runCollect(lane.text!.stream(hello)))
      yield* TestClock.adjust("3 seconds")
      const parts = yield* fiber.pollUnsafe()!
      assert.strictEqual(parts.at(-1)?.type, "finish")
    })
  )
})
