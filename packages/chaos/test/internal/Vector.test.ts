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
    assert.notDeepEqual(Vector.embed("blades and kelp", 32), Vector.embed("kelp and blades", 32))
  })

  const near = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) => a.reduce((sum, x, n) => sum + x * (b[n] ?? 0), 0)

  it("brings texts with words in common near one another, in one model", () => {
    const text = Vector.embed("The holdfast grips the rock.", 256, "a")
    assert.isAbove(near(text, Vector.embed("What grips the rock?", 256, "a")), 0.4)
    assert.isBelow(Math.abs(near(text, Vector.embed("The otters eat urchins.", 256, "a"))), 0.3)
    assert.isBelow(Math.abs(near(text, Vector.embed("The holdfast grips the rock.", 256, "b"))), 0.3)
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
