/** Texts by key within a number of entries and of bytes: the one that was used longest ago goes first. No clock, no I/O. */

interface Held {
  readonly text: string
  readonly bytes: number
  /** When it is over, in milliseconds. */
  readonly until: number
}

export interface Limits {
  readonly maxEntries: number
  readonly maxBytes: number
}

export class Lru {
  readonly #limits: Limits
  /** Used longest ago first: a map keeps the order of insertion. */
  readonly #held = new Map<string, Held>()
  #bytes = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#held.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** What is held under the key, unless it is over; it becomes the one used last. */
  get(key: string, now: number): string | undefined {
    const held = this.#held.get(key)
    if (held === undefined) return undefined
    this.#held.delete(key)
    if (held.until <= now) {
      this.#bytes -= held.bytes
      return undefined
    }
    this.#held.set(key, held)
    return held.text
  }

  /** Holds a text, and lets go of others until it fits. One that alone is too large is not held. */
  set(key: string, text: string, bytes: number, until: number): void {
    this.delete(key)
    if (bytes > this.#limits.maxBytes) return
    this.#held.set(key, { text, bytes, until })
    this.#bytes += bytes
    for (const oldest of this.#held.keys()) {
      if (this.#held.size <= this.#limits.maxEntries && this.#bytes <= this.#limits.maxBytes) return
      this.delete(oldest)
    }
  }

  delete(key: string): void {
    this.#bytes -= this.#held.get(key)?.bytes ?? 0
    this.#held.delete(key)
  }

  clear(): void {
    this.#held.clear()
    this.#bytes = 0
  }
}
