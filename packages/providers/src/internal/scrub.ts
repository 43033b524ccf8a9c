/** Takes a key out of what a host sent, before anyone reads it: some echo the request they refuse. */
import * as Redact from "@holdfast/core/Redact"
import type * as Redacted from "effect/Redacted"
import type { Head } from "./Answer.ts"
import type { Evidence } from "./Trouble.ts"

export interface Scrub {
  readonly text: (text: string) => string
  readonly evidence: (evidence: Evidence) => Evidence
  /** The status and the headers, such as the id of the request that a host calls after its key. */
  readonly head: (head: Head) => Head
}

export const make = (key: Redacted.Redacted | undefined): Scrub => {
  const { json, text } = Redact.known(key === undefined ? [] : [key])
  const body = (body: unknown): unknown => {
    if (typeof body === "string") return text(body)
    const written = JSON.stringify(body)
    const safe = json(written)
    return safe === written ? body : JSON.parse(safe)
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
