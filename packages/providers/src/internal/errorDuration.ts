/**
 * Durations as providers write them, each to whole milliseconds rounded up; `undefined` for what is none of them.
 * Linear: every pattern is anchored and free of nested repetition.
 */
import { type Bag, get, isBag } from "./errorRead.ts"

const unit: { readonly [name: string]: number } = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000
}

/** Longest wait taken seriously: a year. What is longer is a mistake or a hostile header. */
const maxWait = 366 * 86_400_000

/** Rounded up to a whole millisecond, yet not because of what binary fractions add (20045 stays 20045). */
export const ceilMillis = (millis: number): number | undefined =>
  Number.isFinite(millis) && millis >= 0 && millis <= maxWait ? Math.ceil(millis - 1e-6) + 0 : undefined

/** Seconds as a number or a text of digits. */
export const seconds = (value: unknown): number | undefined => {
  if (typeof value === "number") return ceilMillis(value * 1000)
  if (typeof value !== "string" || value.length > 24 || !/^\s*\d+(?:\.\d+)?\s*$/.test(value)) return undefined
  return ceilMillis(Number(value) * 1000)
}

/** `google.protobuf.Duration`: `"26s"`, `"0.539477544s"`, or `{ seconds, nanos }`. */
export const proto = (value: unknown): number | undefined => {
  if (typeof value === "string") {
    const match = value.length <= 32 ? /^\s*(\d+(?:\.\d+)?)s\s*$/.exec(value) : null
    return match?.[1] === undefined ? undefined : ceilMillis(Number(match[1]) * 1000)
  }
  return isBag(value) ? parts(value) : undefined
}

const parts = (value: Bag): number | undefined => {
  const whole = number(get(value, "seconds"))
  const nanos = number(get(value, "nanos"))
  return whole === undefined && nanos === undefined ? undefined : ceilMillis((whole ?? 0) * 1000 + (nanos ?? 0) / 1e6)
}

const number = (value: unknown): number | undefined => {
  if (typeof value === "number") return value
  return typeof value === "string" && /^\d{1,12}$/.test(value) ? Number(value) : undefined
}

/** `6ms`, `1m26.4s`, `4h43m36.314s`, `1d2h`; units from large to small are not enforced, repeats are added. */
export const compact = (value: string): number | undefined => {
  if (value.length > 40) return undefined
  const step = /\s*(\d+(?:\.\d+)?)\s*(ms|[smhdw])/y
  const source = value.trim().toLowerCase()
  let total = 0
  let at = 0
  while (at < source.length) {
    step.lastIndex = at
    const match = step.exec(source)
    if (match === null) return undefined
    total += Number(match[1]) * (unit[match[2] ?? ""] ?? Number.NaN)
    at = step.lastIndex
  }
  return source === "" ? undefined : ceilMillis(total)
}

/** .NET's `TimeSpan`: `hh:mm:ss`, `d.hh:mm:ss`, with fractions of a second. */
export const timeSpan = (value: string): number | undefined => {
  const match = value.length <= 32 ? /^(?:(\d{1,4})\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)$/.exec(value.trim()) : null
  if (match === null) return undefined
  const [, days = "0", hours = "0", minutes = "0", rest = "0"] = match
  return ceilMillis(
    Number(days) * 86_400_000 + Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(rest) * 1000
  )
}
