/** Takes a key out of what a host sent, before anyone reads it: some echo the request they refuse. */
import * as Redacted from "effect/Redacted"
import type { Evidence } from "./Trouble.ts"

export interface Scrub {
  readonly text: (text: string) => string
  readonly evidence: (evidence: Evidence) => Evidence
}

/** Keys shorter than this are placeholders, such as `none` and `ollama`, and no secret. */
const minLength = 8

const mark = "[redacted]"

export const make = (key: Redacted.Redacted | undefined): Scrub => {
  const secret = key === undefined ? "" : Redacted.value(key)
  if (secret.length < minLength) return { text: (text) => text, evidence: (evidence) => evidence }
  const text = (text: string) => text.replaceAll(secret, mark)
  // As the key stands in JSON text.
  const escaped = JSON.stringify(secret).slice(1, -1)
  const body = (body: unknown): unknown => {
    if (typeof body === "string") return text(body)
    const json = JSON.stringify(body)
    return json.includes(escaped) ? JSON.parse(json.replaceAll(escaped, mark)) : body
  }
  return {
    text,
    evidence: (evidence) => (evidence.kind === "transport" ? evidence : { ...evidence, body: body(evidence.body) })
  }
}
