import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as SampleJson from "../../src/internal/SampleJson.ts"

describe("SampleJson.sample", () => {
  it("satisfies the JSON schema of a nested type", () => {
    const Report = Schema.Struct({
      title: Schema.String,
      level: Schema.Literals(["low", "high"]),
      score: Schema.Int.check(Schema.isGreaterThanOrEqualTo(3)),
      ok: Schema.Boolean,
      tags: Schema.Array(Schema.String),
      place: Schema.Struct({ city: Schema.String.check(Schema.isMinLength(4)) }),
      note: Schema.NullOr(Schema.String)
    })
    const { definitions, schema } = Schema.toJsonSchemaDocument(Report)
    const value = SampleJson.sample({ ...schema, $defs: definitions })
    assert.isTrue(Schema.is(Report)(value), JSON.stringify(value))
  })

  it("keeps the lower bounds, also where a schema is put together from several", () => {
    assert.strictEqual(SampleJson.sample({ type: "string", minLength: 10 }), "sample....")
    assert.strictEqual(SampleJson.sample({ type: "number", allOf: [{ minimum: 7 }] }), 7)
    assert.deepStrictEqual(SampleJson.sample({ type: "array", minItems: 2, items: { type: "null" } }), [null, null])
    assert.strictEqual(SampleJson.sample({ anyOf: [{ const: "a" }, { type: "null" }] }), "a")
  })

  it("follows references, and ends where a schema never does", () => {
    const tree = {
      $ref: "#/$defs/Node",
      $defs: { Node: { type: "object", properties: { next: { $ref: "#/$defs/Node" } } } }
    }
    assert.include(JSON.stringify(SampleJson.sample(tree)), `{"next":null}`)
    assert.isNull(SampleJson.sample({ $ref: "#/nowhere" }))
  })

  it("reads Gemini's upper-case type names", () => {
    assert.deepStrictEqual(SampleJson.sample({ type: "OBJECT", properties: { n: { type: "INTEGER" } } }), { n: 1 })
  })

  it("takes a tool without parameters", () => {
    assert.deepStrictEqual(SampleJson.sample({ type: "object" }), {})
    assert.isNull(SampleJson.sample(undefined))
  })
})
