/**
 * Many deadlines under one timer. Deadlines of one length run out in the order they began, so each length is a list whose
 * head is its next; one sleeping fiber serves all lists, and none sleeps while there is no deadline. Time is the `Clock`'s,
 * so a test's or a simulator's clock drives it as well.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** A deadline, or what has one: it is in at most one list at a time. */
export interface Entry {
  at: number
  previous: Entry | undefined
  next: Entry | undefined
  /** The list it is in, while it is in one. */
  list: List | undefined
  expire(): void
}

export interface List {
  readonly millis: number
  head: Entry | undefined
  tail: Entry | undefined
}

/**
 * The timer looks up this often while anything is due later, so that a process whose last deadline was called off is not
 * kept alive by its timer for longer. Milliseconds.
 */
const lookMillis = 1000

export class Deadlines {
  readonly #clock: Clock.Clock
  readonly #lists = new Map<number, List>()
  #last: List | undefined
  #size = 0
  #armedFor = Number.POSITIVE_INFINITY
  #timer: Fiber.Fiber<void> | undefined

  constructor(clock: Clock.Clock) {
    this.#clock = clock
  }

  /** Calls `expire` after `millis`, unless it is called off with `remove`. */
  add(now: number, millis: number, expire: () => void): Entry {
    const entry: Entry = { at: 0, previous: undefined, next: undefined, list: undefined, expire }
    this.put(entry, now, millis)
    return entry
  }

  /** The same for something that is an entry itself. */
  put(entry: Entry, now: number, millis: number): void {
    const list = this.#listOf(millis)
    const { tail } = list
    entry.at = now + millis
    entry.previous = tail
    entry.next = undefined
    entry.list = list
    if (tail === undefined) list.head = entry
    else tail.next = entry
    list.tail = entry
    this.#size += 1
    if (this.#timer === undefined || entry.at < this.#armedFor) this.#arm(now)
  }

  /** Nearly always the same length as the last time. */
  #listOf(millis: number): List {
    if (this.#last?.millis === millis) return this.#last
    let list = this.#lists.get(millis)
    if (list === undefined) {
      list = { millis, head: undefined, tail: undefined }
      this.#lists.set(millis, list)
    }
    this.#last = list
    return list
  }

  remove(entry: Entry): void {
    const { list, next, previous } = entry
    if (list === undefined) return
    entry.list = undefined
    if (previous === undefined) list.head = next
    else previous.next = next
    if (next === undefined) list.tail = previous
    else next.previous = previous
    this.#size -= 1
  }

  #earliest(): number {
    let earliest = Number.POSITIVE_INFINITY
    for (const { head } of this.#lists.values()) if (head !== undefined && head.at < earliest) earliest = head.at
    return earliest
  }

  #arm(now: number): void {
    const earliest = this.#earliest()
    // A timer that looks up before then anyway need not be set anew.
    const wake = Math.min(earliest, now + lookMillis)
    if (this.#timer !== undefined && this.#armedFor <= wake) return
    this.#timer?.interruptUnsafe()
    this.#armedFor = wake
    this.#timer = Effect.runForkWith(Context.make(Clock.Clock, this.#clock))(
      Effect.andThen(
        Effect.sleep(Duration.millis(Math.max(0, wake - now))),
        Effect.sync(() => this.#wake())
      )
    )
  }

  #wake(): void {
    this.#timer = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
    const now = this.#clock.currentTimeMillisUnsafe()
    for (const [millis, list] of this.#lists) {
      for (let entry = list.head; entry !== undefined && entry.at <= now; entry = list.head) {
        this.remove(entry)
        entry.expire()
      }
      // Lengths that nobody uses any more are forgotten.
      if (list.head !== undefined) continue
      this.#lists.delete(millis)
      if (this.#last === list) this.#last = undefined
    }
    if (this.#size > 0) this.#arm(now)
  }
}

const byClock = new WeakMap<Clock.Clock, Deadlines>()

/** The deadlines of a clock. */
export const of = (clock: Clock.Clock): Deadlines => {
  const known = byClock.get(clock)
  if (known !== undefined) return known
  const made = new Deadlines(clock)
  byClock.set(clock, made)
  return made
}
