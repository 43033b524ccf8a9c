import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import * as BreakerState from "../../src/internal/BreakerState.ts"
import { Circuit, type Mode, voidPermit } from "../../src/internal/Circuit.ts"
import * as SlidingWindow from "../../src/internal/SlidingWindow.ts"

const settings: BreakerState.Settings = {
  consecutiveFailures: 2,
  rate: 0,
  slowRate: 0,
  minimumCalls: 4,
  openMillis: (nth) => 30_000 * nth,
  openJitter: 0.5,
  hintMaxMillis: 1_000_000,
  probes: 1,
  probeSuccesses: 1,
  probeMillis: 10_000,
  rampMillis: 0
}

const window = () => SlidingWindow.make({ _tag: "Time", windowMillis: 10_000, slices: 10 })

/** A circuit, its clock and its chance, moved by hand; what it told its listener is written down. */
class Bench {
  now = 1_000_000
  random = 0
  draws = 0
  settings: BreakerState.Settings
  readonly told: Array<string> = []
  readonly circuit: Circuit
  constructor(overrides: Partial<BreakerState.Settings> = {}) {
    this.settings = { ...settings, ...overrides }
    this.circuit = new Circuit({
      key: "acme/anvil",
      state: BreakerState.initial,
      settings: this.settings,
      window: window(),
      isProvisional: false,
      now: this.now,
      listener: (circuit, before, after) => {
        const because = after._tag === "HalfOpen" ? "" : `: ${circuit.because}`
        this.told.push(`${before._tag} ${after._tag}${because}`)
      }
    })
  }
  pass(millis: number): this {
    this.now += millis
    return this
  }
  admit(): number | undefined {
    return this.circuit.admit(this.now, this.settings)
  }
  settle(permit: number | undefined, outcome: BreakerState.Outcome, isSlow = false, hintMillis = 0): this {
    if (permit === undefined) return assert.fail("a call that was never admitted cannot end")
    const chance = {
      nextDoubleUnsafe: () => {
        this.draws += 1
        return this.random
      }
    }
    this.circuit.settle(permit, outcome, isSlow, outcome, hintMillis, chance, this.now, this.settings)
    return this
  }
  call(outcome: BreakerState.Outcome, isSlow = false): this {
    return this.settle(this.admit(), outcome, isSlow)
  }
  open(): this {
    return this.call("failure").call("failure")
  }
  hold(mode: Mode, reason = "maintenance"): () => boolean {
    return this.circuit.hold({ mode, reason, since: this.now })
  }
  refuse() {
    return this.circuit.refuse("acme/anvil", this.now, this.settings)
  }
  get wait(): number {
    return this.circuit.waitMillis(this.now, this.settings)
  }
  get state(): BreakerState.State["_tag"] {
    return this.circuit.state._tag
  }
}

describe("a circuit that nobody holds", () => {
  it("tells of every change of state once, with the result that caused it", () => {
    const bench = new Bench().open().pass(29_999)
    assert.isUndefined(bench.admit())
    bench.pass(1).call("failure").pass(60_000).call("success")
    assert.deepStrictEqual(bench.told, [
      "Closed Open: failure",
      "Open HalfOpen",
      "HalfOpen Open: failure",
      "Open HalfOpen",
      "HalfOpen Closed: success"
    ])
  })

  it("tells of no change when only a count or a further probe has changed", () => {
    const bench = new Bench({ probes: 3, probeSuccesses: 3 }).open().pass(30_000)
    bench.told.length = 0
    bench.call("success").call("neutral").call("success")
    assert.deepStrictEqual(bench.told, ["Open HalfOpen"])
  })

  it("takes chance only when it may open by it", () => {
    const bench = new Bench()
    bench.call("success").call("neutral")
    assert.strictEqual(bench.draws, 0)
    bench.random = 0.5
    bench.open()
    assert.strictEqual(bench.wait, 22_500)
  })

  it("keeps a provider's wait though chance is zero", () => {
    const bench = new Bench().call("failure")
    bench.settle(bench.admit(), "failure", false, 90_000)
    assert.strictEqual(bench.wait, 90_000)
  })

  it("counts whom it refuses, whether they asked or only looked", () => {
    const bench = new Bench().open()
    bench.admit()
    bench.refuse()
    assert.strictEqual(bench.circuit.refused, 2)
    assert.strictEqual(bench.state, "Open")
  })

  it("lets those go through a ramp who only look first: each of them counts", () => {
    const bench = new Bench({ rampMillis: 100_000 }).open().pass(30_000).call("success")
    let through = 0
    for (let n = 0; n < 1000; n++) {
      if (bench.wait === 0) {
        assert.isDefined(bench.admit())
        through += 1
      } else bench.refuse()
    }
    assert.strictEqual(through, 100)
    assert.strictEqual(bench.circuit.refused, 900)
  })
})

describe("a refusal", () => {
  it("says how long, for which lane and by which circuit", () => {
    const bench = new Bench().open().pass(10_000)
    const refusal = bench.circuit.refusal("acme/hammer", bench.now, bench.settings)
    assert.deepInclude(refusal, { _tag: "CircuitOpen", lane: "acme/hammer", circuit: "acme/anvil" })
    assert.strictEqual(refusal.retryAfter && Duration.toMillis(refusal.retryAfter), 20_000)
    assert.isUndefined(refusal.held)
  })

  it("is one value for all who ask in the same millisecond, and another for any other", () => {
    const bench = new Bench().open()
    const refusal = bench.refuse()
    assert.strictEqual(bench.refuse(), refusal)
    assert.strictEqual(bench.circuit.refusal("acme/hammer", bench.now, bench.settings).lane, "acme/hammer")
    const later = bench.pass(1).refuse()
    assert.strictEqual(later.retryAfter && Duration.toMillis(later.retryAfter), 29_999)
  })

  it("is not what it was before somebody held the circuit, let go of it, or the clock was set back", () => {
    const bench = new Bench()
    const early = bench.admit()
    const own = bench.open().refuse()
    const release = bench.hold("force-open")
    assert.isUndefined(bench.refuse().retryAfter)
    release()
    assert.deepInclude(bench.refuse(), { held: undefined, retryAfter: own.retryAfter })
    bench.pass(-5_000).settle(early, "success").pass(5_000)
    const { retryAfter } = bench.refuse()
    assert.strictEqual(retryAfter && Duration.toMillis(retryAfter), 25_000)
  })

  it("is not what it was before a probe reported in the same millisecond", () => {
    const bench = new Bench().open().pass(30_000)
    const probe = bench.admit()
    const waitOf = () => {
      const { retryAfter } = bench.refuse()
      return retryAfter && Duration.toMillis(retryAfter)
    }
    assert.strictEqual(waitOf(), 10_000)
    bench.settle(probe, "failure")
    assert.strictEqual(waitOf(), 60_000)
  })

  it("names the reason of whoever holds it open, and no time: nobody knows it", () => {
    const bench = new Bench()
    bench.hold("force-closed", "not this one")
    const first = bench.hold("force-open", "the bill is unpaid")
    bench.hold("force-open", "and it is Friday")
    assert.strictEqual(bench.refuse().held, "the bill is unpaid")
    first()
    const refusal = bench.refuse()
    assert.strictEqual(refusal.held, "and it is Friday")
    assert.isUndefined(refusal.retryAfter)
    assert.strictEqual(refusal.message, "The circuit acme/anvil is held open: and it is Friday")
  })
})

describe("holds", () => {
  it("add up: the circuit is free when the last of them is gone", () => {
    const bench = new Bench()
    const [first, second] = [bench.hold("force-open"), bench.hold("force-open")]
    assert.isTrue(first())
    assert.isUndefined(bench.admit())
    assert.isTrue(second())
    assert.isDefined(bench.admit())
  })

  it("can be taken away once: the second time takes no other with it (behaviour 25)", () => {
    const bench = new Bench()
    const [first, second] = [bench.hold("force-open", "same words"), bench.hold("force-open", "same words")]
    assert.deepStrictEqual([first(), first(), first()], [true, false, false])
    assert.strictEqual(bench.circuit.holds.length, 1)
    assert.isUndefined(bench.admit())
    assert.deepStrictEqual([second(), first()], [true, false])
    assert.isDefined(bench.admit())
  })

  it.each([
    [["observe", "force-closed", "force-open"], "force-open"],
    [["observe", "force-closed"], "force-closed"],
    [["observe", "observe"], "observe"],
    [["force-open", "observe"], "force-open"],
    [[], undefined]
  ] as const)("%j together mean %s, in whatever order they came", (modes, strongest) => {
    for (const order of [modes, modes.toReversed()]) {
      const bench = new Bench()
      for (const mode of order) bench.hold(mode)
      assert.strictEqual(bench.circuit.mode, strongest)
    }
  })
})

describe("a circuit that is forced open", () => {
  it("refuses everything for as long as it is held, and has no wait to name", () => {
    const bench = new Bench()
    const release = bench.hold("force-open")
    assert.strictEqual(bench.wait, Number.POSITIVE_INFINITY)
    assert.isUndefined(bench.pass(1e9).admit())
    assert.strictEqual(bench.circuit.ownWaitMillis(bench.now), 0)
    release()
    assert.strictEqual(bench.wait, 0)
  })

  it("learns from calls that were under way, and stays held whatever they say (behaviour 24)", () => {
    const bench = new Bench()
    const permits = [bench.admit(), bench.admit(), bench.admit()]
    const release = bench.hold("force-open")
    bench.settle(permits[0], "success")
    assert.isUndefined(bench.admit())
    bench.settle(permits[1], "failure").settle(permits[2], "failure")
    assert.strictEqual(bench.state, "Open")
    release()
    assert.strictEqual(bench.wait, 30_000)
  })

  it("saves nothing up for a ramp", () => {
    const bench = new Bench({ rampMillis: 100_000 }).open().pass(30_000).call("success")
    const release = bench.hold("force-open")
    for (let n = 0; n < 1000; n++) bench.refuse()
    for (let n = 0; n < 1000; n++) bench.admit()
    release()
    const through = Array.from({ length: 100 }, () => bench.admit()).filter((permit) => permit !== undefined)
    assert.strictEqual(through.length, 10)
  })
})

describe("a circuit that is forced closed", () => {
  it("admits everything and learns nothing", () => {
    const bench = new Bench().open()
    const release = bench.hold("force-closed")
    assert.strictEqual(bench.wait, 0)
    for (let n = 0; n < 10; n++) bench.settle(bench.admit(), "failure")
    bench.settle(bench.admit(), "trip").settle(bench.admit(), "success")
    assert.deepStrictEqual([bench.admit(), bench.state, bench.circuit.state.failures], [voidPermit, "Open", 2])
    release()
    assert.strictEqual(bench.wait, 30_000)
  })

  it("learns nothing from calls of before either, but a probe of before gives its slot back", () => {
    const bench = new Bench().open().pass(30_000)
    const probe = bench.admit()
    const release = bench.hold("force-closed")
    bench.settle(probe, "failure")
    assert.strictEqual(bench.state, "HalfOpen")
    release()
    assert.strictEqual(bench.wait, 0)
    assert.strictEqual(bench.call("success").state, "Closed")
  })

  it("has forgotten nothing afterwards: a call of before that ends then counts", () => {
    const bench = new Bench().call("failure")
    const early = bench.admit()
    const release = bench.hold("force-closed")
    bench.call("success")
    release()
    assert.strictEqual(bench.settle(early, "failure").state, "Open")
  })
})

describe("a circuit that is only observed", () => {
  it("refuses nothing, and tells once that it would have opened (behaviour 26)", () => {
    const bench = new Bench()
    bench.hold("observe")
    for (let n = 0; n < 20; n++) bench.call("failure")
    assert.deepStrictEqual(bench.told, ["Closed Open: failure"])
    assert.strictEqual(bench.wait, 0)
    assert.strictEqual(bench.circuit.refused, 0)
    assert.strictEqual(bench.circuit.ownWaitMillis(bench.now), 30_000)
  })

  it("probes and closes as it would: whoever would have been refused says nothing to it", () => {
    const bench = new Bench()
    bench.hold("observe")
    bench.open().pass(30_000)
    const [probe, extra] = [bench.admit(), bench.admit()]
    assert.strictEqual(extra, voidPermit)
    bench.settle(extra, "trip")
    assert.strictEqual(bench.state, "HalfOpen")
    assert.strictEqual(bench.settle(probe, "success").state, "Closed")
  })

  it("refuses as soon as nobody observes it any more", () => {
    const bench = new Bench()
    const release = bench.hold("observe")
    bench.open()
    release()
    assert.isUndefined(bench.admit())
  })
})

describe("whoever waits for the next change", () => {
  it.effect("is woken by a change of state, of a probe's slot, or of the holds, and by nothing else", () =>
    Effect.gen(function* () {
      const wakes = Effect.fnUntraced(function* (bench: Bench, act: () => unknown) {
        const fiber = yield* Effect.forkChild(bench.circuit.nextChange(), { startImmediately: true })
        act()
        yield* Effect.yieldNow
        const isWoken = fiber.pollUnsafe() !== undefined
        yield* Fiber.interrupt(fiber)
        return isWoken
      })
      const bench = new Bench()
      assert.isFalse(yield* wakes(bench, () => bench.call("failure")))
      assert.isFalse(yield* wakes(bench, () => bench.call("success")))
      assert.isTrue(yield* wakes(bench, () => bench.open()))
      assert.isFalse(yield* wakes(bench, () => bench.admit()))
      bench.pass(30_000)
      let probe: number | undefined
      assert.isTrue(yield* wakes(bench, () => (probe = bench.admit())))
      assert.isTrue(yield* wakes(bench, () => bench.settle(probe, "neutral")))
      let release = () => true
      assert.isTrue(yield* wakes(bench, () => (release = bench.hold("observe"))))
      assert.isTrue(yield* wakes(bench, () => release()))
      assert.isFalse(yield* wakes(bench, () => release()))
      assert.isTrue(yield* wakes(bench, () => bench.circuit.forgotten()))
    })
  )
})

describe("a clock that is set back", () => {
  it("keeps nobody out for longer: every deadline goes back with it", () => {
    const hour = 3_600_000
    const open = new Bench().open().pass(10_000)
    open.admit()
    assert.strictEqual(open.pass(-hour).wait, 20_000)
    assert.strictEqual(open.circuit.ownWaitMillis(open.now), 20_000)
    assert.isUndefined(open.admit())
    assert.isDefined(open.pass(20_000).admit())

    const halfOpen = new Bench().open().pass(30_000)
    halfOpen.admit()
    assert.strictEqual(halfOpen.pass(-hour).wait, 10_000)

    const ramping = new Bench({ rampMillis: 100_000 }).open().pass(30_000).call("success").pass(50_000)
    ramping.admit()
    ramping.pass(-hour)
    const through = Array.from({ length: 1000 }, () => ramping.admit()).filter((permit) => permit !== undefined)
    assert.approximately(through.length, 550, 1)
  })
})

describe("a circuit that is restored", () => {
  it("is what was written down, and whatever ran before means nothing to it", () => {
    const bench = new Bench()
    const early = bench.admit()
    const until = bench.now + 5_000
    const written: BreakerState.State = {
      _tag: "Open",
      generation: bench.circuit.state.generation + 1,
      failures: 7,
      openings: 3,
      probesIssued: 0,
      reason: "rate",
      until
    }
    bench.circuit.restore(written, bench.now)
    bench.settle(early, "success")
    assert.strictEqual(bench.circuit.state, written)
    assert.deepStrictEqual(bench.told, ["Closed Open: restored"])
    assert.strictEqual(bench.pass(5_000).call("failure").wait, 120_000)
  })
})

describe("whoever waits to be let through", () => {
  it.effect("is not woken because somebody else has gone to probe, but by what that leads to", () =>
    Effect.gen(function* () {
      const woken = (verdict: Fiber.Fiber<void>) => verdict.pollUnsafe() !== undefined
      for (const [outcome, expected] of [
        ["success", true],
        ["failure", true],
        ["neutral", true]
      ] as const) {
        const bench = new Bench()
        bench.open()
        bench.pass(30_000)
        const verdict = yield* Effect.forkChild(bench.circuit.nextVerdict(), { startImmediately: true })
        const probe = bench.admit()
        yield* Effect.yieldNow
        assert.isFalse(woken(verdict))
        bench.settle(probe, outcome)
        yield* Effect.yieldNow
        assert.strictEqual(woken(verdict), expected)
      }
    })
  )
})
