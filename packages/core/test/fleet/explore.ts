import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Fleet from "./Fleet.ts"
import * as Guards from "./Guards.ts"
import type * as Provider from "./Provider.ts"

const maxIn = (times: ReadonlyArray<number>, w: number) => {
  const t = times.toSorted((a, b) => a - b)
  let best = 0,
    lo = 0
  for (let hi = 0; hi < t.length; hi++) {
    while (t[hi]! - t[lo]! >= w) lo++
    best = Math.max(best, hi - lo + 1)
  }
  return best
}
export const go = async (
  guard: Fleet.Guard,
  o: { perSecond: number; outage: Provider.Outage; millis: number; slots: number; maxQueue: number; fallback?: boolean }
) => {
  const t0 = performance.now()
  const run = await Effect.runPromise(
    Fleet.run(guard, {
      seed: "a",
      clients: 50,
      perSecond: o.perSecond,
      millis: o.millis,
      providers: [
        { name: "p", slots: o.slots, maxQueue: o.maxQueue, outage: o.outage },
        ...(o.fallback ? [{ name: "q", slots: o.slots, maxQueue: o.maxQueue }] : [])
      ]
    }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))
  )
  const wall = performance.now() - t0
  const { from, until } = o.outage
  const [p] = run.providers
  const inside = (a: number, b: number) => (x: { at: number }) => x.at >= a && x.at < b
  const ops = run.operations
  const amp = (a: number, b: number) =>
    (run.providers[0]!.calls.filter(inside(a, b)).length / ops.filter(inside(a, b)).length).toFixed(3)
  const succ = (a: number, b: number) => {
    const x = ops.filter(inside(a, b))
    return (x.filter((o) => o.by !== undefined).length / x.length).toFixed(4)
  }
  const prompt = (op: Fleet.Operation) => op.by !== undefined && op.endedAt! - op.at <= 10_000
  let rec = -1
  for (let s = Math.floor((o.millis - 5000) / 1000); s >= until / 1000; s--) {
    const x = ops.filter(inside(s * 1000, s * 1000 + 5000))
    if (x.filter(prompt).length / x.length < 0.99) break
    rec = s - until / 1000
  }
  const probes = p!.calls.filter((c) => c.isProbe).map((c) => c.at)
  const probesIn = probes.filter((t) => t >= from && t < until)
  const perSec = new Map<number, number>()
  for (const c of p!.calls)
    if (c.at >= until) perSec.set(Math.floor(c.at / 1000), (perSec.get(Math.floor(c.at / 1000)) ?? 0) + 1)
  const errs: Record<string, number> = {}
  for (const op of ops) if (op.error) errs[op.error] = (errs[op.error] ?? 0) + 1
  let worst10 = 0
  for (let s = from; s < until; s += 10000) worst10 = Math.max(worst10, Number(amp(s, Math.min(until, s + 10000))))
  console.log(guard.name, o.outage.kind, {
    wall: Math.round(wall),
    ops: ops.length,
    calls: p!.calls.length,
    ampDuring: amp(from, until),
    worst10,
    ampAfter: amp(until, o.millis),
    probes: probesIn.length,
    max100: maxIn(probesIn, 100),
    max100all: maxIn(probes, 100),
    max1s: maxIn(probesIn, 1000),
    recovery: rec,
    succ: succ(0, o.millis),
    succDuring: succ(from, until),
    succAfter: succ(until, o.millis),
    peakAfter: Math.max(...perSec.values()),
    maxQ: p!.calls.filter((c) => c.at >= until).reduce((m, c) => Math.max(m, c.waiting), 0),
    refused: p!.calls.filter((c) => c.isRefused).length,
    abandoned: p!.calls.filter((c) => c.isAbandoned).length,
    errs,
    pending: ops.filter((o) => o.endedAt === undefined).length,
    other: run.providers[1]?.calls.length
  })
  return run
}
if (import.meta.main) {
  const S = 1000
  const base = { perSecond: 1, slots: 75, maxQueue: 75 * 40 }
  const args = process.argv.slice(2)
  const kinds = (args[0] ?? "down,hung").split(",") as Array<Provider.Outage["kind"]>
  for (const kind of kinds)
    for (const [g, until, after] of [
      [Guards.standard, 210, 150],
      [Guards.interactive, 90, 60],
      [Guards.cockatiel(10_000), 90, 60],
      [Guards.cockatiel(60_000), 210, 150],
      [Guards.naive, 90, 60]
    ] as const) {
      await go(g, { ...base, outage: { kind, from: 30 * S, until: until * S }, millis: (until + after) * S })
    }
}
