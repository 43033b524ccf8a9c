import { assert, describe, it } from "@effect/vitest"
import { BurnRate } from "@holdfast/telemetry"

const minute = 60_000
const settings = { objective: 0.99, minimumFailures: 10 }

/** Ten operations a minute of which a part fails, minute after minute; answers after which minute each level burned. */
const play = (burn: BurnRate.BurnRate, from: number, minutes: number, part: number) => {
  const levels: Array<BurnRate.Burn["level"] | undefined> = []
  let debt = 0
  for (let n = 0; n < minutes; n++) {
    const now = (from + n) * minute
    for (let operation = 0; operation < 10; operation++) {
      debt += part
      BurnRate.record(burn, debt < 1, now + operation)
      if (debt >= 1) debt -= 1
    }
    levels.push(BurnRate.evaluate(burn, settings, now + minute - 1)?.burn.level)
  }
  return levels
}

describe("the burn rate", () => {
  it("is urgent a few minutes into an outage, and no longer soon after it", () => {
    const burn = BurnRate.make()
    assert.isTrue(play(burn, 0, 24 * 60, 0).every((level) => level === undefined))
    const outage = play(burn, 24 * 60, 30, 1)
    // 14.4 % of an hour's operations fail after nine minutes.
    assert.deepStrictEqual([outage.indexOf("fast"), outage.at(-1)], [8, "fast"])
    const after = play(burn, 24 * 60 + 30, 60, 0)
    const last = after.lastIndexOf("fast")
    assert.isAtMost(last, 30)
    assert.isAtLeast(last, 4)
  })

  it("of a part that fails is as fast as that part is of what is allowed", () => {
    // 2 % failures against 1 % allowed: too slow for a page, but not for the morning.
    const levels = play(BurnRate.make(), 0, 3 * 24 * 60, 0.02)
    assert.isFalse(levels.includes("fast"))
    assert.strictEqual(levels.at(-1), "slow")
    // 8 %: six times and more within six hours.
    const faster = play(BurnRate.make(), 0, 6 * 60, 0.08)
    assert.strictEqual(faster.at(-1), "fast")
    // 0.5 %: within the objective for ever.
    assert.isTrue(play(BurnRate.make(), 0, 3 * 24 * 60, 0.005).every((level) => level === undefined))
  })

  it("of a few failures says nothing", () => {
    const burn = BurnRate.make()
    for (let n = 0; n < 9; n++) BurnRate.record(burn, false, n)
    assert.isUndefined(BurnRate.evaluate(burn, settings, 10))
    BurnRate.record(burn, false, 10)
    assert.deepInclude(BurnRate.evaluate(burn, settings, 11), { failures: 10, operations: 10 })
  })

  it("goes on after a restart as if there had been none", () => {
    const [whole, before] = [BurnRate.make(), BurnRate.make()]
    for (const burn of [whole, before]) play(burn, 0, 600, 0.07)
    const after = BurnRate.make()
    BurnRate.restore(after, JSON.parse(JSON.stringify(BurnRate.snapshot(before))))
    for (const minutes of [0, 100, 300, 1000, 5000]) {
      assert.deepStrictEqual(
        BurnRate.evaluate(after, settings, (600 + minutes) * minute),
        BurnRate.evaluate(whole, settings, (600 + minutes) * minute)
      )
    }
    play(after, 600, 60, 1)
    play(whole, 600, 60, 1)
    assert.deepStrictEqual(BurnRate.snapshot(after), BurnRate.snapshot(whole))
  })

  it("of a snapshot of another shape begins anew", () => {
    const burn = BurnRate.make()
    BurnRate.restore(burn, { "3600000": { newest: 1, cells: [1, 2] }, "5": { newest: 0, cells: [] } })
    assert.deepStrictEqual(BurnRate.snapshot(burn), {})
  })
})
