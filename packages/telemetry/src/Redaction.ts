/**
 * Takes secrets out of what is about to be written: values that are `Redacted`, fields whose name says that they hold a
 * key, keys by their shape (`Redact` of core) and keys that are known. Nobody's state.
 */
import * as Redact from "@holdfast/core/Redact"
import * as Cause from "effect/Cause"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

export interface Options {
  /** Keys to take out wherever they stand, whatever they look like. */
  readonly secrets?: Iterable<Redacted.Redacted> | undefined
  /** Whether e-mail addresses go as well. Default false. */
  readonly emails?: boolean | undefined
}

export interface Redaction {
  /** Of a text; of a long one, its first 16,384 characters at most. */
  readonly text: (text: string) => string
  /** Only the keys that are known: of a name of ours, which may look like a key and is none. */
  readonly name: (text: string) => string
  /** A copy of anything that JSON can say, with no secret in it. */
  readonly value: (value: unknown) => unknown
}

const maxText = 16_384
const maxDepth = 8
const maxEntries = 200

/** Names of fields whose text is never written. */
const secretField =
  /^(?:(?:proxy[-_])?authorization|(?:set[-_])?cookie|pass(?:word|wd|phrase)|credentials?|.*(?:api|access|private|secret)[-_]?key|.*[-_]?secret|(?:.*[-_])?token|signature)$/i

export const make = (options: Options = {}): Redaction => {
  const known = Redact.known(options.secrets ?? [])
  const addresses = options.emails === true ? Redact.emails : (text: string) => text
  // What is known goes first: cutting and shapes could leave a part of it.
  const text = (text: string): string => addresses(Redact.redact(known.text(text), maxText))

  const value = (value: unknown, depth = 0): unknown => {
    switch (typeof value) {
      case "string":
        return text(value)
      case "bigint":
        return String(value)
      case "number":
      case "boolean":
      case "undefined":
        return value
      case "object":
        break
      default:
        return `[${typeof value}]`
    }
    if (value === null) return null
    if (Redacted.isRedacted(value)) return Redact.mark
    if (Cause.isCause(value)) return text(Cause.pretty(value))
    if (value instanceof Error) return text(`${value.name}: ${value.message}`)
    if (Predicate.isDate(value)) return Number.isNaN(value.getTime()) ? null : value.toISOString()
    if (depth >= maxDepth) return "[deep]"
    if (Array.isArray(value)) return value.slice(0, maxEntries).map((one) => inner(one, depth + 1))
    const entries: Iterable<readonly [unknown, unknown]> = value instanceof Map ? value : Object.entries(value)
    if (value instanceof Set) return [...value].slice(0, maxEntries).map((one) => inner(one, depth + 1))
    return Object.fromEntries(
      [...entries]
        .slice(0, maxEntries)
        .map(([key, one]) => [
          text(String(key)),
          typeof one === "string" && secretField.test(String(key)) ? Redact.mark : inner(one, depth + 1)
        ])
    )
  }
  const inner = value

  return { text, name: known.text, value: (one) => value(one) }
}
