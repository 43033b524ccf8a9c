/**
 * Counters over the recent past. Time is cut into slices of equal length, counted from instant 0; the newest `slices` of
 * them count, so an amount is forgotten when it is between one slice less than a window and a whole window old. Totals are
 * kept as slices come and go: adding and reading are O(1), a step over many slices is O(slices). It is updated in place and
 * owned by one machine. Amounts are whole numbers, so that totals stay exact.
 */
import { positive, whole } from "./internal/bounds.ts"

export interface TimeSlices {
  readonly sliceMillis: number
  readonly slices: number
  readonly counters: number
  /** A row of counters per slice; slice n is in row n modulo `slices`. */
  readonly cells: Array<number>
  /** The sum of all rows, per counter. */
  readonly totals: Array<number>
  /** Number of the newest slice. */
  newest: number
  /** Where its row begins. */
  row: number
  /** Whole milliseconds within it: from the first to the second nothing has to be worked out. */
  from: number
  until: number
}

/** Throws a `RangeError` that names an impossible option. */
export const make = (windowMillis: number, slices: number, counters: number): TimeSlices => ({
  sliceMillis: positive("windowMillis", windowMillis) / whole("slices", 1, slices),
  slices,
  counters,
  cells: zeros(slices * counters),
  totals: zeros(counters),
  newest: Number.NEGATIVE_INFINITY,
  row: 0,
  from: Number.POSITIVE_INFINITY,
  until: Number.NEGATIVE_INFINITY
})

/** Plain arrays: there are so many windows, and so little in each, that the frame of a typed array would weigh more. */
const zeros = (length: number): Array<number> => Array.from({ length }, () => 0)

/**
 * Forgets what is too old. An instant a little before the newest slice counts as in it; one a whole window before it means
 * that the clock was set back, and everything begins anew rather than stand still until the clock catches up.
 */
export const advance = (self: TimeSlices, now: number): void => {
  if (now < self.from || now >= self.until) move(self, now)
}

const move = (self: TimeSlices, now: number): void => {
  const slice = Math.floor(now / self.sliceMillis)
  const passed = slice - self.newest
  if (passed >= self.slices || passed <= -self.slices) clear(self)
  else if (passed > 0) for (let n = 1; n <= passed; n++) drop(self, rowOf(self, self.newest + n))
  else return
  self.newest = slice
  self.row = rowOf(self, slice)
  self.from = Math.ceil(slice * self.sliceMillis)
  self.until = Math.floor((slice + 1) * self.sliceMillis)
}

/** Adds to a counter of the present slice. */
export const add = (self: TimeSlices, counter: number, amount: number, now: number): void => {
  advance(self, now)
  const cell = self.row + counter
  self.cells[cell] = (self.cells[cell] ?? 0) + amount
  self.totals[counter] = (self.totals[counter] ?? 0) + amount
}

/** Takes one back from a counter of the slice it was added to. Nothing happens if that slice no longer counts or is empty. */
export const takeBack = (self: TimeSlices, slice: number, counter: number): void => {
  if (slice > self.newest || slice <= self.newest - self.slices) return
  const cell = rowOf(self, slice) + counter
  const amount = self.cells[cell] ?? 0
  if (amount < 1) return
  self.cells[cell] = amount - 1
  self.totals[counter] = (self.totals[counter] ?? 0) - 1
}

/** What a counter has come to, as of the last `advance` or `add`. */
export const total = (self: TimeSlices, counter: number): number => self.totals[counter] ?? 0

/** What a window held, as plain data. */
export interface Snapshot {
  readonly newest: number
  readonly cells: ReadonlyArray<number>
}

/** What the window holds now; nothing where it holds nothing. */
export const snapshot = (self: TimeSlices): Snapshot | undefined =>
  self.totals.every((one) => one === 0) ? undefined : { newest: self.newest, cells: [...self.cells] }

/** Puts back what was held. A snapshot of another shape is left alone. */
export const restore = (self: TimeSlices, { cells, newest }: Snapshot): void => {
  if (cells.length !== self.cells.length || !Number.isSafeInteger(newest)) return
  clear(self)
  // The row of its newest slice is only known after a move to it.
  move(self, (newest + 0.5) * self.sliceMillis)
  for (const [cell, amount] of cells.entries()) {
    self.cells[cell] = amount
    const counter = cell % self.counters
    self.totals[counter] = (self.totals[counter] ?? 0) + amount
  }
}

/** Forgets what one counter has come to. */
export const reset = (self: TimeSlices, counter: number): void => {
  for (let cell = counter; cell < self.cells.length; cell += self.counters) self.cells[cell] = 0
  self.totals[counter] = 0
}

/** Forgets everything. */
export const clear = (self: TimeSlices): void => {
  self.cells.fill(0)
  self.totals.fill(0)
}

const rowOf = (self: TimeSlices, slice: number): number => {
  const row = slice % self.slices
  return (row < 0 ? row + self.slices : row) * self.counters
}

const drop = (self: TimeSlices, row: number): void => {
  for (let counter = 0; counter < self.counters; counter++) {
    self.totals[counter] = (self.totals[counter] ?? 0) - (self.cells[row + counter] ?? 0)
    self.cells[row + counter] = 0
  }
}
