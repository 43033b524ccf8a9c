/** Instants, earliest first. */
export class Heap {
  readonly #items: Array<number> = []

  get size(): number {
    return this.#items.length
  }

  add(at: number): void {
    const items = this.#items
    let hole = items.push(at) - 1
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      const above = items[parent]
      if (above === undefined || above <= at) break
      items[hole] = above
      hole = parent
    }
    items[hole] = at
  }

  take(): number | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (items.length === 0 || last === undefined) return first
    let hole = 0
    while (true) {
      const left = items[2 * hole + 1]
      if (left === undefined) break
      const right = items[2 * hole + 2]
      const isRight = right !== undefined && right < left
      const least = isRight ? right : left
      if (last <= least) break
      items[hole] = least
      hole = 2 * hole + (isRight ? 2 : 1)
    }
    items[hole] = last
    return first
  }

  /** Takes everything that is not after the instant. */
  dropUpTo(now: number): void {
    while ((this.#items[0] ?? Number.POSITIVE_INFINITY) <= now) this.take()
  }
}
