/** A request as the body of a Messages request. What this wire format or the model cannot do is refused by name. */
import type * as Sampling from "@holdfast/core/Sampling"
import type * as TextModel from "@holdfast/core/TextModel"
import * as Result from "effect/Result"
import type { Encoded as Body, Notes } from "../internal/Encoded.ts"
import * as Problem from "../internal/Problem.ts"
import * as requestChecks from "../internal/requestChecks.ts"
import type { Claude } from "./Claude.ts"
import * as Messages from "./Messages.ts"
import * as OutputSchema from "./OutputSchema.ts"
import * as Thinking from "./Thinking.ts"

export interface Target {
  readonly model: string
  readonly claude: Claude
  /** Whether the model takes `temperature`, `top_p` and `top_k` under this version of the API. */
  readonly sampling: boolean
  /** Tokens the model can write, where that is known. */
  readonly maxOutputTokens: number | undefined
}

/** The API wants a limit in every request. This many tokens every model since Claude 3.5 can write. */
const defaultMaxTokens = 8192

type Encoded<A> = Result.Result<A, Problem.Problem>

export const encode = (request: TextModel.Request, target: Target, isStream: boolean): Encoded<Body> =>
  Result.gen(function* () {
    const adapted: Notes = new Set()
    const { responseFormat, sampling } = request
    yield* requestChecks.checkNumbers(sampling)
    const max_tokens = yield* maxTokens(sampling, target, adapted)
    const thinking = yield* Thinking.encode(sampling.reasoningEffort, target.claude, max_tokens, adapted)
    const messages = yield* Messages.encode(request.prompt, adapted)
    yield* checkBeginning(messages.messages.at(-1), request, target, thinking)
    const drawing = yield* encodeSampling(sampling, target, thinking)
    const format = yield* encodeFormat(responseFormat, adapted)
    const tools = yield* encodeTools(request, target, thinking, adapted)
    const output_config = { effort: thinking.effort, format }
    const body = {
      model: target.model,
      max_tokens,
      ...messages,
      ...drawing,
      thinking: thinking.thinking,
      ...(thinking.effort === undefined && format === undefined ? {} : { output_config }),
      ...tools,
      ...(isStream ? { stream: true } : {})
    }
    return { json: yield* requestChecks.jsonText(body, "request"), adapted }
  })

const maxTokens = (sampling: Sampling.Sampling, { maxOutputTokens }: Target, adapted: Notes): Encoded<number> => {
  const asked = sampling.maxOutputTokens
  if (asked === undefined && maxOutputTokens === undefined) adapted.add("output-limit-added")
  return asked !== undefined && maxOutputTokens !== undefined && asked > maxOutputTokens
    ? Problem.unsupported("sampling.maxOutputTokens", `the model writes at most ${maxOutputTokens}`)
    : Result.succeed(asked ?? maxOutputTokens ?? defaultMaxTokens)
}

/** An answer that the request begins, for the model to continue. */
const checkBeginning = (
  last: Messages.Message | undefined,
  request: TextModel.Request,
  { claude }: Target,
  thinking: Thinking.Thinking
): Encoded<void> => {
  if (last?.role !== "assistant") return Result.void
  if (!claude.prefill) return Problem.unsupported("prompt", "the model does not continue an answer begun for it")
  if (thinking.isOn) return Problem.unsupported("prompt", "a model that reasons does not continue an answer")
  if (request.responseFormat.type !== "text") return Problem.unsupported("prompt", "JSON cannot be begun for the model")
  const block = last.content.at(-1)
  return block?.type === "text" && /\s$/.test(block.text)
    ? Problem.unsupported("prompt", "an answer to continue that ends in white space")
    : Result.void
}

const samplers = ["temperature", "topP", "topK"] as const

const penalties = ["frequencyPenalty", "presencePenalty"] as const

/**
 * Penalties of 0 are what a model does untold, and so are, for a model of Claude, a temperature and a nucleus of 1: they
 * are left out where the API would not have them.
 */
const encodeSampling = (
  sampling: Sampling.Sampling,
  target: Target,
  thinking: Thinking.Thinking
): Encoded<{ readonly [name: string]: unknown }> => {
  const { stop, temperature, topP, topK } = sampling
  const missing = sampling.seed === undefined ? penalties.find((name) => (sampling[name] ?? 0) !== 0) : "seed"
  if (missing !== undefined) return Problem.unsupported(`sampling.${missing}`, "the API has none")
  if (stop?.some((sequence) => sequence.trim() === "") === true) {
    return Problem.unsupported("sampling.stop", "a stop sequence of white space only")
  }
  const given = samplers.filter((name) => sampling[name] !== undefined)
  const telling = given.filter((name) => name === "topK" || sampling[name] !== 1)
  const [first] = telling
  if (first !== undefined && !target.sampling) {
    return Problem.unsupported(`sampling.${first}`, "the model, or the version of the API, has none")
  }
  const disturbing = telling.find((name) => name !== "topP" || (topP ?? 1) < 0.95)
  if (disturbing !== undefined && thinking.isOn) {
    return Problem.unsupported(`sampling.${disturbing}`, "not while the model reasons")
  }
  if ((temperature ?? 0) > 1) return Problem.unsupported("sampling.temperature", "at most 1")
  const takesBoth = target.claude.bothSamplers
  if (telling.includes("temperature") && telling.includes("topP") && !takesBoth) {
    return Problem.unsupported("sampling.topP", "not together with a temperature")
  }
  const sent = new Set(target.sampling && takesBoth ? given : telling)
  return Result.succeed({
    stop_sequences: stop === undefined || stop.length === 0 ? undefined : stop,
    temperature: sent.has("temperature") ? temperature : undefined,
    top_p: sent.has("topP") ? topP : undefined,
    top_k: topK
  })
}

const encodeFormat = (
  format: TextModel.ResponseFormat,
  adapted: Notes
): Encoded<{ readonly type: "json_schema"; readonly schema: unknown } | undefined> => {
  switch (format.type) {
    case "text":
      return Result.succeed(undefined)
    case "json-object":
      return Problem.unsupported("responseFormat", "JSON only by a schema")
    case "json":
      // The name and the strictness have no place here: the API always holds the model to the schema.
      return Result.map(OutputSchema.encode(format.schema, "responseFormat", adapted), (schema) => ({
        type: "json_schema",
        schema
      }))
  }
}

const encodeTools = (
  request: TextModel.Request,
  { claude }: Target,
  thinking: Thinking.Thinking,
  adapted: Notes
): Encoded<{ readonly [name: string]: unknown }> =>
  Result.gen(function* () {
    const tools = yield* requestChecks.chosenTools(request)
    if (tools.length === 0) return {}
    const tool_choice = encodeChoice(request.toolChoice)
    if (tool_choice.type === "any" || tool_choice.type === "tool") {
      if (!claude.forcedTools)
        return yield* Problem.unsupported("toolChoice", "the model cannot be made to call a tool")
      if (thinking.thinking?.type === "enabled") {
        return yield* Problem.unsupported("toolChoice", "a model that reasons cannot be made to call a tool")
      }
    }
    return { tools: yield* Result.all(tools.map((tool) => encodeTool(tool, adapted))), tool_choice }
  })

const encodeTool = ({ description, name, parameters, strict }: TextModel.Tool, adapted: Notes) =>
  Result.map(
    strict === true ? OutputSchema.encode(parameters, "tools", adapted) : Result.succeed(parameters),
    (input_schema) => ({ name, description, input_schema, strict })
  )

/** Where only some tools may be called, only those are sent. */
const encodeChoice = (
  choice: TextModel.ToolChoice
): { readonly type: "auto" | "any" | "none" } | { readonly type: "tool"; readonly name: string } => {
  if (choice === "auto" || choice === "none") return { type: choice }
  if (choice === "required") return { type: "any" }
  if ("tool" in choice) return { type: "tool", name: choice.tool }
  return { type: choice.mode === "required" ? "any" : "auto" }
}
