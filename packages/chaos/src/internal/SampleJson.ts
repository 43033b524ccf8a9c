/**
 * One value that satisfies a JSON schema, the same each time: what an emulated model "writes" when JSON is asked for.
 */
import * as Predicate from "effect/Predicate"

/**
 * Covers what tool and answer schemas are made of: objects, arrays, scalars, `enum`, `const`, `anyOf` and `oneOf`
 * (their first), `allOf` (together), `$ref` into the schema itself, and the bounds `minimum`, `minLength` and
 * `minItems`. Type names may be upper case, as Gemini writes them. A schema that refers to itself without end is cut
 * off with null.
 */
export const sample = (schema: unknown): unknown => valueOf(schema, schema, 0)

const maxDepth = 16

type Keywords = { readonly [keyword: PropertyKey]: unknown }

const valueOf = (schema: unknown, root: unknown, depth: number): unknown => {
  if (!Predicate.isObject(schema) || depth > maxDepth) return null
  const from = (inner: unknown) => valueOf(inner, root, depth + 1)
  const { $ref, allOf, type, ...rest } = schema
  if (typeof $ref === "string") return from(resolve($ref, root))
  if ("const" in schema) return schema["const"]
  if (Array.isArray(schema["enum"])) return schema["enum"][0]
  const options = [schema["anyOf"], schema["oneOf"]].find((list) => Array.isArray(list))
  if (options !== undefined) return from(options[0])
  if (Array.isArray(allOf)) {
    const parts: ReadonlyArray<unknown> = allOf
    return from(Object.assign({ type }, rest, ...parts))
  }
  return ofType(String(Array.isArray(type) ? type[0] : type).toLowerCase(), schema, from)
}

const ofType = (name: string, schema: Keywords, from: (inner: unknown) => unknown): unknown => {
  switch (name) {
    case "string":
      return "sample".padEnd(numberOr(schema["minLength"], 0), ".")
    case "number":
    case "integer":
      return numberOr(schema["minimum"], 1)
    case "boolean":
      return true
    case "array":
      return Array.from({ length: numberOr(schema["minItems"], 1) }, () => from(schema["items"]))
    case "null":
      return null
    default: {
      const properties = schema["properties"]
      if (!Predicate.isObject(properties)) return {}
      return Object.fromEntries(Object.entries(properties).map(([key, inner]) => [key, from(inner)]))
    }
  }
}

const numberOr = (value: unknown, fallback: number): number => (typeof value === "number" ? value : fallback)

/** Follows a `#/a/b` pointer (RFC 6901). */
const resolve = (pointer: string, root: unknown): unknown =>
  pointer
    .split("/")
    .slice(1)
    .reduce<unknown>((at, key) => {
      const name = key.replaceAll("~1", "/").replaceAll("~0", "~")
      return Predicate.hasProperty(at, name) ? at[name] : undefined
    }, root)
