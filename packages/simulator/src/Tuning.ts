/**
 * A search for better numbers of a policy: random ones first, then small changes of the best so far. Best is whatever no
 * other try beats in success, latency and cost at once, the Pareto front; which of those to take is a person's choice. It
 * goes on by generations, whose tries are worked out side by side. The same seed takes the same steps, however many workers
 * there are.
 */
import type * as Policy from "@holdfast/core/Policy"
import * as Effect from "effect/Effect"
import * as Chance from "./internal/Chance.ts"
import * as Knobs from "./Knobs.ts"
import type * as Result from "./Result.ts"
import type * as Scenario from "./Scenario.ts"
import * as Subject from "./Subject.ts"
import * as Workers from "./Workers.ts"

/** What a try amounts to, over all scenarios and seeds. */
export interface Score {
  /** The mean of the success rates. */
  readonly success: number
  /** The mean of the 95th percentiles, in milliseconds. */
  readonly p95: number
  /** The sum of the costs, in US dollars. */
  readonly usd: number
}

export interface Try extends Score {
  readonly changes: Knobs.Changes
}

export interface Options {
  readonly scenarios: readonly [Scenario.Scenario, ...ReadonlyArray<Scenario.Scenario>]
  readonly policy: Policy.Policy
  /** The lanes to use of each scenario. Default: all. */
  readonly lanesOf?: ((scenario: Scenario.Scenario) => ReadonlyArray<string>) | undefined
  /** Policies to try, the one that is there among them. Default 40. */
  readonly tries?: number | undefined
  /** Runs of each scenario per try. Default 1. */
  readonly runs?: number | undefined
  /** Default 1. */
  readonly seed?: number | undefined
  /** Told after each try how many there were. */
  readonly onProgress?: ((done: number, of: number) => void) | undefined
}

export interface Outcome {
  /** The policy as it is. */
  readonly base: Try
  /** What nothing beats, the most successful first. */
  readonly front: ReadonlyArray<Try>
  readonly tries: number
}

/** Tries that are drawn from the same front, and can be worked out at once. */
const generation = 8

/** Searches. What numbers are impossible together is left out. Fails when a run does. */
export const search = Effect.fnUntraced(function* (options: Options) {
  const { policy, runs = 1, seed = 1, tries = 40 } = options
  const chance = yield* Chance.seeded(String(seed), "tuning")
  const done = new Map<string, Try>()
  /** By what they are told apart; a policy that is impossible or known already is not tried. */
  const candidate = (changes: Knobs.Changes): Candidate | undefined => {
    const changed = Knobs.applied(policy, changes)
    const key = JSON.stringify(Object.entries(changes).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    return changed === undefined || done.has(key) ? undefined : { key, changes, policy: changed }
  }
  const attempt = Effect.fnUntraced(function* (candidates: ReadonlyArray<Candidate>) {
    const jobs = candidates.flatMap(({ policy: changed }) =>
      options.scenarios.flatMap((scenario) => {
        const subject = Subject.described("tuned", changed, options.lanesOf?.(scenario))
        return Array.from({ length: runs }, (_, run): Workers.Job => ({ scenario, subject, seed: seed + run }))
      })
    )
    const results = yield* Workers.runAll(jobs, (part) =>
      options.onProgress?.(done.size + Math.floor(part * candidates.length), tries)
    )
    const each = options.scenarios.length * runs
    for (const [index, { changes, key }] of candidates.entries()) {
      done.set(key, { changes, ...scoreOf(results.slice(index * each, (index + 1) * each)) })
    }
  })

  const asItIs = candidate({})
  if (asItIs !== undefined) yield* attempt([asItIs])
  // Where nearly everything is impossible or was tried, the search ends all the same.
  for (let step = 0; done.size < tries && step < tries * 10;) {
    const front = frontOf([...done.values()])
    const next = new Map<string, Candidate>()
    for (; next.size < Math.min(generation, tries - done.size) && step < tries * 10; step++) {
      const isEarly = done.size < tries * 0.4
      const from = isEarly ? {} : (front[Math.floor(chance.next() * front.length)]?.changes ?? {})
      const drawn = candidate(varied(from, 1 + Math.floor(chance.next() * (isEarly ? 4 : 2)), chance))
      if (drawn !== undefined) next.set(drawn.key, drawn)
    }
    yield* attempt([...next.values()])
  }
  const all = [...done.values()]
  const [base] = all
  if (base === undefined) return yield* Effect.die(new Error("the policy as it is was not tried"))
  return { base, front: frontOf(all), tries: all.length } satisfies Outcome
})

interface Candidate {
  readonly key: string
  readonly changes: Knobs.Changes
  readonly policy: Policy.Policy
}

const varied = (changes: Knobs.Changes, count: number, chance: Chance.Chance): Knobs.Changes => {
  const next: Record<string, number | string | boolean> = { ...changes }
  for (let index = 0; index < count; index++) {
    const { path, values } = pick(Knobs.all, chance)
    next[path] = pick(values, chance)
  }
  return next
}

const pick = <A>(from: ReadonlyArray<A>, chance: Chance.Chance): A => {
  const one = from[Math.floor(chance.next() * from.length)]
  if (one === undefined) throw new RangeError("there is nothing to pick from")
  return one
}

const scoreOf = (results: ReadonlyArray<Result.Result>): Score => ({
  success: results.reduce((sum, { successRate }) => sum + successRate, 0) / results.length,
  p95: results.reduce((sum, { latencyMs }) => sum + (latencyMs.p95 ?? 0), 0) / results.length,
  usd: results.reduce((sum, { costUsd }) => sum + costUsd, 0)
})

/** What nothing beats, the most successful first; of equals, the one with the fewest changes. */
export const frontOf = (tries: ReadonlyArray<Try>): ReadonlyArray<Try> =>
  tries
    .filter((one, index) => !tries.some((other, at) => beats(other, one) || (at < index && isEqual(other, one))))
    .toSorted((a, b) => b.success - a.success || a.p95 - b.p95)

const isEqual = (a: Score, b: Score): boolean => a.success === b.success && a.p95 === b.p95 && a.usd === b.usd

const beats = (a: Score, b: Score): boolean =>
  a.success >= b.success && a.p95 <= b.p95 && a.usd <= b.usd && !isEqual(a, b)
