/** Counts requests since the last reset, per operation and model, and draws one number for each in order of arrival. */
import type * as Random from "effect/Random"

interface Arrival {
  /** From 1. */
  readonly requestNumber: number
  /** This one included. */
  readonly inFlight: number
  /** Uniform in [0, 1). */
  readonly draw: number
  /** To be called once, when the exchange is over. */
  readonly leave: () => void
}

export type Arrivals = (operation: string, model: string | undefined) => Arrival

export const make = (random: (typeof Random.Random)["Service"]): Arrivals => {
  const counters = new Map<string, { requests: number; inFlight: number }>()
  return (operation, model) => {
    const key = JSON.stringify([operation, model])
    const counter = counters.get(key) ?? { requests: 0, inFlight: 0 }
    counters.set(key, counter)
    counter.requests += 1
    counter.inFlight += 1
    return {
      requestNumber: counter.requests,
      inFlight: counter.inFlight,
      draw: random.nextDoubleUnsafe(),
      leave: () => {
        counter.inFlight -= 1
      }
    }
  }
}
