/** Takes a key out of what a host sent, before anyone reads it: some echo the request they refuse. */
import * as Redacted from "effect/Redacted"
import { escape } from "effect/RegExp"
import type { Head } from "./Answer.ts"
import type { Evidence } from "./Trouble.ts"

export interface Scrub {
  readonly text: (text: string) => string
  readonly evidence: (evidence: Evidence) => Evidence
  /** The status and the headers, such as the id of the request that a host calls after its key. */
  readonly head: (head: Head) => Head
}

/** Keys shorter than this are placeholders, such as `none` and `ollama`, and no secret. */
const minLength = 8

const mark = "[redacted]"

export const make = (key: Redacted.Redacted | undefined): Scrub => {
  const secret = key === undefined ? "" : Redacted.value(key)
  if (secret.length < minLength) {
    return { text: (text) => text, evidence: (evidence) => evidence, head: (head) => head }
  }
  const plain = pattern(secret, (char) => char)
  const inJson = pattern(secret, (char) => JSON.stringify(char).slice(1, -1))
  const text = (text: string) => text.replace(plain, mark)
  const body = (body: unknown): unknown => {
    if (typeof body === "string") return text(body)
    const json = JSON.stringify(body)
    const safe = json.replace(inJson, mark)
    return safe === json ? body : JSON.parse(safe)
  }
  return {
    text,
    evidence: (evidence) => (evidence.kind === "transport" ? evidence : { ...evidence, body: body(evidence.body) }),
    head: ({ headers, status }) => ({
      status,
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, value === undefined ? undefined : text(value)])
      )
    })
  }
}

/** The secret, each of its characters as it is written, or as a URL may write it (RFC 3986, section 2.1). */
const pattern = (secret: string, write: (char: string) => string): RegExp =>
  new RegExp(Array.from(secret, (char) => `(?:${escape(write(char))}|${percent(char)})`).join(""), "g")

const percent = (char: string): string =>
  `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`.replace(
    /[a-f]/g,
    (digit) => `[${digit}${digit.toUpperCase()}]`
  )
