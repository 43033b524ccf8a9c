import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Vector from "../../src/internal/Vector.ts"

const size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 300 }))

describe("Vector", () => {
  it.prop("has the size that was asked for and length 1", [Schema.String, size], ([text, dimensions]) => {
    const vector = Vector.embed(text, dimensions)
    assert.strictEqual(vector.length, dimensions)
    assert.closeTo(Math.hypot(...vector), 1, 1e-6)
  })

  it("depends on the text and on nothing else", () => {
    assert.deepStrictEqual(Vector.embed("kelp", 32), Vector.embed("kelp", 32))
    assert.notDeepEqual(Vector.embed("kelp", 32), Vector.embed("kelp ", 32))
  })

  it("carries the same numbers in base64", () => {
    const vector = Vector.embed("kelp", 9)
    const bytes = Buffer.from(Vector.toBase64(vector), "base64")
    assert.deepStrictEqual(
      vector.map((_, n) => bytes.readFloatLE(n * 4)),
      vector
    )
  })
})
