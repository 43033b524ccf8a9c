/**
 * When to ask the same lane again: exponential backoff with jitter as an ordinary `Schedule`, different per class of
 * failure. Pure; nothing is shared between two uses of a schedule.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Disposition from "./Disposition.ts"
import type * as Failure from "./Failure.ts"
import { override, type Options } from "./internal/override.ts"
import { PositiveDuration } from "./internal/PositiveDuration.ts"

/**
 * How chance spreads the delays, so that clients which failed together do not come back together.
 *
 * - `equal`: × U[0.5, 1). Half of the wait is kept.
 * - `full`: × U[0, 1) (Brooker, "Exponential Backoff And Jitter", 2015).
 * - `decorrelated`: U[base, 3 × the delay before], capped (the same source).
 * - `proportional`: × U[0.8, 1.2), then capped.
 * - `none-unsafe`: no spread. Clients that fail together retry together.
 */
export const Jitter = Schema.Literals(["equal", "full", "decorrelated", "proportional", "none-unsafe"])
export type Jitter = typeof Jitter.Type

/** The numbers of a retry policy. */
export const Settings = Schema.Struct({
  /** Retries on one lane after the first call. */
  maxRetries: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
  /** First delay, before jitter and before the class's own factor (a rate limit waits twice as long). */
  base: PositiveDuration,
  /** Growth per retry. */
  factor: Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 10 })),
  /** Ceiling on our own delay. A provider's hint may be longer. */
  maxDelay: PositiveDuration,
  jitter: Jitter,
  /** The longest wait that an operation accepts on one lane; a longer one fails over or fails now. */
  patience: PositiveDuration
}).check(
  Schema.makeFilter((settings) =>
    Duration.isGreaterThan(settings.base, settings.maxDelay)
      ? {
          path: ["base"],
          issue: `expected at most maxDelay (${Duration.format(settings.maxDelay)}), got ${Duration.format(settings.base)}`
        }
      : undefined
  )
)
export type Settings = typeof Settings.Type

export const defaults: Settings = {
  maxRetries: 3,
  base: Duration.seconds(1),
  factor: 2,
  maxDelay: Duration.seconds(60),
  jitter: "equal",
  patience: Duration.seconds(60)
}

/**
 * The delay before retry `retry` (1 for the first), without a hint:
 * `min(maxDelay, base · baseFactor · factor^(retry − 1))`, spread by jitter. `random` is in [0, 1). The answer is finite,
 * never negative and never above `maxDelay`, for any `retry`.
 */
export const delayMillis = (
  settings: Settings,
  retry: number,
  baseFactor: number,
  previousMillis: number,
  random: number
): number => {
  const cap = Duration.toMillis(settings.maxDelay)
  const base = Math.min(cap, Duration.toMillis(settings.base) * baseFactor)
  const backoff = Math.min(cap, base * settings.factor ** (retry - 1))
  switch (settings.jitter) {
    case "equal":
      return backoff * (0.5 + random / 2)
    case "full":
      return backoff * random
    case "decorrelated":
      return Math.min(cap, base + random * Math.max(0, 3 * Math.max(previousMillis, base) - base))
    case "proportional":
      return Math.min(cap, backoff * (0.8 + random * 0.4))
    case "none-unsafe":
      return backoff
  }
}

/**
 * The schedule: outputs the retry's number, delays by `delayMillis` or by the provider's hint, whichever is longer, and
 * ends when the class allows no more retries (`Disposition`) or `maxRetries` is reached.
 *
 * **Gotchas**
 *
 * A wait that the provider names is never cut short, so bound the whole: the pipeline stops before a wait that would
 * pass the patience or the deadline. Interruption ends a wait at once.
 */
export const make = (options: Options<Settings> = {}): Schedule.Schedule<number, Failure.Failure> =>
  fromSettings(override("RetryPolicy", Settings, defaults, options))

/** The schedule of settings that have been checked already, such as a policy's. */
export const fromSettings = (settings: Settings): Schedule.Schedule<number, Failure.Failure> => {
  return Schedule.fromStep(
    Effect.sync(() => {
      let retry = 0
      let previousMillis = 0
      return (_now: number, failure: Failure.Failure) =>
        Effect.map(Random.next, (random): [number, Duration.Duration] => {
          retry += 1
          previousMillis = delayMillis(settings, retry, Disposition.of(failure).baseFactor, previousMillis, random)
          return [retry, Duration.max(Duration.millis(previousMillis), failure.retryAfter ?? Duration.zero)]
        })
    })
  ).pipe(Schedule.while(({ attempt, input }) => attempt <= Math.min(settings.maxRetries, Disposition.retriesOf(input))))
}
