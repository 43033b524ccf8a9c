/**
 * The attempts of operations that are not over yet, from the events of the bus. An operation whose end was lost is forgotten
 * when too many are under way. A function of its events, updated in place and owned by one service.
 */
import type * as Event from "@holdfast/core/Event"

type Attempt = Extract<Event.Event, { readonly _tag: "AttemptEnded" }>
type End = Extract<Event.Event, { readonly _tag: "OperationEnded" }>

/** An operation that is over, with its attempts in the order in which they ended. */
export interface Journey {
  readonly end: End
  /** In milliseconds since the epoch. */
  readonly startedAt: number
  readonly attempts: ReadonlyArray<Attempt>
  /** The attempt that answered, or else the last one. */
  readonly last: Attempt | undefined
}

/** Operations remembered at once. */
const max = 20_000

export class Journeys {
  readonly #open = new Map<string, Array<Attempt>>()

  /** Remembers an attempt. */
  add(attempt: Attempt): void {
    const attempts = this.#open.get(attempt.operation)
    if (attempts !== undefined) {
      attempts.push(attempt)
      return
    }
    const [oldest] = this.#open.keys()
    if (this.#open.size >= max && oldest !== undefined) this.#open.delete(oldest)
    this.#open.set(attempt.operation, [attempt])
  }

  /** All of an operation that is over; it is forgotten. */
  end(end: End): Journey {
    const attempts = this.#open.get(end.operation) ?? []
    this.#open.delete(end.operation)
    return {
      end,
      startedAt: end.at - end.durationMillis,
      attempts,
      last: attempts.findLast(({ lane, result }) => result === "Success" && lane === end.lane) ?? attempts.at(-1)
    }
  }
}
