/** What the server answers: the fault's error, or what a healthy server finds. Pure. */
import * as Redacted from "effect/Redacted"
import type { Fault } from "../Fault.ts"
import type { Answer } from "./Answer.ts"
import * as Json from "./Json.ts"
import type { Failing, Failure, Occasion, Reading, Surface } from "./Surface.ts"

export interface Admission {
  /** Undefined accepts any key and none. */
  readonly keys?: ReadonlyArray<Redacted.Redacted> | undefined
  /** Undefined accepts any model. */
  readonly models?: ReadonlyArray<string> | undefined
}

/** The fault goes before everything that a healthy server checks: key, then model, then the body. */
export const answer = (
  surface: Surface,
  reading: Reading,
  fault: Fault | undefined,
  admission: Admission,
  failing: Failing,
  occasion: Omit<Occasion, "blockAfter">
): Answer => {
  const failure = fault === undefined ? refusal(reading, admission) : failureOf(fault)
  if (failure !== undefined) return surface.fail(failure, failing)
  const blockAfter = fault?._tag === "ContentBlock" ? fault.after : undefined
  return reading.respond({ ...occasion, blockAfter })
}

/** The provider's body for an error inside a stream. */
export const streamError = (surface: Surface, fault: Fault | undefined, failing: Failing): unknown => {
  const tag = fault?._tag === "StreamError" ? fault.error : "ServerError"
  const failure: Failure = tag === "Overloaded" ? { _tag: tag, code: "server_is_overloaded" } : { _tag: tag }
  const answer = surface.fail(failure, failing)
  return answer._tag === "Whole" ? Json.parse(answer.body) : {}
}

const refusal = (reading: Reading, admission: Admission): Failure | undefined => {
  if (reading.operation === "unknown") return undefined
  if (admission.keys !== undefined) {
    if (reading.key === undefined) return { _tag: "MissingKey" }
    if (!admission.keys.some((key) => Redacted.value(key) === reading.key)) return { _tag: "BadKey" }
  }
  const known =
    reading.model === undefined || admission.models === undefined || admission.models.includes(reading.model)
  return known ? undefined : { _tag: "ModelNotFound" }
}

const failureOf = (fault: Fault): Failure | undefined => {
  switch (fault._tag) {
    case "RateLimit":
    case "ServerError":
    case "ServiceUnavailable":
    case "Overloaded":
    case "QuotaExhausted":
    case "BadKey":
    case "PermissionDenied":
    case "InvalidRequest":
    case "ContextLength":
    case "ModelNotFound":
      return fault
    case "ContentBlock":
      return fault.at === "prompt" ? { _tag: "BlockedPrompt" } : undefined
    default:
      return undefined
  }
}
