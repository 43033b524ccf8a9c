/**
 * An error as a person pastes it: `curl -i` output, a JSON body, an HTML page, a stack trace. Read into evidence as well as
 * its form allows; what is not there is not invented. Pure.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Evidence } from "./Case.ts"

export interface Known {
  /** Which provider it came from. Without it every provider's rules are read. */
  readonly provider?: string | undefined
  /** The HTTP status, where the paste does not show it. */
  readonly status?: number | undefined
  /** Epoch milliseconds, for waits given as a date. */
  readonly now?: number | undefined
}

const parseJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))
const jsonOr = (text: string): unknown => Option.getOrElse(parseJson(text), () => text)

const statusLine = /^HTTP\/[\d.]+ (\d{3})/
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z:-]+):[ \t]*(.*)$/
/** What Node and the SDKs print first: `RateLimitError: 429 …`, `TypeError: fetch failed`. */
const thrownLine = /^(?:Uncaught )?([A-Z][A-Za-z]*(?:Error|Exception)?): ?(.*)/
const causeLine = /\[cause\]: ([A-Za-z]*): ?(.*)/g
const codeLine = /\bcode: '([A-Z][A-Z0-9_]*)'/g

/** The evidence in a paste. */
export const read = (text: string, known: Known = {}): Evidence => {
  const trimmed = text.trim()
  const base = {
    provider: known.provider ?? "unknown",
    status: known.status,
    headers: undefined,
    event: undefined,
    error: undefined,
    now: known.now
  }
  const http = statusLine.exec(trimmed)
  if (http !== null) return { ...base, ...fromHttp(trimmed, Number(http[1])) }
  const events = eventsOf(trimmed)
  if (events !== undefined) return { ...base, kind: "stream", status: known.status ?? 200, ...events }
  const body = jsonOr(trimmed)
  if (Predicate.isObject(body) || Array.isArray(body) || trimmed.startsWith("<")) {
    return { ...base, kind: kindOf(known.status), body }
  }
  const thrown = thrownLine.exec(trimmed)
  if (thrown === null) {
    return known.status === undefined
      ? { ...base, kind: "sdk", body: undefined, error: { message: trimmed } }
      : { ...base, kind: kindOf(known.status), body: trimmed }
  }
  return { ...base, kind: "sdk", body: undefined, error: thrownOf(trimmed, thrown) }
}

interface Thrown {
  readonly name: string | undefined
  readonly message: string | undefined
  readonly code?: string | undefined
  readonly cause?: Thrown | undefined
}

/** What Node's `inspect` shows of an error: its first line, its causes, and the innermost code. */
const thrownOf = (text: string, [, name, message]: RegExpExecArray): Thrown => {
  const code = [...text.matchAll(codeLine)].at(-1)?.[1]
  const causes = [...text.matchAll(causeLine)]
  const cause = causes.reduceRight<Thrown | undefined>(
    (inner, [, causeName, said]) => ({
      name: causeName,
      message: said,
      code: inner === undefined ? code : undefined,
      cause: inner
    }),
    undefined
  )
  // Without causes the rest of the text may still be the message, such as a body that an SDK prints over several lines.
  return causes.length > 0
    ? { name, message, cause }
    : { name, message: text.slice(text.indexOf(":") + 1).trim(), code }
}

const kindOf = (status: number | undefined): Evidence["kind"] =>
  status !== undefined && status >= 200 && status < 300 ? "response-200" : "http"

/** `curl -i`: the last status line wins, since redirects and `100 Continue` come first. */
const fromHttp = (text: string, first: number): Pick<Evidence, "kind" | "status" | "headers" | "body"> => {
  let status = first
  const headers: Record<string, string> = {}
  const lines = text.split(/\r?\n/)
  let index = 0
  for (; index < lines.length; index++) {
    const line = lines[index] ?? ""
    const again = statusLine.exec(line)
    const header = headerLine.exec(line)
    if (again !== null) status = Number(again[1])
    else if (header !== null) headers[(header[1] ?? "").toLowerCase()] = header[2] ?? ""
    else if (line === "" && !statusLine.test(lines[index + 1] ?? "")) break
  }
  return { kind: kindOf(status), status, headers, body: jsonOr(lines.slice(index).join("\n").trim()) }
}

/** The last event of a pasted event stream. */
const eventsOf = (text: string): { readonly event: string | undefined; readonly body: unknown } | undefined => {
  if (!/^(?:event|data|id|:)/.test(text) || !/^data:/m.test(text)) return undefined
  let event: string | undefined
  let body: unknown
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("event:")) event = line.slice(6).trim()
    else if (line.startsWith("data:")) body = jsonOr(line.slice(5).trim())
  }
  return { event, body }
}
