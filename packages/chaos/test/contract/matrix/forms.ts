/** Every form in which somebody may come to see a failure. */
import { AiErrors, Failure } from "@holdfast/core"
import { Cause, Effect, Logger, Schema } from "effect"
import { AiError } from "effect/ai"
import { inspect } from "node:util"

const encodeFailure = Schema.encodeUnknownSync(Schema.toCodecJson(Failure.Failure))
const encodeAiError = Schema.encodeUnknownSync(Schema.toCodecJson(AiError.AiError))
const look = (value: unknown) => inspect(value, { depth: Infinity, showHidden: true, getters: true })

export const of = (failure: Failure.Failure): string => {
  const aiError = AiErrors.fromTyped(failure, "generateText")
  return [
    failure.message,
    String(failure),
    failure.stack,
    JSON.stringify(failure),
    JSON.stringify(encodeFailure(failure)),
    look(failure),
    Cause.pretty(Cause.fail(failure)),
    aiError.message,
    JSON.stringify(aiError),
    JSON.stringify(encodeAiError(aiError)),
    look(aiError)
  ].join("\n")
}
