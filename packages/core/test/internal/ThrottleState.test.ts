import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Throttle from "../../src/internal/ThrottleState.ts"

const throttle = (settings: Partial<Throttle.Settings> = {}) =>
  Throttle.make({ ...Throttle.defaults, maxProbability: 1, ...settings })

/** Calls that are let through whatever the probability, as those are whose random number is high enough. */
const send = (self: Throttle.Throttle, count: number, now: number): ReadonlyArray<Throttle.Ticket> =>
  Array.from({ length: count }, () => {
    const ticket = Throttle.admit(self, 1, now)
    if (ticket === undefined) throw new Error("1 is above every probability")
    return ticket
  })

const refuse = (self: Throttle.Throttle, tickets: ReadonlyArray<Throttle.Ticket>) => {
  for (const ticket of tickets) Throttle.refuse(self, ticket)
}

describe("a throttle", () => {
  it("lets everything through while at least every second call is accepted", () => {
    const self = throttle()
    refuse(self, send(self, 100, 0).slice(50))
    assert.strictEqual(Throttle.probability(self, 0), 0)
    refuse(self, send(self, 1, 0))
    assert.isAbove(Throttle.probability(self, 0), 0)
  })

  it.each([
    [100, 0, 100 / 101],
    [100, 25, 50 / 101],
    [100, 49, 2 / 101],
    [100, 50, 0],
    [1, 0, 1 / 2],
    [0, 0, 0]
  ])("of %d calls with %d accepted refuses by the book's formula", (requests, accepts, expected) => {
    const self = throttle()
    refuse(self, send(self, requests, 0).slice(accepts))
    assert.strictEqual(Throttle.probability(self, 0), expected)
  })

  it("does not take calls that have not ended yet for refused ones", () => {
    const self = throttle()
    const calls = send(self, 50, 0)
    assert.strictEqual(Throttle.probability(self, 60_000), 0)
    refuse(self, calls)
    assert.strictEqual(Throttle.probability(self, 60_000), 50 / 51)
  })

  it("counts what it refused itself as wanted", () => {
    const self = throttle()
    refuse(self, send(self, 10, 0))
    const before = Throttle.probability(self, 0)
    assert.isUndefined(Throttle.admit(self, 0, 0))
    assert.strictEqual(before, 10 / 11)
    assert.strictEqual(Throttle.probability(self, 0), 11 / 12)
  })

  it("refuses as often as the probability says, and asking alone counts nothing", () => {
    const self = throttle()
    refuse(self, send(self, 100, 0).slice(25))
    const probability = 50 / 101
    for (let n = 0; n < 1_000; n++) {
      assert.strictEqual(Throttle.shouldReject(self, n / 1_000, 0), n / 1_000 < probability)
    }
  })

  it("forgets after two minutes, to a slice", () => {
    const self = throttle()
    refuse(self, send(self, 100, 5_000))
    assert.isAbove(Throttle.probability(self, 119_999), 0)
    assert.strictEqual(Throttle.probability(self, 120_000), 0)
  })

  it("ignores a refusal of a call it has forgotten", () => {
    const self = throttle()
    const old = send(self, 10, 0)
    send(self, 10, 125_000)
    refuse(self, old)
    assert.strictEqual(Throttle.probability(self, 125_000), 0)
  })

  it("always lets some through, so that it learns of a recovery", () => {
    const self = throttle({ maxProbability: 0.9 })
    refuse(self, send(self, 100_000, 0))
    assert.strictEqual(Throttle.probability(self, 0), 0.9)
  })

  it("with padding needs more than a few failures", () => {
    const self = throttle({ padding: 8 })
    refuse(self, send(self, 2, 0))
    assert.strictEqual(Throttle.probability(self, 0), 0.2)
  })

  it.each([
    { k: 0.5 },
    { k: Number.NaN },
    { windowMillis: 0 },
    { padding: 0 },
    { maxProbability: 0 },
    { maxProbability: 1.1 }
  ])("with %o is refused", (settings) => {
    assert.throws(() => throttle(settings), RangeError)
  })

  it("settles where the backend gets k times what it accepts", () => {
    const self = throttle()
    let seed = 7
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    let sent = 0
    // A backend that accepts 10 calls per second, and callers that want 100.
    for (let second = 0; second < 600; second++) {
      let accepted = 0
      for (let n = 0; n < 100; n++) {
        const ticket = Throttle.admit(self, random(), second * 1_000 + n * 10)
        if (ticket === undefined) continue
        if (second >= 300) sent += 1
        if (accepted++ >= 10) Throttle.refuse(self, ticket)
      }
    }
    assert.closeTo(sent / 300, 20, 2)
  })
})

const Command = Schema.Union([
  Schema.TaggedStruct("Admit", { random: Schema.Literals([0, 0.3, 0.8, 1]) }),
  Schema.TaggedStruct("Refuse", { which: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })) }),
  Schema.TaggedStruct("Pass", { millis: Schema.Literals([0, 1, 9_999, 10_000, 120_000, 1e13, -5_000, -1e9]) })
])

it.prop(
  "any sequence of calls, refusals and pauses leaves what a list of the calls says",
  [Arbitrary.array(Arbitrary.schema(Command), { maxLength: 40 })],
  ([commands]) => {
    const self = throttle({ maxProbability: 0.95 })
    let calls: Array<{ readonly slice: number; readonly ticket: number | undefined; isAccepted: boolean }> = []
    let [now, newest] = [1_000_000, Number.NEGATIVE_INFINITY]
    const tickets: Array<number> = []
    for (const command of commands) {
      if (command._tag === "Pass") now += command.millis
      const present = Math.floor(now / 10_000)
      if (present <= newest - 12) calls = []
      newest = present <= newest - 12 ? present : Math.max(newest, present)
      calls = calls.filter(({ slice }) => slice > newest - 12)
      const requests = calls.length
      const accepts = calls.filter(({ isAccepted }) => isAccepted).length
      const probability = Math.min(0.95, Math.max(0, (requests - 2 * accepts) / (requests + 1)))
      assert.strictEqual(Throttle.probability(self, now), probability)
      assert.isTrue(probability >= 0 && probability <= 0.95)
      if (command._tag === "Admit") {
        const ticket = Throttle.admit(self, command.random, now)
        assert.strictEqual(ticket === undefined, command.random < probability)
        calls.push({ slice: newest, ticket, isAccepted: ticket !== undefined })
        if (ticket !== undefined) tickets.push(ticket)
      }
      if (command._tag === "Refuse") {
        const ticket = tickets[command.which % Math.max(1, tickets.length)]
        if (ticket === undefined) continue
        Throttle.refuse(self, ticket)
        // Also when told twice: there are never fewer accepted calls than none.
        const call = calls.find((call) => call.slice === ticket && call.isAccepted)
        if (call !== undefined) call.isAccepted = false
      }
    }
  },
  { arbitrary: { runs: 5_000, size: 40, seed: "throttle" } }
)
