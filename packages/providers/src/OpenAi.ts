/**
 * OpenAI as a lane: chat completions or responses, whole and streamed, and embeddings, over `effect/http`. Nothing is
 * retried and no clock runs here; that is the pipeline's part. A lane holds no state but its settings.
 */
import * as Lane from "@holdfast/core/Lane"
import type * as EmbeddingModel from "effect/ai/EmbeddingModel"
import type * as LanguageModel from "effect/ai/LanguageModel"
import type * as Model from "effect/ai/Model"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import { makeLane } from "./internal/makeLane.ts"
import * as modelLayers from "./internal/modelLayers.ts"
import * as Settings from "./internal/Settings.ts"
import * as Dialect from "./openai/Dialect.ts"
import * as OpenAiProtocol from "./openai/protocol.ts"
import * as ResponsesRequest from "./openai/ResponsesRequest.ts"

export interface Options extends Settings.Common {
  /** Sent as `Authorization: Bearer`, and nowhere else. Default: `OPENAI_API_KEY` of the configuration. */
  readonly apiKey?: Settings.Key | undefined
  /** Default: `https://api.openai.com/v1`. */
  readonly baseUrl?: Settings.Url | undefined
  /** Sent as `OpenAI-Organization`. */
  readonly organization?: string | undefined
  /** Sent as `OpenAI-Project`. */
  readonly project?: string | undefined
  /** Name of the provider in ids, failures and events. Default: `openai`. */
  readonly provider?: string | undefined
  /**
   * What texts are asked of. Default: `chat`, which every host of this wire format speaks and which takes more of what a
   * request may say: stop sequences, a seed, penalties and sound. GPT-5.6 calls tools while it reasons in
   * `responses` only.
   */
  readonly api?: "chat" | "responses" | undefined
  /** What only `api: "responses"` has. */
  readonly responses?: ResponsesOptions | undefined
}

export interface ResponsesOptions {
  /**
   * Whether the model reasons; then its reasoning is asked for and given back, which other models reject. Default: by
   * the model's name, yes for the o-series and for GPT-5 and later, except `gpt-5-chat`.
   */
  readonly reasons?: boolean | undefined
  /** How much of the reasoning to show. Default: none; OpenAI shows it to verified organizations only. */
  readonly summary?: "auto" | "concise" | "detailed" | undefined
}

/**
 * A lane to a model of OpenAI.
 *
 * **Details**
 *
 * What the API does not have is refused as `InvalidRequest` before anything is sent: `topK`, more than four stop
 * sequences, files of other types than images, WAV, MP3 and PDF, more than 2048 texts to embed; of responses also any
 * stop sequence, seed, penalty and sound. A model that declines and an answer stopped by a filter fail with
 * `ContentPolicy`. An answer cut by its length does not fail: its reason is `length`; only when nothing of it is left, or
 * a tool call is cut, it is an `InvalidResponse`.
 *
 * Responses are not stored. Reasoning comes sealed in the parts' `metadata` under `openai`; give it back as the
 * `options` of the prompt's parts, as `Chat` does. It returns to the lane it came from, other lanes leave it out.
 *
 * **Gotchas**
 *
 * Fails with a `ConfigError` when the key is missing or unusable; dies with a `RangeError` when `baseUrl` is no URL, or
 * `responses` is given without `api: "responses"`.
 */
export const lane = Effect.fnUntraced(function* (
  model: string,
  options: Options = {}
): Effect.fn.Return<Lane.Lane, Config.ConfigError, HttpClient.HttpClient> {
  const client = yield* HttpClient.HttpClient
  const provider = Settings.nameUnsafe("provider", options.provider ?? "openai")
  const key = yield* Settings.readKey(options.apiKey ?? Config.Redacted("OPENAI_API_KEY"), provider)
  return makeLane(
    OpenAiProtocol.makeUnsafe(
      (yield* Settings.readUrl(options.baseUrl)) ?? "https://api.openai.com/v1",
      Settings.nameUnsafe("model", model),
      Dialect.openAi,
      responsesUnsafe(provider, model, options)
    ),
    {
      ...options,
      provider,
      model,
      key,
      errorsOf: "openai",
      headers: OpenAiProtocol.headers(key, {
        "openai-organization": options.organization,
        "openai-project": options.project
      })
    },
    client
  )
})

const responsesUnsafe = (
  provider: string,
  model: string,
  { api, credential, id, responses }: Options
): ResponsesRequest.Settings | undefined => {
  if (api !== "responses") {
    if (responses !== undefined) throw new RangeError('responses must not be given without api: "responses"')
    return undefined
  }
  return {
    lane: Lane.make({ provider, model, credential, id }).id,
    reasons: responses?.reasons ?? ResponsesRequest.reasons(model),
    summary: responses?.summary
  }
}

/** The same as a Layer for `effect/ai`, without the pipeline: one call is one request. Its errors: `AiErrors.typed`. */
export const languageModel = (
  model: string,
  options: Options = {}
): Layer.Layer<
  LanguageModel.LanguageModel | Model.ProviderName | Model.ModelName,
  Config.ConfigError,
  HttpClient.HttpClient
> => modelLayers.languageModel(options.provider ?? "openai", model, lane(model, options))

/** The same for embeddings. */
export const embeddingModel = (
  model: string,
  options: Options = {}
): Layer.Layer<
  EmbeddingModel.EmbeddingModel | Model.ProviderName | Model.ModelName,
  Config.ConfigError,
  HttpClient.HttpClient
> => modelLayers.embeddingModel(options.provider ?? "openai", model, lane(model, options))
