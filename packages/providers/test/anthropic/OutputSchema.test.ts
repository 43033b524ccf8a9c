import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { Tool } from "effect/ai"
import * as OutputSchema from "../../src/anthropic/OutputSchema.ts"

const encoded = (schema: object) => Result.getOrThrow(OutputSchema.encode({ ...schema }, "responseFormat", new Set()))
const refusal = (schema: object) =>
  Result.match(OutputSchema.encode({ ...schema }, "responseFormat", new Set()), {
    onFailure: (problem) => problem.why,
    onSuccess: () => undefined
  })

describe("a JSON schema for Anthropic", () => {
  it("closes its objects and tells what it cannot hold a model to", () => {
    assert.deepStrictEqual<unknown>(
      encoded({
        $schema: "https://json-schema.org/draft/2020-12/schema",
        type: "object",
        title: "Report",
        additionalProperties: true,
        required: ["n"],
        properties: {
          n: { type: "integer", description: "How many.", minimum: 1, maximum: 9 },
          when: { type: "string", format: "date" },
          phone: { type: "string", format: "phone", allOf: [{ minLength: 3 }, { pattern: "^1" }] },
          tags: { type: "array", items: { type: "string", maxLength: 8 }, minItems: 1, maxItems: 3 },
          two: { type: "array", items: { $ref: "#/$defs/Place" }, minItems: 2 },
          either: { oneOf: [{ const: "a" }, { type: "null" }] },
          both: { allOf: [{ $ref: "#/$defs/Place" }, { type: "object", properties: { x: { type: "null" } } }] }
        },
        $defs: { Place: { type: "object", properties: { city: { enum: ["Oslo", "Rome"] } } } }
      }),
      {
        type: "object",
        title: "Report",
        required: ["n"],
        properties: {
          n: { type: "integer", description: "How many.\n\n{minimum: 1, maximum: 9}" },
          when: { type: "string", format: "date" },
          phone: { type: "string", description: '{format: "phone", minLength: 3, pattern: "^1"}' },
          tags: {
            type: "array",
            items: { type: "string", description: "{maxLength: 8}" },
            minItems: 1,
            description: "{maxItems: 3}"
          },
          two: { type: "array", items: { $ref: "#/$defs/Place" }, description: "{minItems: 2}" },
          either: { anyOf: [{ const: "a" }, { type: "null" }] },
          both: {
            allOf: [
              { $ref: "#/$defs/Place" },
              { type: "object", properties: { x: { type: "null" } }, additionalProperties: false }
            ]
          }
        },
        $defs: {
          Place: { type: "object", properties: { city: { enum: ["Oslo", "Rome"] } }, additionalProperties: false }
        },
        additionalProperties: false
      }
    )
  })

  it("takes what a codec gives", () => {
    class Place extends Schema.Class<Place>("Place")({ city: Schema.String }) {}
    const Answer = Schema.Struct({
      from: Place,
      to: Place,
      days: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
      note: Schema.NullOr(Schema.String)
    })
    const schema = encoded(Tool.getJsonSchemaFromSchema(Answer))
    assert.notInclude(JSON.stringify(schema), '"additionalProperties":true')
    assert.notInclude(JSON.stringify(schema), '"minimum":')
  })

  const node = { type: "object", properties: { next: { anyOf: [{ $ref: "#/$defs/Node" }, { type: "null" }] } } }
  const refused: ReadonlyArray<[string, object, string]> = [
    [
      "keys of any name",
      { type: "object", additionalProperties: { type: "string" } },
      "an object with keys of any name"
    ],
    ["keys by a pattern", { type: "object", properties: {}, patternProperties: {} }, "an object with keys of any name"],
    ["an object of anything", { type: "array", items: { type: "object" } }, "an object with keys of any name"],
    ["a tuple", { type: "array", prefixItems: [{ type: "string" }] }, "a list with a schema for each place"],
    ["anything at all", { type: "array", items: {} }, "a schema that takes anything"],
    ["anything, in one word", { type: "object", properties: { a: true } }, "a schema that takes anything"],
    ["itself", { $ref: "#/$defs/Node", $defs: { Node: node } }, "a schema that contains itself"],
    ["its own root", { type: "object", properties: { me: { $ref: "#" } } }, "a schema that contains itself"],
    ["another document", { $ref: "https://x.test/a.json" }, "a reference that leads nowhere"],
    ["nothing", { anyOf: [{ $ref: "#/$defs/None" }] }, "a reference that leads nowhere"]
  ]
  for (const [what, schema, why] of refused) {
    it(`does not take ${what}`, () => {
      assert.strictEqual(refusal(schema), why)
    })
  }

  it("may mention one schema several times", () => {
    const pair = { type: "array", items: { $ref: "#/$defs/A" } }
    assert.isUndefined(refusal({ type: "object", properties: { a: pair, b: pair }, $defs: { A: { type: "string" } } }))
  })
})
