/**
 * Any value as one text that is the same for equal values and differs for different ones: JSON with sorted keys, without
 * absent fields, and with forms of its own for what JSON cannot say. Pure.
 */
import * as Base64 from "effect/encoding/Base64"

/**
 * The text. Keys in any order, `-0` and fields that are `undefined` make no difference; what is not data (functions,
 * symbols) counts as absent. Bytes, URLs, dates, big integers and the numbers outside JSON are told from the texts that
 * spell them.
 */
export const canonical = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value)
    case "number":
      return Number.isFinite(value) ? String(value + 0) : `n${value}`
    case "boolean":
      return String(value)
    case "bigint":
      return `i${value}`
    case "object":
      return value === null ? "null" : ofObject(value)
    default:
      return "null"
  }
}

const ofObject = (value: object): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (value instanceof Uint8Array) return `b"${Base64.encode(value)}"`
  if (value instanceof URL) return `u${JSON.stringify(value.href)}`
  if (Object.prototype.toString.call(value) === "[object Date]") return `t${JSON.stringify(value)}`
  const fields: Array<string> = []
  for (const [key, field] of Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (isAbsent(field)) continue
    fields.push(`${JSON.stringify(key)}:${canonical(field)}`)
  }
  return `{${fields.join(",")}}`
}

const isAbsent = (value: unknown): boolean =>
  value === undefined || typeof value === "function" || typeof value === "symbol"
