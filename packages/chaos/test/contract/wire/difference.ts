/** Compares two requests by what their provider reads in them. Pure. */
import { Predicate } from "effect"
import type { Subject } from "../Subject.ts"
import type { Captured } from "./Capture.ts"

export interface Difference {
  /** Where: `method`, `path`, `header accept`, `body.tools.0.strict`. */
  readonly at: string
  /** Absent where nothing is said. */
  readonly ours?: unknown
  readonly sdk?: unknown
}

/** All but what tells clients, machines and connections apart. */
const headers = [
  "accept",
  "anthropic-beta",
  "anthropic-version",
  "authorization",
  "content-type",
  "openai-organization",
  "openai-project",
  "x-api-key",
  "x-goog-api-key"
]

export const between = (format: Subject["format"], ours: Captured, sdk: Captured): ReadonlyArray<Difference> => {
  const [one, other] = [ours, sdk].map((captured) => facts(format, captured)) as [Facts, Facts]
  return [...new Set([...one.keys(), ...other.keys()])]
    .filter((at) => one.get(at) !== other.get(at))
    .map((at) => ({
      at,
      ...(one.has(at) && { ours: parse(one.get(at)) }),
      ...(other.has(at) && { sdk: parse(other.get(at)) })
    }))
    .toSorted((a, b) => (a.at < b.at ? -1 : 1))
}

/** JSON texts of the leaves, by place. */
type Facts = Map<string, string>

const parse = (json: string | undefined): unknown => (json === undefined ? undefined : JSON.parse(json))

const facts = (format: Subject["format"], captured: Captured): Facts => {
  const found: Facts = new Map([
    ["method", JSON.stringify(captured.method)],
    ["path", JSON.stringify(captured.path)]
  ])
  for (const name of headers) {
    const value = captured.headers[name]
    if (value !== undefined) found.set(`header ${name}`, JSON.stringify(value))
  }
  const walk = (value: unknown, at: string): void => {
    const entries = Predicate.isObjectKeyword(value) ? Object.entries(value) : []
    if (entries.length === 0) found.set(at, JSON.stringify(value))
    for (const [name, inner] of entries) walk(inner, `${at}.${name}`)
  }
  if (captured.body !== undefined) walk(normal(format, captured.body), "body")
  return found
}

type Fields = { readonly [name: string]: unknown }

/** The body in the one form of those that its provider calls equal. */
const normal = (format: Subject["format"], body: unknown): unknown => {
  const one = (value: unknown, name: string): unknown => {
    if (Array.isArray(value)) return value.map((element) => one(element, name))
    if (!Predicate.isObject(value)) return value
    const fields: Fields = value
    const inner = Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, one(field, key)]))
    return rules[format](inner, name)
  }
  return one(body, "body")
}

const without = (fields: Fields, ...names: ReadonlyArray<string>): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))

const rules: { readonly [Format in Subject["format"]]: (fields: Fields, name: string) => Fields } = {
  openai: (fields, name) => {
    // Chat: the content is "required unless `tool_calls` … is specified".
    if (name === "messages" && fields["content"] === null) return without(fields, "content")
    // Responses: an item with a role is a message, whose type may be left out.
    if (name === "input" && fields["type"] === "message") return without(fields, "type")
    // "`auto` is the default if tools are present."
    if (name === "body" && fields["tool_choice"] === "auto") return rules.openai(without(fields, "tool_choice"), name)
    // Responses: a text is the message of a user.
    const { input } = fields
    return name === "body" && typeof input === "string" && "store" in fields
      ? { ...fields, input: [{ role: "user", content: input }] }
      : fields
  },
  gemini: (fields, name) => {
    const isEmpty = Object.keys(fields["generationConfig"] ?? { some: true }).length === 0
    if (name === "body" && isEmpty) return without(fields, "generationConfig")
    // "If not set, the service will default to 'user'."
    return name === "systemInstruction" || name === "content" ? without(fields, "role") : fields
  },
  anthropic: (fields, name) => {
    // "Using a `string` for `content` is shorthand for an array of one content block of type "text"."
    const block = (text: unknown) => (typeof text === "string" ? [{ type: "text", text }] : text)
    if (name === "messages") return { ...fields, content: block(fields["content"]) }
    if (name !== "body") return fields
    const { system, tool_choice, ...rest } = fields
    const isAuto = JSON.stringify(tool_choice) === JSON.stringify({ type: "auto" })
    return {
      ...rest,
      ...(system !== undefined && { system: block(system) }),
      // `auto` is the default where there are tools.
      ...(tool_choice !== undefined && !isAuto && { tool_choice })
    }
  }
}
