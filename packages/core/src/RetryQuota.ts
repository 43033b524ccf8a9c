/**
 * A store of retries on a lane that only answers fill again, as the AWS SDKs' standard retry mode has it. It stands beside
 * the retry budget, which bounds how much traffic grows; a retry is paid from both. The quotas belong to this layer, one
 * per lane, each around the pure machine of `internal/RetryQuotaState.ts`. Off unless a policy has it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as RetryQuotaState from "./internal/RetryQuotaState.ts"

const amount = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

export const Settings = Schema.Struct({
  enabled: Schema.Boolean,
  /** What it holds at first and at most. */
  capacity: Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })),
  /** Taken by a retry; comes back if that retry is answered. */
  cost: amount,
  /** The same for a retry of what the provider has throttled: a rate limit or a spent quota. */
  throttledCost: amount,
  /** Added by an answer that needed no retry. */
  gain: amount
})
export type Settings = typeof Settings.Type

export const defaults: Settings = { enabled: false, ...RetryQuotaState.defaults }

export class RetryQuota extends Context.Service<
  RetryQuota,
  {
    /** What is left on the lane under these settings. */
    readonly left: (lane: string, settings: Settings) => Effect.Effect<number>
    /** The quota itself, for code that cannot wait and looks it up once. */
    readonly quotaUnsafe: (lane: string, settings: RetryQuotaState.Settings) => RetryQuotaState.RetryQuota
  }
>()("@holdfast/core/RetryQuota") {}

export const make: Effect.Effect<RetryQuota["Service"]> = Effect.sync(() => {
  const lanes = new Map<string, Map<string, RetryQuotaState.RetryQuota>>()
  const quotaUnsafe: RetryQuota["Service"]["quotaUnsafe"] = (lane, { capacity, cost, gain, throttledCost }) => {
    let quotas = lanes.get(lane)
    if (quotas === undefined) {
      quotas = new Map()
      lanes.set(lane, quotas)
    }
    // One per lane and numbers: policies that agree on them share it.
    const numbers = `${capacity} ${cost} ${throttledCost} ${gain}`
    let quota = quotas.get(numbers)
    if (quota === undefined) {
      quota = RetryQuotaState.make({ capacity, cost, throttledCost, gain })
      quotas.set(numbers, quota)
    }
    return quota
  }
  return RetryQuota.of({
    quotaUnsafe,
    left: (lane, settings) => Effect.sync(() => quotaUnsafe(lane, settings).left)
  })
})

export const layer: Layer.Layer<RetryQuota> = Layer.effect(RetryQuota, make)
