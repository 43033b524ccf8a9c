import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Prompt } from "effect/ai"
import { canonical } from "../../src/internal/canonical.ts"

type Json = string | number | boolean | null | ReadonlyArray<Json> | { readonly [key: string]: Json }
const Json: Schema.Codec<Json> = Schema.Union([
  Schema.String,
  Schema.Finite,
  Schema.Boolean,
  Schema.Null,
  Schema.Array(Schema.suspend(() => Json)),
  Schema.Record(
    Schema.String,
    Schema.suspend(() => Json)
  )
])

const isList = (value: Json): value is ReadonlyArray<Json> => Array.isArray(value)

/** The same value with its keys the other way round, and absent fields among them. */
const turned = (value: Json): unknown => {
  if (typeof value !== "object" || value === null) return value === 0 ? -0 : value
  if (isList(value)) return value.map(turned)
  return Object.fromEntries([
    ["absent", undefined],
    ...Object.entries(value)
      .toReversed()
      .map(([key, one]) => [key, turned(one)])
  ])
}

const other = (leaf: Json): Json => {
  if (typeof leaf === "string") return `${leaf}.`
  if (typeof leaf === "number") return leaf === 0 ? 1 : -leaf
  if (typeof leaf === "boolean") return !leaf
  return "null"
}

/** The value with each of its leaves changed in turn; what is empty is a leaf. */
const changes = (value: Json): ReadonlyArray<Json> => {
  if (typeof value !== "object" || value === null) return [other(value)]
  if (isList(value)) {
    if (value.length === 0) return [null]
    return value.flatMap((one, index) => changes(one).map((changed) => value.with(index, changed)))
  }
  const entries = Object.entries(value)
  if (entries.length === 0) return [null]
  return entries.flatMap(([key, one]) => changes(one).map((changed) => ({ ...value, [key]: changed })))
}

describe("the canonical text", () => {
  it.prop(
    "does not look at the order of keys, at absent fields or at the sign of zero",
    [Json],
    ([value]) => assert.strictEqual(canonical(turned(value)), canonical(value)),
    { arbitrary: { runs: 500 } }
  )

  it.prop(
    "is another one when any leaf is",
    [Json],
    ([value]) => {
      const text = canonical(value)
      for (const changed of changes(value)) assert.notStrictEqual(canonical(changed), text)
    },
    { arbitrary: { runs: 500 } }
  )

  it("tells apart what JSON does not", () => {
    const values: ReadonlyArray<unknown> = [
      null,
      "null",
      [],
      {},
      [null],
      Number.NaN,
      Number.POSITIVE_INFINITY,
      "NaN",
      1,
      "1",
      1n,
      new Uint8Array([1, 2]),
      new Uint8Array([1, 3]),
      "AQI=",
      { base64: "AQI=" },
      new URL("https://example.com/a"),
      "https://example.com/a",
      ["a", "b"],
      ["a,b"],
      { a: 1, b: 2 },
      { a: 1, 'b":2': 2 },
      [[], []],
      [[[]]],
      Schema.decodeSync(Schema.DateFromString)("2026-01-01T00:00:00Z"),
      "2026-01-01T00:00:00.000Z"
    ]
    assert.strictEqual(new Set(values.map(canonical)).size, values.length)
  })

  it("sees the bytes and the options inside a prompt", () => {
    const prompt = (data: Uint8Array, options: { readonly [key: string]: string }) =>
      Prompt.fromMessages([
        Prompt.makeMessage("user", {
          content: [Prompt.makePart("file", { mediaType: "image/png", data, options: { openai: options } })]
        })
      ])
    const texts = [
      prompt(new Uint8Array([1]), {}),
      prompt(new Uint8Array([2]), {}),
      prompt(new Uint8Array([1]), { detail: "low" })
    ].map(canonical)
    assert.strictEqual(new Set(texts).size, 3)
    assert.strictEqual(canonical(prompt(new Uint8Array([1]), {})), texts[0])
  })
})
