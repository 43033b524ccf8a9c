/** One line of the log as data, with no secret in it. */
import * as Cause from "effect/Cause"
import type * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import type * as Redaction from "../Redaction.ts"

export interface LogRecord {
  /** ISO 8601, in UTC. */
  readonly time: string
  readonly level: LogLevel.LogLevel
  readonly logger: string
  readonly message: string
  readonly fields: { readonly [name: string]: unknown }
  readonly cause: string | undefined
}

/** The logger of a line that names none. */
const nameless = "app"

export const loggerOf = ({ fiber }: Logger.Options<unknown>): string => {
  const { logger } = fiber.getRef(References.CurrentLogAnnotations)
  return typeof logger === "string" ? logger : nameless
}

/** Fields that hold names of ours, which may look like a key and are none. */
const names: ReadonlySet<string> = new Set([
  "operation",
  "joined",
  "route",
  "lane",
  "from",
  "to",
  "circuit",
  "provider",
  "model",
  "class",
  "rule"
])

export const of = (options: Logger.Options<unknown>, logger: string, redaction: Redaction.Redaction): LogRecord => {
  const { cause, date, fiber, logLevel, message } = options
  const texts: Array<string> = []
  const fields: Record<string, unknown> = {}
  const note = (record: { readonly [name: string]: unknown }): void => {
    for (const [name, value] of Object.entries(record)) {
      if (typeof value === "string" && names.has(name)) fields[name] = redaction.name(value)
      else Object.assign(fields, redaction.value({ [name]: value }))
    }
  }
  for (const part of Array.isArray(message) ? message : [message]) {
    if (typeof part === "string") texts.push(redaction.text(part))
    else if (isPlain(part)) note(part)
    else texts.push(said(redaction.value(part)))
  }
  note(fiber.getRef(References.CurrentLogAnnotations))
  delete fields["logger"]
  for (const [label, since] of fiber.getRef(References.CurrentLogSpans)) fields[label] = date.getTime() - since
  return {
    time: date.toISOString(),
    level: logLevel,
    logger,
    message: texts.join(" "),
    fields,
    cause: cause.reasons.length === 0 ? undefined : redaction.text(Cause.pretty(cause))
  }
}

const isPlain = (value: unknown): value is { readonly [name: string]: unknown } => {
  if (!Predicate.isObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

const said = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value))
