import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Gate from "../../src/internal/Gate.ts"
import * as RateLimit from "../../src/internal/RateLimitState.ts"

const gateOf = (own: Partial<RateLimit.Settings> | undefined): Gate.Gate => ({
  shared: RateLimit.make({ ...RateLimit.defaults, gapMillis: 10 }),
  own: own === undefined ? undefined : RateLimit.make({ ...RateLimit.defaults, gapMillis: 10, ...own })
})
const waiting = ({ own, shared }: Gate.Gate) => [shared.line.waiting, own?.line.waiting ?? 0]
const joined = (gate: Gate.Gate, tokens: number, now: number): Gate.Place => {
  const place = Gate.join(gate, tokens, Number.POSITIVE_INFINITY, 0, now)
  if (place === undefined) throw new Error("there is patience enough")
  return place
}

describe("a gate of two machines", () => {
  it("is quiet as long as nobody limits anything, and again when a cool-down is over", () => {
    const gate = gateOf(undefined)
    assert.isTrue(Gate.isQuiet(gate, 0))
    RateLimit.cool(gate.shared, 1000, 0)
    assert.isFalse(Gate.isQuiet(gate, 999))
    assert.isTrue(Gate.isQuiet(gate, 1000))
    assert.isFalse(Gate.isQuiet(gateOf({ requests: { perMinute: 60, burst: 1 } }), 0))
  })

  it("says what holds a request back the longest", () => {
    const gate = gateOf({ requests: { perMinute: 60, burst: 1 }, tokens: { perMinute: 60, burst: 10 } })
    Gate.pass(gate, 10, 0)
    assert.strictEqual(Gate.binding(gate, 0, 0), "requests")
    assert.strictEqual(Gate.binding(gate, 5, 0), "tokens")
    RateLimit.cool(gate.shared, 60_000, 0)
    assert.strictEqual(Gate.binding(gate, 5, 0), "cooling")
    assert.strictEqual(Gate.waitMillis(gate, 5, 0), 60_000)
  })

  it("moves who waits from the one line to the other when that holds it longer, and leaves no place behind", () => {
    const gate = gateOf({ requests: { perMinute: 60, burst: 1 } })
    Gate.pass(gate, 0, 0)
    const place = joined(gate, 0, 0)
    assert.deepStrictEqual([place.turnAt, waiting(gate)], [1000, [0, 1]])
    RateLimit.cool(gate.shared, 5000, 500)
    assert.strictEqual(Gate.turnMillis(place, 0, 1000), 4000)
    assert.deepStrictEqual(waiting(gate), [1, 0])
    assert.strictEqual(Gate.turnMillis(place, 0, 4999), 1)
    assert.strictEqual(Gate.turnMillis(place, 0, 5000), 0)
    Gate.leave(place)
    assert.deepStrictEqual(waiting(gate), [0, 0])
  })

  const Step = Schema.Struct({
    pass: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 })),
    act: Schema.Literals(["join", "try", "try", "leave", "cool"]),
    who: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 })),
    tokens: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 }))
  })
  it.prop(
    "lets nobody through whom either would hold back, and ends with nobody in line",
    [Arbitrary.array(Arbitrary.schema(Step), { maxLength: 60 })],
    ([steps]) => {
      const gate = gateOf({ requests: { perMinute: 300, burst: 2 }, tokens: { perMinute: 6000, burst: 20 } })
      const places: Array<Gate.Place> = []
      let now = 0
      for (const { act, pass, tokens, who } of steps) {
        now += pass
        const place = places[who]
        if (act === "cool") RateLimit.cool(gate.shared, now + tokens * 20, now)
        else if (act === "join") places.push(joined(gate, tokens, now))
        else if (place === undefined) continue
        else if (act === "try" && Gate.turnMillis(place, 0, now) > 0) {
          assert.isAbove(place.turnAt, now)
          continue
        } else {
          if (act === "try") {
            const held = [gate.shared, gate.own].map((machine) =>
              machine === undefined ? 0 : RateLimit.readyMillis(machine, place.tokens, now)
            )
            assert.deepStrictEqual(held, [0, 0])
            Gate.pass(gate, place.tokens, now)
          }
          Gate.leave(place)
          places.splice(who, 1)
        }
        assert.strictEqual(
          waiting(gate).reduce((sum, count) => sum + count, 0),
          places.length
        )
      }
      // Whoever comes back when it was told to gets through in the end.
      for (let rounds = 0; places.length > 0; rounds++) {
        assert.isBelow(rounds, 1000, "somebody waits for ever")
        const [place] = places.toSorted((a, b) => a.turnAt - b.turnAt)
        if (place === undefined) break
        now = Math.max(now, place.turnAt)
        if (Gate.turnMillis(place, 0, now) > 0) continue
        Gate.pass(gate, place.tokens, now)
        Gate.leave(place)
        places.splice(places.indexOf(place), 1)
      }
      assert.deepStrictEqual(waiting(gate), [0, 0])
    },
    { arbitrary: { runs: 500 } }
  )
})
