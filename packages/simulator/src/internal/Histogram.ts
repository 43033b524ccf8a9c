/**
 * How long many things took, in a fixed amount of memory: 256 buckets for each doubling, so a quantile is at most 0.4 % off,
 * and exact below 256 ms. After HdrHistogram.
 */
const subBits = 8
const sub = 2 ** subBits
/** Up to 2^31 ms, 24 days. */
const doublings = 24

export class Histogram {
  readonly #counts = new Float64Array(sub * doublings)
  count = 0
  /** Of everything that was recorded. */
  sum = 0

  /** `millis`: zero or more; fractions are dropped. */
  record(millis: number): void {
    this.count += 1
    this.sum += millis
    const at = Math.min(indexOf(millis), this.#counts.length - 1)
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
  }

  /** The least value that is not below the given part of all; `undefined` while there is none. */
  quantile(q: number): number | undefined {
    if (this.count === 0) return undefined
    const rank = Math.max(1, Math.ceil(q * this.count))
    let seen = 0
    for (const [index, count] of this.#counts.entries()) {
      seen += count
      if (seen >= rank) return valueOf(index)
    }
    return undefined
  }
}

const indexOf = (millis: number): number => {
  const whole = Math.floor(millis)
  if (whole < sub) return whole
  const shift = 31 - Math.clz32(whole) - (subBits - 1)
  return shift * (sub / 2) + (whole >>> shift)
}

const valueOf = (index: number): number => {
  if (index < sub) return index
  const shift = Math.floor(index / (sub / 2)) - 1
  const low = (index - shift * (sub / 2)) * 2 ** shift
  return low + (2 ** shift - 1) / 2
}
