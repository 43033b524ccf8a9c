import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as BreakerState from "../../src/internal/BreakerState.ts"

const settings: BreakerState.Settings = {
  consecutiveFailures: 3,
  openMillis: 60_000,
  openGrowth: 2,
  openMaxMillis: 200_000,
  openJitter: 0,
  probeMillis: 10_000
}

/** A circuit and its clock, moved by hand. */
class Circuit {
  state: BreakerState.State = BreakerState.initial
  now = 0
  readonly settings: BreakerState.Settings
  constructor(overrides: Partial<BreakerState.Settings> = {}) {
    this.settings = { ...settings, ...overrides }
  }
  pass(millis: number): this {
    this.now += millis
    return this
  }
  admit(): number | undefined {
    const [generation, next] = BreakerState.admit(this.state, this.now, this.settings)
    this.state = next
    return generation
  }
  settle(generation: number | undefined, outcome: BreakerState.Outcome, hintMillis = 0, random = 0): this {
    if (generation === undefined) return assert.fail("a call that was never admitted cannot end")
    const settlement = { generation, outcome, hintMillis, random }
    this.state = BreakerState.settle(this.state, settlement, this.now, this.settings)
    return this
  }
  /** One call that is admitted and ends at once. */
  call(outcome: BreakerState.Outcome, hintMillis = 0, random = 0): this {
    return this.settle(this.admit(), outcome, hintMillis, random)
  }
  calls(...outcomes: ReadonlyArray<BreakerState.Outcome>): this {
    for (const outcome of outcomes) this.call(outcome)
    return this
  }
  get wait(): number {
    return BreakerState.waitMillis(this.state, this.now)
  }
}

const opened = (overrides: Partial<BreakerState.Settings> = {}) =>
  new Circuit(overrides).calls("failure", "failure", "failure")

describe("a closed circuit", () => {
  it("opens on as many failures in a row as it is told", () => {
    assert.strictEqual(new Circuit().calls("failure", "failure").state._tag, "Closed")
    assert.strictEqual(opened().state._tag, "Open")
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
    assert.strictEqual(new Circuit().call("trip").state._tag, "Open")
  })

  it("counts calls that ran side by side, however late they end", () => {
    const circuit = new Circuit()
    const running = [circuit.admit(), circuit.admit(), circuit.admit()]
    circuit.pass(3_600_000)
    for (const generation of running) circuit.settle(generation, "failure")
    assert.strictEqual(circuit.state._tag, "Open")
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

  it("lets exactly one of a thousand through when its time comes (behaviour 11)", () => {
    const circuit = opened().pass(60_000)
    const admitted = Array.from({ length: 1000 }, () => circuit.admit()).filter(
      (generation) => generation !== undefined
    )
    assert.strictEqual(admitted.length, 1)
  })

  it("ignores failures of calls that were admitted before it opened: no longer, no second opening (behaviour 23)", () => {
    const circuit = new Circuit()
    const late = [circuit.admit(), circuit.admit()]
    circuit.calls("failure", "failure", "failure")
    const open = circuit.state
    circuit.pass(30_000)
    for (const generation of late) circuit.settle(generation, "failure")
    for (const generation of late) circuit.settle(generation, "trip", 1_000_000)
    assert.strictEqual(circuit.state, open)
  })

  it("stays open longer when the provider says so, never shorter (behaviour 27)", () => {
    const told = (hintMillis: number) => new Circuit().calls("failure", "failure").call("failure", hintMillis).wait
    assert.strictEqual(told(90_000), 90_000)
    assert.strictEqual(told(1_000), 60_000)
    assert.strictEqual(told(900_000), 900_000)
    assert.strictEqual(told(-5), 60_000)
  })
})

describe("a half-open circuit", () => {
  const probing = (overrides: Partial<BreakerState.Settings> = {}) => {
    const circuit = opened(overrides).pass(60_000)
    return { circuit, probe: circuit.admit() }
  }

  it("closes on a good probe and has forgotten the failures", () => {
    const { circuit, probe } = probing()
    circuit.settle(probe, "success")
    assert.strictEqual(circuit.state._tag, "Closed")
    assert.strictEqual(circuit.calls("failure", "failure").state._tag, "Closed")
  })

  it("opens again on a bad probe, each time for longer, up to a ceiling (behaviours 15 and 17)", () => {
    const circuit = opened()
    const waits = [circuit.wait]
    for (let n = 0; n < 4; n++) waits.push(circuit.pass(circuit.wait).call("failure").wait)
    assert.deepStrictEqual(waits, [60_000, 120_000, 200_000, 200_000, 200_000])
  })

  it("begins with the short wait again once it has closed (behaviour 16)", () => {
    const circuit = opened()
    for (let n = 0; n < 3; n++) circuit.pass(circuit.wait).call("failure")
    circuit.pass(circuit.wait).call("success")
    assert.strictEqual(circuit.calls("failure", "failure", "failure").wait, 60_000)
  })

  it("never waits zero, even after thousands of reopenings", () => {
    const circuit = opened({ openMaxMillis: 1_000_000_000, openGrowth: 10 })
    for (let n = 0; n < 3000; n++) circuit.pass(circuit.wait).call("failure")
    assert.strictEqual(circuit.wait, 1_000_000_000)
  })

  it("is not moved by a neutral probe, and gives its slot to the next at once (behaviours 18 and 19)", () => {
    const { circuit, probe } = probing()
    assert.isUndefined(circuit.admit())
    circuit.settle(probe, "neutral")
    assert.strictEqual(circuit.state._tag, "HalfOpen")
    assert.strictEqual(circuit.wait, 0)
    assert.isDefined(circuit.admit())
    assert.isUndefined(circuit.admit())
  })

  it("gives the slot of a probe that never reports to the next caller, and no sooner (behaviour 20)", () => {
    const { circuit } = probing()
    assert.isUndefined(circuit.pass(9_999).admit())
    assert.strictEqual(circuit.wait, 1)
    assert.isDefined(circuit.pass(1).admit())
  })

  it.each(["success", "failure", "neutral", "trip"] as const)(
    "ignores the late %s of a probe that lost its slot (behaviour 20)",
    (outcome) => {
      const { circuit, probe } = probing()
      circuit.pass(10_000).admit()
      const { state } = circuit
      circuit.settle(probe, outcome, 900_000)
      assert.strictEqual(circuit.state, state)
    }
  )

  it.each(["success", "failure", "neutral", "trip"] as const)(
    "ignores the late %s of a call from before it opened (behaviours 21 and 22)",
    (outcome) => {
      const circuit = new Circuit()
      const early = circuit.admit()
      circuit.calls("failure", "failure", "failure").pass(60_000)
      circuit.admit()
      const { state } = circuit
      circuit.settle(early, outcome, 900_000)
      assert.strictEqual(circuit.state, state)
    }
  )

  it("ignores in its next life what was admitted in an earlier one", () => {
    const { circuit, probe } = probing()
    circuit.settle(probe, "success").call("failure")
    const { state } = circuit
    circuit.settle(probe, "failure").settle(probe, "success")
    assert.strictEqual(circuit.state, state)
  })
})

describe("any sequence of calls, results and pauses", () => {
  const Command = Schema.Union([
    Schema.TaggedStruct("Admit", {}),
    Schema.TaggedStruct("Settle", {
      which: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 })),
      outcome: Schema.Literals(["success", "failure", "neutral", "trip"]),
      hintMillis: Schema.Literals([0, 0, 1_000, 90_000, 500_000]),
      random: Schema.Literals([0, 0.25, 0.999])
    }),
    // A pause of so long, or to just before or just after the instant at which a call may go.
    Schema.TaggedStruct("Pass", { millis: Schema.Literals([1, 700, 9_999, 60_000, "almost", "there"]) })
  ])
  const Setting = Schema.Struct({
    consecutiveFailures: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
    openGrowth: Schema.Literals([1, 2, 10]),
    openJitter: Schema.Literals([0, 0.2, 1])
  })
  const scripts = Arbitrary.all({
    setting: Arbitrary.schema(Setting),
    commands: Arbitrary.array(Arbitrary.schema(Command), { maxLength: 120 })
  })

  interface Permit {
    readonly generation: number
    /** Whether its result may still change anything: it belongs to the present state and has not reported. */
    valid: boolean
    readonly probe: boolean
    readonly leaseUntil: number
  }

  it.prop(
    "keeps every promise of the machine",
    [scripts],
    ([{ setting, commands }]) => {
      const circuit = new Circuit(setting)
      let permits: Array<Permit> = []
      let openings = 0
      for (const command of commands) {
        const before = circuit.state
        switch (command._tag) {
          case "Pass": {
            const { wait } = circuit
            circuit.pass(
              command.millis === "there" ? wait : command.millis === "almost" ? Math.max(0, wait - 1) : command.millis
            )
            assert.strictEqual(circuit.state, before, "time alone changes nothing")
            break
          }
          case "Admit": {
            const { wait } = circuit
            const generation = circuit.admit()
            assert.strictEqual(generation !== undefined, wait === 0, "the wait says whether a call may go")
            if (generation === undefined) {
              assert.strictEqual(circuit.state, before, "a refusal changes nothing")
              break
            }
            const probe = circuit.state._tag === "HalfOpen"
            if (probe) {
              const others = permits.filter((permit) => permit.valid && permit.probe && permit.leaseUntil > circuit.now)
              assert.strictEqual(others.length, 0, "one probe at a time")
              for (const permit of permits) permit.valid = false
            }
            permits.push({ generation, valid: true, probe, leaseUntil: circuit.now + settings.probeMillis })
            break
          }
          case "Settle": {
            const permit = permits[command.which % Math.max(1, permits.length)]
            if (permit === undefined) break
            const { valid } = permit
            circuit.settle(permit.generation, command.outcome, command.hintMillis, command.random)
            permit.valid = false
            const after = circuit.state
            if (!valid && permit.probe) {
              // A probe that has reported has no second word, unless it was neutral and nobody has taken its slot.
              if (before._tag !== "HalfOpen" || before.leaseUntil > circuit.now) {
                assert.strictEqual(after, before, "a late result changes nothing")
              }
            } else if (!valid && before._tag !== "Closed") {
              assert.strictEqual(after, before, "a late result changes nothing")
            }
            if (after._tag === before._tag) break
            for (const other of permits) other.valid = false
            permits = permits.slice(-8)
            if (after._tag !== "Open") {
              assert.strictEqual(after._tag, "Closed")
              assert.strictEqual(command.outcome, "success", "only a success closes")
              assert.strictEqual(before._tag, "HalfOpen", "only a probe closes")
              openings = 0
              break
            }
            assert.isTrue(command.outcome === "failure" || command.outcome === "trip", "only trouble opens")
            openings += 1
            const grown = Math.min(settings.openMaxMillis, settings.openMillis * setting.openGrowth ** (openings - 1))
            const length = after.until - circuit.now
            assert.isTrue(length >= command.hintMillis, "a hint is never shortened")
            assert.isTrue(length >= grown * (1 - setting.openJitter), "chance takes off no more than it may")
            assert.isTrue(length <= Math.max(grown, command.hintMillis), "nothing but a hint makes it longer")
            assert.isTrue(length > 0, "an open time is never zero")
            if (before._tag === "Closed" && command.outcome === "failure") {
              assert.strictEqual(after.failures, setting.consecutiveFailures, "neither sooner nor later")
            }
            break
          }
        }
        const { state } = circuit
        assert.isTrue(state.generation >= before.generation, "generations only grow")
        if (before._tag === "Open" && state._tag === "Open") {
          assert.strictEqual(state.until, before.until, "the deadline of an open circuit stands")
        }
        // From wherever it is, a circuit can be probed and closed.
        const rescued = new Circuit(setting)
        rescued.state = state
        rescued.now = circuit.now
        rescued.pass(rescued.wait).call("success")
        assert.deepStrictEqual(
          { tag: rescued.state._tag, failures: rescued.state.failures },
          { tag: "Closed", failures: 0 }
        )
      }
    },
    { arbitrary: { runs: 1500, size: 60 } }
  )
})
