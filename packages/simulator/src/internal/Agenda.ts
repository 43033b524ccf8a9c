/** What is due when: a binary heap of instants, first in first out among equal ones. Calling off costs nothing until it is due. */
export interface Entry {
  readonly at: number
  readonly order: number
  /** Absent once it was called off. */
  run: (() => void) | undefined
}

export class Agenda {
  readonly #heap: Array<Entry> = []
  #order = 0

  add(at: number, run: () => void): Entry {
    const entry: Entry = { at, order: this.#order++, run }
    const heap = this.#heap
    let hole = heap.push(entry) - 1
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      const above = heap[parent]
      if (above === undefined || isBefore(above, entry)) break
      heap[hole] = above
      hole = parent
    }
    heap[hole] = entry
    return entry
  }

  /** Takes what is due next; `undefined` when nothing is. */
  take(): Entry | undefined {
    while (true) {
      const first = this.#takeAny()
      if (first === undefined || first.run !== undefined) return first
    }
  }

  #takeAny(): Entry | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || first === last) return first
    let hole = 0
    while (true) {
      const left = heap[2 * hole + 1]
      if (left === undefined) break
      const right = heap[2 * hole + 2]
      const isRight = right !== undefined && isBefore(right, left)
      const least = isRight ? right : left
      if (isBefore(last, least)) break
      heap[hole] = least
      hole = 2 * hole + (isRight ? 2 : 1)
    }
    heap[hole] = last
    return first
  }
}

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)
