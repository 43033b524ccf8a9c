/**
 * Where lines of the log go: the console, for people, and files of JSON, those of errors apart. Each line is freed of
 * secrets once, and said where the level of its logger allows. Loggers, levels and files belong to this layer.
 */
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Queue from "effect/Queue"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { formats } from "./internal/logFormat.ts"
import * as LogRecord from "./internal/LogRecord.ts"
import * as LogFile from "./LogFile.ts"
import * as LogLevels from "./LogLevels.ts"
import * as Redaction from "./Redaction.ts"

const positiveInt = Schema.Int.check(Schema.isGreaterThan(0))

export const Format = Schema.Literals(["pretty", "logfmt", "json"])
export type Format = typeof Format.Type

export const Files = Schema.Struct({
  /** Made if it is not there. Default: `logs` beside the embedded database, where there is one. */
  directory: Schema.optionalKey(Schema.NonEmptyString),
  /** Size at which a file begins anew. Default 10 MiB. */
  maxBytes: Schema.optionalKey(positiveInt),
  /** Old files kept of all lines. Default 5. */
  keep: Schema.optionalKey(positiveInt),
  /** Old files kept of errors alone. Default 10. */
  errorsKeep: Schema.optionalKey(positiveInt)
})
export type Files = typeof Files.Type

/** The section `logging` of a configuration. */
export const Settings = Schema.Struct({
  /** Default `info`. */
  level: Schema.optionalKey(LogLevels.Level),
  /** Levels of their own for some loggers. */
  loggers: Schema.optionalKey(Schema.Record(LogLevels.Name, Schema.optionalKey(LogLevels.Level))),
  /** Of the console. Default `pretty`. */
  format: Schema.optionalKey(Format),
  /** Whether lines go to the console. Default true. */
  console: Schema.optionalKey(Schema.Boolean),
  files: Schema.optionalKey(Schema.Union([Files, Schema.Literal(false)])),
  /** Whether e-mail addresses are taken out as well. Default false. */
  redactEmails: Schema.optionalKey(Schema.Boolean)
})
export type Settings = typeof Settings.Type

export interface Options extends Settings {
  /** Where files go if the settings do not say; without it, and without a directory in the settings, there are none. */
  readonly defaultDirectory?: string | undefined
  /** Keys to take out wherever they stand. */
  readonly secrets?: Redaction.Options["secrets"]
}

export const defaults = { maxBytes: 10 * 1024 * 1024, keep: 5, errorsKeep: 10 } as const

/** The file of all lines, and that of errors. */
export const fileNames = { all: "holdfast.log", errors: "holdfast-errors.log" } as const

/**
 * Replaces the loggers of everything it is provided to. Closing it writes what is left, for five seconds at most; a disk
 * that takes nothing costs lines and stops nobody.
 */
export const layer = (options: Options = {}): Layer.Layer<LogLevels.LogLevels> => Layer.effectContext(make(options))

const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Context.Context<LogLevels.LogLevels>, never, Scope.Scope> {
  const levels = LogLevels.make(options)
  const redaction = Redaction.make({ secrets: options.secrets, emails: options.redactEmails })
  const changes = yield* Queue.unbounded<LogFile.Change>()
  const files = yield* filesOf(options, (change) => void Queue.offerUnsafe(changes, change))
  const onConsole = options.console === false ? undefined : formats[options.format ?? "pretty"]

  const logger = Logger.make((line) => {
    const name = LogRecord.loggerOf(line)
    if (!levels.isEnabled(name, line.logLevel)) return
    const record = LogRecord.of(line, name, redaction)
    if (onConsole !== undefined) line.fiber.getRef(Console.Console).log(onConsole(record))
    if (files === undefined) return
    const text = formats.json(record)
    const now = line.date.getTime()
    files.all.write(text, now)
    if (LogLevel.isGreaterThanOrEqualTo(line.logLevel, "Error")) files.errors.write(text, now)
  })
  // The logger itself decides, so that levels can change while fibers run.
  const context = Context.make(LogLevels.LogLevels, levels).pipe(
    Context.add(References.CurrentLoggers, new Set([logger])),
    Context.add(References.MinimumLogLevel, "All")
  )
  yield* Queue.take(changes).pipe(
    Effect.flatMap(say),
    Effect.forever,
    Effect.provideContext(context),
    Effect.forkScoped
  )
  return context
})

const filesOf = Effect.fnUntraced(function* (options: Options, onChange: (change: LogFile.Change) => void) {
  if (options.files === false) return undefined
  const directory = options.files?.directory ?? options.defaultDirectory
  if (directory === undefined) return undefined
  const { errorsKeep, keep, maxBytes } = { ...defaults, ...options.files }
  return {
    all: yield* LogFile.make({ directory, name: fileNames.all, maxBytes, keep, onChange }),
    errors: yield* LogFile.make({ directory, name: fileNames.errors, maxBytes, keep: errorsKeep, onChange })
  }
})

const say = ({ file, lost, problem }: LogFile.Change): Effect.Effect<void> =>
  (problem === undefined
    ? Effect.logWarning(`${file} is written again; ${lost} lines are lost`)
    : Effect.logError(`${file} cannot be written (${problem}); its lines are lost until it can`)
  ).pipe(Effect.annotateLogs({ logger: "logging" }))
