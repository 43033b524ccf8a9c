import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as MemoryHost from "./MemoryHost.ts"
import { type Kind, laneTo } from "./requests.ts"

const embed = (
  kind: Kind,
  reply: MemoryHost.Reply,
  inputs: ReadonlyArray<string>,
  more: object = {},
  model = "vectors"
) =>
  Effect.gen(function* () {
    const host = MemoryHost.make(reply)
    const lane = yield* laneTo(host, kind, { model })
    const result = yield* Effect.result(lane.embed!.embed({ inputs, ...more }))
    return { result, sent: host.sent }
  })

describe("embeddings of OpenAI", () => {
  it.effect("come in the order of the texts, whatever order they were sent in", () =>
    Effect.gen(function* () {
      const { result, sent } = yield* embed(
        "openai",
        {
          body: {
            model: "vectors-2",
            data: [
              { index: 1, embedding: [3, 4] },
              { index: 0, embedding: [1, 2] }
            ],
            usage: { prompt_tokens: 9 }
          }
        },
        ["a", "b"],
        { dimensions: 2, task: "query" }
      )
      assert.strictEqual(sent[0]!.url, "http://host.test/embeddings")
      assert.deepStrictEqual<unknown>(sent[0]!.body, {
        model: "vectors",
        input: ["a", "b"],
        encoding_format: "float",
        dimensions: 2
      })
      assert.deepStrictEqual<unknown>(result._tag === "Success" ? result.success : result.failure, {
        vectors: [
          [1, 2],
          [3, 4]
        ],
        model: "vectors-2",
        inputTokens: 9
      })
    })
  )

  it.effect("of more texts than a request may have are refused", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 2049 }, () => "x")
      const { result, sent } = yield* embed("openai", { body: {} }, many)
      assert.strictEqual(sent.length, 0)
      assert.isTrue(result._tag === "Failure" && result.failure.rule === "openai/unsupported-option")
      assert.isTrue(result._tag === "Failure" && /2048/.test(result.failure.detail ?? ""))
      const other = yield* embed("compatible", { body: {} }, many)
      assert.strictEqual(other.sent.length, 1)
    })
  )

  it.effect("of no texts ask nobody", () =>
    Effect.gen(function* () {
      const { result, sent } = yield* embed("openai", { body: {} }, [])
      assert.strictEqual(sent.length, 0)
      assert.isTrue(result._tag === "Success" && result.success.vectors.length === 0)
    })
  )
})

describe("embeddings of Gemini", () => {
  it.effect("go as one batch, with their task and dimensions", () =>
    Effect.gen(function* () {
      const { result, sent } = yield* embed(
        "gemini",
        { body: { embeddings: [{ values: [1, 2] }, { values: [3, 4] }] } },
        ["a", "b"],
        { dimensions: 2, task: "document" }
      )
      assert.strictEqual(sent[0]!.url, "http://host.test/v1beta/models/vectors:batchEmbedContents")
      const one = (text: string) => ({
        model: "models/vectors",
        content: { parts: [{ text }] },
        taskType: "RETRIEVAL_DOCUMENT",
        outputDimensionality: 2
      })
      assert.deepStrictEqual<unknown>(sent[0]!.body, { requests: [one("a"), one("b")] })
      assert.isTrue(result._tag === "Success" && result.success.model === "vectors")
      assert.deepStrictEqual<unknown>(result._tag === "Success" ? result.success.vectors : undefined, [
        [1, 2],
        [3, 4]
      ])
    })
  )

  it.effect("of more than 100 texts are refused", () =>
    Effect.gen(function* () {
      const { result, sent } = yield* embed(
        "gemini",
        { body: {} },
        Array.from({ length: 101 }, () => "x")
      )
      assert.strictEqual(sent.length, 0)
      assert.isTrue(result._tag === "Failure" && result.failure.rule === "gemini/unsupported-option")
    })
  )
})

describe("embeddings that are none fail", () => {
  const data = (...vectors: ReadonlyArray<ReadonlyArray<unknown>>) => ({
    openai: { data: vectors.map((embedding, index) => ({ index, embedding })) },
    gemini: { embeddings: vectors.map((values) => ({ values })) }
  })
  const bad: ReadonlyArray<[string, { openai: object; gemini: object }]> = [
    ["too few vectors", data([1, 2])],
    ["too many vectors", data([1, 2], [3, 4], [5, 6])],
    ["vectors of different lengths", data([1, 2], [3])],
    ["empty vectors", data([], [])],
    ["vectors of something else", data(["1"], ["2"])],
    ["no vectors", { openai: {}, gemini: {} }]
  ]
  for (const [what, body] of bad) {
    for (const kind of ["openai", "gemini"] as const) {
      it.effect(`${kind}: ${what}`, () =>
        Effect.gen(function* () {
          const { result } = yield* embed(kind, { body: body[kind] }, ["a", "b"])
          assert.isTrue(result._tag === "Failure" && result.failure._tag === "InvalidResponse")
        })
      )
    }
  }

  it.effect("a doubled index is a missing vector", () =>
    Effect.gen(function* () {
      const body = {
        data: [
          { index: 0, embedding: [1] },
          { index: 0, embedding: [2] }
        ]
      }
      const { result } = yield* embed("openai", { body }, ["a", "b"])
      assert.isTrue(result._tag === "Failure" && result.failure._tag === "InvalidResponse")
    })
  )

  it.effect("vectors of another length than asked for, or than the model is known for", () =>
    Effect.gen(function* () {
      const asked = yield* embed("openai", { body: data([1, 2]).openai }, ["a"], { dimensions: 3 })
      const known = yield* embed("openai", { body: data([1, 2]).openai }, ["a"], {}, "text-embedding-3-small")
      for (const { result } of [asked, known]) {
        assert.isTrue(result._tag === "Failure" && result.failure.rule === "wire/wrong-vectors")
      }
    })
  )
})
