/** Numbers, instants and names as people read them. */

/** `undefined` and absent numbers are a dash. */
const none = "–"

export const percent = (part: number | undefined): string => {
  if (part === undefined) return none
  const value = part * 100
  const shown = value >= 99.95 && value < 100 ? 99.9 : value
  return `${shown >= 10 && shown <= 99 ? shown.toFixed(1) : shown.toFixed(shown === 100 || shown === 0 ? 0 : 1)} %`
}

/** With two decimals, and never rounded up to 100 nor down to 0: `99.98 %`. */
export const exactPercent = (part: number): string =>
  part === 0 || part === 1 ? `${part * 100} %` : `${Math.min(99.99, Math.max(0.01, part * 100)).toFixed(2)} %`

export const millis = (value: number | null | undefined): string => {
  if (value === undefined || value === null) return none
  if (value < 1) return "0 ms"
  if (value < 995) return `${Math.round(value)} ms`
  if (value < 9_950) return `${(value / 1000).toFixed(2)} s`
  if (value < 99_500) return `${(value / 1000).toFixed(1)} s`
  return span(value)
}

/** A length of time in its two largest units. */
export const span = (value: number): string => {
  const seconds = Math.max(0, Math.round(value / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** `12 s ago`, by the gateway's clock. */
export const ago = (at: number, now: number): string => (now - at < 1500 ? "just now" : `${span(now - at)} ago`)

export const rate = (perSecond: number): string =>
  perSecond === 0
    ? "0"
    : perSecond < 0.995
      ? perSecond.toFixed(2)
      : perSecond < 99.5
        ? perSecond.toFixed(1)
        : number(perSecond)

export const number = (value: number): string => Math.round(value).toLocaleString("en-US")

export const short = (value: number | undefined): string => {
  if (value === undefined) return none
  if (Math.abs(value) < 10_000) return number(value)
  return value < 1e6 ? `${(value / 1e3).toFixed(value < 1e5 ? 1 : 0)}k` : `${(value / 1e6).toFixed(1)}M`
}

export const dollars = (value: number | undefined): string => {
  if (value === undefined) return none
  if (value === 0) return "$0"
  return value < 0.01 ? "< $0.01" : `$${value.toFixed(value < 100 ? 2 : 0)}`
}

const clockTime = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23"
})
const clockMinute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })
const dayTime = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23"
})

/** In the reader's zone; with the day when it is not within half a day. */
export const time = (at: number, precision: "second" | "minute" = "second"): string =>
  Math.abs(Date.now() - at) > 12 * 3_600_000
    ? dayTime.format(at)
    : (precision === "second" ? clockTime : clockMinute).format(at)

export const utc = (at: number): string => `${new Date(at).toISOString().replace("T", " ").slice(0, 19)} UTC`

/** A class of failure or refusal, as words. */
export const plain = (name: string): string =>
  name === "queue"
    ? "in line"
    : name
        .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
        .toLowerCase()
        .replace(/^./, (letter) => letter.toUpperCase())

export const plural = (count: number, word: string): string => `${number(count)} ${word}${count === 1 ? "" : "s"}`
