/** A bound on what a request can take, without counting tokens. */
import type * as TextModel from "../TextModel.ts"

/** A token is at least a byte of UTF-8, and a UTF-16 unit at most three of them. */
const perUnit = 3

/** What frames a message, a part or a value, at most. */
const perValue = 16

/**
 * More tokens than the request takes on any model, with the output it asks for; infinite where it holds what is not text.
 * A hundred times cheaper than an estimate, and enough for nearly every request.
 */
export const mostTokens = ({ prompt, responseFormat, sampling, tools }: TextModel.Request): number => {
  let most = perValue + (sampling.maxOutputTokens ?? 0) + valueOf(tools)
  if (responseFormat.type === "json") most += valueOf(responseFormat.schema)
  for (const message of prompt.content) {
    most += perValue
    if (typeof message.content === "string") {
      most += message.content.length * perUnit
      continue
    }
    for (const part of message.content) {
      if (part.type === "file") return Number.POSITIVE_INFINITY
      most += part.type === "text" || part.type === "reasoning" ? perValue + part.text.length * perUnit : valueOf(part)
    }
  }
  return most
}

const valueOf = (value: unknown): number => {
  if (typeof value === "string") return perValue + value.length * perUnit
  if (typeof value !== "object" || value === null) return perValue * 2
  if (ArrayBuffer.isView(value)) return Number.POSITIVE_INFINITY
  let most = perValue
  for (const [key, part] of Object.entries(value)) most += key.length * perUnit + valueOf(part)
  return most
}
