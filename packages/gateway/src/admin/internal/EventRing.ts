/**
 * The last events, for whoever comes late or comes back. Each has a number, counted from the start of this process, by
 * which a reader goes on where it stopped. Updated in place, owned by one service.
 */
import type * as Event from "@holdfast/core/Event"

export interface EventRing {
  readonly capacity: number
  readonly events: Array<Event.Event>
  /** The number that the next event gets. */
  next: number
}

/** A part of the ring, in order. */
export interface Page {
  readonly events: ReadonlyArray<Event.Event>
  /** Where to go on. */
  readonly next: number
  /** Events between where the reader stopped and the first of these, which are gone. */
  readonly missed: number
}

export const make = (capacity: number): EventRing => ({ capacity, events: [], next: 0 })

export const add = (ring: EventRing, event: Event.Event): void => {
  ring.events[ring.next % ring.capacity] = event
  ring.next += 1
}

/** At most `max` events from number `from` on. */
export const read = (ring: EventRing, from: number, max: number): Page => {
  const oldest = Math.max(0, ring.next - ring.capacity)
  const first = Math.min(ring.next, Math.max(oldest, from))
  const next = Math.min(ring.next, first + max)
  const events: Array<Event.Event> = []
  for (let number = first; number < next; number++) {
    const event = ring.events[number % ring.capacity]
    if (event !== undefined) events.push(event)
  }
  return { events, next, missed: Math.max(0, oldest - from) }
}
