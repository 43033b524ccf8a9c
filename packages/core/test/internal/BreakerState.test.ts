import { assert, describe, it } from "@effect/vitest"
import * as BreakerState from "../../src/internal/BreakerState.ts"
import * as Runs from "../../src/internal/Runs.ts"
import * as SlidingWindow from "../../src/internal/SlidingWindow.ts"

const settings: BreakerState.Settings = {
  consecutiveFailures: 3,
  rate: 0,
  slowRate: 0,
  minimumCalls: 4,
  openMillis: (nth) => Math.min(200_000, 60_000 * 2 ** (nth - 1)),
  openJitter: 0,
  hintMaxMillis: 1_000_000,
  probes: 1,
  probeSuccesses: 1,
  probeMillis: 10_000,
  rampMillis: 0
}

const tenSeconds: SlidingWindow.Settings = { _tag: "Time", windowMillis: 10_000, slices: 10 }

interface End {
  readonly isSlow?: boolean
  readonly hintMillis?: number
  readonly random?: number
}

/** A circuit and its clock, moved by hand. */
class Circuit {
  state: BreakerState.State = BreakerState.initial
  now = 0
  settings: BreakerState.Settings
  readonly window: SlidingWindow.SlidingWindow
  readonly runs = Runs.make()
  constructor(overrides: Partial<BreakerState.Settings> = {}, window = tenSeconds) {
    this.settings = { ...settings, ...overrides }
    this.window = SlidingWindow.make(window)
  }
  pass(millis: number): this {
    this.now += millis
    return this
  }
  admit(): number | undefined {
    if (this.wait > 0) {
      this.state = BreakerState.refuse(this.state, this.now)
      return undefined
    }
    this.state = BreakerState.admit(this.state, this.now, this.settings)
    return BreakerState.permitOf(this.state, this.runs)
  }
  admitAll(callers: number): ReadonlyArray<number> {
    return Array.from({ length: callers }, () => this.admit()).filter((permit) => permit !== undefined)
  }
  settle(permit: number | undefined, outcome: BreakerState.Outcome, end: End = {}): this {
    if (permit === undefined) return assert.fail("a call that was never admitted cannot end")
    const { hintMillis = 0, isSlow = false, random = 0 } = end
    const settlement = { hintMillis, random }
    const { now, settings, state } = this
    this.state = BreakerState.settle(state, this, permit, outcome, isSlow, settlement, now, settings)
    return this
  }
  /** One call that is admitted and ends at once. */
  call(outcome: BreakerState.Outcome, end?: End): this {
    return this.settle(this.admit(), outcome, end)
  }
  calls(...outcomes: ReadonlyArray<BreakerState.Outcome>): this {
    for (const outcome of outcomes) this.call(outcome)
    return this
  }
  get wait(): number {
    return BreakerState.waitMillis(this.state, this.now, this.settings)
  }
  get reason(): BreakerState.Reason {
    return this.state._tag === "Open" ? this.state.reason : assert.fail(`it is ${this.state._tag}`)
  }
}

const opened = (overrides: Partial<BreakerState.Settings> = {}) =>
  new Circuit(overrides).calls("failure", "failure", "failure")

/** A circuit whose open time is over, with so many probes under way. */
const probing = (probes: number, overrides: Partial<BreakerState.Settings> = {}) => {
  const circuit = opened({ probes, probeSuccesses: probes, ...overrides }).pass(60_000)
  return { circuit, permits: circuit.admitAll(probes) }
}

const everyOutcome = ["success", "failure", "neutral", "trip"] as const

describe("a closed circuit", () => {
  it("opens on as many failures in a row as it is told", () => {
    assert.strictEqual(new Circuit().calls("failure", "failure").state._tag, "Closed")
    assert.strictEqual(opened().reason, "consecutive")
  })

  it("begins to count anew after a success (behaviour 1)", () => {
    assert.strictEqual(new Circuit().calls("failure", "failure", "success", "failure", "failure").state._tag, "Closed")
  })

  it("learns nothing from neutral calls: they neither count nor interrupt the count", () => {
    const circuit = new Circuit().calls("failure", "neutral", "failure", "neutral")
    assert.strictEqual(circuit.state.failures, 2)
    assert.strictEqual(circuit.call("failure").state._tag, "Open")
  })

  it("opens at once when it is tripped", () => {
    assert.strictEqual(new Circuit().call("trip").reason, "trip")
  })

  it("counts calls that ran side by side, however late they end", () => {
    const circuit = new Circuit()
    const running = circuit.admitAll(3)
    circuit.pass(3_600_000)
    for (const permit of running) circuit.settle(permit, "failure")
    assert.strictEqual(circuit.state._tag, "Open")
  })

  it("takes failures for a row only where nobody who was sent between them is still under way or was answered", () => {
    const crowd = new Circuit()
    const running = crowd.admitAll(12)
    // The failures of a crowd are here first: one in three of them.
    for (const n of [0, 3, 6, 9]) crowd.settle(running[n], "failure")
    assert.deepStrictEqual([crowd.state._tag, crowd.state.failures], ["Closed", 4])
    crowd.settle(running[4], "neutral").settle(running[1], "failure")
    assert.strictEqual(crowd.state._tag, "Closed")
    assert.strictEqual(crowd.settle(running[5], "failure").reason, "consecutive")
  })

  it("does not go on with a row from before it was open", () => {
    const circuit = opened().pass(60_000).call("success")
    assert.strictEqual(circuit.calls("failure", "failure").state._tag, "Closed")
  })

  it("allocates nothing while all goes well", () => {
    const circuit = new Circuit({ rate: 0.5, slowRate: 0.5 })
    const { state } = circuit
    circuit.calls("success", "neutral", "success")
    assert.strictEqual(circuit.state, state)
  })
})

describe("a closed circuit that watches rates", () => {
  const watching = (overrides: Partial<BreakerState.Settings> = {}, window?: SlidingWindow.Settings) =>
    new Circuit({ consecutiveFailures: 0, rate: 0.5, ...overrides }, window)

  it("opens at the failure rate itself, and says nothing below the minimum of calls (behaviours 2 and 3)", () => {
    const circuit = watching().calls("failure", "failure", "failure")
    assert.strictEqual(circuit.state._tag, "Closed")
    assert.strictEqual(circuit.call("failure").reason, "rate")
    assert.strictEqual(watching().calls("success", "success", "failure", "failure").reason, "rate")
    assert.strictEqual(watching().calls("success", "success", "success", "failure").state._tag, "Closed")
  })

  it("opens for whichever comes first, failures in a row or their rate", () => {
    const either = { consecutiveFailures: 3 }
    assert.strictEqual(watching(either).calls("failure", "failure", "failure").reason, "consecutive")
    assert.strictEqual(watching(either).calls("failure", "success", "success", "failure").reason, "rate")
  })

  it("opens on a longer row where a short one comes by chance, as far as it knows enough calls", () => {
    const rowOf = (failed: number, answered: number, overrides: Partial<BreakerState.Settings> = {}) => {
      const circuit = watching({ consecutiveFailures: 5, rate: 0.9, minimumCalls: 20, ...overrides })
      for (let n = 0; n < Math.max(failed, answered); n++) {
        if (n < failed) circuit.call("failure")
        if (n < answered) circuit.call("success")
      }
      let row = 0
      while (circuit.state._tag === "Closed" && row < 100) {
        circuit.call("failure")
        row += 1
      }
      assert.strictEqual(circuit.reason, "consecutive")
      return row
    }
    // The least n with rate ** n <= 0.1 ** 5.
    assert.deepStrictEqual([rowOf(0, 98), rowOf(9, 89), rowOf(14, 84), rowOf(29, 69), rowOf(49, 49)], [5, 5, 7, 10, 17])
    assert.strictEqual(rowOf(3, 16), 5)
    assert.strictEqual(rowOf(3, 17), 7)
    assert.strictEqual(rowOf(14, 84, { rate: 0 }), 5)
  })

  it("does not take the first results of a crowd for its rate: who is still under way may be answered", () => {
    const crowd = watching()
    const running = crowd.admitAll(10)
    for (const permit of running.slice(0, 4)) crowd.settle(permit, "failure")
    assert.strictEqual(crowd.state._tag, "Closed")
    // Half of those that were sent, of whom nothing is known any more.
    crowd.settle(running[4], "neutral")
    assert.strictEqual(crowd.settle(running[5], "failure").reason, "rate")
    const past = watching()
    past.admitAll(10)
    // Whoever has been under way for longer than the window says nothing about it.
    past.call("success").pass(20_000)
    assert.strictEqual(past.calls("failure", "failure", "failure", "failure").reason, "rate")
  })

  it("never opens for a failure rate by a success, though it completes the minimum", () => {
    const circuit = watching({ slowRate: 1 }).calls("failure", "failure", "failure")
    circuit.call("success", { isSlow: true })
    assert.strictEqual(circuit.state._tag, "Closed")
    assert.strictEqual(circuit.call("failure").reason, "rate")
  })

  it("does not count neutral calls: they do not dilute a rate", () => {
    const circuit = watching().calls("failure", "failure", "failure")
    for (let n = 0; n < 50; n++) circuit.call("neutral", { isSlow: true })
    assert.strictEqual(circuit.call("failure").reason, "rate")
  })

  it("forgets what is older than the window (behaviours 4 to 6)", () => {
    const circuit = watching().calls("failure", "failure", "failure").pass(10_000)
    assert.strictEqual(circuit.calls("failure", "failure", "failure").state._tag, "Closed")
    assert.strictEqual(circuit.pass(1e9).calls("failure", "failure", "failure").state._tag, "Closed")
    assert.strictEqual(circuit.call("failure").state._tag, "Open")
  })

  it("looks at the last calls only, however old, with a window of calls", () => {
    const circuit = watching({}, { _tag: "Count", calls: 4 }).calls("success", "success", "success", "failure")
    assert.strictEqual(circuit.pass(1e9).call("failure").reason, "rate")
    const forgotten = watching({}, { _tag: "Count", calls: 4 }).calls("failure", "success", "success", "success")
    assert.strictEqual(forgotten.call("failure").state._tag, "Closed")
  })

  it("opens for slow calls at their rate, also when all succeed (behaviour 8)", () => {
    const circuit = watching({ rate: 0, slowRate: 0.5 }).calls("success", "success")
    assert.strictEqual(circuit.call("success", { isSlow: true }).state._tag, "Closed")
    circuit.call("success", { isSlow: true })
    assert.strictEqual(circuit.reason, "slow")
  })

  it("counts a slow failure as both, and takes the failure for the reason", () => {
    const circuit = watching({ slowRate: 0.5 }).calls("success", "success")
    circuit.call("failure", { isSlow: true }).call("failure", { isSlow: true })
    assert.strictEqual(circuit.reason, "rate")
    const slow = watching({ rate: 0, slowRate: 0.5 }).calls("failure", "failure")
    assert.strictEqual(slow.call("success", { isSlow: true }).call("failure", { isSlow: true }).reason, "slow")
  })

  it("does not look at slowness where it is not told to", () => {
    const circuit = watching()
    for (let n = 0; n < 50; n++) circuit.call("success", { isSlow: true })
    assert.strictEqual(circuit.state._tag, "Closed")
  })

  it("begins with an empty window when it closes (behaviour 13)", () => {
    const circuit = watching().calls("failure", "failure", "failure", "failure").pass(1)
    assert.strictEqual(circuit.state._tag, "Open")
    circuit.settings = { ...circuit.settings, openMillis: () => 1 }
    circuit.pass(60_000).call("success")
    assert.deepStrictEqual(SlidingWindow.rates(circuit.window, circuit.now), { calls: 0, failures: 0, slow: 0 })
    assert.strictEqual(circuit.calls("failure", "failure", "failure").state._tag, "Closed")
    assert.strictEqual(circuit.call("failure").reason, "rate")
  })
})

describe("an open circuit", () => {
  it("refuses to its last millisecond and says how long, then lets one call through (behaviour 10)", () => {
    const circuit = opened().pass(59_999)
    assert.isUndefined(circuit.admit())
    assert.strictEqual(circuit.wait, 1)
    circuit.pass(1)
    assert.strictEqual(circuit.wait, 0)
    assert.isDefined(circuit.admit())
    assert.strictEqual(circuit.state._tag, "HalfOpen")
  })

  it("lets exactly one of a thousand through when its time comes, or as many as there are probes (behaviour 11)", () => {
    assert.strictEqual(opened().pass(60_000).admitAll(1000).length, 1)
    assert.strictEqual(opened({ probes: 7, probeSuccesses: 4 }).pass(60_000).admitAll(1000).length, 7)
  })

  it("is not moved by refusing", () => {
    const circuit = opened()
    const { state } = circuit
    assert.deepStrictEqual(circuit.admitAll(1000), [])
    assert.strictEqual(circuit.state, state)
  })

  it("ignores failures of calls that were admitted before it opened: no longer, no second opening (behaviour 23)", () => {
    const circuit = new Circuit()
    const late = circuit.admitAll(2)
    circuit.calls("failure", "failure", "failure")
    const open = circuit.state
    circuit.pass(30_000)
    for (const permit of late) circuit.settle(permit, "failure")
    for (const permit of late) circuit.settle(permit, "trip", { hintMillis: 1_000_000 })
    assert.strictEqual(circuit.state, open)
  })

  it("stays open longer when the provider says so, never shorter, and not for ever (behaviour 27)", () => {
    const told = (hintMillis: number) => new Circuit().calls("failure", "failure").call("failure", { hintMillis }).wait
    assert.strictEqual(told(90_000), 90_000)
    assert.strictEqual(told(1_000), 60_000)
    assert.strictEqual(told(900_000), 900_000)
    assert.strictEqual(told(1e12), 1_000_000)
    assert.strictEqual(told(-5), 60_000)
  })

  it("is spread by chance within its bounds, in whole milliseconds and never for no time", () => {
    const spread = (openJitter: number, random: number, millis: number) =>
      new Circuit({ openJitter, openMillis: () => millis }).calls("failure", "failure").call("failure", { random }).wait
    assert.strictEqual(spread(0.2, 0, 60_000), 60_000)
    assert.strictEqual(spread(0.2, 0.5, 60_000), 54_000)
    assert.strictEqual(spread(0.2, 0.999_999, 60_000), 48_001)
    assert.strictEqual(spread(1, 0.999_999_999, 60_000), 1)
    assert.strictEqual(spread(0.5, 0.123_456, 1), 1)
  })

  it("is not shortened below the provider's hint by chance", () => {
    const circuit = new Circuit({ openJitter: 1 }).calls("failure", "failure")
    assert.strictEqual(circuit.call("failure", { random: 0.9, hintMillis: 50_000 }).wait, 50_000)
  })
})

describe("a half-open circuit", () => {
  it("closes on a good probe and has forgotten the failures", () => {
    const { circuit, permits } = probing(1)
    circuit.settle(permits[0], "success")
    assert.strictEqual(circuit.state._tag, "Closed")
    assert.strictEqual(circuit.calls("failure", "failure").state._tag, "Closed")
  })

  it("opens again on a bad probe, each time for longer, up to a ceiling (behaviours 15 and 17)", () => {
    const circuit = opened()
    const waits = [circuit.wait]
    for (let n = 0; n < 4; n++) waits.push(circuit.pass(circuit.wait).call("failure").wait)
    assert.deepStrictEqual(waits, [60_000, 120_000, 200_000, 200_000, 200_000])
    assert.strictEqual(circuit.reason, "probe")
    assert.strictEqual(circuit.state.failures, 7)
  })

  it("begins with the short wait again once it has closed (behaviour 16)", () => {
    const circuit = opened()
    for (let n = 0; n < 3; n++) circuit.pass(circuit.wait).call("failure")
    circuit.pass(circuit.wait).call("success")
    assert.strictEqual(circuit.calls("failure", "failure", "failure").wait, 60_000)
  })

  it("stays open as long as the provider asks on the probe that opens it", () => {
    const { circuit, permits } = probing(1)
    assert.strictEqual(circuit.settle(permits[0], "failure", { hintMillis: 500_000 }).wait, 500_000)
  })

  it("is not moved by a neutral probe, and gives its slot to the next at once (behaviours 18 and 19)", () => {
    const { circuit, permits } = probing(1)
    assert.isUndefined(circuit.admit())
    circuit.settle(permits[0], "neutral")
    assert.strictEqual(circuit.state._tag, "HalfOpen")
    assert.strictEqual(circuit.wait, 0)
    assert.isDefined(circuit.admit())
    assert.isUndefined(circuit.admit())
  })

  it("gives the slot of a probe that never reports to the next caller, and no sooner (behaviour 20)", () => {
    const { circuit } = probing(1)
    assert.isUndefined(circuit.pass(9_999).admit())
    assert.strictEqual(circuit.wait, 1)
    assert.isDefined(circuit.pass(1).admit())
  })

  it("probes on for ever, one lease after the other, while every probe hangs", () => {
    const { circuit } = probing(1)
    for (let n = 0; n < 100; n++) {
      assert.strictEqual(circuit.wait, 10_000)
      assert.strictEqual(circuit.pass(10_000).admitAll(10).length, 1)
    }
    const { state } = circuit
    assert.strictEqual(state._tag === "HalfOpen" && state.leases.length, 1, "leases that are over are not kept")
    assert.strictEqual(circuit.pass(10_000).call("success").state._tag, "Closed")
  })

  it.each(everyOutcome)("ignores the late %s of a probe that lost its slot (behaviour 20)", (outcome) => {
    const { circuit, permits } = probing(1)
    circuit.pass(10_000)
    const lapsed = circuit.state
    circuit.settle(permits[0], outcome, { hintMillis: 900_000 })
    assert.strictEqual(circuit.state, lapsed, "nobody has taken the slot")
    circuit.admit()
    const { state } = circuit
    circuit.settle(permits[0], outcome, { hintMillis: 900_000 })
    assert.strictEqual(circuit.state, state, "somebody has taken the slot")
  })

  it.each(everyOutcome)("ignores the late %s of a call from before it opened (behaviours 21 and 22)", (outcome) => {
    const circuit = new Circuit()
    const early = circuit.admit()
    circuit.calls("failure", "failure", "failure").pass(60_000)
    circuit.admit()
    const { state } = circuit
    circuit.settle(early, outcome, { hintMillis: 900_000 })
    assert.strictEqual(circuit.state, state)
  })

  it.each(everyOutcome)("takes no second word, %s, from a probe that has reported", (outcome) => {
    const { circuit, permits } = probing(4, { probeSuccesses: 3 })
    circuit.settle(permits[0], "success").settle(permits[1], "neutral")
    const { state } = circuit
    circuit.settle(permits[0], outcome).settle(permits[1], outcome)
    assert.strictEqual(circuit.state, state)
  })

  it("ignores in its next life what was admitted in an earlier one", () => {
    const { circuit, permits } = probing(1)
    circuit.settle(permits[0], "success").call("failure")
    const { state } = circuit
    circuit.settle(permits[0], "failure").settle(permits[0], "success")
    assert.strictEqual(circuit.state, state)
    circuit.calls("failure", "failure").pass(60_000).admit()
    const { state: next } = circuit
    circuit.settle(permits[0], "failure").settle(permits[0], "success")
    assert.strictEqual(circuit.state, next)
  })
})

describe("a half-open circuit with several probes", () => {
  it("closes when as many have succeeded as must, and the others no longer matter", () => {
    const { circuit, permits } = probing(4, { probeSuccesses: 2 })
    circuit.settle(permits[0], "success").settle(permits[1], "failure")
    assert.strictEqual(circuit.state._tag, "HalfOpen")
    circuit.settle(permits[2], "success")
    const { state } = circuit
    assert.strictEqual(state._tag, "Closed")
    assert.strictEqual(circuit.settle(permits[3], "failure").state, state)
  })

  it("opens as soon as too many have failed, before the others report (behaviour 14)", () => {
    const { circuit, permits } = probing(4, { probeSuccesses: 3 })
    assert.strictEqual(circuit.settle(permits[0], "failure").state._tag, "HalfOpen")
    circuit.settle(permits[1], "failure")
    assert.strictEqual(circuit.reason, "probe")
    const { state } = circuit
    circuit.settle(permits[2], "success").settle(permits[3], "trip")
    assert.strictEqual(circuit.state, state)
  })

  it("asks for no more results than decide: the slot of one that has reported stays taken", () => {
    const { circuit, permits } = probing(4, { probeSuccesses: 3 })
    circuit.settle(permits[0], "success").settle(permits[1], "failure")
    assert.isUndefined(circuit.admit())
    assert.strictEqual(circuit.wait, 10_000)
  })

  it("replaces only the probes whose lease is over", () => {
    const circuit = opened({ probes: 2, probeSuccesses: 2 }).pass(60_000)
    const first = circuit.admit()
    circuit.pass(4_000)
    const second = circuit.admit()
    assert.strictEqual(circuit.wait, 6_000)
    circuit.pass(6_000)
    assert.strictEqual(circuit.admitAll(5).length, 1)
    assert.strictEqual(circuit.wait, 4_000)
    circuit.settle(first, "failure").settle(second, "success")
    assert.strictEqual(circuit.state._tag, "HalfOpen")
    assert.isUndefined(circuit.admit())
  })

  it("opens at once when one of them trips it", () => {
    const { circuit, permits } = probing(4, { probeSuccesses: 1 })
    assert.strictEqual(circuit.settle(permits[0], "trip").reason, "trip")
  })

  it("lets one call at a time decide when its settings ask for fewer results than are in", () => {
    const { circuit, permits } = probing(4, { probeSuccesses: 3 })
    circuit.settle(permits[0], "success").settle(permits[1], "success")
    circuit.settle(permits[2], "neutral").settle(permits[3], "neutral")
    circuit.settings = { ...circuit.settings, probes: 2, probeSuccesses: 2 }
    assert.strictEqual(circuit.wait, 0)
    const [probe, ...more] = circuit.admitAll(10)
    assert.deepStrictEqual(more, [])
    assert.strictEqual(circuit.settle(probe, "success").state._tag, "Closed")
  })
})

describe("a probe that succeeds slowly", () => {
  it("has not succeeded where slowness opens: the circuit stays open for slowness", () => {
    const { circuit, permits } = probing(1, { slowRate: 0.5 })
    circuit.settle(permits[0], "success", { isSlow: true })
    assert.strictEqual(circuit.reason, "slow")
    assert.strictEqual(circuit.state.failures, 0)
    assert.strictEqual(circuit.wait, 120_000)
  })

  it("leaves it to the others while enough of them can succeed", () => {
    const { circuit, permits } = probing(3, { slowRate: 0.5, probeSuccesses: 2 })
    circuit.settle(permits[0], "success", { isSlow: true })
    assert.strictEqual(circuit.state._tag, "HalfOpen")
    assert.strictEqual(circuit.settle(permits[1], "success").settle(permits[2], "success").state._tag, "Closed")
  })

  it("has succeeded where nobody asks for slowness", () => {
    const { circuit, permits } = probing(1)
    assert.strictEqual(circuit.settle(permits[0], "success", { isSlow: true }).state._tag, "Closed")
  })
})

describe("a circuit that ramps after closing", () => {
  const ramping = (overrides: Partial<BreakerState.Settings> = {}) =>
    opened({ rampMillis: 100_000, ...overrides })
      .pass(60_000)
      .call("success")

  it("lets a tenth through at first, then more and more, then all", () => {
    const circuit = ramping()
    assert.strictEqual(circuit.admitAll(1000).length, 100)
    assert.strictEqual(circuit.pass(50_000).admitAll(1000).length, 550)
    assert.strictEqual(circuit.pass(25_000).admitAll(1000).length, 775)
    assert.strictEqual(circuit.pass(25_000).admitAll(1000).length, 1000)
    assert.strictEqual(circuit.wait, 0)
  })

  it("says that whoever is refused may come back soon, and changes nothing by saying so", () => {
    const circuit = ramping()
    assert.strictEqual(circuit.wait, 0)
    circuit.admit()
    const { state } = circuit
    assert.strictEqual(circuit.wait, 1000)
    circuit.pass(99_999)
    assert.strictEqual(circuit.wait, 1)
    assert.strictEqual(circuit.state, state)
  })

  it("counts on where it was when it opens before the ramp is over", () => {
    const circuit = ramping()
    assert.strictEqual(circuit.call("trip").wait, 120_000)
    circuit.pass(120_000).call("success").pass(99_999)
    assert.strictEqual(circuit.call("trip").wait, 200_000)
  })

  it("begins with the short wait again when the ramp was survived, whether or not a call came after it", () => {
    const running = ramping()
    const late = running.admit()
    running.pass(100_000)
    assert.strictEqual(BreakerState.openingsOf(running.state, running.now), 0)
    assert.strictEqual(running.settle(late, "trip").wait, 60_000)
    const asked = ramping().pass(100_000).call("success")
    assert.strictEqual(asked.state.openings, 0)
    assert.strictEqual(asked.call("trip").wait, 60_000)
  })

  it("learns from those it lets through like any closed circuit", () => {
    const circuit = ramping()
    const permits = circuit.admitAll(30)
    assert.strictEqual(permits.length, 3)
    for (const permit of permits) circuit.settle(permit, "failure")
    assert.strictEqual(circuit.reason, "consecutive")
  })
})

describe("a clock that was set", () => {
  it("changes no wait of a state that is shifted with it", () => {
    const ramped = opened({ rampMillis: 100_000 }).pass(60_000).call("success")
    ramped.admit()
    const { circuit: halfOpen } = probing(2)
    for (const circuit of [new Circuit(), opened().pass(7), halfOpen.pass(7), ramped.pass(7)]) {
      const { wait } = circuit
      circuit.state = BreakerState.shift(circuit.state, -3_600_000)
      circuit.now -= 3_600_000
      assert.strictEqual(circuit.wait, wait)
    }
  })
})

describe("a circuit that bears the name of an earlier one", () => {
  it("shares no permit with it", () => {
    const { circuit, permits } = probing(3)
    const early = circuit.admitAll(0).concat(permits, new Circuit().admitAll(1))
    const heir = new Circuit()
    heir.state = BreakerState.born(BreakerState.epochOf(circuit.state))
    const [permit] = heir.admitAll(1)
    assert.notInclude(early, permit)
    heir.calls("failure", "failure", "failure").pass(60_000)
    assert.notInclude(early, heir.admit())
  })
})
