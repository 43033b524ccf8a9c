import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Duration, Schema } from "effect"
import { AlertRules, AlertState } from "@holdfast/telemetry"

const settings = AlertRules.make({
  groupWait: Duration.seconds(2),
  repeat: Duration.seconds(60),
  restartGrace: Duration.seconds(30),
  rules: {
    breakerOpen: { for: Duration.seconds(5), clear: Duration.seconds(5) },
    authenticationFailed: { clear: Duration.zero }
  }
})

const conditions: ReadonlyArray<AlertState.Condition> = ["acme/a", "acme/b", "zeta/c"].flatMap((lane) =>
  (["breakerOpen", "authenticationFailed"] as const).map((rule) => ({
    key: `${rule}:${lane}`,
    rule,
    subject: lane,
    severity: "warning",
    provider: lane.slice(0, 4),
    lane,
    routes: ["chat"],
    detail: "test"
  }))
)

const Which = Schema.Literals([0, 1, 2, 3, 4, 5])
const Command = Schema.Union([
  Schema.TaggedStruct("Raise", { which: Which }),
  Schema.TaggedStruct("Raise", { which: Which }),
  Schema.TaggedStruct("Clear", { which: Which }),
  Schema.TaggedStruct("Pass", { millis: Schema.Literals([1, 500, 1999, 2000, 5000, 7001, 31_000, 61_000]) }),
  Schema.TaggedStruct("Silence", { which: Which, millis: Schema.Literals([1000, 10_000, 100_000]) }),
  Schema.TaggedStruct("Restart", {})
])
const codec = Schema.fromJsonString(AlertState.State)

describe("any sequence of conditions, silences, waits and restarts", () => {
  it.prop(
    "says of each alert that it fires, and then once that it is over; silences change what is said, not what is",
    [Arbitrary.array(Arbitrary.schema(Command), { minLength: 1, maxLength: 40 })],
    ([commands]) => {
      let now = 1_770_000_000_000
      let state = AlertState.initial
      let unsilenced = AlertState.initial
      const firing = new Map<string, number>()
      const history: Array<string> = []

      const advance = () => {
        const silences = state.silences.filter(({ until }) => until > now)
        const step = AlertState.advance(state, now, settings)
        const twin = AlertState.advance(unsilenced, now, settings)
        assert.deepStrictEqual(
          step.transitions.map(({ alert, at, to }) => [alert.key, to, at]),
          twin.transitions.map(({ alert, at, to }) => [alert.key, to, at])
        )
        state = step.state
        unsilenced = twin.state
        for (const { changes } of step.messages) {
          assert.isAtLeast(changes.length, 1)
          for (const { alert, change } of changes) {
            history.push(`${change} ${alert.key}`)
            const told = firing.get(alert.key)
            if (change === "firing") {
              assert.isUndefined(told, `${alert.key} is said to fire twice`)
              firing.set(alert.key, now)
            } else if (change === "reminder") {
              assert.isAtLeast(now - (told ?? Number.POSITIVE_INFINITY), 60_000)
              firing.set(alert.key, now)
            } else assert.isTrue(firing.delete(alert.key), `${alert.key} is over, and nobody knew of it`)
            const isSilenced = silences.some(({ matcher }) => matcher.subject === alert.subject)
            assert.isFalse(change !== "resolved" && isSilenced, `${alert.key} was silenced`)
          }
        }
      }

      for (const command of commands) {
        switch (command._tag) {
          case "Raise":
          case "Clear": {
            const condition = conditions[command.which] ?? assert.fail()
            const signal: AlertState.Signal =
              command._tag === "Raise" ? { _tag: "Raised", condition } : { _tag: "Cleared", key: condition.key }
            state = AlertState.signal(state, signal, now, settings).state
            unsilenced = AlertState.signal(unsilenced, signal, now, settings).state
            break
          }
          case "Pass":
            now += command.millis
            break
          case "Silence":
            state = AlertState.silence(state, {
              id: `silence ${command.which}`,
              matcher: { subject: conditions[command.which]?.subject ?? "" },
              from: now,
              until: now + command.millis,
              reason: "test",
              by: "test"
            })
            break
          case "Restart":
            state = AlertState.resume(Schema.decodeSync(codec)(Schema.encodeSync(codec)(state)), now, settings)
            unsilenced = AlertState.resume(unsilenced, now, settings)
        }
        advance()
        const keys = state.alerts.map(({ key }) => key)
        assert.strictEqual(new Set(keys).size, keys.length)
      }
      // When all is well again, and the last wait is over, nobody believes that anything fires.
      for (const { key } of conditions) state = AlertState.clear(state, key, now).state
      for (const { key } of conditions) unsilenced = AlertState.clear(unsilenced, key, now).state
      for (const millis of [5000, 2000]) {
        now += millis
        advance()
      }
      assert.deepStrictEqual([...firing.keys()], [])
      assert.deepStrictEqual(state.alerts, [])
      assert.isTrue(state.resolved.every(({ owed }) => !owed))
      const told = (what: string) => history.filter((one) => one.startsWith(what)).length
      assert.strictEqual(told("firing"), told("resolved"))
    },
    { arbitrary: { runs: 3000, size: 60, seed: "alerts" }, timeout: 120_000 }
  )
})
