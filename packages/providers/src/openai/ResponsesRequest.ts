/** A request as the body of a response to create. What this wire format cannot say is refused by name. */
import type * as Sampling from "@holdfast/core/Sampling"
import type * as TextModel from "@holdfast/core/TextModel"
import * as Result from "effect/Result"
import type { Encoded, Notes } from "../internal/Encoded.ts"
import * as Problem from "../internal/Problem.ts"
import * as requestChecks from "../internal/requestChecks.ts"
import { schemaName } from "./ChatRequest.ts"
import * as ResponsesInput from "./ResponsesInput.ts"

/** What of a lane every request of it says. */
export interface Settings {
  /** The id of the lane, which sealed reasoning goes back to. */
  readonly lane: string
  /** Whether the model reasons, so that its reasoning can be asked for and given back; others reject both. */
  readonly reasons: boolean
  /** How much of the reasoning to show. */
  readonly summary: "auto" | "concise" | "detailed" | undefined
}

/**
 * Whether a model of this name reasons: the o-series, and GPT from 5 on but for `gpt-5-chat`, also fine-tuned. A name of
 * another family says nothing and counts as no.
 */
export const reasons = (model: string): boolean => {
  const name = model.replace(/^ft:/, "")
  return /^o\d/.test(name) || (Number(/^gpt-(\d+)/.exec(name)?.[1] ?? 0) >= 5 && !name.startsWith("gpt-5-chat"))
}

/** The API keeps nothing: whatever the next request needs comes with it. */
export const encode = (
  request: TextModel.Request,
  options: { readonly model: string; readonly settings: Settings; readonly isStream: boolean }
): Result.Result<Encoded, Problem.Problem> =>
  Result.gen(function* () {
    const adapted: Notes = new Set()
    const { isStream, model, settings } = options
    const { lane, reasons, summary } = settings
    const input = yield* ResponsesInput.encode(request.prompt, reasons ? lane : undefined, adapted)
    const tools = yield* requestChecks.chosenTools(request)
    const sampling = yield* encodeSampling(request.sampling)
    const body = {
      model,
      input,
      store: false,
      ...(reasons ? { include: ["reasoning.encrypted_content"] } : {}),
      ...sampling,
      ...encodeReasoning(request.sampling.reasoningEffort, summary),
      ...(tools.length === 0 ? {} : { tools: tools.map(encodeTool), tool_choice: encodeChoice(request.toolChoice) }),
      ...encodeFormat(request.responseFormat),
      ...(isStream ? { stream: true } : {})
    }
    return { json: yield* requestChecks.jsonText(body, "request"), adapted }
  })

/** What chat completions have and responses do not. */
const missing = {
  topK: "top_k",
  stop: "stop sequences",
  seed: "seed",
  frequencyPenalty: "frequency penalty",
  presencePenalty: "presence penalty"
} as const

const encodeSampling = (
  sampling: Sampling.Sampling
): Result.Result<{ readonly [name: string]: unknown }, Problem.Problem> => {
  const set = { ...sampling, stop: sampling.stop?.length === 0 ? undefined : sampling.stop }
  for (const name of ["topK", "stop", "seed", "frequencyPenalty", "presencePenalty"] as const) {
    if (set[name] !== undefined) return Problem.unsupported(`sampling.${name}`, `responses have no ${missing[name]}`)
  }
  return Result.map(requestChecks.checkNumbers(sampling), () => ({
    temperature: sampling.temperature,
    top_p: sampling.topP,
    max_output_tokens: sampling.maxOutputTokens
  }))
}

const encodeReasoning = (effort: Sampling.Sampling["reasoningEffort"], summary: Settings["summary"]) =>
  effort === undefined && summary === undefined ? {} : { reasoning: { effort, summary } }

/** Strict unless told otherwise, this API would reject schemas that chat takes. */
const encodeTool = ({ description, name, parameters, strict }: TextModel.Tool) => ({
  type: "function",
  name,
  description,
  parameters,
  strict: strict ?? false
})

/** Where only some tools may be called, only those are sent. */
const encodeChoice = (choice: TextModel.ToolChoice) => {
  if (typeof choice === "string") return choice
  return "tool" in choice ? { type: "function", name: choice.tool } : choice.mode
}

const encodeFormat = (format: TextModel.ResponseFormat) => {
  switch (format.type) {
    case "text":
      return {}
    case "json-object":
      return { text: { format: { type: "json_object" } } }
    case "json": {
      const { schema, strict } = format
      return { text: { format: { type: "json_schema", name: schemaName(format.name), schema, strict } } }
    }
  }
}
