/**
 * A JSON schema as the API holds a model to it: the subset that platform.claude.com/docs, "Structured outputs", names.
 * What the subset has no keyword for is told to the model in the description, as Anthropic's own SDK does; whoever reads
 * the answer still checks it. What would change the shape of the answer is refused.
 */
import type * as JsonSchema from "effect/JsonSchema"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { Notes } from "../internal/Encoded.ts"
import * as Problem from "../internal/Problem.ts"

export const encode = (
  schema: JsonSchema.JsonSchema,
  field: string,
  adapted: Notes
): Result.Result<JsonSchema.JsonSchema, Problem.Problem> => {
  const why = obstacle(schema, { root: schema, within: [], seen: new Set() })
  return why === undefined ? Result.succeed(rewrite(schema, adapted)) : Problem.unsupported(field, why)
}

type Keywords = { readonly [keyword: string]: unknown }

interface Place {
  readonly root: Keywords
  /** The references that led here. */
  readonly within: ReadonlyArray<string>
  /** References that were found to be sound. */
  readonly seen: Set<string>
}

/** Why the schema cannot be held to, if it cannot. A member of `allOf` may be a bare constraint. */
const obstacle = (schema: unknown, place: Place, isMember = false): string | undefined => {
  if (!Predicate.isObject(schema)) return anyThing
  const { $ref, allOf, anyOf, items, oneOf, properties } = schema
  if (typeof $ref === "string") return obstacleBehind($ref, place)
  if (!isMember && shaping.every((keyword) => schema[keyword] === undefined)) return anyThing
  if (isOpen(schema)) return "an object with keys of any name"
  if (schema["prefixItems"] !== undefined || Array.isArray(items)) return "a list with a schema for each place"
  const inner = [
    ...Object.values(Predicate.isObject(properties) ? properties : {}),
    ...(items === undefined ? [] : [items]),
    ...list(anyOf),
    ...list(oneOf)
  ]
  return firstOf(inner, (one) => obstacle(one, place)) ?? firstOf(list(allOf), (one) => obstacle(one, place, true))
}

const anyThing = "a schema that takes anything"

/** One of them says what kind of value it is. */
const shaping = ["type", "properties", "enum", "const", "anyOf", "oneOf", "allOf"]

const list = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

const firstOf = <A, B>(all: ReadonlyArray<A>, f: (one: A) => B | undefined): B | undefined => {
  for (const one of all) {
    const found = f(one)
    if (found !== undefined) return found
  }
  return undefined
}

const obstacleBehind = ($ref: string, { root, seen, within }: Place): string | undefined => {
  if (within.includes($ref)) return "a schema that contains itself"
  if (seen.has($ref)) return undefined
  const target = resolve($ref, root)
  if (target === undefined) return "a reference that leads nowhere"
  const why = obstacle(target, { root, seen, within: [...within, $ref] })
  seen.add($ref)
  return why
}

/** Follows a `#/a/b` pointer (RFC 6901). */
const resolve = (pointer: string, root: Keywords): unknown =>
  pointer === "#"
    ? root
    : pointer.startsWith("#/")
      ? pointer
          .slice(2)
          .split("/")
          .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"))
          .reduce<unknown>((at, key) => (Predicate.hasProperty(at, key) ? at[key] : undefined), root)
      : undefined

/** Objects of the API have the properties they declare and no others; a schema that says `true` means just those too. */
const isOpen = (schema: Keywords): boolean => {
  const { additionalProperties, patternProperties, properties, type } = schema
  if (patternProperties !== undefined || Predicate.isObject(additionalProperties)) return true
  return type === "object" && properties === undefined && additionalProperties !== false
}

interface Rewritten {
  readonly kept: { [keyword: string]: unknown }
  /** What is left to say in words. */
  readonly told: Array<string>
}

const rewrite = (schema: Keywords, adapted: Notes): JsonSchema.JsonSchema => described(split(schema, adapted), adapted)

const split = (schema: Keywords, adapted: Notes): Rewritten => {
  const kept: Rewritten["kept"] = {}
  const told: Rewritten["told"] = []
  for (const [keyword, value] of Object.entries(schema)) {
    if (plain.has(keyword)) kept[keyword] = value
    else if (nested.has(keyword)) kept[keyword] = mapValues(value, adapted)
    else if (keyword === "items") kept["items"] = rewriteAny(value, adapted)
    else if (keyword === "anyOf" || (keyword === "oneOf" && schema["anyOf"] === undefined)) {
      kept["anyOf"] = list(value).map((one) => rewriteAny(one, adapted))
    } else if (keyword === "allOf") {
      const members = list(value)
        .filter(Predicate.isObject)
        .map((one) => split(one, adapted))
      const structural = members.filter((member) => Object.keys(member.kept).some((name) => name !== "description"))
      if (structural.length > 0) kept["allOf"] = structural.map((member) => described(member, adapted))
      for (const { kept: words, told: more } of members.filter((member) => !structural.includes(member))) {
        told.push(...Object.values(words).map(String), ...more)
      }
    } else if (keyword === "format" && typeof value === "string" && formats.has(value)) kept["format"] = value
    else if (keyword === "minItems" && (value === 0 || value === 1)) kept["minItems"] = value
    else if (!silent.has(keyword)) told.push(`${keyword}: ${JSON.stringify(value)}`)
  }
  if (schema["type"] === "object" || schema["properties"] !== undefined) kept["additionalProperties"] = false
  return { kept, told }
}

const described = ({ kept, told }: Rewritten, adapted: Notes): JsonSchema.JsonSchema => {
  if (told.length === 0) return kept
  adapted.add("schema-told")
  const words = `{${told.join(", ")}}`
  const { description } = kept
  return { ...kept, description: typeof description === "string" ? `${description}\n\n${words}` : words }
}

/** Kept as they are. */
const plain = new Set(["$ref", "type", "title", "description", "enum", "const", "default", "required"])

/** Schemas by name. */
const nested = new Set(["properties", "$defs", "definitions"])

/** They constrain nothing, or are set by us. */
const silent = new Set(["$schema", "$id", "$comment", "examples", "additionalProperties"])

const formats = new Set(["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"])

const rewriteAny = (schema: unknown, adapted: Notes): unknown =>
  Predicate.isObject(schema) ? rewrite(schema, adapted) : schema

const mapValues = (schemas: unknown, adapted: Notes): unknown =>
  Predicate.isObject(schemas)
    ? Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, rewriteAny(schema, adapted)]))
    : schemas
