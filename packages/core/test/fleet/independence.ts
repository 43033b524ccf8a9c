/**
 * How many probes of a fleet may fall into one short window when its clients decide independently: the yardstick for
 * "no synchronised probes".
 */

export interface Fleet {
  readonly clients: number
  /** Probes that were seen. */
  readonly probes: number
  readonly windowMillis: number
  /** The time over which chance spreads an open time, at the least: `openJitter × open`. */
  readonly spreadMillis: number
}

/**
 * The number that the fullest window exceeds with a probability of at most `chance`.
 *
 * A client's next probe is spread evenly over its `spread` at least, so it falls into a given window with a probability of
 * at most `window / spread`, whatever the others do, and it makes at most one in so short a time. So the other probes in the
 * window that begins with a given probe are at most binomial, and a union bound goes over the probes it can begin with:
 * `P(more than m in any) ≤ probes · P(Bin(clients − 1, window / spread) ≥ m)`.
 */
export const bound = (fleet: Fleet, chance: number): number => {
  const { clients, probes, spreadMillis, windowMillis } = fleet
  const hit = Math.min(1, windowMillis / spreadMillis)
  for (let most = 1; most < clients; most++) {
    if (probes * tail(clients - 1, hit, most) <= chance) return most
  }
  return clients
}

/** `P(Bin(n, p) ≥ k)`. */
const tail = (n: number, p: number, k: number): number => {
  let sum = 0
  for (let i = k; i <= n; i++) sum += choose(n, i) * p ** i * (1 - p) ** (n - i)
  return sum
}

const choose = (n: number, k: number): number => {
  let ways = 1
  for (let i = 1; i <= k; i++) ways *= (n - k + i) / i
  return ways
}
