/**
 * Reads of values nobody vouches for: a thrown error may be a `Proxy`, a getter may throw, a body may have any shape. No
 * function here throws, loops over unbounded input or keeps what it read.
 */

/** Characters of a text that may be parsed as JSON; a longer one is not an error body. */
const maxParse = 65_536

/** A value whose properties can be asked for. */
export type Bag = { readonly [key: string]: unknown }

export const isBag = (value: unknown): value is Bag => typeof value === "object" && value !== null

/** A property, or undefined where reading it fails. */
export const get = (value: Bag, key: string): unknown => {
  try {
    return value[key]
  } catch {
    return undefined
  }
}

/** A property that is an object or array. */
export const bag = (value: Bag, key: string): Bag | undefined => {
  const found = get(value, key)
  return isBag(found) ? found : undefined
}

/** A property that is a text with something in it. */
export const text = (value: Bag, key: string): string | undefined => {
  const found = get(value, key)
  return typeof found === "string" && found !== "" ? found : undefined
}

/** The first of several properties that is a text with something in it. */
export const firstText = (value: Bag, keys: ReadonlyArray<string>): string | undefined => {
  for (const key of keys) {
    const found = text(value, key)
    if (found !== undefined) return found
  }
  return undefined
}

/** The elements of an array, at most `max`; nothing of anything else. */
export const elements = (value: unknown, max: number): ReadonlyArray<unknown> => {
  try {
    return Array.isArray(value) ? value.slice(0, max) : []
  } catch {
    return []
  }
}

/** The value of a JSON text, or `undefined` for anything else. */
export const parse = (source: string): unknown => {
  if (source.length > maxParse) return undefined
  try {
    return JSON.parse(source)
  } catch {
    return undefined
  }
}

/** Whether a text opens like a JSON object or array. */
export const looksJson = (source: string): boolean => {
  for (let at = 0; at < source.length && at < 64; at++) {
    const code = source.charCodeAt(at)
    if (code <= 32 || code === 0xfeff) continue
    return code === 123 || code === 91
  }
  return false
}
