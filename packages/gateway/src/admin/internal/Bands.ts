/**
 * When circuits were not closed, as spans of time: for the bands under a chart. Bounded; updated in place, owned by one
 * service.
 */
import type * as Event from "@holdfast/core/Event"

const maxBands = 2_000

export interface Band {
  readonly circuit: string
  readonly state: "open" | "half-open"
  /** Milliseconds since the epoch. */
  readonly from: number
  /** `undefined` while it lasts. */
  to: number | undefined
  readonly reason: string
}

export type Bands = Array<Band>

export const make = (): Bands => []

export const add = (bands: Bands, event: typeof Event.CircuitChanged.Type): void => {
  const current = bands.findLast((band) => band.circuit === event.circuit)
  if (current !== undefined && current.to === undefined) current.to = event.at
  if (event.to === "closed") return
  bands.push({ circuit: event.circuit, state: event.to, from: event.at, to: undefined, reason: event.reason })
  if (bands.length > maxBands) bands.shift()
}

/** Those that touch the span. */
export const between = (bands: Bands, from: number, to: number): ReadonlyArray<Band> =>
  bands.filter((band) => band.from < to && (band.to ?? to) > from)
