/**
 * How many retries a lane may make, over all operations: a part of its calls, and a few per second on top, so that an
 * outage is not multiplied by everybody's retries. The budgets belong to this layer, one per lane, each around the pure
 * machine of `internal/RetryBudgetState.ts` (Finagle's).
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { PositiveDuration } from "./internal/PositiveDuration.ts"
import * as RetryBudgetState from "./internal/RetryBudgetState.ts"

export const Settings = Schema.Struct({
  /** Retries that one call pays for. 1: no more retries than calls; 0: only the reserve. */
  ratio: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 10 })),
  /** Retries per second that cost nothing, so that a lane with little traffic can retry at all. */
  reservePerSecond: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 10_000 })),
  /** How long a call pays, and a retry counts. */
  life: PositiveDuration
})
export type Settings = typeof Settings.Type

export const defaults: Settings = {
  ratio: RetryBudgetState.defaults.ratio,
  reservePerSecond: RetryBudgetState.defaults.reservePerSecond,
  life: Duration.millis(RetryBudgetState.defaults.lifeMillis)
}

export class RetryBudget extends Context.Service<
  RetryBudget,
  {
    /** A call that is no retry is made on the lane. */
    readonly deposit: (lane: string, settings: Settings) => Effect.Effect<void>
    /** The budget itself, for code that cannot wait and looks it up once. */
    readonly budgetUnsafe: (lane: string, settings: Settings) => RetryBudgetState.RetryBudget
    /** Takes one retry out of the lane's budget. False: there is none, and nothing has changed. */
    readonly tryWithdraw: (lane: string, settings: Settings) => Effect.Effect<boolean>
    /** Whole retries that the lane may make now. */
    readonly balance: (lane: string, settings: Settings) => Effect.Effect<number>
  }
>()("@holdfast/core/RetryBudget") {}

export const make: Effect.Effect<RetryBudget["Service"]> = Effect.sync(() => {
  // A lane under two policies with different budgets has one of each: what one allows, the other has not agreed to.
  const budgets = new WeakMap<Settings, Map<string, RetryBudgetState.RetryBudget>>()
  const budgetUnsafe = (lane: string, settings: Settings): RetryBudgetState.RetryBudget => {
    let lanes = budgets.get(settings)
    if (lanes === undefined) {
      lanes = new Map()
      budgets.set(settings, lanes)
    }
    let budget = lanes.get(lane)
    if (budget === undefined) {
      budget = RetryBudgetState.make({
        ratio: settings.ratio,
        reservePerSecond: settings.reservePerSecond,
        lifeMillis: Duration.toMillis(settings.life)
      })
      lanes.set(lane, budget)
    }
    return budget
  }
  const at = <A>(read: (now: number) => A): Effect.Effect<A> =>
    Effect.clockWith((clock) => Effect.succeed(read(clock.currentTimeMillisUnsafe())))

  return RetryBudget.of({
    budgetUnsafe,
    deposit: (lane, settings) => at((now) => RetryBudgetState.deposit(budgetUnsafe(lane, settings), now)),
    tryWithdraw: (lane, settings) => at((now) => RetryBudgetState.tryWithdraw(budgetUnsafe(lane, settings), now)),
    balance: (lane, settings) => at((now) => RetryBudgetState.balance(budgetUnsafe(lane, settings), now))
  })
})

export const layer: Layer.Layer<RetryBudget> = Layer.effect(RetryBudget, make)
