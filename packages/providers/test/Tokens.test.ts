import { execFileSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Prompt, Tokenizer } from "effect/ai"
import * as cl100k from "gpt-tokenizer/encoding/cl100k_base"
import * as o200k from "gpt-tokenizer/encoding/o200k_base"
import { computeChatCompletionTokenCount } from "gpt-tokenizer/functionCalling"
import { DEFAULT_ENCODING, modelToEncodingMap } from "gpt-tokenizer/mapping"
import * as allGptModels from "gpt-tokenizer/models.gen"
import * as Families from "../src/tokens/families.ts"
import * as TokenText from "../src/internal/tokenText.ts"
import * as Tokens from "../src/Tokens.ts"
import { request } from "./requests.ts"
import { counts } from "./tokens/counts.ts"
import { fitted, type Sample } from "./tokens/fitted.ts"
import { unseen } from "./tokens/unseen.ts"

const openai = { provider: "openai", model: "gpt-5.4" }

/** How many tokens a text has, by the best count there is of a family. */
const truth: { readonly [family: string]: (sample: Sample) => number } = {
  o200k: ({ text }) => o200k.countTokens(text),
  cl100k: ({ text }) => cl100k.countTokens(text),
  gemini: ({ name }) => counts[name]?.gemini ?? Number.NaN,
  claude: ({ name }) => counts[name]?.claude ?? Number.NaN
}

/** How much of the estimate the true count is away from it. */
const off = (sample: Sample, family: Families.Family): number =>
  Math.abs((truth[family.name]?.(sample) ?? Number.NaN) / TokenText.estimate([sample.text], family) - 1)

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

describe("an estimate of tokens", () => {
  for (const family of [Families.o200k, Families.cl100k, Families.gemini, Families.claude]) {
    it(`is within its margin for ${family.name}, in every kind of text, and mostly within half of it`, () => {
      const far = [...fitted, ...unseen].filter((sample) => !(off(sample, family) <= family.margin))
      assert.deepStrictEqual(
        far.map((sample) => `${sample.name}: ${off(sample, family).toFixed(2)}`),
        []
      )
      assert.isBelow(median(unseen.map((sample) => off(sample, family))), family.margin / 2)
    })
  }

  it("covers what is published of the counts of newer Claude models", () => {
    for (const sample of unseen.filter(({ script }) => script === "latin" || script === "code")) {
      const before = counts[sample.name]?.claude ?? Number.NaN
      const { margin, tokens } = Tokens.estimateText(sample.text, { provider: "anthropic", model: "claude-opus-4-7" })
      // From hardly more to the most that was published.
      for (const ratio of [1.06, 1.35, 1.47]) {
        assert.isAtMost(Math.abs((before * ratio) / tokens - 1), margin, `${sample.name} at ${ratio}`)
      }
    }
  })

  it("counts long texts by pieces, about as well", () => {
    const mixed = Array.from({ length: 40 }, () => [...fitted, ...unseen].map(({ text }) => text).join("\n\n")).join(
      "\n"
    )
    assert.isAbove(mixed.length, 500_000)
    const { margin, tokens } = Tokens.estimateText(mixed, openai)
    const real = 40 * o200k.countTokens([...fitted, ...unseen].map(({ text }) => text).join("\n\n"))
    assert.isBelow(Math.abs(real / tokens - 1), margin)
    assert.strictEqual(Tokens.estimateText("", openai).tokens, 0)
    const turns = mixed.match(/[\s\S]{1,3000}/g)?.map((content) => ({ role: "user" as const, content })) ?? []
    assert.isAbove(turns.length, 150)
    const whole = Tokens.estimate(turns, openai)
    assert.isBelow(Math.abs((real + 4 * turns.length) / whole.tokens - 1), whole.margin)
  })

  it("is between half and twice the count of what a request adds in tools and schema", () => {
    const parameters = {
      type: "object" as const,
      properties: {
        city: { type: "string" as const, description: "The city to look up" },
        unit: { type: "string" as const, enum: ["celsius", "fahrenheit"] }
      },
      required: ["city"]
    }
    const tool = { name: "get_weather", description: "Looks the weather of a city up", parameters }
    const bare = request("What is the weather in Lyon?")
    const added = (tools: number) =>
      Tokens.estimate({ ...bare, tools: Array.from({ length: tools }, () => tool) }, openai).tokens -
      Tokens.estimate(bare, openai).tokens
    const messages = [{ role: "user" as const, content: "What is the weather in Lyon?" }]
    const count = (text: string) => o200k.countTokens(text)
    const real = (tools: number) =>
      computeChatCompletionTokenCount({ messages, functions: Array.from({ length: tools }, () => tool) }, count) -
      computeChatCompletionTokenCount({ messages }, count)
    for (const tools of [1, 5]) {
      assert.isAbove(added(tools), real(tools) * 0.5)
      assert.isBelow(added(tools), real(tools) * 2)
    }
    const schema = Tokens.estimate(
      { ...bare, responseFormat: { type: "json", name: "answer", schema: parameters } },
      openai
    )
    assert.isAbove(schema.tokens, Tokens.estimate(bare, openai).tokens + 30)
  })

  it("counts a prompt in any form, a request and texts to embed", () => {
    const asText = Tokens.estimate("How are you?", openai)
    assert.deepStrictEqual(Tokens.estimate(Prompt.make("How are you?"), openai), asText)
    assert.deepStrictEqual(Tokens.estimate([{ role: "user", content: "How are you?" }], openai), asText)
    assert.deepStrictEqual(Tokens.estimate(request("How are you?"), openai), asText)
    assert.strictEqual(
      Tokens.estimate({ inputs: ["How are you?", "Fine."] }, openai).tokens,
      Tokens.estimateText("How are you?", openai).tokens + Tokens.estimateText("Fine.", openai).tokens
    )
    assert.deepStrictEqual(Tokens.estimate({ inputs: [] }), { tokens: 0, margin: 0 })
  })

  it("counts what the model called and what it was told", () => {
    const call = Prompt.makePart("tool-call", {
      id: "1",
      name: "look",
      params: { q: "x".repeat(40) },
      providerExecuted: false
    })
    const result = Prompt.makePart("tool-result", {
      id: "1",
      name: "look",
      isFailure: false,
      result: { found: "The answer is in the second drawer, under the maps." },
      providerExecuted: false
    })
    const base = [Prompt.makeMessage("user", { content: [Prompt.makePart("text", { text: "Look it up" })] })]
    const withCall = [...base, Prompt.makeMessage("assistant", { content: [call] })]
    const withResult = [...withCall, Prompt.makeMessage("tool", { content: [result] })]
    const tokens = [base, withCall, withResult].map(
      (messages) => Tokens.estimate(Prompt.fromMessages(messages), openai).tokens
    )
    assert.isAbove(tokens[1]! - tokens[0]!, 8)
    assert.isAbove(tokens[2]! - tokens[1]!, 12)
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    const odd = Prompt.makeMessage("assistant", {
      content: [Prompt.makePart("tool-call", { id: "2", name: "look", params: cyclic, providerExecuted: false })]
    })
    assert.isAbove(Tokens.estimate(Prompt.fromMessages([odd])).tokens, 0)
  })
})

describe("the family of a model", () => {
  it("is told by provider and name, at hosts of others by the name alone", () => {
    for (const [provider, model, name] of [
      ["openai", "gpt-5.6-sol", "o200k"],
      ["openai", "gpt-4", "cl100k"],
      ["openai", "text-embedding-3-small", "cl100k"],
      ["gemini", "models/gemini-3.8-flash", "gemini"],
      ["anthropic", "claude-opus-4-7", "claude-4.7"],
      ["anthropic", "claude-sonnet-5", "claude-4.7"],
      ["anthropic", "claude-haiku-4-5-20251001", "claude"],
      ["anthropic", "claude-sonnet-4-20250514", "claude"],
      ["anthropic", "claude-3-5-haiku-latest", "claude"],
      ["anthropic", "claude-next", "claude-4.7"],
      ["anthropic", "something-new", "claude-4.7"],
      ["openrouter", "anthropic/claude-opus-4.6", "claude"],
      ["openrouter", "openai/gpt-4o-mini", "o200k"],
      ["openrouter", "google/gemini-2.5-pro", "gemini"],
      ["local", "llama-4", "other"]
    ] as const) {
      assert.strictEqual(Families.of(provider, model).name, name, `${provider}/${model}`)
    }
  })

  it("has the encoding that gpt-tokenizer has for every model that uses one of the two", () => {
    const encodings: { readonly [model: string]: string } = modelToEncodingMap
    const wrong = [...new Set([...Object.keys(allGptModels), ...Object.keys(encodings)])].filter((model) => {
      const encoding = encodings[model] ?? DEFAULT_ENCODING
      return /^(?:cl100k|o200k)_base$/.test(encoding) && Families.encodingOf(model) !== encoding
    })
    assert.deepStrictEqual(wrong, [])
    assert.strictEqual(Families.encodingOf("ft:gpt-4o-mini-2024-07-18:org::id"), "o200k_base")
    assert.strictEqual(Families.encodingOf("ft:gpt-3.5-turbo:org::id"), "cl100k_base")
  })
})

const chat = Prompt.make([
  { role: "system", content: "You are terse." },
  { role: "user", content: "Where is the nearest library?" },
  { role: "assistant", content: [{ type: "text", text: "Behind the town hall." }] },
  { role: "user", content: "And when does it close? <|endoftext|> <|im_end|>" }
])

/** Imports `Tokens` in a process of its own and prints what of gpt-tokenizer was loaded: before a use, and after. */
const script = `
import { registerHooks } from "node:module"
const loaded = []
registerHooks({ load: (url, context, next) => (url.includes("gpt-tokenizer") && loaded.push(url), next(url, context)) })
const Effect = await import("effect/Effect")
const Tokenizer = await import("effect/ai/Tokenizer")
const Tokens = await import("./src/Tokens.ts")
const layer = Tokens.layer({ provider: "openai", model: "gpt-4" })
Tokens.estimate("hello")
await Effect.runPromise(Effect.provide(Tokenizer.Tokenizer, layer))
const before = loaded.length
const use = Effect.flatMap(Tokenizer.Tokenizer, (tokenizer) => tokenizer.tokenize("hello"))
await Effect.runPromise(Effect.provide(use, layer))
process.stdout.write(JSON.stringify({ before, isLoaded: loaded.length > 0 }))
`

describe("the tokenizer of OpenAI", () => {
  it("loads its tables when it is first used, not when it is imported or provided", () => {
    const printed = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: new URL("..", import.meta.url),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"]
    })
    assert.deepStrictEqual<unknown>(JSON.parse(printed), { before: 0, isLoaded: true })
  })

  it.effect("gives the very tokens of a chat, with its frame, under both encodings", () =>
    Effect.gen(function* () {
      const plain = Prompt.make([
        { role: "system", content: "You are terse." },
        { role: "user", content: "Où est la bibliothèque? 図書館はどこですか" }
      ])
      const messages = [
        { role: "system", content: "You are terse." },
        { role: "user", content: "Où est la bibliothèque? 図書館はどこですか" }
      ] as const
      for (const [model, real] of [
        ["gpt-4o", o200k.encodeChat(messages, "gpt-4o")],
        ["gpt-4", cl100k.encodeChat(messages, "gpt-4")]
      ] as const) {
        const tokenizer = yield* Tokenizer.Tokenizer.pipe(Effect.provide(Tokens.layer({ provider: "openai", model })))
        assert.deepStrictEqual(yield* tokenizer.tokenize(plain), real)
      }
    })
  )

  it.effect("takes special tokens in a text as text", () =>
    Effect.gen(function* () {
      const tokenizer = yield* Tokenizer.Tokenizer
      const tokens = yield* tokenizer.tokenize("<|im_end|><|endoftext|>")
      const [end] = o200k.encode("<|im_end|>", { allowedSpecial: new Set(["<|im_end|>"]) })
      assert.strictEqual(tokens.filter((token) => token === end).length, 1)
    }).pipe(Effect.provide(Tokens.layer(openai)))
  )

  it.effect("counts a file as many tokens without a number", () =>
    Effect.gen(function* () {
      const tokenizer = yield* Tokenizer.Tokenizer
      const tokens = yield* tokenizer.tokenize([
        {
          role: "user",
          content: [{ type: "file", mediaType: "image/png", data: new URL("https://example.test/a.png") }]
        }
      ])
      assert.strictEqual(tokens.filter((token) => token === -1).length, 1229)
    }).pipe(Effect.provide(Tokens.layer({ provider: "openai", model: "gpt-6-sol" })))
  )

  it.effect("is not held up by endless runs, and still gives all of their text", () =>
    Effect.gen(function* () {
      const tokenizer = yield* Tokenizer.Tokenizer
      for (const run of ["中", "a", "=", " ", "é"]) {
        const text = run.repeat(20_000)
        const tokens = yield* tokenizer.tokenize(text)
        assert.strictEqual(o200k.decode(tokens.slice(3, -4)), text)
      }
    }).pipe(Effect.provide(Tokens.layer(openai)))
  )

  it.effect.prop(
    "gives tokens that spell the text, whatever it is",
    [Schema.String],
    ([text]) =>
      Effect.gen(function* () {
        const tokenizer = yield* Tokenizer.Tokenizer
        const tokens = yield* tokenizer.tokenize(text)
        // Lone surrogates have no bytes of their own.
        assert.strictEqual(o200k.decode(tokens.slice(3, -4)), text.toWellFormed())
      }).pipe(Effect.provide(Tokens.layer(openai))),
    { arbitrary: { runs: 100 } }
  )
})

describe("truncation", () => {
  for (const target of [openai, { provider: "anthropic", model: "claude-opus-5-5" }]) {
    it.effect(`keeps the newest messages that fit, as effect/ai does, for ${target.model}`, () =>
      Effect.gen(function* () {
        const tokenizer = yield* Tokenizer.Tokenizer
        const reference = Tokenizer.make({ tokenize: (prompt) => tokenizer.tokenize(prompt) })
        const all = (yield* tokenizer.tokenize(chat)).length
        for (let limit = 0; limit <= all + 1; limit++) {
          assert.deepStrictEqual(yield* tokenizer.truncate(chat, limit), yield* reference.truncate(chat, limit))
        }
        assert.strictEqual((yield* tokenizer.truncate(chat, all)).content.length, 4)
        assert.strictEqual((yield* tokenizer.truncate(chat, all - 1)).content.length, 3)
      }).pipe(Effect.provide(Tokens.layer(target)))
    )
  }

  it.effect("agrees with the estimate where nothing is exact", () =>
    Effect.gen(function* () {
      const target = { provider: "gemini", model: "gemini-3.8-flash" }
      const tokenizer = yield* Tokenizer.Tokenizer.pipe(Effect.provide(Tokens.layer(target)))
      assert.strictEqual((yield* tokenizer.tokenize(chat)).length, Tokens.estimate(chat, target).tokens)
    })
  )
})
