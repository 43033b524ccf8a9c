/** The settings of a circuit as a policy writes them, and in the units of the machine. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type * as BreakerState from "./BreakerState.ts"
import { PositiveDuration } from "./PositiveDuration.ts"
import type * as SlidingWindow from "./SlidingWindow.ts"

const part = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const count = (minimum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum: 10_000 }))

export const Settings = Schema.Struct({
  /**
   * Failures in a row, in the order in which the calls were sent, that open the circuit; 0: they do not. A lane of whose
   * other calls in the window more than one in ten failed has so many by chance, and needs a row that is as improbable.
   */
  consecutiveFailures: count(0),
  /** The part of the calls in the window that failed, at or above which it opens; 0: it does not. */
  rate: part,
  /** Fewer calls in the window than this say nothing about rates. */
  minimumCalls: count(1),
  /** How far back the window reaches, forgotten a tenth at a time. */
  window: PositiveDuration,
  /** Instead of a time: the window is the last so many calls, however old. */
  windowCalls: Schema.optionalKey(count(1)),
  /** A call that takes longer is slow (a stream: its first content, or a gap in it). Absent: none is. */
  slowCall: Schema.optionalKey(PositiveDuration),
  /** The part of the calls in the window that were slow, at or above which it opens; 0: it does not. A slow probe fails then. */
  slowRate: part,
  /** How long it stays open. */
  open: PositiveDuration,
  /** Growth of the open time each time the probes fail; 1 for none. */
  openGrowth: Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 10 })),
  /** Ceiling of the open time. A provider's hint may be longer. */
  openMax: PositiveDuration,
  /** Ceiling of the open time that a provider's hint may ask for. */
  hintMax: PositiveDuration,
  /** Instead of growth: the open times one after the other; the last holds for all further. See `CircuitBreaker.openTimes`. */
  openTimes: Schema.optionalKey(Schema.NonEmptyArray(PositiveDuration)),
  /** Part of the open time that chance may take off (0 to 1), so that a fleet does not probe in step. */
  openJitter: part,
  /** Calls that are let through to find out; the others are refused until those decide. */
  probes: count(1),
  /** Successes among them that close the circuit. */
  probeSuccesses: count(1),
  /** A probe that has not reported by then loses its slot to the next caller, and its late result is void. */
  probeLease: PositiveDuration,
  /** After closing, the time over which admission grows from a tenth to all. Absent: all at once. */
  ramp: Schema.optionalKey(PositiveDuration)
}).check(
  Schema.makeFilter((settings) => [
    ...(Duration.isLessThan(settings.openMax, settings.open)
      ? [
          {
            path: ["openMax"],
            issue: `expected at least open (${Duration.format(settings.open)}), got ${Duration.format(settings.openMax)}`
          }
        ]
      : []),
    ...(settings.probeSuccesses > settings.probes
      ? [
          {
            path: ["probeSuccesses"],
            issue: `expected at most probes (${settings.probes}), got ${settings.probeSuccesses}`
          }
        ]
      : []),
    ...(settings.windowCalls !== undefined && settings.minimumCalls > settings.windowCalls
      ? [
          {
            path: ["minimumCalls"],
            issue: `expected at most windowCalls (${settings.windowCalls}), or it never opens, got ${settings.minimumCalls}`
          }
        ]
      : []),
    ...(settings.slowRate > 0 && settings.slowCall === undefined
      ? [{ path: ["slowCall"], issue: "expected with slowRate: nothing says which calls are slow" }]
      : []),
    ...(settings.consecutiveFailures === 0 && settings.rate === 0 && settings.slowRate === 0
      ? [
          {
            path: ["consecutiveFailures"],
            issue: "expected one of consecutiveFailures, rate, slowRate: it never opens"
          }
        ]
      : [])
  ])
)
export type Settings = typeof Settings.Type

export const defaults: Settings = {
  consecutiveFailures: 5,
  rate: 0.5,
  minimumCalls: 20,
  window: Duration.seconds(60),
  slowRate: 0,
  open: Duration.seconds(60),
  openGrowth: 2,
  openMax: Duration.minutes(2),
  hintMax: Duration.minutes(15),
  openJitter: 0.2,
  probes: 1,
  probeSuccesses: 1,
  probeLease: Duration.seconds(120)
}

/** Slices of the time window. */
const slices = 10

const machines = new WeakMap<Settings, BreakerState.Settings>()

/** The settings in the machine's units, worked out once per settings value. */
export const machine = (settings: Settings): BreakerState.Settings => {
  const known = machines.get(settings)
  if (known !== undefined) return known
  const made: BreakerState.Settings = {
    consecutiveFailures: settings.consecutiveFailures,
    rate: settings.rate,
    slowRate: settings.slowRate,
    minimumCalls: settings.minimumCalls,
    openMillis: settings.openTimes === undefined ? growing(settings) : listed(settings.openTimes),
    openJitter: settings.openJitter,
    hintMaxMillis: Duration.toMillis(settings.hintMax),
    probes: settings.probes,
    probeSuccesses: settings.probeSuccesses,
    probeMillis: Duration.toMillis(settings.probeLease),
    rampMillis: settings.ramp === undefined ? 0 : Duration.toMillis(settings.ramp)
  }
  machines.set(settings, made)
  return made
}

export const windowOf = (settings: Settings): SlidingWindow.Settings =>
  settings.windowCalls === undefined
    ? { _tag: "Time", windowMillis: Duration.toMillis(settings.window), slices }
    : { _tag: "Count", calls: settings.windowCalls }

/** `min(openMax, open · openGrowth^(nth - 1))`; a power too large for a number is infinite, and the ceiling holds. */
const growing = (settings: Settings): BreakerState.Settings["openMillis"] => {
  const [first, max] = [Duration.toMillis(settings.open), Duration.toMillis(settings.openMax)]
  return (nth) => Math.min(max, first * settings.openGrowth ** (nth - 1))
}

const listed = (times: NonNullable<Settings["openTimes"]>): BreakerState.Settings["openMillis"] => {
  const last = times[times.length - 1] ?? times[0]
  return (nth) => Duration.toMillis(times[nth - 1] ?? last)
}
