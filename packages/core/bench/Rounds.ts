/**
 * Measures cases against each other: all of a group in every round, in a shuffled order, a slice each, so that whatever the
 * machine does meets all of them alike. Times are medians; ratios are taken round by round.
 */

/** Does the work `n` times and resolves when all of it is done. */
export type Work = (n: number) => Promise<unknown>

export interface Group {
  readonly name: string
  /** Ours is `ours`; the others are what it is compared with. */
  readonly cases: { readonly ours: Work } & { readonly [peer: string]: Work }
}

export interface Row {
  readonly name: string
  readonly nsPerOp: number
  /** Ours ÷ theirs: the median of the rounds. */
  readonly ratioTo: { readonly [peer: string]: number }
  /** The tenth and ninetieth percentile of the same. */
  readonly range: { readonly [peer: string]: readonly [p10: number, p90: number] }
  readonly peersNsPerOp: { readonly [peer: string]: number }
}

export interface Options {
  readonly rounds: number
  readonly sliceMillis: number
}

/** Runs a group: a calibration first, then the rounds. */
export const measure = async (group: Group, options: Options): Promise<Row> => {
  const names = Object.keys(group.cases)
  const sizes = new Map<string, number>()
  for (const name of names) sizes.set(name, await calibrate(workOf(group, name), options.sliceMillis))
  const rounds: Array<Map<string, number>> = []
  for (let round = 0; round < options.rounds; round++) {
    const times = new Map<string, number>()
    for (const name of rotated(names, round)) {
      globalThis.gc?.()
      const n = sizes.get(name) ?? 1
      const start = performance.now()
      await workOf(group, name)(n)
      times.set(name, ((performance.now() - start) * 1e6) / n)
    }
    rounds.push(times)
  }
  const of = (name: string) => rounds.map((times) => times.get(name) ?? Number.NaN)
  const peers = names.filter((name) => name !== "ours")
  const ratios = new Map(
    peers.map((peer) => [peer, of("ours").map((ours, index) => ours / (of(peer)[index] ?? Number.NaN))])
  )
  const each = <A>(read: (peer: string) => A) => Object.fromEntries(peers.map((peer) => [peer, read(peer)]))
  return {
    name: group.name,
    nsPerOp: Math.round(quantile(of("ours"), 0.5)),
    ratioTo: each((peer) => round2(quantile(ratios.get(peer) ?? [], 0.5))),
    range: each((peer) => [
      round2(quantile(ratios.get(peer) ?? [], 0.1)),
      round2(quantile(ratios.get(peer) ?? [], 0.9))
    ]),
    peersNsPerOp: each((peer) => Math.round(quantile(of(peer), 0.5)))
  }
}

const workOf = (group: Group, name: string): Work => {
  const work = group.cases[name]
  if (work === undefined) throw new Error(`${group.name} has no case ${name}`)
  return work
}

/**
 * How often the work fits into a slice, found by doubling; this warms it up as well. A run that took long is done twice
 * more, since one pause of the machine would otherwise leave the slice almost empty.
 */
const calibrate = async (work: Work, sliceMillis: number): Promise<number> => {
  for (let n = 1; ; n *= 2) {
    let took = Number.POSITIVE_INFINITY
    for (let run = 0; run < 3 && took >= sliceMillis / 4; run++) {
      const start = performance.now()
      await work(n)
      took = Math.min(took, performance.now() - start)
    }
    if (took >= sliceMillis / 4) return Math.max(1, Math.round((n * sliceMillis) / took))
  }
}

const rotated = (names: ReadonlyArray<string>, by: number): ReadonlyArray<string> => {
  const order = by % 2 === 0 ? names : names.toReversed()
  const cut = by % order.length
  return [...order.slice(cut), ...order.slice(0, cut)]
}

const quantile = (values: ReadonlyArray<number>, part: number): number => {
  const ascending = values.toSorted((a, b) => a - b)
  return ascending[Math.min(ascending.length - 1, Math.floor(part * ascending.length))] ?? Number.NaN
}

const round2 = (value: number): number => Math.round(value * 100) / 100
