import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { AiModels, type Failure, Sampling, type TextModel } from "@holdfast/core"
import { OpenAi } from "@holdfast/providers"
import { Deferred, Duration, Effect, Exit, Fiber, type Layer, Redacted, Schema, Stream } from "effect"
import { Chat, LanguageModel, Prompt, Tool, Toolkit } from "effect/ai"
import { FetchHttpClient, type HttpClient } from "effect/http"
import type { Emulator } from "../src/Emulator.ts"
import type { Input } from "../src/Fault.ts"
import type * as FaultPlan from "../src/FaultPlan.ts"
import { sixtyWords } from "../src/Healthy.ts"
import * as OpenAiEmulator from "../src/OpenAiEmulator.ts"
import { always } from "./support/clients.ts"
import { words } from "./support/responses.ts"

const laneTo = (emulator: Emulator, options: Pick<OpenAi.Options, "api" | "credential" | "responses"> = {}) =>
  OpenAi.lane("gpt-6-sol", {
    api: "responses",
    apiKey: Redacted.make("sk-test"),
    baseUrl: emulator.url,
    ...options
  })

const hello: TextModel.Request = {
  prompt: Prompt.make("What holds a kelp to its rock?"),
  tools: [],
  toolChoice: "auto",
  responseFormat: { type: "text" },
  sampling: {}
}

type Outcome = Failure.Class | "answer"

interface Case {
  readonly fault: Input
  readonly whole: Outcome
  /** Default: the same. */
  readonly streamed?: Outcome
  /** Words that come before a stream fails. Default 0. */
  readonly words?: number
  /** The least and the most the provider asks to wait, in milliseconds. Default: it asks nothing. */
  readonly hint?: readonly [number, number]
  readonly healthy?: FaultPlan.Input["healthy"]
}

const limited = (form: NonNullable<Extract<Input, { _tag: "RateLimit" }>["form"]>, most = 1500): Case => ({
  fault: { _tag: "RateLimit", retryAfter: "1500 millis", form },
  whole: "RateLimit",
  hint: [form === "retry-after-date" ? 0 : 1500, most]
})

const paced = { chunkDelay: "5 millis" } as const

/** Leaving a fault out does not compile. */
const cases: { readonly [Tag in Input["_tag"]]: ReadonlyArray<Case> } = {
  RateLimit: [
    { fault: { _tag: "RateLimit" }, whole: "RateLimit" },
    limited("retry-after"),
    limited("retry-after-ms"),
    limited("retry-after-date", 2500),
    limited("x-ratelimit-reset"),
    limited("RetryInfo"),
    limited("message")
  ],
  ServerError: [{ fault: { _tag: "ServerError" }, whole: "ServiceUnavailable" }],
  ServiceUnavailable: [{ fault: { _tag: "ServiceUnavailable" }, whole: "ServiceUnavailable" }],
  Overloaded: [
    { fault: { _tag: "Overloaded" }, whole: "ModelOverloaded" },
    { fault: { _tag: "Overloaded", code: "overloaded" }, whole: "ModelOverloaded" }
  ],
  QuotaExhausted: [{ fault: { _tag: "QuotaExhausted" }, whole: "QuotaExceeded" }],
  BadKey: [{ fault: { _tag: "BadKey" }, whole: "Authentication" }],
  PermissionDenied: [{ fault: { _tag: "PermissionDenied" }, whole: "PermissionDenied" }],
  InvalidRequest: [
    { fault: { _tag: "InvalidRequest" }, whole: "InvalidRequest" },
    { fault: { _tag: "InvalidRequest", code: "unsupported_value" }, whole: "InvalidRequest" }
  ],
  ContextLength: [{ fault: { _tag: "ContextLength" }, whole: "ContextLengthExceeded" }],
  ModelNotFound: [{ fault: { _tag: "ModelNotFound" }, whole: "ModelNotFound" }],
  ContentBlock: [
    { fault: { _tag: "ContentBlock" }, whole: "ContentPolicy" },
    { fault: { _tag: "ContentBlock", at: "answer" }, whole: "ContentPolicy" },
    { fault: { _tag: "ContentBlock", at: "answer", after: 4 }, whole: "ContentPolicy", words: 4 }
  ],
  Hang: [{ fault: { _tag: "Hang", for: "30 millis" }, whole: "Network" }],
  SlowFirstByte: [
    { fault: { _tag: "SlowFirstByte", delay: "30 millis" }, whole: "answer" },
    { fault: { _tag: "SlowFirstByte", delay: "30 millis", before: "content" }, whole: "answer" }
  ],
  Stall: [
    { fault: { _tag: "Stall", after: 4, for: "30 millis" }, whole: "Network", words: 4 },
    { fault: { _tag: "Stall", after: 4, for: "30 millis", afterwards: "continue" }, whole: "answer" }
  ],
  Reset: [
    { fault: { _tag: "Reset" }, whole: "Network" },
    // A reset discards what the client has not read yet, so some words may be lost with it.
    { fault: { _tag: "Reset", after: 4 }, whole: "Network", healthy: paced, words: 3 }
  ],
  Truncate: [
    { fault: { _tag: "Truncate", after: 4 }, whole: "Network", words: 4 },
    {
      fault: { _tag: "Truncate", after: 4, ending: "clean" },
      whole: "InvalidResponse",
      streamed: "StreamTruncated",
      words: 4
    },
    {
      fault: { _tag: "Truncate", after: 60, ending: "clean" },
      whole: "InvalidResponse",
      streamed: "StreamTruncated",
      words: 60
    }
  ],
  MalformedChunk: [
    { fault: { _tag: "MalformedChunk", before: 5 }, whole: "InvalidResponse", words: 4, healthy: paced }
  ],
  StreamError: [
    { fault: { _tag: "StreamError" }, whole: "ServiceUnavailable", words: 1 },
    { fault: { _tag: "StreamError", after: 4, error: "Overloaded" }, whole: "ModelOverloaded", words: 4 },
    { fault: { _tag: "StreamError", after: 0, error: "RateLimit" }, whole: "RateLimit" }
  ],
  NoDone: [{ fault: { _tag: "NoDone" }, whole: "answer" }],
  HtmlPage: [
    { fault: { _tag: "HtmlPage" }, whole: "ServiceUnavailable" },
    { fault: { _tag: "HtmlPage", status: 200 }, whole: "InvalidResponse" }
  ],
  WrongShape: [{ fault: { _tag: "WrongShape" }, whole: "InvalidResponse" }],
  EmptyBody: [{ fault: { _tag: "EmptyBody" }, whole: "InvalidResponse" }]
}

const assertHint = (failure: Failure.Failure, hint: Case["hint"]) => {
  if (hint === undefined) return assert.isUndefined(failure.retryAfter, failure.rule)
  const millis = Duration.toMillis(failure.retryAfter ?? Duration.infinity)
  assert.isTrue(millis >= hint[0] && millis <= hint[1], `${millis} ms`)
}

/** What the lane makes of the fault, while nothing keeps its sockets open behind it. */
const meet = <A>({ fault, healthy }: Case, call: (text: TextModel.TextModel) => Effect.Effect<A, Failure.Failure>) =>
  Effect.gen(function* () {
    const emulator = yield* OpenAiEmulator.make({ plan: always(fault, healthy) })
    const result = yield* Effect.flatMap(laneTo(emulator), ({ text }) => Effect.result(call(text!))).pipe(
      Effect.provide(NodeHttpClient.layerUndici)
    )
    const [entry] = yield* emulator.journal
    assert.deepStrictEqual([entry?.operation, entry?.path], ["chat", "/v1/responses"])
    const closed = yield* emulator.awaitClosed(entry?.id ?? 0)
    assert.isDefined(closed.outcome)
    assert.strictEqual((yield* emulator.journal).length, 1)
    return result
  }).pipe(Effect.timeout("5 seconds"))

describe("a lane that asks for responses meets", () => {
  for (const one of Object.values(cases).flat()) {
    const { fault, hint, streamed = one.whole, whole } = one
    it.live(`${JSON.stringify(fault)}: ${whole}, ${streamed} in a stream; no socket is left`, () =>
      Effect.gen(function* () {
        const result = yield* meet(one, (text) => text.generate(hello))
        if (result._tag === "Failure") {
          assert.strictEqual(result.failure._tag, whole, result.failure.rule)
          assertHint(result.failure, hint)
        } else {
          assert.strictEqual("answer", whole)
          assert.deepInclude(result.success, { type: "text", text: sixtyWords })
        }

        let said = ""
        const outcome = yield* meet(one, (text) =>
          Stream.runForEach(text.stream(hello), (part) =>
            Effect.sync(() => {
              if (part.type === "text-delta") said += part.delta
            })
          )
        )
        if (outcome._tag === "Failure") {
          assert.strictEqual(outcome.failure._tag, streamed, outcome.failure.rule)
          assertHint(outcome.failure, hint)
          const { words: least = 0 } = one
          if (fault._tag === "Reset") assert.isTrue(said.startsWith(words(least)), said)
          else assert.strictEqual(said, words(least))
        } else {
          assert.strictEqual("answer", streamed)
          assert.strictEqual(said, sixtyWords)
        }
      })
    )
  }
})

const clients: ReadonlyArray<[string, Layer.Layer<HttpClient.HttpClient>]> = [
  ["undici", NodeHttpClient.layerUndici],
  ["fetch", FetchHttpClient.layer]
]

for (const [name, client] of clients) {
  describe(`a lane that asks for responses over ${name} closes its socket`, () => {
    const left = (
      fault: Input,
      call: (text: TextModel.TextModel, begun: Effect.Effect<void>) => Effect.Effect<unknown, Failure.Failure>
    ) =>
      Effect.gen(function* () {
        const emulator = yield* OpenAiEmulator.make({ plan: always(fault) })
        const { text } = yield* laneTo(emulator)
        const begun = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(call(text!, Deferred.succeed(begun, undefined)))
        yield* fault._tag === "Hang" ? emulator.awaitEntry(() => true) : Deferred.await(begun)
        const start = performance.now()
        yield* Fiber.interrupt(fiber)
        const entry = yield* emulator.awaitEntry((entry) => entry.closedAt !== undefined)
        assert.isBelow(performance.now() - start, 1_000)
        assert.deepStrictEqual([entry.outcome, entry.closedBy], ["aborted", "client"])
      }).pipe(Effect.provide(client), Effect.timeout("5 seconds"))

    it.live("when it is left before the headers", () =>
      Effect.gen(function* () {
        yield* left({ _tag: "Hang" }, (text) => text.generate(hello))
        yield* left({ _tag: "Hang" }, (text) => Stream.runDrain(text.stream(hello)))
      })
    )

    it.live("when it is left in mid-stream", () =>
      left({ _tag: "Stall", after: 3, for: "1 hour" }, (text, begun) =>
        Stream.runForEach(text.stream(hello), (part) => (part.type === "text-delta" ? begun : Effect.void))
      )
    )

    it.live("when the stream fails and the provider would go on", () =>
      Effect.gen(function* () {
        const emulator = yield* OpenAiEmulator.make({
          plan: always({ _tag: "MalformedChunk", before: 3 }, { chunkDelay: "20 millis" })
        })
        const { text } = yield* laneTo(emulator)
        assert.isTrue(Exit.isFailure(yield* Effect.exit(Stream.runDrain(text!.stream(hello)))))
        const entry = yield* emulator.awaitEntry((entry) => entry.closedAt !== undefined)
        assert.deepStrictEqual([entry.outcome, entry.closedBy], ["aborted", "client"])
      }).pipe(Effect.provide(client), Effect.timeout("5 seconds"))
    )
  })
}

const Weather = Tool.make("weather", {
  description: "The weather of a city",
  parameters: Schema.Struct({ city: Schema.String }),
  success: Schema.Struct({ degrees: Schema.Number })
})
const toolkit = Toolkit.make(Weather)

describe("a conversation in responses", () => {
  /** A model that thinks before it speaks, and says so. */
  const thinking = Sampling.provide({ reasoningEffort: "low" })
  const modelOf = (emulator: Emulator, options?: Parameters<typeof laneTo>[1]) =>
    Effect.flatMap(laneTo(emulator, options), ({ text }) => AiModels.languageModel(text!))
  const kinds = (body: unknown) => {
    const items = typeof body === "object" && body !== null && "input" in body ? body.input : []
    return Array.isArray(items) ? items.map((item) => item.role ?? item.type) : []
  }

  for (const mode of ["whole", "streamed"] as const) {
    it.live(`goes on over turns and tools with its reasoning sealed, ${mode}`, () =>
      Effect.gen(function* () {
        const emulator = yield* OpenAiEmulator.make()
        const model = yield* modelOf(emulator, { responses: { summary: "auto" } })
        const chat = yield* Chat.fromPrompt([{ role: "system", content: "Be brief." }])
        const say = (prompt: string, toolChoice?: "required") =>
          mode === "whole"
            ? Effect.asVoid(chat.generateText({ prompt, toolkit, toolChoice: toolChoice ?? "none" }))
            : Stream.runDrain(chat.streamText({ prompt, toolkit, toolChoice: toolChoice ?? "none" }))
        yield* Effect.gen(function* () {
          yield* say("Weather in Oslo?", "required")
          yield* say("And now?")
          yield* say("Thanks")
        }).pipe(
          thinking,
          Effect.provideService(LanguageModel.LanguageModel, model),
          Effect.provide(toolkit.toLayer({ weather: () => Effect.succeed({ degrees: -3 }) }))
        )
        const entries = yield* emulator.journal
        assert.deepStrictEqual(
          entries.map(({ status, stream }) => [status, stream]),
          entries.map(() => [200, mode === "streamed"])
        )
        assert.deepStrictEqual(kinds(entries.at(-1)?.body), [
          "developer",
          "user",
          "reasoning",
          "function_call",
          "function_call_output",
          "user",
          "reasoning",
          "assistant",
          "user"
        ])
      }).pipe(Effect.provide(NodeHttpClient.layerUndici))
    )
  }

  it.live("is carried on by another lane, and by chat, without the reasoning", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const chat = yield* Chat.empty
      const others = [{}, { credential: "team-b" }, { api: "chat" as const }]
      for (const options of others) {
        const model = yield* modelOf(emulator, options)
        yield* chat
          .generateText({ prompt: "Go on" })
          .pipe(thinking, Effect.provideService(LanguageModel.LanguageModel, model))
      }
      const [, second, third] = yield* emulator.journal
      assert.deepStrictEqual([second?.status, third?.status], [200, 200])
      assert.deepStrictEqual(kinds(second?.body), ["user", "assistant", "user"])
      assert.strictEqual(third?.path, "/v1/chat/completions")
      assert.strictEqual(third?.messageCount, 5)
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.live("ends with the reason and the tokens of each answer", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const { text } = yield* laneTo(emulator)
      const sampling = { maxOutputTokens: 3, reasoningEffort: "low" as const }
      const whole = yield* text!.generate({ ...hello, sampling })
      const streamed = yield* Stream.runCollect(text!.stream({ ...hello, sampling }))
      for (const parts of [whole, streamed]) {
        const last = parts.at(-1)
        assert.isTrue(last?.type === "finish")
        if (last?.type !== "finish") return
        assert.strictEqual(last.reason, "length")
        assert.deepInclude(last.usage.inputTokens, { total: 7, uncached: 7, cacheRead: 0 })
        assert.deepInclude(last.usage.outputTokens, { total: 13, text: 3, reasoning: 10 })
      }
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )
})
