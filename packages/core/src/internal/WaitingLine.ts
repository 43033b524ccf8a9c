/**
 * Those who wait for one gate, each with its own instant to come back, so that they do not all rush in when it opens. It
 * knows how many they are and where the line ends, not who they are. Updated in place and owned by one machine.
 */

export interface WaitingLine {
  /** How many have a place. */
  waiting: number
  /** The last turn that was given, or later, where whoever has it keeps the gate shut for longer. */
  end: number
  /** The last turn that was given again, to somebody who came back and found the gate still shut. */
  again: number
}

export const make = (): WaitingLine => ({
  waiting: 0,
  end: Number.NEGATIVE_INFINITY,
  again: Number.NEGATIVE_INFINITY
})

/** The first instant at which somebody who is not in the line may pass the gate that opens at `readyAt`. */
export const behind = (line: WaitingLine, readyAt: number): number => Math.max(readyAt, line.end)

/** The turn of the next to join: when the gate opens, or a spacing after the one before. */
export const next = (line: WaitingLine, readyAt: number, spacing: number, now: number): number =>
  line.end > now ? Math.max(readyAt, line.end + spacing) : Math.max(readyAt, now)

/** Joins; nobody behind can pass before `end`. */
export const join = (line: WaitingLine, end: number): void => {
  line.waiting += 1
  line.end = end
}

/**
 * A new turn for somebody who was in time and found the gate shut: the first of them when it opens, each other a spacing
 * later, in the order in which they come back. `jitter` is added.
 */
export const rejoin = (line: WaitingLine, readyAt: number, spacing: number, jitter: number): number => {
  line.again = (readyAt > line.again ? readyAt : line.again + spacing) + jitter
  line.end = Math.max(line.end, line.again)
  return line.again
}

/** One less waits: it has passed, or given up. */
export const leave = (line: WaitingLine): void => {
  if (line.waiting > 1) line.waiting -= 1
  else Object.assign(line, make())
}

/** Moves all turns. */
export const shift = (line: WaitingLine, millis: number): void => {
  line.end += millis
  line.again += millis
}
