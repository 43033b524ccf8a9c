/**
 * Gemini as a lane: `generateContent`, whole and streamed, and embeddings, over `effect/http`. Nothing is retried and no
 * clock runs here; that is the pipeline's part. A lane holds no state but its settings.
 */
import type * as Lane from "@holdfast/core/Lane"
import type * as EmbeddingModel from "effect/ai/EmbeddingModel"
import type * as LanguageModel from "effect/ai/LanguageModel"
import type * as Model from "effect/ai/Model"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as GeminiProtocol from "./gemini/protocol.ts"
import { makeLane } from "./internal/makeLane.ts"
import * as modelLayers from "./internal/modelLayers.ts"
import * as Settings from "./internal/Settings.ts"

export interface Options extends Settings.Common {
  /** Sent as `x-goog-api-key`, never in a URL. Default: `GEMINI_API_KEY` of the configuration. */
  readonly apiKey?: Settings.Key | undefined
  /** Default: `https://generativelanguage.googleapis.com`. */
  readonly baseUrl?: Settings.Url | undefined
  /** Default: `v1beta`. */
  readonly apiVersion?: "v1" | "v1beta" | undefined
  /** Name of the provider in ids, failures and events. Default: `gemini`. */
  readonly provider?: string | undefined
}

/**
 * A lane to a model of Gemini, such as `gemini-3.8-flash`.
 *
 * **Details**
 *
 * What the API does not have (more than five stop sequences, efforts the model has no level for, files in the result of
 * a tool, more than 100 texts to embed) is refused as `InvalidRequest` before anything is sent. A prompt or an answer
 * stopped by a policy fails with `ContentPolicy`. An answer cut by its length does not fail: its reason is `length`;
 * only when nothing of it is left it is an `InvalidResponse`. Thought signatures are kept in the parts' `metadata`
 * under `gemini`; give them back as the `options` of the prompt's parts, as `Chat` does.
 *
 * **Gotchas**
 *
 * `fetch` follows a redirect to another host and takes the key's header along. With `FetchHttpClient` provide
 * `FetchHttpClient.RequestInit` with `redirect: "manual"`; Node's undici client does not follow redirects.
 *
 * Fails with a `ConfigError` when the key is missing or unusable; dies with a `RangeError` when `baseUrl` is no URL.
 */
export const lane = Effect.fnUntraced(function* (
  model: string,
  options: Options = {}
): Effect.fn.Return<Lane.Lane, Config.ConfigError, HttpClient.HttpClient> {
  const client = yield* HttpClient.HttpClient
  const provider = Settings.nameUnsafe("provider", options.provider ?? "gemini")
  const key = yield* Settings.readKey(options.apiKey ?? Config.Redacted("GEMINI_API_KEY"), provider)
  const baseUrl = (yield* Settings.readUrl(options.baseUrl)) ?? "https://generativelanguage.googleapis.com"
  return makeLane(
    GeminiProtocol.makeUnsafe(baseUrl, options.apiVersion ?? "v1beta", Settings.nameUnsafe("model", model)),
    {
      ...options,
      capabilities: { prefill: true, ...options.capabilities },
      provider,
      model,
      key,
      errorsOf: "gemini",
      headers: Redacted.make({ "x-goog-api-key": Redacted.value(key) })
    },
    client
  )
})

/** The same as a Layer for `effect/ai`, without the pipeline: one call is one request. Its errors: `AiErrors.typed`. */
export const languageModel = (
  model: string,
  options: Options = {}
): Layer.Layer<
  LanguageModel.LanguageModel | Model.ProviderName | Model.ModelName,
  Config.ConfigError,
  HttpClient.HttpClient
> => modelLayers.languageModel(options.provider ?? "gemini", model, lane(model, options))

/** The same for embeddings. */
export const embeddingModel = (
  model: string,
  options: Options = {}
): Layer.Layer<
  EmbeddingModel.EmbeddingModel | Model.ProviderName | Model.ModelName,
  Config.ConfigError,
  HttpClient.HttpClient
> => modelLayers.embeddingModel(options.provider ?? "gemini", model, lane(model, options))
