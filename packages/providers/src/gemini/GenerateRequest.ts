/** A request as the body of `generateContent`. What this wire format cannot say is refused by name. */
import type * as Sampling from "@holdfast/core/Sampling"
import type * as TextModel from "@holdfast/core/TextModel"
import type * as JsonSchema from "effect/JsonSchema"
import * as Result from "effect/Result"
import type { Encoded, Notes } from "../internal/Encoded.ts"
import * as Problem from "../internal/Problem.ts"
import * as requestChecks from "../internal/requestChecks.ts"
import * as Contents from "./Contents.ts"

/** Stop sequences a request may have. */
const maxStop = 5

export const encode = (request: TextModel.Request, model: string): Result.Result<Encoded, Problem.Problem> =>
  Result.gen(function* () {
    const adapted: Notes = new Set()
    const contents = yield* Contents.encode(request.prompt, generation(model) >= 3, adapted)
    const tools = yield* requestChecks.chosenTools(request)
    const sampling = yield* encodeSampling(request.sampling, model)
    if (sampling.thinkingConfig?.thinkingBudget !== undefined && request.sampling.reasoningEffort !== "none") {
      adapted.add("effort-as-budget")
    }
    if (tools.some(({ strict }) => strict === true)) adapted.add("strict-dropped")
    const body = {
      ...contents,
      ...(tools.length === 0
        ? {}
        : { tools: [{ functionDeclarations: tools.map(encodeTool) }], toolConfig: encodeChoice(request.toolChoice) }),
      generationConfig: { ...sampling, ...encodeFormat(request.responseFormat) }
    }
    return { json: yield* requestChecks.jsonText(body, "request"), adapted }
  })

/** The number in `gemini-3.8-flash`, without what is behind the point; a name without one is taken to be current. */
const generation = (model: string): number => {
  const found = /gemini-(\d+)/.exec(model)?.[1]
  return found === undefined ? Number.POSITIVE_INFINITY : Number(found)
}

const encodeSampling = (
  sampling: Sampling.Sampling,
  model: string
): Result.Result<
  { readonly [name: string]: unknown; readonly thinkingConfig: ThinkingConfig | undefined },
  Problem.Problem
> => {
  if ((sampling.stop?.length ?? 0) > maxStop) {
    return Problem.unsupported("sampling.stop", `at most ${maxStop} stop sequences`)
  }
  return Result.flatMap(requestChecks.checkNumbers(sampling), () =>
    Result.map(thinking(sampling.reasoningEffort, model), (thinkingConfig) => ({
      temperature: sampling.temperature,
      topP: sampling.topP,
      topK: sampling.topK,
      maxOutputTokens: sampling.maxOutputTokens,
      stopSequences: sampling.stop === undefined || sampling.stop.length === 0 ? undefined : sampling.stop,
      seed: sampling.seed,
      frequencyPenalty: sampling.frequencyPenalty,
      presencePenalty: sampling.presencePenalty,
      thinkingConfig
    }))
  )
}

/** The budgets, in tokens, that Google's own OpenAI-compatible endpoint gives these efforts on models before 3. */
const budgets = { minimal: 1024, low: 1024, medium: 8192, high: 24_576 } as const

interface ThinkingConfig {
  readonly thinkingLevel?: string
  readonly thinkingBudget?: number
  readonly includeThoughts?: boolean
}

/** Whoever names an effort also sees the thoughts. Models of generation 3 take a level, those before it a budget. */
const thinking = (
  effort: Sampling.Sampling["reasoningEffort"],
  model: string
): Result.Result<ThinkingConfig | undefined, Problem.Problem> => {
  if (effort === undefined) return Result.succeed(undefined)
  if (effort === "xhigh") return Problem.unsupported("sampling.reasoningEffort", "there is no effort above high")
  const isLevel = generation(model) >= 3
  if (effort === "none") {
    return isLevel || model.includes("-pro")
      ? Problem.unsupported("sampling.reasoningEffort", "the model always reasons")
      : Result.succeed({ thinkingBudget: 0 })
  }
  return Result.succeed(
    isLevel
      ? { thinkingLevel: effort.toUpperCase(), includeThoughts: true }
      : { thinkingBudget: budgets[effort], includeThoughts: true }
  )
}

const encodeTool = ({ description, name, parameters }: TextModel.Tool) => ({
  name,
  description,
  // The API rejects an object without properties: a tool without parameters declares none.
  parametersJsonSchema: isEmpty(parameters) ? undefined : parameters
})

const isEmpty = (schema: JsonSchema.JsonSchema): boolean => {
  const properties: unknown = schema["properties"]
  return (
    schema["type"] === "object" &&
    (properties === undefined ||
      (typeof properties === "object" && properties !== null && Object.keys(properties).length === 0)) &&
    (schema["additionalProperties"] === undefined || schema["additionalProperties"] === false)
  )
}

/** Where only some tools may be called, only those are sent. */
const encodeChoice = (choice: TextModel.ToolChoice) => {
  if (choice === "auto") return undefined
  if (choice === "none") return { functionCallingConfig: { mode: "NONE" } }
  if (choice === "required") return { functionCallingConfig: { mode: "ANY" } }
  if ("tool" in choice) return { functionCallingConfig: { mode: "ANY", allowedFunctionNames: [choice.tool] } }
  return choice.mode === "auto"
    ? undefined
    : { functionCallingConfig: { mode: "ANY", allowedFunctionNames: choice.oneOf } }
}

/** The schema's name and strictness have no place here: the API always holds the model to the schema. */
const encodeFormat = (format: TextModel.ResponseFormat) => {
  switch (format.type) {
    case "text":
      return {}
    case "json-object":
      return { responseMimeType: "application/json" }
    case "json":
      return { responseMimeType: "application/json", responseJsonSchema: format.schema }
  }
}
