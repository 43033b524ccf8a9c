import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as RetryBudget from "../../src/internal/RetryBudgetState.ts"
import { RetryBudgetModel } from "./RetryBudgetModel.ts"

const budget = (settings: Partial<RetryBudget.Settings> = {}) =>
  RetryBudget.make({ ...RetryBudget.defaults, ...settings })

const deposits = (self: RetryBudget.RetryBudget, count: number, now: number) => {
  for (let n = 0; n < count; n++) RetryBudget.deposit(self, now)
}

const withdrawals = (self: RetryBudget.RetryBudget, tries: number, now: number): number => {
  let granted = 0
  for (let n = 0; n < tries; n++) if (RetryBudget.tryWithdraw(self, now)) granted += 1
  return granted
}

describe("a retry budget", () => {
  it("of 20 % lets 10,000 calls that each ask once have 2,000 retries (behaviour 36)", () => {
    const self = budget({ reservePerSecond: 0 })
    let granted = 0
    for (let n = 0; n < 10_000; n++) {
      RetryBudget.deposit(self, 5_000)
      if (RetryBudget.tryWithdraw(self, 5_000)) granted += 1
    }
    assert.closeTo(granted, 2_000, 1)
  })

  it("of 20 % keeps to it while an hour passes", () => {
    const self = budget({ reservePerSecond: 0 })
    let granted = 0
    for (let n = 0; n < 10_000; n++) {
      RetryBudget.deposit(self, n * 360)
      if (RetryBudget.tryWithdraw(self, n * 360)) granted += 1
    }
    // What is left of a slice when it is forgotten is lost: less than a retry per life, and there are 360 lives.
    assert.isAtMost(granted, 2_000)
    assert.isAtLeast(granted, 2_000 - 360)
  })

  it("has a reserve for a lane that is hardly used, and no more than the reserve", () => {
    const self = budget()
    RetryBudget.deposit(self, 0)
    assert.strictEqual(withdrawals(self, 1_000, 0), 100)
    assert.strictEqual(withdrawals(self, 1_000, 9_999), 0)
    assert.strictEqual(withdrawals(self, 1_000, 10_000), 100)
  })

  it("takes nothing out when there is nothing", () => {
    const self = budget({ reservePerSecond: 0 })
    deposits(self, 4, 0)
    assert.isFalse(RetryBudget.tryWithdraw(self, 0))
    RetryBudget.deposit(self, 0)
    assert.isTrue(RetryBudget.tryWithdraw(self, 0))
    assert.isFalse(RetryBudget.tryWithdraw(self, 0))
  })

  it("does not lose a retry to binary fractions", () => {
    // 0.29 × 100 is 28.999999999999996.
    const self = budget({ ratio: 0.29, reservePerSecond: 0 })
    deposits(self, 100, 0)
    assert.strictEqual(withdrawals(self, 100, 0), 29)
  })

  it("forgets a deposit after its life, to a tenth", () => {
    const self = budget({ reservePerSecond: 0 })
    deposits(self, 5, 999)
    assert.strictEqual(RetryBudget.balance(self, 9_999), 1)
    assert.strictEqual(RetryBudget.balance(self, 10_000), 0)
  })

  it("has no debts: deposits that are forgotten before what they paid for leave nothing, not less", () => {
    const self = budget({ reservePerSecond: 0 })
    deposits(self, 50, 0)
    assert.strictEqual(withdrawals(self, 50, 9_000), 10)
    assert.strictEqual(RetryBudget.balance(self, 10_000), 0)
    deposits(self, 5, 10_000)
    assert.strictEqual(RetryBudget.balance(self, 10_000), 0)
    assert.strictEqual(RetryBudget.balance(self, 19_000), 1)
  })

  it("may have no reserve and no ratio: then there is never a retry", () => {
    const self = budget({ ratio: 0, reservePerSecond: 0 })
    deposits(self, 1_000, 0)
    assert.isFalse(RetryBudget.tryWithdraw(self, 0))
  })

  it.each([
    ["ratio", { ratio: -0.1 }],
    ["ratio", { ratio: Number.NaN }],
    ["reservePerSecond", { reservePerSecond: -1 }],
    ["reservePerSecond", { reservePerSecond: Number.POSITIVE_INFINITY }],
    ["lifeMillis", { lifeMillis: 0 }],
    ["windowMillis", { lifeMillis: Number.NaN }]
  ] as const)("refuses an impossible %s", (_option, settings) => {
    assert.throws(() => budget(settings), RangeError)
  })
})

describe("any sequence of calls, retries and pauses", () => {
  const Command = Schema.Union([
    Schema.TaggedStruct("Deposit", { count: Schema.Literals([1, 3, 10]) }),
    Schema.TaggedStruct("Withdraw", { tries: Schema.Literals([1, 2, 5]) }),
    // Forwards by a little, by a slice, to the edge of a life, by many lives; back by a little and by an hour.
    Schema.TaggedStruct("Pass", {
      millis: Schema.Literals([1, 350, 1_000, 9_999, 10_000, 1e9, 1e15, -400, -3_600_000])
    })
  ])
  const scripts = Arbitrary.all({
    tenths: Arbitrary.schema(Schema.Literals([0, 1, 2, 5, 10, 20])),
    reserve: Arbitrary.schema(Schema.Literals([0, 1, 7])),
    commands: Arbitrary.array(Arbitrary.schema(Command), { maxLength: 40 })
  })

  it.prop(
    "ends as in a list of all that happened, and never overdraws a window",
    [scripts],
    ([{ tenths, reserve, commands }]) => {
      const self = budget({ ratio: tenths / 10, reservePerSecond: reserve / 10, lifeMillis: 10_000 })
      const model = new RetryBudgetModel(tenths, reserve)
      let now = 1_700_000_000_000
      for (const command of commands) {
        switch (command._tag) {
          case "Pass":
            now += command.millis
            break
          case "Deposit":
            deposits(self, command.count, now)
            for (let n = 0; n < command.count; n++) model.deposit(now)
            break
          case "Withdraw":
            for (let n = 0; n < command.tries; n++) {
              assert.strictEqual(RetryBudget.tryWithdraw(self, now), model.tryWithdraw(now))
            }
        }
        assert.strictEqual(RetryBudget.balance(self, now), model.balance(now))
      }
    },
    { arbitrary: { runs: 10_000, size: 40, seed: "retry budget" } }
  )

  it.prop(
    "grants in no stretch of time more than the reserve and the part of its calls",
    [scripts],
    ([{ tenths, reserve, commands }]) => {
      const self = budget({ ratio: tenths / 10, reservePerSecond: reserve / 10, lifeMillis: 10_000 })
      const calls: Array<number> = []
      const grants: Array<number> = []
      let now = 0
      for (const command of commands) {
        if (command._tag === "Pass") now += Math.max(0, command.millis)
        else if (command._tag === "Deposit") {
          deposits(self, command.count, now)
          for (let n = 0; n < command.count; n++) calls.push(now)
        } else {
          for (let n = withdrawals(self, command.tries, now); n > 0; n--) grants.push(now)
          // Nine tenths of a life back, all withdrawals still count; a whole life back, no deposit does.
          const granted = grants.filter((at) => at > now - 9_000).length
          const made = calls.filter((at) => at > now - 10_000).length
          if (grants.at(-1) === now) assert.isAtMost(granted * 10, reserve * 10 + made * tenths)
        }
      }
    },
    { arbitrary: { runs: 3_000, size: 40, seed: "retry budget bound" } }
  )
})
