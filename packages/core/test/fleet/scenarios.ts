/** The outages that a fleet of fifty meets, the guards it meets them with, and one run of each. */
import { Effect } from "effect"
import { Policy } from "@holdfast/core"
import { cockatielStyle } from "./cockatielStyle.ts"
import * as Fleet from "./Fleet.ts"
import { holdfast } from "./holdfast.ts"
import type * as Provider from "./Provider.ts"
import * as Report from "./Report.ts"
import { unguarded } from "./unguarded.ts"

export const clients = 50
/** The provider serves so many times what usually arrives: not four calls for each, which is what three retries offer. */
const headroom = 3
/** How long the provider takes to work off a full queue, in seconds: longer than any caller waits for an attempt. */
const queueSeconds = 40

export interface Scenario {
  readonly name: string
  /** Operations that arrive at each client per second. */
  readonly perSecond: number
  readonly outage: Provider.Outage
  /** For how long operations arrive. */
  readonly millis: number
  /** A second provider that is well. Default false. */
  readonly hasFallback?: boolean | undefined
}

const shortFor = (kind: Provider.Outage["kind"], seconds: number): Scenario => ({
  name: `${kind} for ${seconds} seconds`,
  perSecond: 1,
  outage: { kind, from: 15_000, until: 15_000 + seconds * 1000 },
  millis: 15_000 + (seconds + 45) * 1000
})

/** A few open times of `interactive`, or twice as long as callers wait for an attempt. */
export const short = {
  down: shortFor("down", 45),
  hung: shortFor("hung", 60),
  partial: shortFor("partial", 60)
} as const

const longFor = (kind: Provider.Outage["kind"]): Scenario => ({
  name: `${kind} for 150 seconds`,
  perSecond: 0.5,
  outage: { kind, from: 15_000, until: 165_000 },
  millis: 295_000
})

/** Long enough for the open time of `standard` to grow to its longest, with as long to recover. */
export const long = { down: longFor("down"), hung: longFor("hung") } as const

/** So much traffic that cut connections open nearly every client's circuit in the same instant. */
export const busy: Scenario = {
  name: "down under much traffic",
  perSecond: 8,
  outage: { kind: "down", from: 4000, until: 30_000 },
  millis: 31_000
}

/** Guards for a client whose share of the provider is so many calls at once. */
export type Guards = (share: number) => Fleet.Guard

/** A client that may use twice its share, so that a crowd that has waited does not bury the provider. */
const sized = (name: string, policy: Policy.Policy): Guards => {
  return (share) => holdfast(name, policy.pipe(Policy.bulkhead({ maxConcurrent: Math.ceil(2 * share) })))
}

export const guards = {
  interactive: sized("interactive, twice its share at once", Policy.interactive),
  /** The preset as it is: every client may use 32 of the provider's slots, whatever its share. */
  interactiveWide: () => holdfast("interactive", Policy.interactive),
  interactiveAtOnce: sized(
    "interactive, twice its share, nobody waits",
    Policy.interactive.pipe(Policy.fallback({ waitForReopening: false }))
  ),
  standard: () => holdfast("standard", Policy.standard),
  standardSized: sized("standard, twice its share at once", Policy.standard),
  /** A client may retry without having earned it once in five seconds, not ten times a second. */
  interactiveFrugal: () =>
    holdfast("interactive, small reserve", Policy.interactive.pipe(Policy.retryBudget({ reservePerSecond: 0.2 }))),
  standardFrugal: () =>
    holdfast("standard, small reserve", Policy.standard.pipe(Policy.retryBudget({ reservePerSecond: 0.2 }))),
  cockatielStyle: () => cockatielStyle(10_000),
  cockatielStyleSlow: () => cockatielStyle(60_000),
  unguarded: () => unguarded
} as const satisfies { readonly [name: string]: Guards }

/** One fleet through one outage. */
export const run = (guards: Guards, scenario: Scenario, seed: string): Effect.Effect<Report.Report> => {
  const { hasFallback, millis, outage, perSecond } = scenario
  const share = perSecond * headroom
  const slots = clients * share
  const maxQueue = slots * queueSeconds
  const provider = { name: "p", slots, maxQueue, outage }
  return Effect.map(
    Fleet.run(guards(share), {
      seed,
      clients,
      perSecond,
      millis,
      providers: hasFallback === true ? [provider, { name: "q", slots, maxQueue }] : [provider]
    }),
    (run) => Report.make(run, outage, millis)
  )
}
