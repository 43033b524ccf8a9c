/** A request as the body of a chat completion. What this wire format cannot say is refused by name. */
import type * as Sampling from "@holdfast/core/Sampling"
import type * as TextModel from "@holdfast/core/TextModel"
import * as Result from "effect/Result"
import type { Encoded, Notes } from "../internal/Encoded.ts"
import * as Problem from "../internal/Problem.ts"
import * as requestChecks from "../internal/requestChecks.ts"
import * as ChatPrompt from "./ChatPrompt.ts"
import type { Dialect } from "./Dialect.ts"

export const encode = (
  request: TextModel.Request,
  options: { readonly model: string; readonly dialect: Dialect; readonly isStream: boolean }
): Result.Result<Encoded, Problem.Problem> =>
  Result.gen(function* () {
    const adapted: Notes = new Set()
    const { dialect, isStream, model } = options
    const messages = yield* ChatPrompt.encode(request.prompt, adapted)
    const tools = yield* requestChecks.chosenTools(request)
    const sampling = yield* encodeSampling(request.sampling, dialect)
    const body = {
      model,
      messages,
      ...sampling,
      ...(tools.length === 0 ? {} : { tools: tools.map(encodeTool), tool_choice: encodeChoice(request.toolChoice) }),
      ...encodeFormat(request.responseFormat),
      ...(isStream ? { stream: true } : {}),
      ...(isStream && dialect.streamUsage ? { stream_options: { include_usage: true } } : {})
    }
    return { json: yield* requestChecks.jsonText(body, "request"), adapted }
  })

const encodeSampling = (
  sampling: Sampling.Sampling,
  dialect: Dialect
): Result.Result<{ readonly [name: string]: unknown }, Problem.Problem> => {
  if (sampling.topK !== undefined && !dialect.topK) return Problem.unsupported("sampling.topK", "chat has no top_k")
  if ((sampling.stop?.length ?? 0) > dialect.maxStop) {
    return Problem.unsupported("sampling.stop", `at most ${dialect.maxStop} stop sequences`)
  }
  return Result.map(requestChecks.checkNumbers(sampling), () => ({
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    [dialect.maxTokens]: sampling.maxOutputTokens,
    stop: sampling.stop === undefined || sampling.stop.length === 0 ? undefined : sampling.stop,
    seed: sampling.seed,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    reasoning_effort: sampling.reasoningEffort
  }))
}

const encodeTool = ({ description, name, parameters, strict }: TextModel.Tool) => ({
  type: "function",
  function: { name, description, parameters, strict }
})

/** Where only some tools may be called, only those are sent. */
const encodeChoice = (choice: TextModel.ToolChoice) => {
  if (typeof choice === "string") return choice
  return "tool" in choice ? { type: "function", function: { name: choice.tool } } : choice.mode
}

const encodeFormat = (format: TextModel.ResponseFormat) => {
  switch (format.type) {
    case "text":
      return {}
    case "json-object":
      return { response_format: { type: "json_object" } }
    case "json": {
      const json_schema = { name: schemaName(format.name), schema: format.schema, strict: format.strict }
      return { response_format: { type: "json_schema", json_schema } }
    }
  }
}

/** The name of a schema is a label; the API takes letters, digits, `_` and `-`, at most 64 of them. */
export const schemaName = (name: string): string => name.replaceAll(/[^\w-]/g, "_").slice(0, 64) || "output"
