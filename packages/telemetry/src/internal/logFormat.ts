/** Lines of the log as text: for people, as key=value pairs, and as JSON. */
import type { LogRecord } from "./LogRecord.ts"

type Format = (record: LogRecord) => string

const control = /[\p{Cc}\u2028\u2029]/gu
/** A line stays one line, and no terminal obeys it. */
const inert = (text: string): string =>
  text.replace(control, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)

const word = /^[^\s"=]+$/
const valueOf = (value: unknown): string => {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "undefined")
  return word.test(text) ? inert(text) : inert(JSON.stringify(text))
}

const pairs = (fields: { readonly [name: string]: unknown }): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${inert(name)}=${valueOf(value)}`)
    .join("")

/** `2026-01-31T12:00:00.000Z WARN  circuit_breaker: … operation=…`, with the cause indented under it. */
const pretty: Format = ({ cause, fields, level, logger, message, time }) => {
  const under = cause === undefined ? "" : `\n  ${cause.split("\n").map(inert).join("\n  ")}`
  return `${time} ${level.toUpperCase().padEnd(5)} ${logger}: ${inert(message)}${pairs(fields)}${under}`
}

const logfmt: Format = ({ cause, fields, level, logger, message, time }) =>
  `time=${time} level=${level.toLowerCase()} logger=${valueOf(logger)} message=${valueOf(message)}${pairs({ ...fields, cause })}`

/** Our own names win over fields of the same name. */
const json: Format = ({ cause, fields, level, logger, message, time }) =>
  JSON.stringify({
    ...fields,
    time,
    level: level.toLowerCase(),
    logger,
    message,
    ...(cause === undefined ? {} : { cause })
  })

export const formats = { pretty, logfmt, json }
