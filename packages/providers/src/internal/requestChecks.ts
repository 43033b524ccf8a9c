/** What every provider checks in a request before it is encoded. */
import type * as Lane from "@holdfast/core/Lane"
import type * as Sampling from "@holdfast/core/Sampling"
import type * as TextModel from "@holdfast/core/TextModel"
import type * as Prompt from "effect/ai/Prompt"
import * as Result from "effect/Result"
import * as Problem from "./Problem.ts"

/** Refuses what the lane is known not to have; what is not known is left to the provider. */
export const checkCapabilities = (
  request: TextModel.Request,
  capabilities: Lane.Capabilities,
  isStream: boolean
): Result.Result<void, Problem.Problem> => {
  if (capabilities.tools === false && request.tools.length > 0) return Problem.unsupported("tools", lacks)
  if (capabilities.jsonSchema === false && request.responseFormat.type === "json") {
    return Problem.unsupported("responseFormat", lacks)
  }
  if (capabilities.vision === false && request.prompt.content.some(hasImage)) {
    return Problem.unsupported("prompt", "the model is known to see no images")
  }
  return isStream && capabilities.streaming === false ? Problem.unsupported("stream", lacks) : Result.void
}

const lacks = "the model is known not to have it"

const hasImage = (message: Prompt.Message): boolean =>
  message.role === "user" && message.content.some((part) => part.type === "file" && part.mediaType.startsWith("image/"))

const numbers = [
  "temperature",
  "topP",
  "topK",
  "maxOutputTokens",
  "seed",
  "frequencyPenalty",
  "presencePenalty"
] as const

/** JSON has no NaN and no infinity: they would turn into "not set" on the way. */
export const checkNumbers = (sampling: Sampling.Sampling): Result.Result<void, Problem.Problem> => {
  const bad = numbers.find((name) => sampling[name] !== undefined && !Number.isFinite(sampling[name]))
  return bad === undefined ? Result.void : Problem.invalid(`sampling.${bad}`, "not a finite number")
}

/** The tools the model may see, and whether the choice among them makes sense. */
export const chosenTools = (
  request: TextModel.Request
): Result.Result<ReadonlyArray<TextModel.Tool>, Problem.Problem> => {
  const { toolChoice, tools } = request
  if (typeof toolChoice === "string") {
    return toolChoice === "required" && tools.length === 0
      ? Problem.invalid("toolChoice", "a tool is required, but there are none")
      : Result.succeed(tools)
  }
  const names = "tool" in toolChoice ? [toolChoice.tool] : toolChoice.oneOf
  const missing = names.find((name) => tools.every((tool) => tool.name !== name))
  if (missing !== undefined) return Problem.invalid("toolChoice", `there is no tool named ${missing}`)
  if (names.length === 0) return Problem.invalid("toolChoice", "there is no tool to choose from")
  return Result.succeed("tool" in toolChoice ? tools : tools.filter((tool) => names.includes(tool.name)))
}

/** Refuses provider options of this format that it does not know; those of other providers are theirs to read. */
export const checkOptions = (
  options: Prompt.ProviderOptions,
  format: Problem.Format,
  known: ReadonlyArray<string>
): Result.Result<void, Problem.Problem> => {
  const own = options[format]
  if (own === undefined || own === null) return Result.void
  if (typeof own !== "object" || Array.isArray(own)) return Problem.invalid(`options.${format}`, "not an object")
  const strange = Object.keys(own).find((name) => !known.includes(name))
  return strange === undefined ? Result.void : Problem.unsupported(`options.${format}.${strange}`, "unknown option")
}

/** A string among the provider options of this format. */
export const option = (options: Prompt.ProviderOptions, format: Problem.Format, name: string): string | undefined => {
  const own = options[format]
  if (own === undefined || own === null || typeof own !== "object" || Array.isArray(own)) return undefined
  const value: unknown = Object.entries(own).find(([key]) => key === name)?.[1]
  return typeof value === "string" ? value : undefined
}

/** A value as JSON text; `undefined` becomes `null`. */
export const jsonText = (value: unknown, field: string): Result.Result<string, Problem.Problem> =>
  Result.try({
    try: () => {
      // A function or a symbol has no JSON text at all.
      const text: string | undefined = JSON.stringify(value ?? null)
      return text ?? "null"
    },
    catch: () => ({ kind: "invalid" as const, field, why: "not JSON" })
  })
