import { assert, describe, it } from "@effect/vitest"
import { Picture, type Result, Simulation } from "@holdfast/simulator"
import { Effect, Schema } from "effect"
import { interactive, scenario, well } from "./Storm.ts"

const minute = 60_000

/** Half an hour, with the changes of lanes that are given in place of its own. */
const picture = (changes: ReadonlyArray<Result.LaneChange>) =>
  Effect.gen(function* () {
    const one = yield* scenario({
      providers: {
        "a/one": { ...well, limits: { requestsPerMinute: 600 } },
        "b/two": { ...well, capacity: { slots: 9 } }
      },
      workload: { arrivals: { poisson: "1 per second" }, deadline: "60 seconds" }
    })
    return Picture.of(one, [{ ...(yield* Simulation.run(one, interactive)), changes }])
  })

const change = (at: number, state: Result.LaneChange["state"], more: object = {}): Result.LaneChange => ({
  at,
  lane: "a/one",
  state,
  reason: "the test",
  ...more
})

describe("the data of a picture", () => {
  it.effect("has what each lane was taken for, from one change to the next", () =>
    Effect.gen(function* () {
      const drawn = yield* picture([
        change(minute, "degraded"),
        change(2 * minute, "open"),
        change(3 * minute, "half-open"),
        change(4 * minute, "closed"),
        change(5 * minute, "healthy"),
        change(6 * minute, "cooling", { until: 7 * minute }),
        change(29 * minute, "open")
      ])
      const [policy] = drawn.policies
      assert.deepStrictEqual(
        policy.lanes[0]?.states.map(({ from, state, until }) => [state, from / minute, until / minute]),
        [
          ["degraded", 1, 5],
          ["cooling", 6, 7],
          ["open", 2, 3],
          ["half-open", 3, 4],
          ["open", 29, 30]
        ]
      )
      assert.strictEqual(policy.lanes[0]?.notClosedMs, 3 * minute)
      assert.deepStrictEqual(policy.lanes[1]?.states, [])
      assert.deepStrictEqual(
        drawn.providers.map(({ requestsPerMinute, slots }) => [requestsPerMinute, slots]),
        [
          [600, null],
          [null, 9]
        ]
      )
      assert.deepStrictEqual(
        yield* Schema.decodeUnknownEffect(Picture.Picture)(JSON.parse(JSON.stringify(drawn))),
        drawn
      )
    })
  )

  it.effect(
    "has no more stretches than a screen has room for, with what a lane mostly was, and hides no open circuit",
    () =>
      Effect.gen(function* () {
        // Half an hour of a circuit that opens every two seconds, under a lane that is degraded; and once for an instant.
        const flapping = Array.from({ length: 600 }, (_, index) => [
          change(10 * minute + index * 2000, "open"),
          change(10 * minute + index * 2000 + 1500, "half-open")
        ]).flat()
        const drawn = yield* picture([
          change(0, "degraded"),
          change(5 * minute, "open"),
          change(5 * minute + 1, "closed"),
          ...flapping
        ])
        const lane = drawn.policies[0].lanes[0] ?? assert.fail()
        assert.isAtMost(lane.states.length, 500)
        assert.strictEqual(lane.notClosedMs, 20 * minute + 1)
        const at = (instant: number) => lane.states.find(({ from, until }) => from <= instant && instant < until)?.state
        assert.strictEqual(at(minute), "degraded")
        assert.strictEqual(at(5 * minute), "open")
        assert.strictEqual(at(7 * minute), "degraded")
        assert.strictEqual(at(20 * minute), "open")
      })
  )
})
