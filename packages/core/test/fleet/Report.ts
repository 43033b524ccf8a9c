/** What a run of a fleet amounts to, in the figures that a provider and its users would notice. */
import type { Operation, Run } from "./Fleet.ts"
import type { Outage } from "./Provider.ts"

export interface Report {
  /** Calls the provider was offered ÷ operations that arrived. */
  readonly amplification: {
    readonly during: number
    /** In the worst ten seconds of the outage. */
    readonly worst: number
    /** From the recovery until the last arrival. */
    readonly after: number
  }
  /** Probes that met the outage. */
  readonly probes: number
  /** The most of them within any 100 ms, and within any second. */
  readonly together: { readonly in100Millis: number; readonly inSecond: number }
  /** From the provider's recovery until at least 99 % of what arrives is answered promptly, for good. */
  readonly recoveryMillis: number | undefined
  /** The part of the operations that was answered, by when they arrived. */
  readonly success: { readonly during: number; readonly after: number; readonly overall: number }
  /** The most calls that came within one second after the recovery. */
  readonly peakPerSecond: number
  /** The longest queue at the provider after the recovery. */
  readonly longestQueue: number
  /** Calls whose callers had left before the answer. */
  readonly abandoned: number
  /** Long after the recovery the provider is up, and still fewer than half of what arrives is answered promptly. */
  readonly isCollapsed: boolean
}

/** An answer within this time is prompt: it takes a second when all is well. */
const promptMillis = 10_000
/** The success rate is read over so long. */
const windowMillis = 5000
/** Collapse is judged by the last arrivals. */
const lastMillis = 20_000

interface At {
  readonly at: number
}

/** `millis`: for how long operations arrived. */
export const make = (run: Run, outage: Outage, millis: number): Report => {
  const { from, until } = outage
  const calls = run.providers[0]?.calls ?? []
  const after = between(calls, until, millis)
  const amplification = (start: number, end: number) =>
    between(calls, start, end).length / between(run.operations, start, end).length
  const part = (is: (operation: Operation) => boolean, start: number, end: number) => {
    const arrived = between(run.operations, start, end)
    return arrived.filter(is).length / arrived.length
  }
  const probes = between(calls, from, until).filter(({ isProbe }) => isProbe)
  return {
    amplification: {
      during: amplification(from, until),
      worst: Math.max(...steps(from, until, 10_000).map((at) => amplification(at, Math.min(until, at + 10_000)))),
      after: amplification(until, millis)
    },
    probes: probes.length,
    together: { in100Millis: mostWithin(probes, 100), inSecond: mostWithin(probes, 1000) },
    recoveryMillis: recovery((at) => part(isPrompt, at, at + windowMillis), until, millis - windowMillis),
    success: {
      during: part(isAnswered, from, until),
      after: part(isAnswered, until, millis),
      overall: part(isAnswered, 0, millis)
    },
    peakPerSecond: Math.max(...steps(until, millis, 1000).map((at) => between(after, at, at + 1000).length)),
    longestQueue: Math.max(0, ...after.map(({ waiting }) => waiting)),
    abandoned: calls.filter(({ isAbandoned }) => isAbandoned).length,
    isCollapsed: millis - lastMillis >= until && part(isPrompt, millis - lastMillis, millis) < 0.5
  }
}

const isAnswered = ({ answeredBy }: Operation): boolean => answeredBy !== undefined

const isPrompt = ({ answeredBy, at, endedAt }: Operation): boolean =>
  answeredBy !== undefined && endedAt !== undefined && endedAt - at <= promptMillis

/** From when on, to a second, the rate stays at or above 99 %. */
const recovery = (rate: (at: number) => number, until: number, end: number): number | undefined => {
  const bad = steps(until, end, 1000).findLastIndex((at) => rate(at) < 0.99)
  const good = until + (bad + 1) * 1000
  return good < end ? good - until : undefined
}

/** The most that came within any `millis`. */
export const mostWithin = (ordered: ReadonlyArray<At>, millis: number): number => {
  let most = 0
  let first = 0
  for (const [last, { at }] of ordered.entries()) {
    while (at - ordered[first]!.at >= millis) first += 1
    most = Math.max(most, last - first + 1)
  }
  return most
}

const between = <A extends At>(ordered: ReadonlyArray<A>, start: number, end: number): ReadonlyArray<A> =>
  ordered.slice(indexOf(ordered, start), indexOf(ordered, end))

/** The first that is not before the instant. */
const indexOf = (ordered: ReadonlyArray<At>, instant: number): number => {
  let [low, high] = [0, ordered.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ordered[middle]!.at < instant) low = middle + 1
    else high = middle
  }
  return low
}

const steps = (start: number, end: number, step: number): ReadonlyArray<number> =>
  Array.from({ length: Math.max(0, Math.ceil((end - start) / step)) }, (_, index) => start + index * step)
