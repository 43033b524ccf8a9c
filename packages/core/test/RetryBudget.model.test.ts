import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { RetryBudget } from "@holdfast/core"
import { HandDriven } from "./HandDriven.ts"
import { RetryBudgetModel } from "./internal/RetryBudgetModel.ts"

const lanes = ["acme/anvil", "globex/saw"] as const
const policies = {
  standard: { ...RetryBudget.defaults, ratio: 0.2, reservePerSecond: 0.1 },
  poor: { ...RetryBudget.defaults, ratio: 0.5, reservePerSecond: 0 }
} as const

const Command = Schema.Union([
  Schema.TaggedStruct("Call", {
    lane: Schema.Literals(lanes),
    policy: Schema.Literals(["standard", "poor"]),
    callers: Schema.Literals([1, 5, 12]),
    /** What each of them would like, and is told whether it may. */
    retries: Schema.Literals([0, 1, 3])
  }),
  Schema.TaggedStruct("Pass", { millis: Schema.Literals([1, 350, 1_000, 9_999, 10_000, 1e9]) })
])

describe("any sequence of operations on lanes under policies", () => {
  it.prop(
    "makes no more attempts than its budgets allow, and each lane and policy has one of its own",
    [Arbitrary.array(Arbitrary.schema(Command), { minLength: 1, maxLength: 15 })],
    ([commands]) => {
      const world = new HandDriven()
      const budget = Effect.runSync(RetryBudget.make)
      const models = new Map(
        lanes.flatMap((lane) => [
          [`${lane} standard`, new RetryBudgetModel(2, 1)],
          [`${lane} poor`, new RetryBudgetModel(5, 0)]
        ])
      )
      const attempts: Array<{ readonly at: number; readonly of: string; readonly isRetry: boolean }> = []
      for (const command of commands) {
        if (command._tag === "Pass") {
          world.now += command.millis
          continue
        }
        const { callers, lane, policy, retries } = command
        const of = `${lane} ${policy}`
        const model = models.get(of) ?? assert.fail()
        const granted = world
          .run(
            Effect.forEach(
              Array.from({ length: callers }),
              () =>
                Effect.gen(function* () {
                  yield* budget.deposit(lane, policies[policy])
                  yield* Effect.yieldNow
                  let granted = 0
                  while (granted < retries && (yield* budget.tryWithdraw(lane, policies[policy]))) {
                    granted += 1
                    yield* Effect.yieldNow
                  }
                  return granted
                }),
              { concurrency: "unbounded" }
            )
          )
          .reduce((sum, one) => sum + one, 0)
        for (let n = 0; n < callers; n++) model.deposit(world.now)
        let expected = 0
        while (expected < callers * retries && model.tryWithdraw(world.now)) expected += 1
        assert.strictEqual(granted, expected)
        for (let n = 0; n < callers; n++) attempts.push({ at: world.now, of, isRetry: false })
        for (let n = 0; n < granted; n++) attempts.push({ at: world.now, of, isRetry: true })
        for (const lane of lanes) {
          for (const policy of ["standard", "poor"] as const) {
            assert.strictEqual(
              world.run(budget.balance(lane, policies[policy])),
              models.get(`${lane} ${policy}`)?.balance(world.now)
            )
          }
        }
        const recent = attempts.filter((one) => one.of === of && one.at > world.now - 9_000 && one.at <= world.now)
        const calls = attempts.filter((one) => one.of === of && !one.isRetry && one.at > world.now - 10_000).length
        if (granted > 0) {
          const { ratio, reservePerSecond } = policies[policy]
          const most = reservePerSecond * 10 + ratio * calls
          assert.isAtMost(recent.filter(({ isRetry }) => isRetry).length, most + 1e-9)
        }
      }
    },
    { arbitrary: { runs: 10_000, size: 60, seed: "retry budgets" }, timeout: 120_000 }
  )
})
