import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import * as breakerSettings from "../../src/internal/breakerSettings.ts"
import type { Circuit } from "../../src/internal/Circuit.ts"
import { Circuits } from "../../src/internal/Circuits.ts"
import * as SlidingWindow from "../../src/internal/SlidingWindow.ts"

const settings: breakerSettings.Settings = { ...breakerSettings.defaults, consecutiveFailures: 2, openJitter: 0 }
const machine = breakerSettings.machine(settings)
const hour = 3_600_000
const chance = { nextDoubleUnsafe: () => 0 }

const make = (max = 10) => new Circuits({ max, idleMillis: hour, listener: () => {} })
const keys = (circuits: Circuits, now: number) => circuits.all(now).map(({ key }) => key)
const fail = (circuit: Circuit, now: number, permit = circuit.admit(now, machine)) => {
  if (permit === undefined) return assert.fail("it was refused")
  circuit.settle(permit, "failure", false, "failure", 0, chance, now, machine)
}
const open = (circuit: Circuit, now: number) => {
  fail(circuit, now)
  fail(circuit, now)
}

describe("circuits that nobody asks for", () => {
  it("are forgotten after their time, and not before", () => {
    const circuits = make()
    fail(circuits.use("a", settings, 0), 0)
    assert.strictEqual(circuits.known("a", hour - 1)?.state.failures, 1)
    assert.isUndefined(circuits.known("a", hour))
    assert.strictEqual(circuits.use("a", settings, hour).state.failures, 0)
  })

  it("are not forgotten while somebody asks or reports", () => {
    const circuits = make()
    const circuit = circuits.use("a", settings, 0)
    const permit = circuit.admit(0, machine)
    fail(circuit, hour - 1)
    fail(circuit, 2 * hour - 2, permit)
    assert.strictEqual(circuits.use("a", settings, 3 * hour - 3), circuit)
    assert.strictEqual(circuit.state._tag, "Open")
  })

  it("are no longer listed, though nobody new has come", () => {
    const circuits = make()
    circuits.use("b", settings, 0)
    circuits.use("a", settings, 1)
    assert.deepStrictEqual(keys(circuits, hour - 1), ["a", "b"])
    assert.deepStrictEqual(keys(circuits, hour), ["a"])
    assert.deepStrictEqual(keys(circuits, hour + 1), [])
  })

  it("make room for new ones without being listed: memory does not grow with keys that come and go", () => {
    const circuits = make(1_000_000)
    for (let n = 0; n < 10_000; n++) circuits.use(`user ${n}`, settings, n * 10_000)
    assert.isAtMost([...Array(10_000).keys()].filter((n) => circuits.get(`user ${n}`) !== undefined).length, 720)
  })

  it("stay when they are open, half-open, held, or a lane's own", () => {
    const circuits = make()
    open(circuits.use("open", settings, 0), 0)
    const halfOpen = circuits.use("half-open", settings, 0)
    open(halfOpen, 0)
    halfOpen.admit(60_000, machine)
    const held = circuits.name("held", 0)
    const release = held.hold({ mode: "observe", reason: "a test", since: 0 })
    circuits.use("pinned", settings, 0).pinned = true
    circuits.use("idle", settings, 0)
    assert.deepStrictEqual(keys(circuits, 100 * hour), ["half-open", "held", "open", "pinned"])
    release()
    assert.deepStrictEqual(keys(circuits, 100 * hour), ["half-open", "open", "pinned"])
  })
})

describe("more circuits than there may be", () => {
  it("cost those that were used longest ago", () => {
    const circuits = make(3)
    for (const [now, key] of ["a", "b", "c"].entries()) fail(circuits.use(key, settings, now), now)
    fail(circuits.use("a", settings, 3), 3)
    circuits.use("d", settings, 4)
    assert.deepStrictEqual(keys(circuits, 5), ["a", "c", "d"])
    assert.strictEqual(circuits.known("a", 5)?.state._tag, "Open")
  })

  it("cost none that says something, even if there are too many then", () => {
    const circuits = make(2)
    for (const key of ["a", "b", "c"]) open(circuits.use(key, settings, 0), 0)
    circuits.use("d", settings, 1)
    circuits.use("e", settings, 2)
    assert.deepStrictEqual(keys(circuits, 3), ["a", "b", "c", "e"])
  })

  it("are never more than there may be, whoever comes", () => {
    const circuits = make(100)
    for (let n = 0; n < 1_000; n++) {
      circuits.use(`user ${n}`, settings, n)
      assert.isAtMost(keys(circuits, n).length, 100)
    }
    assert.isAtLeast(keys(circuits, 1_000).length, 93, "room is made for a few, not for many")
  })
})

describe("a call that outlives its circuit", () => {
  it.each(["forgotten as idle", "forgotten for room"])(
    "means nothing to the one that bears the name next, %s",
    (why) => {
      const circuits = make(why === "forgotten as idle" ? 10 : 1)
      const circuit = circuits.use("a", settings, 0)
      const permit = circuit.admit(0, machine)
      open(circuit, 0)
      const probe = circuit.admit(60_000, machine)
      circuit.settle(probe ?? 0, "success", false, "success", 0, chance, 60_000, machine)
      const second = circuit.admit(60_000, machine)
      if (why === "forgotten for room") circuits.use("b", settings, 60_001)
      // Nobody sweeps after that: it is found to be due only when it is asked for.
      else assert.deepStrictEqual(keys(circuits, hour + 59_999), ["a"])
      const now = hour + 60_000
      const heir = circuits.use("a", settings, now)
      assert.notStrictEqual(heir, circuit)
      const fresh = heir.state
      for (const late of [permit, probe, second]) fail(heir, now, late)
      assert.strictEqual(heir.state, fresh)
      open(heir, now)
      heir.admit(now + 60_000, machine)
      const probing = heir.state
      for (const late of [permit, probe, second]) fail(heir, now + 60_000, late)
      assert.strictEqual(heir.state, probing)
    }
  )

  it.effect("is not waited for: whoever waits for a change of a circuit is woken when it is forgotten", () =>
    Effect.gen(function* () {
      const circuits = make(1)
      const waiting = yield* Effect.forkChild(circuits.name("a", 0).nextChange(), { startImmediately: true })
      circuits.use("b", settings, 1)
      yield* Fiber.join(waiting)
    })
  )

  it("still counts while its circuit is only due to be forgotten", () => {
    const circuits = make()
    const permit = circuits.use("a", settings, 0).admit(0, machine)
    const circuit = circuits.get("a") ?? assert.fail("it is gone though nobody has looked")
    fail(circuit, 5 * hour, permit)
    assert.strictEqual(circuits.known("a", 5 * hour)?.state.failures, 1)
  })
})

describe("a circuit that was named before it was used", () => {
  const lastFour: breakerSettings.Settings = { ...settings, windowCalls: 4, minimumCalls: 4 }

  it("takes its window and settings from whoever uses it first, and keeps its holds", () => {
    const circuits = make()
    const named = circuits.name("a", 0)
    named.hold({ mode: "observe", reason: "a test", since: 0 })
    const used = circuits.use("a", lastFour, 1)
    assert.strictEqual(used, named)
    assert.strictEqual(used.window._tag, "Count")
    assert.strictEqual(used.settings, breakerSettings.machine(lastFour))
    assert.strictEqual(used.mode, "observe")
  })

  it("keeps what it has learned when somebody with other settings comes later", () => {
    const circuits = make()
    const circuit = circuits.use("a", lastFour, 0)
    fail(circuit, 0)
    circuits.use("a", settings, 1)
    circuits.name("a", 1)
    assert.deepStrictEqual(SlidingWindow.rates(circuit.window, 1), { calls: 1, failures: 1, slow: 0 })
    assert.strictEqual(circuit.window._tag, "Count")
  })
})

describe("settings in the machine's units", () => {
  it("are worked out once per value, and a policy that is rebuilt per call finds the same circuit", () => {
    assert.strictEqual(breakerSettings.machine(settings), machine)
    const circuits = make()
    const rebuilt = () => ({ ...settings })
    const first = circuits.use("a", rebuilt(), 0)
    const [one, two] = [rebuilt(), rebuilt()]
    for (const each of [one, two]) {
      const permit = circuits.use("a", each, 0).admit(0, breakerSettings.machine(each))
      first.settle(permit ?? 0, "failure", false, "failure", 0, chance, 0, breakerSettings.machine(each))
    }
    assert.strictEqual(first.state._tag, "Open")
  })

  it("grow the open time to its ceiling, however slowly, and never beyond a number", () => {
    const times = (changes: Partial<breakerSettings.Settings>, ...nth: ReadonlyArray<number>) =>
      nth.map(breakerSettings.machine({ ...settings, ...changes }).openMillis)
    assert.deepStrictEqual(times({}, 1, 2, 3), [60_000, 120_000, 120_000])
    assert.deepStrictEqual(times({ openGrowth: 1 }, 1, 2, 1_000), [60_000, 60_000, 60_000])
    const slowly = { openGrowth: 1.01, openMax: Duration.hours(1) }
    assert.approximately(times(slowly, 101)[0] ?? 0, 60_000 * 1.01 ** 100, 1)
    assert.deepStrictEqual(times(slowly, 500, 1_000_000), [hour, hour])
  })

  it("follow a list of open times to its last one", () => {
    const listed = { ...settings, openTimes: [Duration.seconds(1), Duration.seconds(5), Duration.seconds(3)] } as const
    const { openMillis } = breakerSettings.machine(listed)
    assert.deepStrictEqual([1, 2, 3, 4, 99].map(openMillis), [1_000, 5_000, 3_000, 3_000, 3_000])
  })
})
