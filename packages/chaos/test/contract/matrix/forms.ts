/** Every form in which somebody may come to see an error of ours. */
import { AiErrors, Failure, Refusal } from "@holdfast/core"
import { Cause, Schema } from "effect"
import { AiError } from "effect/ai"
import { inspect } from "node:util"

const encode = Schema.encodeUnknownSync(Schema.toCodecJson(Schema.Union([Failure.Failure, Refusal.Refusal])))
const encodeAiError = Schema.encodeUnknownSync(Schema.toCodecJson(AiError.AiError))

const look = (value: unknown): string => inspect(value, { depth: Infinity, showHidden: true, getters: true })

export const of = (error: Failure.Failure | Refusal.Refusal): string => {
  const aiError = AiErrors.fromTyped(error, "generateText")
  return [
    error.message,
    String(error),
    error.stack,
    JSON.stringify(error),
    JSON.stringify(encode(error)),
    look(error),
    Cause.pretty(Cause.fail(error)),
    aiError.message,
    JSON.stringify(aiError),
    JSON.stringify(encodeAiError(aiError)),
    look(aiError)
  ].join("\n")
}
