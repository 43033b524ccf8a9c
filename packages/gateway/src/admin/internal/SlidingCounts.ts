/** How often something happened in the last five minutes, by name. Updated in place, owned by one service. */
const sliceMillis = 10_000

/** How long something counts. */
export const windowMillis = 5 * 60_000

/** By the number of the slice since the epoch, oldest first. */
export type SlidingCounts = Map<number, Map<string, number>>

export const make = (): SlidingCounts => new Map()

export const add = (counts: SlidingCounts, name: string, now: number): void => {
  const number = Math.floor(now / sliceMillis)
  let slice = counts.get(number)
  if (slice === undefined) {
    slice = new Map()
    counts.set(number, slice)
    for (const old of counts.keys()) {
      if (old > number - windowMillis / sliceMillis) break
      counts.delete(old)
    }
  }
  slice.set(name, (slice.get(name) ?? 0) + 1)
}

/** Everything that happened in the window, with how often. */
export const sum = (counts: SlidingCounts, now: number): ReadonlyMap<string, number> => {
  const oldest = Math.floor(now / sliceMillis) - windowMillis / sliceMillis
  const total = new Map<string, number>()
  for (const [number, slice] of counts) {
    if (number <= oldest) continue
    for (const [name, count] of slice) total.set(name, (total.get(name) ?? 0) + count)
  }
  return total
}
