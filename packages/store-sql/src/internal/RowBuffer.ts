/**
 * The rows that wait to be written, in order and bounded: when there are too many, the oldest go first. Rows that were
 * taken for a statement come on top of the bound until the statement has ended. Updated in place and owned by one writer.
 */
export interface RowBuffer<Row> {
  /** The most rows that may wait. */
  readonly capacity: number
  waiting: Array<Row>
  /** Rows of the statement under way. */
  taken: Array<Row>
  takenFrom: number
  /** How many rows were ever added: the position of the next one. */
  end: number
}

export const make = <Row>(capacity: number): RowBuffer<Row> => ({
  capacity,
  waiting: [],
  taken: [],
  takenFrom: 0,
  end: 0
})

export const size = (self: RowBuffer<unknown>): number => self.waiting.length + self.taken.length

/** The position of the oldest row that is neither written nor dropped. All rows before it are settled. */
export const floor = (self: RowBuffer<unknown>): number =>
  self.taken.length > 0 ? self.takenFrom : self.end - self.waiting.length

/** Appends rows and answers how many old ones had to go. */
export const add = <Row>(self: RowBuffer<Row>, rows: ReadonlyArray<Row>): number => {
  for (const row of rows) self.waiting.push(row)
  self.end += rows.length
  return trim(self)
}

/** Takes the oldest rows for a statement. Every `take` is followed by `settle` or `restore`. */
export const take = <Row>(self: RowBuffer<Row>, max: number): ReadonlyArray<Row> => {
  self.takenFrom = self.end - self.waiting.length
  self.taken = self.waiting.splice(0, max)
  return self.taken
}

/** The statement is done: its rows are where they belong. */
export const settle = (self: RowBuffer<unknown>): void => {
  self.taken = []
}

/**
 * The statement has failed: its rows are the oldest again. Answers how many had to go. Rows that were dropped meanwhile
 * came after these, but then the buffer was full, so these go now and no gap stays behind.
 */
export const restore = <Row>(self: RowBuffer<Row>): number => {
  self.waiting = [...self.taken, ...self.waiting]
  self.taken = []
  return trim(self)
}

/** Gives up what is left and answers how much that was. */
export const clear = (self: RowBuffer<unknown>): number => {
  const lost = size(self)
  self.waiting = []
  self.taken = []
  return lost
}

const trim = (self: RowBuffer<unknown>): number => {
  const excess = Math.max(0, self.waiting.length - self.capacity)
  self.waiting.splice(0, excess)
  return excess
}
