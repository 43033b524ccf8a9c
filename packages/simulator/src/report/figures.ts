/** Numbers as people read them. */

/** `850 ms`, `3.4 s`, `12 min`, `2.5 h`; a dash where there is none. */
export const span = (millis: number | null): string => {
  if (millis === null) return "–"
  if (millis < 1000) return `${Math.round(millis)} ms`
  if (millis < 60_000) return `${trimmed(millis / 1000)} s`
  if (millis < 3_600_000) return `${trimmed(millis / 60_000)} min`
  return `${trimmed(millis / 3_600_000)} h`
}

/** Of seconds, minutes and hours: two figures below ten, else whole. */
const trimmed = (value: number): string => value.toFixed(value < 10 ? 1 : 0).replace(/\.0$/, "")

/** `99.93 %`: never rounded up to 100 %, nor down to 0 %. */
export const percent = (part: number): string => {
  if (part === 1 || part === 0) return `${part * 100} %`
  return `${Math.min(99.99, Math.max(0.01, part * 100)).toFixed(2)} %`
}

export const count = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",")

export const usd = (value: number): string => `$${value.toFixed(value < 1 ? 4 : 2)}`
