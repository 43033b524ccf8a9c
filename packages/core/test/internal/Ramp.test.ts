import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Ramp from "../../src/internal/Ramp.ts"

const Steps = Schema.Array(Schema.Literals([0, 0, 0, 1, 7, 250, 999, 4_000])).check(Schema.isMaxLength(200))

describe("any callers at any times during a ramp", () => {
  it.prop(
    "are let through in the part that is due, spread evenly, with a wait that is kept",
    [Steps, Schema.Literals([1, 7, 1_000, 60_000])],
    ([steps, millis]) => {
      const start = 1_770_000_000_000
      let ramp = Ramp.begin(start, millis)
      let now = start
      // In units of a ten-thousandth of a ramp's length, so that sums are exact.
      let due = 9 * millis
      let through = 0
      for (const step of steps) {
        now += step
        if (Ramp.isOver(ramp, now)) {
          assert.strictEqual(now - start >= millis, true)
          assert.strictEqual(Ramp.waitMillis(ramp, now), 0)
          continue
        }
        due += millis + 9 * (now - start)
        const wait = Ramp.waitMillis(ramp, now)
        assert.isTrue(Number.isSafeInteger(wait) && wait >= 0 && wait <= 1000)
        assert.isTrue(wait === 1000 || Ramp.waitMillis(ramp, now + wait) === 0, "whoever comes back then goes")
        assert.strictEqual(wait === 0, Math.floor(due / (10 * millis)) > through, "it is the next one's turn")
        if (wait === 0) through += 1
        ramp = wait === 0 ? Ramp.admit(ramp, now) : Ramp.refuse(ramp, now)
        assert.isTrue(ramp.credit >= 0 && ramp.credit <= 1)
      }
    },
    { arbitrary: { runs: 2_000, size: 100, seed: "ramp" } }
  )

  it("add nothing up beyond one when they are refused though their turn has come", () => {
    let ramp = Ramp.begin(0, 1_000)
    for (let n = 0; n < 100; n++) ramp = Ramp.refuse(ramp, 500)
    ramp = Ramp.admit(ramp, 500)
    ramp = Ramp.admit(ramp, 500)
    assert.isAbove(Ramp.waitMillis(ramp, 500), 0)
  })
})
