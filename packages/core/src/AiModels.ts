/**
 * Our models as `effect/ai`'s: `LanguageModel` from a text model, `EmbeddingModel` from an embedding one. Tools run and
 * outputs are decoded above the text model, once per operation; the requests below it are what gets repeated.
 */
import * as EmbeddingModel from "effect/ai/EmbeddingModel"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Tool from "effect/ai/Tool"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as AiErrors from "./AiErrors.ts"
import * as Cache from "./Cache.ts"
import type * as EmbedModel from "./EmbedModel.ts"
import type * as Failure from "./Failure.ts"
import * as Provenance from "./Provenance.ts"
import type * as Refusal from "./Refusal.ts"
import * as Sampling from "./Sampling.ts"
import type * as TextModel from "./TextModel.ts"

/** What `effect/ai`'s embedding calls cannot say: set it with `Effect.provideService(EmbedOptions, { task: "query" })`. */
export const EmbedOptions = Context.Reference<Omit<EmbedModel.Request, "inputs">>(
  "@holdfast/core/AiModels/EmbedOptions",
  {
    defaultValue: () => ({})
  }
)

/** The `LanguageModel` of a text model. Its errors carry ours: see `AiErrors.typed`. */
export const languageModel = (
  text: TextModel.TextModel<Failure.Failure | Refusal.Refusal>
): Effect.Effect<LanguageModel.LanguageModel> =>
  LanguageModel.make({
    generateText: (options) =>
      Effect.flatMap(requestOf(options), text.generate).pipe(
        Effect.map((parts) => [...parts]),
        Effect.mapError((error) => AiErrors.fromTyped(error, "generateText"))
      ),
    streamText: (options) =>
      Stream.unwrap(Effect.map(requestOf(options), text.stream)).pipe(
        Stream.mapError((error) => AiErrors.fromTyped(error, "streamText"))
      )
  })

/** The `EmbeddingModel` of an embedding one. Concurrent `embed` calls with the same options share one request. */
export const embeddingModel = (
  model: EmbedModel.EmbedModel<Failure.Failure | Refusal.Refusal>
): Effect.Effect<EmbeddingModel.EmbeddingModel> =>
  EmbeddingModel.make({
    embedMany: ({ inputs }) =>
      Effect.flatMap(EmbedOptions, (options) => model.embed({ ...options, inputs })).pipe(
        Effect.map((response) => ({
          results: response.vectors.map((vector) => [...vector]),
          usage: { inputTokens: response.inputTokens }
        })),
        Effect.mapError((error) => AiErrors.fromTyped(error, "embedMany"))
      ),
    batchKey: (context) => {
      const { dimensions, task } = Context.get(context, EmbedOptions)
      return [
        dimensions,
        task,
        Context.get(context, Provenance.Sink)?.token,
        Context.get(context, Cache.Tenant),
        Context.get(context, Cache.Bypass)
      ]
    }
  })

const choiceOf = (choice: LanguageModel.ToolChoice<string>): TextModel.ToolChoice => {
  if (typeof choice === "string" || "tool" in choice) return choice
  return { mode: choice.mode ?? "auto", oneOf: choice.oneOf }
}

const requestOf = (options: LanguageModel.ProviderOptions): Effect.Effect<TextModel.Request> =>
  Effect.map(Sampling.Current, (sampling) => ({
    prompt: options.prompt,
    tools: options.tools.map((tool) => ({
      name: String(tool.name),
      description: Tool.getDescription(tool),
      parameters: Tool.getJsonSchema(tool),
      strict: Tool.getStrictMode(tool)
    })),
    toolChoice: options.tools.length === 0 ? "auto" : choiceOf(options.toolChoice),
    responseFormat:
      options.responseFormat.type === "text"
        ? options.responseFormat
        : {
            type: "json",
            name: options.responseFormat.objectName,
            schema: Tool.getJsonSchemaFromSchema(options.responseFormat.schema)
          },
    sampling
  }))
