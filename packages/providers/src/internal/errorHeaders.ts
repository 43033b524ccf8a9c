/** Response headers by lower-case name, from a plain record, a `Headers`, or an iterable of pairs. At most 128 of them. */
import { type Bag, get, isBag } from "./errorRead.ts"

export type HeaderMap = ReadonlyMap<string, string>

const max = 128
const maxValue = 512
const none: HeaderMap = new Map()

export const read = (headers: unknown): HeaderMap => {
  if (!isBag(headers)) return none
  try {
    return isIterable(headers) ? fromPairs(headers) : fromRecord(headers)
  } catch {
    return none
  }
}

const isIterable = (value: Bag): value is Bag & Iterable<unknown> =>
  typeof Reflect.get(value, Symbol.iterator) === "function"

const fromPairs = (pairs: Iterable<unknown>): HeaderMap => {
  const found = new Map<string, string>()
  let count = 0
  for (const pair of pairs) {
    if (++count > max) break
    if (Array.isArray(pair)) add(found, pair[0], pair[1])
  }
  return found
}

const fromRecord = (record: Bag): HeaderMap => {
  const found = new Map<string, string>()
  let count = 0
  for (const name in record) {
    if (++count > max) break
    const value = get(record, name)
    add(found, name, Array.isArray(value) ? value[0] : value)
  }
  return found
}

const add = (found: Map<string, string>, name: unknown, value: unknown): void => {
  if (typeof name !== "string" || name.length > 128) return
  if (typeof value === "string")
    found.set(name.toLowerCase(), value.length > maxValue ? value.slice(0, maxValue) : value)
  else if (typeof value === "number") found.set(name.toLowerCase(), String(value))
}
