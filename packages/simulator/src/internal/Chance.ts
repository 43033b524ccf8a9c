/** Draws from distributions, from one seeded source of numbers. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

export class Chance {
  readonly #next: () => number
  #spare: number | undefined

  constructor(next: () => number) {
    this.#next = next
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.#next()
  }

  /** Whether something of that probability happens. Takes no number where there is nothing to decide. */
  happens(probability: number): boolean {
    return probability > 0 && (probability >= 1 || this.#next() < probability)
  }

  exponential(mean: number): number {
    return -Math.log(1 - this.#next()) * mean
  }

  /** Standard normal, by Box and Muller: they come in pairs. */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare
      this.#spare = undefined
      return spare
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.#next()))
    const angle = 2 * Math.PI * this.#next()
    this.#spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }

  /** Log-normal with this median and 99th percentile. */
  logNormal(p50: number, p99: number): number {
    return p99 <= p50 ? p50 : p50 * Math.exp((Math.log(p99 / p50) / z99) * this.normal())
  }
}

/** The 99th percentile of the standard normal distribution. */
const z99 = 2.326_347_874_040_841

/** A source of its own for each part of a run, so that what one part draws changes nothing in another. */
export const seeded = (seed: string, part: string): Effect.Effect<Chance> =>
  Effect.map(service(seed, part), (random) => new Chance(() => random.nextDoubleUnsafe()))

/** The same as a service, for what asks for `Random` itself. */
export const service = (seed: string, part: string) => Random.withSeed(Effect.service(Random.Random), `${seed}/${part}`)
