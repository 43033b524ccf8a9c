import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as BreakerState from "../../src/internal/BreakerState.ts"
import { type Advice, Circuit, type Fleet } from "../../src/internal/Circuit.ts"
import { askFirst } from "../../src/internal/Probing.ts"
import * as SlidingWindow from "../../src/internal/SlidingWindow.ts"

const settings: BreakerState.Settings = {
  consecutiveFailures: 2,
  rate: 0,
  slowRate: 0,
  minimumCalls: 4,
  openMillis: (nth) => Math.min(60_000, 30_000 * nth),
  openJitter: 0,
  hintMaxMillis: 1_000_000,
  probes: 1,
  probeSuccesses: 1,
  probeMillis: 10_000,
  rampMillis: 0
}

/** A circuit among others; what they were told is written down. */
class Bench {
  now = 1_000_000
  readonly told: Array<string> = []
  readonly fleet: { current: Fleet | undefined } = {
    current: {
      askLeave: () => Effect.void,
      changed: (circuit, before) => this.told.push(`${before._tag} ${circuit.state._tag}`),
      giveBack: (_circuit, token) => this.told.push(`gives back ${token}`)
    }
  }
  readonly circuit = new Circuit({
    key: "acme/anvil",
    state: BreakerState.initial,
    settings,
    window: SlidingWindow.make({ _tag: "Time", windowMillis: 10_000, slices: 10 }),
    isProvisional: false,
    now: this.now,
    listener: () => {},
    fleet: this.fleet
  })
  pass(millis: number): this {
    this.now += millis
    return this
  }
  admit(): number | undefined {
    return this.circuit.admit(this.now, settings)
  }
  settle(permit: number | undefined, outcome: BreakerState.Outcome): this {
    if (permit === undefined) return assert.fail("a call that was never admitted cannot end")
    this.circuit.settle(permit, outcome, false, outcome, 0, { nextDoubleUnsafe: () => 0 }, this.now, settings)
    return this
  }
  open(): this {
    return this.settle(this.admit(), "failure").settle(this.admit(), "failure")
  }
  advise(advice: Advice): boolean {
    return this.circuit.advise(advice, this.now)
  }
  grant(token = "a"): this {
    this.circuit.granted(token, this.now + 1000)
    return this
  }
  get wait(): number {
    return this.circuit.waitMillis(this.now, settings)
  }
  get state(): BreakerState.State["_tag"] {
    return this.circuit.state._tag
  }
}

const opened = (millis: number, isFresh = true): Advice => ({
  _tag: "Opened",
  by: "b",
  millis,
  isFresh,
  reason: "Timeout"
})
const closed: Advice = { _tag: "Closed", by: "b" }
const released: Advice = { _tag: "Released" }

describe("a circuit that is shared", () => {
  it("asks for nothing while it is closed", () => {
    assert.strictEqual(new Bench().wait, 0)
  })

  it("probes only with leave, and gives it back after it has told what the probe changed", () => {
    const bench = new Bench().open().pass(30_000)
    assert.strictEqual(bench.wait, askFirst)
    assert.isUndefined(bench.admit())
    const probe = bench.grant().admit()
    assert.isTrue(bench.wait > 0)
    bench.told.length = 0
    bench.settle(probe, "success")
    assert.deepStrictEqual(bench.told, ["HalfOpen Closed", "gives back a"])
  })

  it("gives the lease of a probe back that said nothing, and asks again", () => {
    const bench = new Bench().open().pass(30_000).grant()
    bench.settle(bench.admit(), "neutral")
    assert.deepStrictEqual(bench.told.slice(-2), ["Open HalfOpen", "gives back a"])
    assert.strictEqual(bench.wait, askFirst)
  })

  it("refuses while another probes, and wakes those who wait when that is done", () => {
    const bench = new Bench().open().pass(30_000)
    bench.circuit.denied(bench.now, bench.now + 5000)
    assert.strictEqual(bench.wait, 5000)
    assert.isUndefined(bench.admit())
    let woken = 0
    void Effect.runPromise(Effect.map(bench.circuit.nextChange(), () => (woken += 1)))
    bench.advise(released)
    assert.strictEqual(bench.wait, askFirst)
    return Effect.runPromise(Effect.sleep(0)).then(() => assert.strictEqual(woken, 1))
  })

  it("opens by advice, tells nobody that it did, and probes when the time is over", () => {
    const bench = new Bench()
    assert.isTrue(bench.advise(opened(20_000)))
    assert.strictEqual(bench.wait, 20_000)
    assert.deepStrictEqual(bench.told, [])
    bench.pass(20_000)
    assert.strictEqual(bench.wait, askFirst)
  })

  it.prop(
    "stays open by advice no longer than its own settings say, and never for less than it would have",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000_000 })), Schema.Boolean, Schema.Boolean],
    ([millis, isOpen, isFresh]) => {
      const bench = isOpen ? new Bench().open() : new Bench()
      const before = bench.wait
      bench.advise(opened(millis, isFresh))
      assert.strictEqual(bench.wait, Math.max(before, Math.min(millis, 60_000)))
    }
  )

  it("lets its own recovery outrank another's probe that failed, but not a new opening", () => {
    const bench = new Bench().open().pass(30_000).grant()
    bench.settle(bench.admit(), "success")
    assert.isFalse(bench.advise(opened(20_000, false)))
    assert.strictEqual(bench.state, "Closed")
    assert.isTrue(bench.advise(opened(20_000)))
  })

  it("does not close by advice: it lets one call see for itself, without leave", () => {
    const bench = new Bench().open()
    assert.isTrue(bench.advise(closed))
    assert.strictEqual(bench.state, "Open")
    assert.strictEqual(bench.wait, 0)
    const probe = bench.admit()
    assert.isUndefined(bench.admit())
    bench.settle(probe, "success")
    assert.strictEqual(bench.state, "Closed")
  })

  it("lets its own probe decide, whatever others say meanwhile", () => {
    const bench = new Bench().open().pass(30_000).grant()
    const probe = bench.admit()
    assert.isFalse(bench.advise(opened(50_000)))
    bench.settle(probe, "success")
    assert.strictEqual(bench.state, "Closed")
  })

  it.each(["force-open", "force-closed"] as const)("is not changed by advice while a person holds it %s", (mode) => {
    const bench = new Bench()
    const release = bench.circuit.hold({ mode, reason: "maintenance", since: bench.now })
    assert.isFalse(bench.advise(opened(20_000)))
    release()
    assert.strictEqual(bench.state, "Closed")
  })

  it("probes by itself again once nothing is shared any more", () => {
    const bench = new Bench().open().pass(30_000)
    bench.fleet.current = undefined
    assert.strictEqual(bench.wait, 0)
  })
})
