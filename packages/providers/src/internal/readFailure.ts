/** Turns trouble on the wire into the typed failure: the classifier reads what was sent, the reader's verdict fills in. */
import * as Classification from "@holdfast/core/Classification"
import type * as Failure from "@holdfast/core/Failure"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Classifier from "../Classifier.ts"
import * as Redact from "@holdfast/core/Redact"
import { scopes } from "../rules/Rule.ts"
import type * as Answer from "./Answer.ts"
import type { Trouble, Verdict } from "./Trouble.ts"

/** Where it happened, and what is known of the answer by then. */
export interface Context {
  readonly target: Classification.Target
  /** Whose errors these are, for the classifier. */
  readonly errorsOf: string
  readonly head?: Answer.Head | undefined
}

/** Fails with what the trouble stands for. */
export const readFailure = (trouble: Trouble, context: Context): Effect.Effect<never, Failure.Failure> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const { evidence } = trouble
    const read =
      evidence === undefined
        ? undefined
        : Classifier.classify({
            ...evidence,
            provider: context.errorsOf,
            status: context.head?.status,
            headers: context.head?.headers,
            now
          })
    const verdict =
      trouble.verdict === undefined || (read !== undefined && read.class !== "Unknown")
        ? (read ?? unknown)
        : ownVerdict(trouble.verdict, read, context)
    const whole = {
      ...verdict,
      status: verdict.status ?? context.head?.status,
      detail: verdict.detail ?? trouble.verdict?.detail
    }
    return Effect.fail(
      Classification.toFailure(whole, context.target, {
        cause: evidence?.kind === "transport" ? evidence.error : undefined,
        phase: Classifier.timeoutPhase(verdict)
      })
    )
  })

const unknown: Classification.Classification = {
  class: "Unknown",
  ...Classification.defaults.Unknown,
  scope: scopes.Unknown,
  rule: "wire/unknown"
}

/** The reader's verdict, with what the classifier could still read beside it. */
const ownVerdict = (
  verdict: Verdict,
  read: Classification.Classification | undefined,
  context: Context
): Classification.Classification => {
  const usual = Classification.defaults[verdict.class]
  const id = context.head?.headers["x-request-id"] ?? context.head?.headers["request-id"]
  return {
    class: verdict.class,
    retryable: verdict.retryable ?? usual.retryable,
    failover: usual.failover,
    retryAfter: read?.retryAfter,
    scope: scopes[verdict.class],
    rule: verdict.rule,
    providerCode: read?.providerCode,
    requestId: read?.requestId ?? (id === undefined ? undefined : Redact.label(id)),
    detail: read?.detail
  }
}
