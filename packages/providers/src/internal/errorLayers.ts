/**
 * Takes an error body apart: arrays, `error` objects, JSON text inside messages, `metadata.raw` of a gateway, one layer
 * per error object found, outermost first. The innermost is the provider that really failed.
 *
 * Bounded: at most 12 levels, 96 objects and 8 JSON texts of at most 64 KiB, so neither a cycle nor a bomb matters.
 */
import { cut, describe, empty, isFilled, type Layer } from "./errorFields.ts"
import { type Bag, bag, elements, get, isBag, looksJson, parse } from "./errorRead.ts"

/** What may still be read of one piece of evidence. */
export interface Budget {
  objects: number
  parses: number
}

export const budget = (): Budget => ({ objects: 96, parses: 8 })

const maxDepth = 12
/** Reads a body of any shape. Whether anything in it says explicitly that it is an error is the result. */
export const readBody = (body: unknown, layers: Array<Layer>, spent: Budget): boolean => visit(body, 0, layers, spent)

const visit = (value: unknown, depth: number, layers: Array<Layer>, spent: Budget): boolean => {
  if (typeof value === "string") return visitText(value, depth, layers, spent)
  if (!isBag(value) || depth > maxDepth || spent.objects-- <= 0) return false
  const list = elements(value, 16)
  if (list.length > 0) return visitList(list, depth, layers, spent)
  return visitObject(value, depth, layers, spent)
}

/** `[{ error }]` of Google, the chunks of a stream read as one array, or the complaints of a validator. */
const visitList = (list: ReadonlyArray<unknown>, depth: number, layers: Array<Layer>, spent: Budget): boolean => {
  let chosen: unknown
  for (const element of list) {
    if (!isBag(element)) continue
    chosen ??= element
    if (isPresent(get(element, "error"))) {
      chosen = element
      break
    }
  }
  return visit(chosen ?? list[0], depth + 1, layers, spent)
}

/** A text that is JSON, or whose end is (`429 {…}`, `got status: UNAVAILABLE. {…}`). */
const visitText = (source: string, depth: number, layers: Array<Layer>, spent: Budget): boolean => {
  const json = jsonIn(source)
  if (json === undefined || spent.parses-- <= 0) return false
  const value = parse(json)
  return typeof value === "string" ? false : visit(value, depth + 1, layers, spent)
}

/** An introduction that says what the JSON after it is: a status, an error, an upstream answer; and no open quote. */
const wrapper = /(?:\b[1-5]\d\d|\berrors?|\bstatus|\bresponse|\bexception|\bfailed|\bbody)\b[^"'`{]{0,60}$/i

/** The JSON text that a message is, or ends in after an introduction that speaks of an error. */
export const jsonIn = (source: string): string | undefined => {
  if (looksJson(source)) return source
  const last = source.charCodeAt(source.trimEnd().length - 1)
  if (last !== 125 && last !== 93) return undefined
  const object = source.slice(0, 1000).search(/(?<=[\s:-])[{[]/)
  if (object <= 0 || !wrapper.test(source.slice(Math.max(0, object - 180), object).trim())) return undefined
  return source.slice(object)
}

const visitObject = (value: Bag, depth: number, layers: Array<Layer>, spent: Budget): boolean => {
  const layer = describe(value)
  let explicit = get(value, "type") === "error" || get(value, "object") === "error" || (layer.status ?? 0) >= 400
  if (isFilled(layer)) layers.push(layer)
  const inner = (found: unknown): void => {
    if (found !== undefined && visit(found, depth + 1, layers, spent)) explicit = true
  }
  const wrapped = (found: unknown): void => {
    const before = layers.length
    inner(found)
    for (const one of layers.slice(before)) one.isWrapped = true
  }
  const error = get(value, "error")
  if (isBag(error)) {
    explicit = true
    inner(error)
  } else if (typeof error === "string" && error !== "") {
    explicit = true
    if (looksJson(error)) inner(error)
  } else {
    const errors = get(value, "errors")
    const first = elements(errors, 1)[0]
    if (isBag(first)) {
      explicit = true
      inner(first)
    }
  }
  // Responses API: the failed response carries the error.
  const response = bag(value, "response")
  if (response !== undefined && (isBag(get(response, "error")) || isBag(get(response, "incomplete_details")))) {
    inner(response)
  }
  // OpenRouter: a choice that failed, and the upstream provider's own body.
  const choice = elements(get(value, "choices"), 1)[0]
  if (isBag(choice) && isBag(get(choice, "error"))) {
    explicit = true
    inner(get(choice, "error"))
  }
  const metadata = bag(value, "metadata")
  if (metadata !== undefined) {
    const raw = get(metadata, "raw")
    if (isBag(raw)) {
      const data = get(raw, "data")
      wrapped(typeof data === "string" ? data : raw)
    } else if (typeof raw === "string" && raw !== "") {
      if (!looksJson(raw)) layers.push({ ...empty(), message: cut(raw), isWrapped: true })
      wrapped(raw)
    }
  }
  for (const key of ["message", "detail", "fault", "errorMessage", "Error"]) {
    const nested = get(value, key)
    if (isBag(nested)) {
      if (key !== "message" || get(nested, "role") === undefined) inner(nested)
    } else if (typeof nested === "string" && jsonIn(nested) !== undefined) wrapped(nested)
  }
  return explicit
}

const isPresent = (value: unknown): boolean => value !== undefined && value !== null && value !== false && value !== ""
