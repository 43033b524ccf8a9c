/** Any host of the OpenAI wire format as a lane: vLLM, Ollama, llama.cpp, a gateway. As `OpenAi`, with fewer limits. */
import type * as Lane from "@holdfast/core/Lane"
import type * as EmbeddingModel from "effect/ai/EmbeddingModel"
import type * as LanguageModel from "effect/ai/LanguageModel"
import type * as Model from "effect/ai/Model"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import { makeLane } from "./internal/makeLane.ts"
import * as modelLayers from "./internal/modelLayers.ts"
import * as Settings from "./internal/Settings.ts"
import * as OpenAiProtocol from "./openai/protocol.ts"

export interface Options extends Settings.Common {
  /** Name of the host in ids, failures and events. The errors of a known one (`groq`, `deepseek`) are read as its own. */
  readonly provider: string
  /** Such as `http://127.0.0.1:11434/v1`. */
  readonly baseUrl: string | Config.Config<string>
  readonly model: string
  /** Sent as `Authorization: Bearer`. Default: none is sent. */
  readonly apiKey?: Settings.Key | undefined
  /** The name the limit of output tokens goes by. Default: `max_tokens`, the only one older hosts know. */
  readonly maxTokens?: "max_completion_tokens" | "max_tokens" | undefined
  /** Whether the host reads `top_k`. Default: no, and `topK` is refused. */
  readonly topK?: boolean | undefined
  /** Whether the host can be asked for the usage of a stream (`stream_options`). Default: yes. */
  readonly streamUsage?: boolean | undefined
  /** Texts one embedding request may have. Default: any number. */
  readonly maxInputs?: number | undefined
}

/**
 * A lane to a model of the host. Fails with a `ConfigError` only where a key is given and missing or unusable; dies with
 * a `RangeError` when `baseUrl` is no URL.
 */
export const lane = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Lane.Lane, Config.ConfigError, HttpClient.HttpClient> {
  const client = yield* HttpClient.HttpClient
  const provider = Settings.nameUnsafe("provider", options.provider)
  const model = Settings.nameUnsafe("model", options.model)
  const key = options.apiKey === undefined ? undefined : yield* Settings.readKey(options.apiKey, provider)
  const baseUrl = (yield* Settings.readUrl(options.baseUrl)) ?? ""
  const protocol = OpenAiProtocol.makeUnsafe(baseUrl, model, {
    maxTokens: options.maxTokens ?? "max_tokens",
    topK: options.topK ?? false,
    maxStop: Number.POSITIVE_INFINITY,
    streamUsage: options.streamUsage ?? true,
    maxInputs: options.maxInputs ?? Number.POSITIVE_INFINITY
  })
  return makeLane(protocol, { ...options, key, errorsOf: provider, headers: OpenAiProtocol.headers(key, {}) }, client)
})

/** The same as a Layer for `effect/ai`, without the pipeline: one call is one request. Its errors: `AiErrors.typed`. */
export const languageModel = (
  options: Options
): Layer.Layer<
  LanguageModel.LanguageModel | Model.ProviderName | Model.ModelName,
  Config.ConfigError,
  HttpClient.HttpClient
> => modelLayers.languageModel(options.provider, options.model, lane(options))

/** The same for embeddings. */
export const embeddingModel = (
  options: Options
): Layer.Layer<
  EmbeddingModel.EmbeddingModel | Model.ProviderName | Model.ModelName,
  Config.ConfigError,
  HttpClient.HttpClient
> => modelLayers.embeddingModel(options.provider, options.model, lane(options))
