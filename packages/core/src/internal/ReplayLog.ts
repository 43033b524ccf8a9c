/**
 * What a stream has brought so far, for several readers that are not equally far. Whoever joins early enough sees it from
 * its beginning. The fastest reader sets the pace: it is never more than the bound behind what has come in, for the source
 * waits; one who falls farther behind than the bound is cut off, so that nobody else waits for it. Pure; who waits is the
 * caller's affair.
 */

/** One who reads. */
export interface Reader {
  /** The number of the next piece to read. */
  next: number
  /** How much it has read. */
  at: number
  /** It fell too far behind, and what it should read next is gone. */
  isCut: boolean
}

interface Piece<A> {
  readonly value: A
  readonly size: number
  /** How much has come in with it. */
  readonly end: number
}

export class ReplayLog<A> {
  readonly #max: number
  readonly #readers = new Set<Reader>()
  readonly #pieces: Array<Piece<A>> = []
  /** The number of the first piece that is still here. */
  #first = 0
  #head = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Whether everything is still here, so that one more can begin at the beginning. */
  get isOpen(): boolean {
    return this.#head <= this.#max
  }

  /** Whether even the fastest reader is farther behind than the bound: nothing may come in for now. */
  get isFull(): boolean {
    return this.#readers.size > 0 && this.#head - this.#fastest() > this.#max
  }

  /** How much is held. */
  get held(): number {
    const [oldest] = this.#pieces
    return oldest === undefined ? 0 : this.#head - oldest.end + oldest.size
  }

  /** A new reader, at the beginning. */
  join(): Reader {
    const reader = { next: 0, at: 0, isCut: false }
    this.#readers.add(reader)
    return reader
  }

  leave(reader: Reader): void {
    this.#readers.delete(reader)
    this.#trim()
  }

  append(value: A, size: number): void {
    this.#head += size
    this.#pieces.push({ value, size, end: this.#head })
    if (this.isOpen) return
    const fastest = this.#fastest()
    for (const reader of this.#readers) {
      if (reader.at === fastest || this.#head - reader.at <= this.#max) continue
      reader.isCut = true
      this.#readers.delete(reader)
    }
    this.#trim()
  }

  /** The next piece for the reader; `undefined` when it has read all there is. */
  take(reader: Reader): A | undefined {
    const piece = this.#pieces[reader.next - this.#first]
    if (piece === undefined || reader.isCut) return undefined
    reader.next += 1
    reader.at = piece.end
    this.#trim()
    return piece.value
  }

  #fastest(): number {
    let fastest = 0
    for (const { at } of this.#readers) fastest = Math.max(fastest, at)
    return fastest
  }

  /** Lets go of what everybody has read, once nobody can join any more. */
  #trim(): void {
    if (this.isOpen) return
    let next = this.#first + this.#pieces.length
    for (const reader of this.#readers) next = Math.min(next, reader.next)
    this.#pieces.splice(0, next - this.#first)
    this.#first = next
  }
}
