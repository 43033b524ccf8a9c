/** Rows that wait for the database, in order and bounded: in memory, or in a journal on disk. One writer owns it. */
import * as Effect from "effect/Effect"
import * as RowBuffer from "./RowBuffer.ts"

export interface Backlog<Row> {
  /** Appends rows; when there are too many, the oldest go. */
  readonly add: (rows: ReadonlyArray<Row>) => void
  /** From here on, what was added outlives this process, where the backlog has a place for that. */
  readonly keep: () => void
  /** Takes the oldest rows for a statement. Every `take` is followed by `settle` or `restore`. */
  readonly take: (max: number) => Effect.Effect<ReadonlyArray<Row>>
  /** The statement is done: its rows are where they belong. */
  readonly settle: () => void
  /** The statement has failed: its rows are the oldest again. */
  readonly restore: () => void
  /** Rows that wait, without those taken. */
  readonly waiting: () => number
  /** How many rows were ever added: the position of the next one. */
  readonly end: () => number
  /** The position of the oldest row that is neither written nor dropped. All rows before it are settled. */
  readonly floor: () => number
  /** Rows that were dropped. */
  readonly dropped: () => number
  /** No more rows come. Answers how many are lost, and how many wait for the next start. */
  readonly close: () => { readonly lost: number; readonly waiting: number }
}

/** In memory: gone with the process. */
export const inMemory = <Row>(capacity: number): Backlog<Row> => {
  const buffer = RowBuffer.make<Row>(capacity)
  let dropped = 0
  return {
    add: (rows) => {
      dropped += RowBuffer.add(buffer, rows)
    },
    keep: () => undefined,
    take: (max) => Effect.sync(() => RowBuffer.take(buffer, max)),
    settle: () => RowBuffer.settle(buffer),
    restore: () => {
      dropped += RowBuffer.restore(buffer)
    },
    waiting: () => buffer.waiting.length,
    end: () => buffer.end,
    floor: () => RowBuffer.floor(buffer),
    dropped: () => dropped,
    close: () => {
      const lost = RowBuffer.clear(buffer)
      dropped += lost
      return { lost, waiting: 0 }
    }
  }
}
