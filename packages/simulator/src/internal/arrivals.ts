/** The instants at which operations arrive, one after the other; fractions of milliseconds. */
import type { Arrivals } from "../Scenario.ts"
import type { Chance } from "./Chance.ts"

/** Gives the next instant, or `undefined` when `duration` is over. */
export const make = (arrivals: Arrivals, duration: number, chance: Chance): (() => number | undefined) => {
  if ("recorded" in arrivals) {
    let index = 0
    return () => arrivals.recorded[index++]
  }
  if ("constant" in arrivals) {
    let index = 0
    return () => {
      const at = index++ / arrivals.constant
      return at < duration ? at : undefined
    }
  }
  const { highest, rateAt } = rateOf(arrivals)
  let at = 0
  // A Poisson process of a rate that changes, thinned from one of its highest rate (Lewis and Shedler, 1979).
  return () => {
    while (true) {
      at += chance.exponential(1 / highest)
      if (at >= duration) return undefined
      const rate = rateAt(at)
      if (rate === highest || chance.happens(rate / highest)) return at
    }
  }
}

type Varying = Exclude<Arrivals, { readonly recorded: unknown } | { readonly constant: unknown }>

const rateOf = (arrivals: Varying): { readonly highest: number; readonly rateAt: (at: number) => number } => {
  if ("poisson" in arrivals) return { highest: arrivals.poisson, rateAt: () => arrivals.poisson }
  if ("burst" in arrivals) {
    const { base, every, for: span, peak } = arrivals.burst
    return { highest: Math.max(base, peak), rateAt: (at) => (at % every < span ? peak : base) }
  }
  const { high, low, period = 86_400_000 } = arrivals.diurnal
  return {
    highest: high,
    rateAt: (at) => low + ((high - low) * (1 - Math.cos((2 * Math.PI * at) / period))) / 2
  }
}
