import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import { AlertRules, AlertState } from "@holdfast/telemetry"

const settings: AlertRules.Settings = {
  ...AlertRules.make({ groupWait: Duration.seconds(10), repeat: Duration.hours(1) }),
  restartGrace: Duration.minutes(10)
}

const open = (lane: string, provider = "acme"): AlertState.Condition => ({
  key: `breakerOpen:${lane}`,
  rule: "breakerOpen",
  subject: lane,
  severity: "warning",
  provider,
  lane,
  routes: ["chat"],
  detail: "5 failures in a row"
})
const refused: AlertState.Condition = {
  ...open("acme/a"),
  key: "authenticationFailed:acme",
  rule: "authenticationFailed",
  severity: "critical"
}

/** Seconds that pass, and what happens in between, one after the other; answers what was said and when. */
const play = (
  ...script: ReadonlyArray<number | AlertState.Signal | ((state: AlertState.State) => AlertState.State)>
) => {
  let state = AlertState.initial
  let now = 0
  const said: Array<string> = []
  for (const one of script) {
    if (typeof one === "number") {
      const until = now + one * 1000
      while (now < until) {
        now += 1000
        const step = AlertState.advance(state, now, settings)
        state = step.state
        for (const message of step.messages) {
          said.push(`${now / 1000} ${message.changes.map(({ alert, change }) => `${change} ${alert.key}`).join(" + ")}`)
        }
      }
    } else if (typeof one === "function") state = one(state)
    else state = AlertState.signal(state, one, now, settings).state
  }
  return { said, state, now }
}
const raised = (condition: AlertState.Condition): AlertState.Signal => ({ _tag: "Raised", condition })
const cleared = (condition: AlertState.Condition): AlertState.Signal => ({ _tag: "Cleared", key: condition.key })

describe("an alert", () => {
  it("fires when it has been so long enough, waits for its group, and is over when it has not been so long enough", () => {
    const { said, state } = play(raised(open("acme/a")), 100, cleared(open("acme/a")), 200)
    assert.deepStrictEqual(said, ["70 firing breakerOpen:acme/a", "170 resolved breakerOpen:acme/a"])
    assert.deepStrictEqual(state.alerts, [])
    assert.strictEqual(state.resolved[0]?.since, 0)
    assert.strictEqual(state.resolved[0]?.firingSince, 60_000)
    assert.strictEqual(state.resolved[0]?.resolvedAt, 160_000)
  })

  it("that ends before it fires is never said", () => {
    assert.deepStrictEqual(play(raised(open("acme/a")), 59, cleared(open("acme/a")), 3600).said, [])
  })

  it("that is over before its group's wait was is never said either, not even as over", () => {
    // It takes a minute to be over, longer than the wait: only a rule without one can be so fast.
    const brief = AlertRules.make({
      rules: { authenticationFailed: { clear: Duration.zero } },
      groupWait: Duration.seconds(10)
    })
    let step = AlertState.raise(AlertState.initial, refused, 0, brief)
    step = AlertState.advance(step.state, 1, brief)
    assert.strictEqual(step.transitions[0]?.to, "firing")
    step = AlertState.advance(AlertState.clear(step.state, refused.key, 5000).state, 5001, brief)
    assert.strictEqual(step.transitions[0]?.to, "resolved")
    const later = AlertState.advance(step.state, 60_000, brief)
    assert.deepStrictEqual(later.messages, [])
  })

  it("that comes back while it is about to be over is the same one", () => {
    const { said } = play(
      raised(open("acme/a")),
      100,
      cleared(open("acme/a")),
      50,
      raised(open("acme/a")),
      100,
      cleared(open("acme/a")),
      90
    )
    assert.deepStrictEqual(said, ["70 firing breakerOpen:acme/a", "320 resolved breakerOpen:acme/a"])
  })

  it("is said once however often it is found, and again after the time to repeat it", () => {
    const again = [...Array(5)].flatMap(() => [raised(open("acme/a")), 10])
    const { said } = play(...again, 2 * 3600 + 100)
    assert.deepStrictEqual(said, [
      "70 firing breakerOpen:acme/a",
      "3670 reminder breakerOpen:acme/a",
      "7270 reminder breakerOpen:acme/a"
    ])
  })

  it("waits for others of its provider, and is said with them", () => {
    const { said } = play(raised(open("acme/a")), 3, raised(open("acme/b")), 3, raised(open("zeta/c", "zeta")), 100)
    assert.deepStrictEqual(said, [
      "70 firing breakerOpen:acme/a + firing breakerOpen:acme/b",
      "76 firing breakerOpen:zeta/c"
    ])
  })

  it("that is silenced goes on, and is said when the silence ends", () => {
    const silence = (state: AlertState.State) =>
      AlertState.silence(state, {
        id: "s",
        matcher: { provider: "acme" },
        from: 0,
        until: 200_000,
        reason: "maintenance",
        by: "somebody"
      })
    const quiet = play(silence, raised(open("acme/a")), 100, raised(open("zeta/c", "zeta")), 80)
    assert.deepStrictEqual(quiet.said, ["170 firing breakerOpen:zeta/c"])
    assert.strictEqual(quiet.state.alerts[0]?.firingSince, 60_000)
    const later = play(silence, raised(open("acme/a")), 250)
    assert.deepStrictEqual(later.said, ["200 firing breakerOpen:acme/a"])
    assert.deepStrictEqual(later.state.silences, [])
    const lifted = play(silence, raised(open("acme/a")), 100, (state) => AlertState.unsilence(state, "s"), 10)
    assert.deepStrictEqual(lifted.said, ["101 firing breakerOpen:acme/a"])
  })

  it("that people know of is said to be over through a silence too", () => {
    const { said } = play(
      raised(open("acme/a")),
      100,
      (state) =>
        AlertState.silence(state, {
          id: "s",
          matcher: { rule: "breakerOpen" },
          from: 0,
          until: 1e9,
          reason: "known",
          by: "somebody"
        }),
      4000,
      cleared(open("acme/a")),
      100
    )
    assert.deepStrictEqual(said, ["70 firing breakerOpen:acme/a", "4170 resolved breakerOpen:acme/a"])
  })

  it("bears the instants at which it was due, however late anybody looks", () => {
    const step = AlertState.raise(AlertState.initial, open("acme/a"), 1000, settings)
    const late = AlertState.advance(step.state, 1e7, settings)
    assert.deepStrictEqual(
      late.transitions.map(({ at, to }) => [to, at]),
      [["firing", 61_000]]
    )
    const gone = AlertState.advance(AlertState.clear(late.state, "breakerOpen:acme/a", 1e7).state, 2e7, settings)
    assert.deepStrictEqual(
      gone.transitions.map(({ at, to }) => [to, at]),
      [["resolved", 1e7 + 60_000]]
    )
  })

  it("from before a restart holds while it is seen again, and is over when it is not", () => {
    const before = play(raised(open("acme/a")), raised(open("acme/b")), 100)
    const restart = AlertState.resume(before.state, 1e6, settings)
    const seen = AlertState.raise(restart, open("acme/a"), 1e6 + 1000, settings).state
    const soon = AlertState.advance(seen, 1e6 + 599_000, settings)
    assert.deepStrictEqual(soon.messages, [])
    assert.strictEqual(soon.state.alerts.length, 2)
    const later = AlertState.advance(soon.state, 1e6 + 611_000, settings)
    assert.deepStrictEqual(
      later.messages.map(({ changes }) => changes.map(({ alert, change }) => [change, alert.key])),
      [[["resolved", "breakerOpen:acme/b"]]]
    )
  })

  it("of a rule that was turned off is over at once", () => {
    const before = play(raised(open("acme/a")), 100)
    const off = AlertRules.make({ rules: { breakerOpen: false } })
    const step = AlertState.advance(before.state, 200_000, off)
    assert.deepStrictEqual(
      step.transitions.map(({ at, to }) => [to, at]),
      [["resolved", 200_000]]
    )
    assert.strictEqual(AlertState.raise(step.state, open("acme/a"), 200_000, off).state, step.state)
  })

  it("is forgotten at last, but not before people were told that it is over", () => {
    let state = AlertState.initial
    for (let n = 0; n < 300; n++) {
      const one = open(`acme/${n}`)
      state = AlertState.raise(state, one, 0, settings).state
      state = AlertState.advance(state, 70_000, settings).state
      state = AlertState.clear(state, one.key, 70_000).state
    }
    const over = AlertState.advance(state, 131_000, settings)
    assert.strictEqual(over.state.resolved.length, 300)
    const told = AlertState.advance(over.state, 200_000, settings)
    assert.strictEqual(told.messages[0]?.changes.length, 300)
    assert.strictEqual(told.state.resolved.length, AlertState.remembered)
  })
})

describe("groups", () => {
  it.each([
    ["provider", "provider acme"],
    ["route", "route chat"],
    ["lane", "lane acme/a"],
    ["alert", "breakerOpen:acme/a"]
  ] as const)("by %s", (by, group) => {
    assert.strictEqual(AlertState.groupOf(open("acme/a"), by), group)
  })
})
