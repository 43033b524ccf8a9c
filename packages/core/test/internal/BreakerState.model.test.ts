import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Duration, Schema } from "effect"
import * as BreakerState from "../../src/internal/BreakerState.ts"
import * as breakerSettings from "../../src/internal/breakerSettings.ts"
import type { Mode } from "../../src/internal/Circuit.ts"
import { Circuits } from "../../src/internal/Circuits.ts"
import * as Runs from "../../src/internal/Runs.ts"
import * as SlidingWindow from "../../src/internal/SlidingWindow.ts"
import { BreakerModel, type Settings, type Ticket } from "./BreakerModel.ts"

const Which = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 }))
const Hint = Schema.Literals([0, 0, 1_000, 90_000, 500_000])
const Chance = Schema.Literals([0, 0.25, 0.999])

const Command = Schema.Union([
  Schema.TaggedStruct("Admit", { callers: Schema.Literals([1, 2, 4, 12]) }),
  Schema.TaggedStruct("Succeed", { which: Which, isSlow: Schema.Boolean }),
  Schema.TaggedStruct("Fail", { which: Which, isSlow: Schema.Boolean, hintMillis: Hint, random: Chance }),
  Schema.TaggedStruct("Say", {
    which: Which,
    outcome: Schema.Literals(["trip", "throttle", "neutral", "interrupt"]),
    hintMillis: Hint,
    random: Chance
  }),
  // To just before or just after the instant at which a call may go, or by so much.
  Schema.TaggedStruct("Advance", { millis: Schema.Literals(["almost", "there", 1, 700, 9_999, 30_000]) }),
  // Without enough storms and enough patience few circuits would open, and fewer close again.
  Schema.TaggedStruct("Storm", { hintMillis: Hint, random: Chance }),
  Schema.TaggedStruct("Probe", { callers: Schema.Literals([1, 2, 4]) }),
  Schema.TaggedStruct("Recover", { callers: Schema.Literals([1, 2, 4]) }),
  Schema.TaggedStruct("Hold", { mode: Schema.Literals(["force-open", "force-closed", "observe"]) }),
  Schema.TaggedStruct("Release", { which: Which, again: Schema.Literals([false, false, true]) }),
  Schema.TaggedStruct("Free", {}),
  Schema.TaggedStruct("Expire", { idle: Schema.Literals(["almost", "entirely"]) })
])

const Setting = Schema.Struct({
  consecutiveFailures: Schema.Literals([0, 1, 2, 5]),
  rate: Schema.Literals([0, 0.3, 1]),
  slowRate: Schema.Literals([0, 0.5]),
  minimumCalls: Schema.Literals([1, 3]),
  windowCalls: Schema.Literals([0, 4]),
  openGrowth: Schema.Literals([1, 2, 10]),
  openJitter: Schema.Literals([0, 0.2, 1]),
  probes: Schema.Literals([1, 2, 4]),
  probeFailures: Schema.Literals([0, 1, 3]),
  rampMillis: Schema.Literals([0, 40_000])
})

const [openMillis, openMaxMillis, hintMaxMillis] = [60_000, 200_000, 300_000]
const [sliceMillis, slices] = [1_000, 10]
const idleMillis = 3_600_000

/** The same settings for the circuit, as a policy writes them, and for the model. */
const settingsOf = (setting: typeof Setting.Type): [breakerSettings.Settings, Settings] => {
  const { openGrowth, probeFailures, rampMillis, windowCalls, ...same } = setting
  const probeSuccesses = Math.max(1, same.probes - probeFailures)
  const written: breakerSettings.Settings = {
    ...breakerSettings.defaults,
    ...same,
    probeSuccesses,
    openGrowth,
    window: Duration.millis(sliceMillis * slices),
    ...(windowCalls === 0 ? {} : { windowCalls }),
    open: Duration.millis(openMillis),
    openMax: Duration.millis(openMaxMillis),
    hintMax: Duration.millis(hintMaxMillis),
    probeLease: Duration.seconds(10),
    ...(rampMillis === 0 ? {} : { ramp: Duration.millis(rampMillis) })
  }
  return [
    written,
    {
      ...same,
      probeSuccesses,
      rampMillis,
      hintMaxMillis,
      probeMillis: 10_000,
      idleMillis,
      window: windowCalls === 0 ? { sliceMillis, slices } : { calls: windowCalls },
      openMillis: Array.from({ length: 6 }, (_, n) => Math.min(openMaxMillis, openMillis * openGrowth ** n))
    }
  ]
}

const tags = { Closed: "closed", Open: "open", HalfOpen: "half-open" } as const

/** An assertion that costs nothing while it holds: there are millions of them. */
const check = (claim: boolean, otherwise: string): void => {
  if (!claim) assert.fail(`not so: ${otherwise}`)
}

/** A circuit among its circuits and the model of it, moved together. */
class Pair {
  readonly key = "acme/anvil"
  readonly seen: Array<unknown> = []
  readonly settings: breakerSettings.Settings
  readonly machine: BreakerState.Settings
  readonly circuits: Circuits
  model: BreakerModel
  now = 1_770_000_000_000
  /** The newest first. */
  calls: Array<{ readonly permit: number; readonly ticket: Ticket }> = []
  reported: Array<{ readonly permit: number; readonly ticket: Ticket }> = []
  holds: Array<{ readonly mode: Mode; readonly release: () => boolean }> = []
  released: Array<{ readonly mode: Mode; readonly release: () => boolean }> = []

  constructor(setting: typeof Setting.Type) {
    const [written, modelled] = settingsOf(setting)
    this.settings = written
    this.machine = breakerSettings.machine(written)
    this.circuits = new Circuits({
      max: 10,
      idleMillis,
      listener: (_circuit, before, after, now) =>
        this.seen.push({
          from: tags[before._tag],
          to: tags[after._tag],
          openMillis: after._tag === "Open" ? after.until - now : undefined
        })
    })
    this.model = new BreakerModel(modelled, this.now)
    this.circuit()
  }

  /** The circuit as somebody finds it who asks for it now. */
  circuit() {
    if (this.model.isForgotten(this.now)) this.model = this.model.heir(this.now)
    return this.circuits.use(this.key, this.settings, this.now)
  }

  /** What is still remembered, without asking for it. */
  remembered() {
    return this.circuits.get(this.key) ?? assert.fail("it is gone though nobody has looked")
  }

  admit(): void {
    const circuit = this.circuit()
    const wait = circuit.waitMillis(this.now, this.machine)
    const permit = circuit.admit(this.now, this.machine)
    const ticket = this.model.admit(this.now)
    check((permit === undefined) === (ticket === undefined), "the circuit refuses whom the model refuses")
    check((permit !== undefined) === (wait === 0), "the wait says whether a call may go")
    if (permit === undefined || ticket === undefined) {
      if (circuit.waitMillis(this.now, this.machine) > 0) this.refuse()
      return
    }
    check((permit === 0) === (ticket === "none"), "only who goes past the machine has nothing to report to")
    this.calls.unshift({ permit, ticket })
  }

  /** One who looks first and does not even ask. */
  refuse(): void {
    const { held, retryAfter } = this.circuit().refuse(this.key, this.now, this.machine)
    check((retryAfter === undefined) === (held !== undefined), "a wait is named unless a person holds it open")
    this.model.refuse(this.now)
  }

  settle(
    which: number,
    outcome: BreakerState.Outcome,
    end: { isSlow?: boolean; hintMillis?: number; random?: number }
  ) {
    // One in eight speaks again; of a probe that means nothing.
    const again = which === 7 ? this.reported.find(({ permit }) => permit < 0) : undefined
    const call = again ?? this.calls[which % Math.max(1, this.calls.length)]
    if (call === undefined) return
    this.calls = this.calls.filter((one) => one !== call)
    this.reported = [call, ...this.reported].slice(0, 8)
    const { hintMillis = 0, isSlow = false, random = 0 } = end
    const chance = { nextDoubleUnsafe: () => random }
    const { circuits, key, machine, now } = this
    circuits.get(key)?.settle(call.permit, outcome, isSlow, "a result", hintMillis, chance, now, machine)
    this.model.settle(call.ticket, { outcome, hintMillis, isSlow, random }, now)
  }

  hold(mode: Mode): void {
    const circuit = this.circuit()
    this.holds.push({ mode, release: circuit.hold({ mode, reason: "a test", since: this.now }) })
    this.model.holds = [...this.model.holds, mode]
  }

  release(which: number, again: boolean): void {
    const pool = again ? this.released : this.holds
    const hold = pool[which % Math.max(1, pool.length)]
    if (hold === undefined) return
    check(hold.release() === !again, "a hold can be taken away once")
    if (again) return
    this.holds = this.holds.filter((one) => one !== hold)
    this.released.push(hold)
    this.model.holds = this.holds.map(({ mode }) => mode)
  }

  /** Lets time pass; nothing may change by that. */
  pass(millis: number): void {
    const { state } = this.remembered()
    this.now += millis
    check(this.remembered().state === state, "time alone changes nothing")
  }

  /** Milliseconds until a call may go, whatever holds there are. */
  get wait(): number {
    return this.remembered().ownWaitMillis(this.now)
  }

  agree(): void {
    const { machine, model, now } = this
    const circuit = this.remembered()
    const { state } = circuit
    const wait = circuit.ownWaitMillis(now)
    const actual = {
      state: tags[state._tag],
      failures: state.failures,
      openings: BreakerState.openingsOf(state, now),
      reason: state._tag === "Open" ? state.reason : undefined,
      wait: wait > 0 && model.state === "closed" ? "soon" : wait,
      mode: circuit.mode,
      refused: circuit.refused,
      out: state._tag === "HalfOpen" ? state.leases.filter(({ until }) => until > now).length : 0,
      window: SlidingWindow.rates(circuit.window, now)
    }
    const expected: typeof actual = {
      state: model.state,
      failures: model.failures,
      openings: model.openingsAt(now),
      reason: model.state === "open" ? model.reason : undefined,
      wait: model.waitMillis(now),
      mode: model.mode,
      refused: model.refused,
      out: model.state === "half-open" ? model.probesOut(now).length : 0,
      window: model.recent(now)
    }
    // The text is compared first: it costs a tenth.
    if (JSON.stringify(actual) !== JSON.stringify(expected)) assert.deepStrictEqual(actual, expected)
    check(Number.isSafeInteger(wait) && wait >= 0, "a wait is a whole number")
    if (state._tag === "HalfOpen") {
      check(actual.out + state.succeeded + state.failed <= machine.probes, "no more probes than there may be")
    }
    if (state._tag !== "Closed") this.canClose(state)
  }

  /** From wherever it is, and whoever holds it, a circuit can be probed and closed in a bounded time. */
  canClose(start: BreakerState.State): void {
    const recent = { window: SlidingWindow.make({ _tag: "Count", calls: 1 }), runs: Runs.make() }
    let state = start
    let now = this.now
    for (let n = 0; n < 2 * this.machine.probes && state._tag !== "Closed"; n++) {
      const wait = BreakerState.waitMillis(state, now, this.machine)
      check(wait <= Math.max(openMaxMillis, hintMaxMillis), "the time to the next probe is bounded")
      now += wait
      state = BreakerState.admit(state, now, this.machine)
      const permit = BreakerState.permitOf(state, recent.runs)
      const end = { hintMillis: 0, random: 0 }
      state = BreakerState.settle(state, recent, permit, "success", false, end, now, this.machine)
    }
    check(state._tag === "Closed", "good probes close it")
  }
}

const run = (pair: Pair, command: typeof Command.Type): void => {
  switch (command._tag) {
    case "Admit":
      for (let n = 0; n < command.callers; n++) pair.admit()
      return
    case "Succeed":
      return pair.settle(command.which, "success", command)
    case "Fail":
      return pair.settle(command.which, "failure", command)
    case "Say":
      // Throttled, neutral and interrupted all say nothing to a circuit: a wait is the cool-down's business.
      return pair.settle(command.which, command.outcome === "trip" ? "trip" : "neutral", command)
    case "Advance": {
      const { wait } = pair
      const { millis } = command
      return pair.pass(millis === "there" ? wait : millis === "almost" ? Math.max(0, wait - 1) : millis)
    }
    case "Storm":
      for (let n = 0; n < 5; n++) {
        pair.admit()
        pair.settle(0, "failure", command)
      }
      return
    case "Probe":
    case "Recover":
      pair.pass(pair.wait)
      for (let n = 0; n < command.callers; n++) pair.admit()
      if (command._tag === "Recover") for (let n = 0; n < command.callers; n++) pair.settle(0, "success", {})
      return
    case "Hold":
      return pair.hold(command.mode)
    case "Release":
      return pair.release(command.which, command.again)
    case "Free":
      while (pair.holds.length > 0) pair.release(0, false)
      return
    case "Expire":
      return pair.pass(command.idle === "entirely" ? idleMillis : idleMillis - 1)
  }
}

describe("any sequence of calls, results, pauses and holds", () => {
  const script = Arbitrary.all({
    setting: Arbitrary.schema(Setting),
    commands: Arbitrary.array(Arbitrary.schema(Command), { minLength: 5, maxLength: 50 })
  })

  it.prop(
    "ends as in a model that remembers everything",
    [script],
    ([{ commands, setting }]) => {
      const pair = new Pair(setting)
      for (const command of commands) {
        const { state } = pair.remembered()
        run(pair, command)
        const { state: after } = pair.remembered()
        check(
          after.generation > state.generation || (after.generation === state.generation && after._tag === state._tag),
          "every change begins a new generation, also over forgotten circuits"
        )
        if (state._tag === "Open" && after._tag === "Open") {
          check(after.until >= state.until, "a deadline only moves forward")
        }
        pair.agree()
      }
      assert.deepStrictEqual(pair.seen, pair.model.transitions)
    },
    { arbitrary: { runs: 10_000, size: 60, seed: "breaker" }, timeout: 120_000 }
  )
})
