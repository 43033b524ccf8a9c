/**
 * Anthropic as a lane: the Messages API, whole and streamed, over `effect/http`. Nothing is retried and no clock runs
 * here; that is the pipeline's part. A lane holds no state but its settings. Anthropic makes no embeddings.
 */
import type * as Lane from "@holdfast/core/Lane"
import type * as LanguageModel from "effect/ai/LanguageModel"
import type * as Model from "effect/ai/Model"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import * as Claude from "./anthropic/Claude.ts"
import * as AnthropicProtocol from "./anthropic/protocol.ts"
import { makeLane } from "./internal/makeLane.ts"
import * as modelLayers from "./internal/modelLayers.ts"
import * as Settings from "./internal/Settings.ts"

export interface Options extends Settings.Common {
  /** Sent in the one header that `auth` names, and nowhere else. Default: `ANTHROPIC_API_KEY` of the configuration. */
  readonly apiKey?: Settings.Key | undefined
  /** Without `/v1`. Default: `https://api.anthropic.com`. */
  readonly baseUrl?: Settings.Url | undefined
  /**
   * How the key is sent: as `Authorization: Bearer`, which Anthropic's SDKs do since October 2026, or as `x-api-key`,
   * which they did before and some hosts of this wire format still want. The API itself takes both. Default: `bearer`.
   */
  readonly auth?: "bearer" | "x-api-key" | undefined
  /** Sent as `anthropic-version`. Default: `2026-10-21`, the one Anthropic recommends; its SDKs send it with `bearer`. */
  readonly version?: "2026-10-21" | "2023-06-01" | undefined
  /**
   * Whether the model takes `temperature`, `topP` and `topK`. Version `2026-10-21` has them no more, and models of Claude
   * after 4.6 reject them under any version. Default: yes for version `2023-06-01` and a model not known to reject them.
   */
  readonly sampling?: boolean | undefined
  /** Name of the provider in ids, failures and events. Default: `anthropic`. */
  readonly provider?: string | undefined
}

/**
 * A lane to a model of Claude, such as `claude-sonnet-5-5`.
 *
 * **Details**
 *
 * What the API or the model does not have (`seed`, penalties, a temperature where none is taken, efforts the model has no
 * level for, JSON without a schema or by one that is open or contains itself, a tool that must be called, files of other
 * types than JPEG, PNG, GIF, WebP, PDF and plain text) is refused as `InvalidRequest` before anything is sent; what models
 * differ in is told by their names. An answer that the model refuses fails with `ContentPolicy`. An answer cut by its
 * length, or by a window that is full, does not fail: its reason is `length`; only when nothing of it is left it is an
 * `InvalidResponse`, or `ContextLengthExceeded`. Thoughts come with a signature in the part's `metadata` under
 * `anthropic`; give it back as the `options` of the prompt's parts, as `Chat` does.
 *
 * The API wants a limit of output tokens: where a request names none it is the `maxOutputTokens` of the lane's
 * capabilities, or 8192.
 *
 * **Gotchas**
 *
 * `fetch` follows a redirect to another host and takes the key's header along. With `FetchHttpClient` provide
 * `FetchHttpClient.RequestInit` with `redirect: "manual"`; Node's undici client does not follow redirects.
 *
 * System messages go into `system` wherever they stand. A schema's bounds (`minimum`, `maxLength`, …) are told to the
 * model in the description, because the API does not enforce them: decode the answer.
 *
 * Fails with a `ConfigError` when the key is missing or unusable; dies with a `RangeError` when `baseUrl` is no URL.
 */
export const lane = Effect.fnUntraced(function* (
  model: string,
  options: Options = {}
): Effect.fn.Return<Lane.Lane, Config.ConfigError, HttpClient.HttpClient> {
  const client = yield* HttpClient.HttpClient
  const provider = Settings.nameUnsafe("provider", options.provider ?? "anthropic")
  const key = yield* Settings.readKey(options.apiKey ?? Config.Redacted("ANTHROPIC_API_KEY"), provider)
  const { auth = "bearer", version = "2026-10-21" } = options
  const claude = Claude.of(Settings.nameUnsafe("model", model))
  return makeLane(
    AnthropicProtocol.makeUnsafe((yield* Settings.readUrl(options.baseUrl)) ?? "https://api.anthropic.com", {
      model,
      claude,
      sampling: options.sampling ?? (version === "2023-06-01" && claude.sampling),
      maxOutputTokens: Settings.offer(provider, model, options.capabilities, options.catalogue).capabilities
        .maxOutputTokens
    }),
    {
      ...options,
      // Of other models on hosts of this wire format nothing is known.
      capabilities: model.includes("claude")
        ? { prefill: claude.prefill, ...options.capabilities }
        : options.capabilities,
      provider,
      model,
      key,
      errorsOf: "anthropic",
      headers: AnthropicProtocol.headers(key, auth, version)
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
> => modelLayers.languageModel(options.provider ?? "anthropic", model, lane(model, options))
