/**
 * What fifty processes do to one provider that fails and recovers. Everything is virtual time and seeded chance; the
 * figures, beside others' and over several seeds, are printed by `bench/fleet.ts`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { Policy } from "@holdfast/core"
import { bound } from "./independence.ts"
import type { Report } from "./Report.ts"
import { busy, clients, guards, type Guards, long, run, type Scenario, short } from "./scenarios.ts"

const seed = "fleet-1"

/** Each run is made once, whoever asks. */
const once = (guards: Guards, scenario: Scenario): Effect.Effect<Report> =>
  Effect.runSync(Effect.cached(run(guards, scenario, seed)))

const runs = {
  interactive: { down: once(guards.interactive, short.down), hung: once(guards.interactive, short.hung) },
  standard: { down: once(guards.standard, long.down), hung: once(guards.standard, long.hung) },
  cockatielStyle: {
    down: once(guards.cockatielStyle, short.down),
    hung: once(guards.cockatielStyle, short.hung)
  },
  unguarded: { down: once(guards.unguarded, short.down), hung: once(guards.unguarded, short.hung) }
}

/** The most probes that independent clients put into 100 ms, but for one outage in a thousand. */
const together = ({ open, openJitter }: Policy.Policy["breaker"], probes: number): number =>
  bound({ clients, probes, windowMillis: 100, spreadMillis: openJitter * Duration.toMillis(open) }, 0.001)

for (const name of ["interactive", "standard"] as const) {
  const { breaker } = Policy.presets[name]
  for (const kind of ["down", "hung"] as const) {
    const ours = runs[name][kind]
    describe(`fifty clients under "${guards[name](1).name}", and a provider that is ${kind}`, () => {
      it.effect("offer it no more than 1.2 calls for each operation", () =>
        Effect.gen(function* () {
          assert.isAtMost((yield* ours).amplification.during, 1.2)
        })
      )

      it.effect("all probe it, and not in step", () =>
        Effect.gen(function* () {
          const report = yield* ours
          assert.isAtLeast(report.probes, clients)
          assert.isAtMost(report.together.in100Millis, together(breaker, report.probes))
        })
      )

      it.effect("are well within one open period after it has recovered", () =>
        Effect.gen(function* () {
          const { isCollapsed, recoveryMillis } = yield* ours
          assert.isAtMost(recoveryMillis ?? Infinity, Duration.toMillis(breaker.openMax))
          assert.isFalse(isCollapsed)
        })
      )
    })
  }
}

describe("beside clients that retry three times at once", () => {
  it.effect("ours offer a provider that is down a tenth of the calls, and answer more", () =>
    Effect.gen(function* () {
      const [ours, theirs] = [yield* runs.interactive.down, yield* runs.unguarded.down]
      assert.isAtLeast(theirs.amplification.during, 3.9)
      assert.isAtMost(ours.amplification.during, theirs.amplification.during / 10)
      assert.isAtLeast(ours.success.overall, theirs.success.overall + 0.1)
    })
  )

  it.effect("ours let one that hung recover, where theirs bury it for good", () =>
    Effect.gen(function* () {
      const [ours, theirs] = [yield* runs.interactive.hung, yield* runs.unguarded.hung]
      assert.isTrue(theirs.isCollapsed)
      assert.isUndefined(theirs.recoveryMillis)
      assert.isAtLeast(theirs.amplification.after, 3)
      assert.isAtMost(ours.amplification.after, 1.5)
      assert.isAtMost(ours.abandoned, theirs.abandoned / 10)
    })
  )
})

describe("beside clients with cockatiel's breaker and retry", () => {
  it.effect("ours answer more of what arrives while it is down", () =>
    Effect.gen(function* () {
      const [ours, theirs] = [yield* runs.interactive.down, yield* runs.cockatielStyle.down]
      assert.isAtLeast(ours.success.overall, theirs.success.overall + 0.1)
      assert.isAtMost(ours.amplification.during, theirs.amplification.during)
    })
  )

  it.effect("ours leave one that hung a fraction of the work for callers that are gone", () =>
    Effect.gen(function* () {
      const [ours, theirs] = [yield* runs.interactive.hung, yield* runs.cockatielStyle.hung]
      assert.isAtMost(ours.amplification.during, theirs.amplification.during / 3)
      assert.isAtMost(ours.abandoned, theirs.abandoned / 3)
      assert.isAtMost(ours.longestQueue, theirs.longestQueue / 5)
      assert.isAtLeast(ours.success.overall, theirs.success.overall + 0.1)
    })
  )

  it.effect("ours spread their probes where a cut connection has them all begin in one instant", () =>
    Effect.gen(function* () {
      const ours = yield* run(guards.interactiveAtOnce, busy, seed)
      const theirs = yield* run(guards.cockatielStyle, busy, seed)
      const most = together(Policy.interactive.breaker, ours.probes)
      assert.isAtLeast(ours.probes, 2 * clients)
      assert.isAtMost(ours.together.in100Millis, most)
      assert.isAtLeast(theirs.together.in100Millis, 3 * most)
    })
  )
})

describe("a fleet", () => {
  it.effect("with another provider to go to answers everything", () =>
    Effect.gen(function* () {
      const report = yield* run(guards.interactive, { ...short.down, hasFallback: true }, seed)
      assert.isAtLeast(report.success.overall, 0.999)
      assert.strictEqual(report.recoveryMillis, 0)
      assert.isAtMost(report.amplification.worst, 1.2)
    })
  )

  it.effect("buries a provider that hung under the crowd that has waited, unless its bulkheads know its share", () =>
    Effect.gen(function* () {
      const sized = yield* runs.interactive.hung
      const wide = yield* run(guards.interactiveWide, short.hung, seed)
      assert.isAtMost(sized.longestQueue, wide.longestQueue / 4)
      assert.isAtMost(sized.recoveryMillis ?? Infinity, (wide.recoveryMillis ?? Infinity) / 2)
    })
  )

  it.effect("is the same fleet again with the same seed", () =>
    Effect.gen(function* () {
      const scenario = { ...short.down, perSecond: 0.2 }
      const once = yield* run(guards.interactive, scenario, seed)
      assert.deepStrictEqual(yield* run(guards.interactive, scenario, seed), once)
      assert.notDeepEqual(yield* run(guards.interactive, scenario, "another"), once)
    })
  )
})
