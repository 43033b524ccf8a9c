/**
 * How many calls a lane may run at once, and how many may wait for it: a bounded queue, first come first served within two
 * priorities, with a limit on the wait. Permits belong to this layer, one bulkhead per lane.
 *
 * It is not `effect/Semaphore`, whose queue has no bound, no priorities and no time limit.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { override, type Options } from "./internal/override.ts"
import { PositiveDuration } from "./internal/PositiveDuration.ts"
import * as AdaptiveLimitState from "./internal/AdaptiveLimitState.ts"
import * as adapting from "./internal/adapting.ts"
import * as Slots from "./internal/Slots.ts"
import * as Refusal from "./Refusal.ts"

const Whole = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 }))

/** A number of calls at once that is found by trying, from how long they take and how many are dropped. */
export const Adaptive = Schema.Struct({
  /**
   * `gradient2` (the default) goes by latency against its own long average, `vegas` by the queue that the lowest latency
   * seen lets suspect, `aimd` by drops alone. What each is good for: `internal/AdaptiveLimitState.ts`.
   */
  algorithm: Schema.optional(Schema.Literals(["gradient2", "vegas", "aimd"])),
  /** Default 1. */
  min: Schema.optional(Whole),
  /** Default `maxConcurrent`. */
  max: Schema.optional(Whole),
  /** Where it begins. Default 20, within the other two. */
  initial: Schema.optional(Whole),
  /** Of `aimd`: calls that take longer on average count as dropped. Default 5 seconds. */
  timeout: Schema.optional(PositiveDuration)
})
export type Adaptive = typeof Adaptive.Type

export const Settings = Schema.Struct({
  /** Calls that run at once. */
  maxConcurrent: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 })),
  /** Calls that wait; one more is refused at once. 0: nobody waits. */
  maxQueue: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 })),
  /** The longest wait for a slot. */
  queueTimeout: PositiveDuration,
  /** Lets the lane itself say how many run at once, instead of `maxConcurrent`. Default: off. */
  adaptive: Schema.optional(Adaptive)
}).check(
  Schema.makeFilter(({ adaptive, maxConcurrent }) => {
    if (adaptive === undefined) return undefined
    const { initial, max = maxConcurrent, min = 1 } = adaptive
    const at = (name: string, issue: string) => ({ path: ["adaptive", name], issue })
    if (max < min) return at(adaptive.max === undefined ? "min" : "max", `expected min (${min}) at most max (${max})`)
    if (initial !== undefined && (initial < min || initial > max)) {
      return at("initial", `expected from ${min} to ${max}, got ${initial}`)
    }
    return undefined
  })
)
export type Settings = typeof Settings.Type

export const defaults: Settings = { maxConcurrent: 32, maxQueue: 64, queueTimeout: Duration.seconds(5) }

/** Whose turn comes first when a slot is freed. Set it with `Effect.provideService(Bulkhead.Priority, "high")`. */
export const Priority = Context.Reference<"high" | "normal">("@holdfast/core/Bulkhead/Priority", {
  defaultValue: () => "normal"
})

/** What a bulkhead holds, at the instant it was asked. */
export interface Snapshot {
  readonly lane: string
  readonly running: number
  readonly waiting: number
  /** How many may run now, where that is found by trying; the least of them where policies differ. */
  readonly limit?: number | undefined
}

export class Bulkhead extends Context.Service<
  Bulkhead,
  {
    /**
     * Takes a slot of the lane, waiting for one if the queue has room. Interruption leaves the queue at once. A slot that
     * was taken must be given back with `release`, so call it in an uninterruptible region with the wait `restore`d.
     */
    readonly acquire: (
      lane: string,
      settings: Settings,
      restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    ) => Effect.Effect<void, Refusal.BulkheadFull>
    /** Gives a slot back: to the next in line, if there is one. */
    readonly release: (lane: string) => Effect.Effect<void>
    readonly snapshot: (lane: string) => Effect.Effect<Snapshot>
    /** The slots themselves, for code that cannot wait. */
    readonly slotsUnsafe: (lane: string) => Slots.Slots
    /** How many may run at once under these settings. */
    readonly boundUnsafe: (lane: string, settings: Settings) => Slots.Bound
  }
>()("@holdfast/core/Bulkhead") {}

export const make: Effect.Effect<Bulkhead["Service"]> = Effect.sync(() => {
  const lanes = new Map<string, Slots.Slots>()
  const slotsUnsafe = (lane: string): Slots.Slots => {
    const known = lanes.get(lane)
    if (known !== undefined) return known
    const made = Slots.make()
    lanes.set(lane, made)
    return made
  }

  const release = (lane: string): Effect.Effect<void> => Effect.sync(() => Slots.give(slotsUnsafe(lane)))

  const found = new Map<string, Map<string, AdaptiveLimitState.AdaptiveLimit>>()
  const boundUnsafe = (lane: string, settings: Settings): Slots.Bound => {
    const adaptive = adaptiveOf(settings)
    if (adaptive === undefined) return settings.maxConcurrent
    let limits = found.get(lane)
    if (limits === undefined) {
      limits = new Map()
      found.set(lane, limits)
    }
    const numbers = JSON.stringify(adaptive)
    let limit = limits.get(numbers)
    if (limit === undefined) {
      limit = AdaptiveLimitState.make(adaptive)
      limits.set(numbers, limit)
    }
    return limit
  }

  const refuse = (lane: string, settings: Settings, reason: "queue-full" | "queue-timeout") =>
    new Refusal.BulkheadFull({
      lane,
      reason,
      maxConcurrent: Slots.numberOf(boundUnsafe(lane, settings)),
      maxQueue: settings.maxQueue
    })

  const acquire: Bulkhead["Service"]["acquire"] = (lane, settings, restore) =>
    // Looking and joining the queue are one step: a slot that is freed in between would be missed.
    Effect.flatMap(Priority, (priority) => {
      const slots = slotsUnsafe(lane)
      const bound = boundUnsafe(lane, settings)
      if (Slots.tryTake(slots, bound)) return Effect.void
      if (Slots.waiting(slots) >= settings.maxQueue) return refuse(lane, settings, "queue-full")
      const waiter = Slots.join(slots, priority, bound)
      return Deferred.await(waiter.turn).pipe(
        Effect.timeoutOrElse({
          duration: settings.queueTimeout,
          orElse: () => Effect.fail(refuse(lane, settings, "queue-timeout"))
        }),
        restore,
        Effect.exit,
        Effect.flatMap((exit) => {
          if (Exit.isSuccess(exit)) return Effect.void
          // The turn may have come in the same instant as the interruption or the timeout: then the slot is ours to
          // give back, else the place in the line is.
          if (waiter.granted) Slots.give(slots)
          else Slots.leave(slots, waiter)
          return exit
        })
      )
    })

  const snapshot = (lane: string): Effect.Effect<Snapshot> =>
    Effect.sync(() => {
      const slots = lanes.get(lane)
      const limits = [...(found.get(lane)?.values() ?? [])].map(AdaptiveLimitState.limit)
      return {
        lane,
        running: slots?.running ?? 0,
        waiting: slots === undefined ? 0 : Slots.waiting(slots),
        ...(limits.length === 0 ? {} : { limit: Math.min(...limits) })
      }
    })

  return Bulkhead.of({ acquire, release, snapshot, slotsUnsafe, boundUnsafe })
})

export const layer: Layer.Layer<Bulkhead> = Layer.effect(Bulkhead, make)

/** Runs an effect in a slot of the lane. The slot is given back however the effect ends. */
export const run = (
  lane: string,
  options: Options<Settings> = {}
): (<A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | Refusal.BulkheadFull, R | Bulkhead>) => {
  const settings = override("Bulkhead", Settings, defaults, options)
  return (self) =>
    Effect.uninterruptibleMask((restore) =>
      Bulkhead.use((bulkhead) =>
        Effect.flatMap(bulkhead.acquire(lane, settings, restore), () =>
          Effect.flatMap(adapting.start(bulkhead.boundUnsafe(lane, settings), bulkhead.slotsUnsafe(lane)), (learn) =>
            Effect.flatMap(Effect.exit(restore(self)), (exit) =>
              Effect.andThen(Effect.andThen(learn(exit), bulkhead.release(lane)), exit)
            )
          )
        )
      )
    )
}

const algorithmOf = (name: Adaptive["algorithm"], timeout: Duration.Duration): AdaptiveLimitState.Algorithm => {
  if (name === "aimd") return { _tag: "Aimd", timeoutMillis: Duration.toMillis(timeout) }
  return { _tag: name === "vegas" ? "Vegas" : "Gradient2" }
}

const adaptiveOf = ({ adaptive, maxConcurrent }: Settings): AdaptiveLimitState.Settings | undefined => {
  if (adaptive === undefined) return undefined
  const { algorithm, max = maxConcurrent, min = 1, timeout = Duration.seconds(5) } = adaptive
  return {
    ...AdaptiveLimitState.defaults,
    algorithm: algorithmOf(algorithm, timeout),
    min,
    max,
    initial: adaptive.initial ?? Math.max(min, Math.min(AdaptiveLimitState.defaults.initial, max))
  }
}
