/**
 * Tells what a provider's failure is: evidence in, verdict out, by rules that are data (`rules/`). Pure and total: no
 * clock, no I/O, no throw, bounded work whatever the payload. Structure is read before text and the innermost body before
 * its wrapper; see `rules/Rule.ts` for the fields and their order.
 */
import type { Classification } from "@holdfast/core/Classification"
import { defaults } from "@holdfast/core/Classification"
import type { TimeoutPhase } from "@holdfast/core/Failure"
import * as Duration from "effect/Duration"
import { type Compiled, compile, decide, type Step } from "./internal/classifyEngine.ts"
import * as Signal from "./internal/errorSignal.ts"
import * as Answer from "./internal/errorAnswer.ts"
import * as Redact from "@holdfast/core/Redact"
import * as RetryHint from "./RetryHint.ts"
import { canonical, type Rule, scopes, type Table } from "./rules/Rule.ts"
import * as Tables from "./rules/tables.ts"

/** What is known about one failure. */
export interface Evidence {
  /** The name of the provider: `gemini`, `vertex`, `openai`, `azure-openai`, …; an unknown one is read by every table. */
  readonly provider: string
  /**
   * `http` an answer that is not 2xx · `response-200` one that is and failed all the same · `stream` an event after a
   * 200 · `sdk` an error object of an SDK · `transport` what fetch or Node threw.
   */
  readonly kind: "http" | "response-200" | "stream" | "sdk" | "transport"
  readonly status?: number | null | undefined
  /** By name, in any case. A `Headers` object will do as well. */
  readonly headers?: unknown
  /** Decoded JSON, or the raw text. */
  readonly body?: unknown
  /** The name of a server-sent event. */
  readonly event?: string | null | undefined
  /** What was thrown: a live error or its plain form. */
  readonly error?: unknown
  /** When the answer was read, in epoch milliseconds. Without it, waits given as a date are ignored. */
  readonly now?: number | undefined
}

/** A verdict and how it came about. */
export interface Explanation {
  readonly verdict: Classification
  /** Every rule whose value or pattern fitted, in the order in which they were read; the last one decided. */
  readonly trail: ReadonlyArray<Step>
  /** Where the deciding rule is documented, and why it holds. */
  readonly source: string
}

/** The verdict on a failure. Never throws. */
export const classify = (evidence: Evidence): Classification => judge(evidence).verdict

/** The verdict and the rules that were considered. */
export const explain = (evidence: Evidence): Explanation => {
  const trail: Array<Step> = []
  const { rule, verdict } = judge(evidence, trail)
  return { verdict, trail, source: rule?.source ?? "Nothing in the payload to decide on" }
}

/**
 * The verdict on a 2xx body or a stream event if it is a failure, `undefined` if it is sound. Cheap for sound ones: a few
 * fields are read, no rule is.
 */
export const inspect = (evidence: Evidence): Classification | undefined => {
  try {
    const body = typeof evidence.body === "string" ? decoded(evidence.body) : evidence.body
    return isSound({ ...evidence, body }) ? undefined : classify(evidence)
  } catch {
    return classify(evidence)
  }
}

/** A body that came as text; what is not JSON stays as it is. */
const decoded = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The verdict on an answer that is not 2xx. */
export const fromHttp = (
  provider: string,
  answer: { readonly status: number; readonly headers?: unknown; readonly body?: unknown; readonly now?: number }
): Classification => classify({ provider, kind: "http", ...answer })

/** The verdict on something thrown: by fetch, by `effect/http`, by Node, by an SDK. */
export const fromThrown = (provider: string, error: unknown, now?: number): Classification =>
  classify({ provider, kind: "transport", error, now })

/** Which clock a `Timeout` means, by the rule that decided; `provider` where the rule does not say. */
export const timeoutPhase = (verdict: Classification): TimeoutPhase => phases.get(verdict.rule) ?? "provider"

const isSound = (evidence: Evidence): boolean => {
  const { body } = evidence
  const complete = evidence.kind === "response-200"
  if (typeof body === "string" || body === null || body === undefined) return false
  if (Signal.isFlagged(body, evidence.event ?? undefined)) return false
  const findings: Array<string> = []
  Answer.ofBody(body, complete, findings)
  return findings.every((finding) => !tablesFor(evidence.provider).values.answer.has(canonical(finding)))
}

const judge = (evidence: Evidence, trail?: Array<Step>): { verdict: Classification; rule: Rule | undefined } => {
  try {
    const signal = Signal.read(evidence)
    const rule = decide(signal, tablesFor(evidence.provider), trail)
    return { verdict: verdictOf(rule, signal), rule }
  } catch {
    // Only a value that fights back gets here (a revoked proxy, a trap that throws); it says nothing we could use.
    return {
      verdict: { class: "Unknown", ...defaults.Unknown, scope: scopes.Unknown, rule: "classifier/unreadable" },
      rule: undefined
    }
  }
}

const verdictOf = (rule: Rule | undefined, signal: Signal.Signal): Classification => {
  const name = rule?.verdict ?? "Unknown"
  const wait = RetryHint.millis(signal)
  const message = signal.messages[0]
  return {
    class: name,
    retryable: rule?.retryable ?? defaults[name].retryable,
    failover: rule?.failover ?? defaults[name].failover,
    retryAfter: wait === undefined ? undefined : Duration.millis(wait),
    scope: rule?.scope ?? scopes[name],
    rule: rule?.id ?? "classifier/nothing-to-decide-on",
    status: signal.status,
    providerCode: signal.providerCode === undefined ? undefined : Redact.label(signal.providerCode),
    requestId: signal.requestId === undefined ? undefined : Redact.label(signal.requestId),
    detail: message === undefined ? undefined : Redact.detail(message)
  }
}

const compiled = new Map<string, Compiled>()
const everything = compile([...Tables.all, ...Tables.common], [])
for (const [provider, tables] of Object.entries(Tables.own)) {
  const others: ReadonlyArray<Table> = Tables.all.filter((table) => !tables.includes(table))
  compiled.set(provider, compile([...tables, ...Tables.common], others))
}

const tablesFor = (provider: string): Compiled => compiled.get(provider) ?? everything

const phases = new Map<string, TimeoutPhase>()
for (const table of [...Tables.all, ...Tables.common]) {
  for (const rule of table.rules) if (rule.phase !== undefined) phases.set(rule.id, rule.phase)
}
