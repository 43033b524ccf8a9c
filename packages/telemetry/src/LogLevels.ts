/**
 * How much each logger says, which may be changed while the program runs. A logger is a name in the annotation `logger` of
 * a line; a name that has no level of its own has the general one. The levels belong to this layer.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as EffectLogLevel from "effect/LogLevel"
import * as Schema from "effect/Schema"

/** `none` says nothing at all. */
export const Level = Schema.Literals(["trace", "debug", "info", "warn", "error", "fatal", "none"])
export type Level = typeof Level.Type

/** The loggers of Holdfast. Other names may be used as well. */
export const Name = Schema.Literals([
  // Attempts and operations, and what somebody must look at.
  "ai_resilience",
  "circuit_breaker",
  "health_monitor",
  "retry",
  "fallback",
  "limits",
  "cache",
  "sharing",
  "store",
  "gateway",
  // Fingerprints of prompts and answers, and their text where a route allows that.
  "content",
  // Alerts that fire and are over, and whether people can be told.
  "alerts",
  // The log about itself.
  "logging"
])
export type Name = typeof Name.Type

export interface Settings {
  /** Of every logger that has none of its own. Default `info`. */
  readonly level?: Level | undefined
  readonly loggers?: { readonly [name: string]: Level | undefined } | undefined
}

export interface Snapshot {
  readonly level: Level
  readonly loggers: { readonly [name: string]: Level }
}

export class LogLevels extends Context.Service<
  LogLevels,
  {
    readonly snapshot: Effect.Effect<Snapshot>
    /** Sets the level of one logger, from its next line on; `undefined` gives it the general one again. */
    readonly set: (logger: string, level: Level | undefined) => Effect.Effect<void>
    /** Sets the general level. */
    readonly setGeneral: (level: Level) => Effect.Effect<void>
    /** Whether a line of that level is said. */
    readonly isEnabled: (logger: string, level: EffectLogLevel.LogLevel) => boolean
  }
>()("@holdfast/telemetry/LogLevels") {}

const thresholds: { readonly [One in Level]: EffectLogLevel.LogLevel } = {
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error",
  fatal: "Fatal",
  none: "None"
}

export const make = (settings: Settings = {}): LogLevels["Service"] => {
  let general = settings.level ?? "info"
  const own = new Map<string, Level>()
  for (const [name, level] of Object.entries(settings.loggers ?? {})) if (level !== undefined) own.set(name, level)
  return LogLevels.of({
    snapshot: Effect.sync(() => ({ level: general, loggers: Object.fromEntries(own) })),
    set: (logger, level) =>
      Effect.sync(() => {
        if (level === undefined) own.delete(logger)
        else own.set(logger, level)
      }),
    setGeneral: (level) =>
      Effect.sync(() => {
        general = level
      }),
    isEnabled: (logger, level) => {
      const threshold = own.get(logger) ?? general
      return threshold !== "none" && EffectLogLevel.isGreaterThanOrEqualTo(level, thresholds[threshold])
    }
  })
}

export const layer = (settings?: Settings): Layer.Layer<LogLevels> => Layer.sync(LogLevels, () => make(settings))
