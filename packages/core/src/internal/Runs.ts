/**
 * Which of a circuit's calls failed one after the other, in the order in which they were sent. In the order in which calls
 * end, failures come first: a refusal takes milliseconds, an answer seconds, and so the first results of any crowd are its
 * failures, however few they are. Here a call that is still under way, or was answered, parts those before it from those
 * behind it; one that said nothing does not. Recording is O(1). It is updated in place and owned by one circuit.
 */

/** Calls sent one after the other of which none was answered and all are over. */
interface Stretch {
  first: number
  last: number
  failures: number
}

export interface Runs {
  /** The number of the call that was sent last. */
  sent: number
  /** Calls sent since somebody asked for this. */
  untold: number
  /** Each stretch by its first call and by its last one; those that grew last are last. */
  readonly stretches: Map<number, Stretch>
}

/** Numbers that there are: after as many calls they begin again. */
export const numbers = 2 ** 20

/** Stretches that are remembered: as many parts as calls under way can leave between failures, and some more. */
const most = 1000

export const make = (): Runs => ({ sent: 0, untold: 0, stretches: new Map() })

/** The number of one more call, above zero. */
export const send = (runs: Runs): number => {
  if (runs.sent === numbers - 1) {
    runs.sent = 0
    runs.stretches.clear()
  }
  runs.sent += 1
  runs.untold += 1
  return runs.sent
}

/** How many calls were sent since this was asked last. */
export const tell = (runs: Runs): number => {
  const { untold } = runs
  runs.untold = 0
  return untold
}

/** A call has failed, or is over without having said anything. How many have failed in a row with it. */
export const end = (runs: Runs, call: number, hasFailed: boolean): number => {
  const { stretches } = runs
  const before = stretches.get(call - 1)
  const behind = stretches.get(call + 1)
  if (before !== undefined) forget(runs, before)
  if (behind !== undefined) forget(runs, behind)
  const stretch: Stretch = {
    first: before?.first ?? call,
    last: behind?.last ?? call,
    failures: (before?.failures ?? 0) + (hasFailed ? 1 : 0) + (behind?.failures ?? 0)
  }
  stretches.set(stretch.first, stretch)
  stretches.set(stretch.last, stretch)
  if (stretches.size > 2 * most) {
    const [oldest] = stretches.values()
    if (oldest !== undefined) forget(runs, oldest)
  }
  return stretch.failures
}

/** A call was answered: what has failed until now is the past. So a lane that is answered keeps little. */
export const answer = ({ stretches }: Runs): void => stretches.clear()

/** Forgets everything but the number of the last call. */
export const clear = (runs: Runs): void => {
  runs.untold = 0
  runs.stretches.clear()
}

const forget = ({ stretches }: Runs, { first, last }: Stretch): void => {
  stretches.delete(first)
  stretches.delete(last)
}
