/** A lane of the configuration as a lane of the library. Fails at start where a key is missing, never in a request. */
import type * as Lane from "@holdfast/core/Lane"
import * as Anthropic from "@holdfast/providers/Anthropic"
import * as Gemini from "@holdfast/providers/Gemini"
import * as ModelProfile from "@holdfast/providers/ModelProfile"
import * as OpenAi from "@holdfast/providers/OpenAi"
import * as OpenAiCompatible from "@holdfast/providers/OpenAiCompatible"
import * as EffectConfig from "effect/Config"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Redacted from "effect/Redacted"
import * as Config from "./Config.ts"

/** Makes the lane `provider/model`. */
export const make = Effect.fnUntraced(function* (
  config: Config.Config,
  id: string
): Effect.fn.Return<Lane.Lane, Config.InvalidConfig, HttpClient.HttpClient> {
  const slash = id.indexOf("/")
  const [provider, model] = [id.slice(0, slash), id.slice(slash + 1)]
  const entry = config.providers[provider]
  const kind = entry === undefined ? undefined : Config.kindOf(provider, entry)
  if (entry === undefined || kind === undefined) {
    return yield* new Config.InvalidConfig({ source: `providers.${provider}`, problem: "is not configured" })
  }
  const apiKey = entry.key === undefined ? undefined : yield* read(entry.key, `providers.${provider}.key`)
  // A provider of another name is still of a kind that the catalogue knows.
  const profile = provider === kind ? undefined : ModelProfile.find(kind, model)
  const { price = profile?.price, ...capabilities } = entry.models?.[model] ?? {}
  const common = {
    provider,
    id,
    apiKey,
    capabilities: { ...(profile === undefined ? {} : ModelProfile.capabilities(profile)), ...capabilities },
    price,
    onBadEvent: entry.onBadEvent
  }
  const hosted = { ...common, baseUrl: entry.baseUrl }
  const made = {
    openai: () => OpenAi.lane(model, { ...hosted, api: entry.api }),
    gemini: () => Gemini.lane(model, hosted),
    anthropic: () => Anthropic.lane(model, hosted),
    "openai-compatible": () => OpenAiCompatible.lane({ ...common, model, baseUrl: entry.baseUrl ?? "" })
  }[kind]()
  return yield* Effect.mapError(
    made,
    (error) => new Config.InvalidConfig({ source: `providers.${provider}.key`, problem: error.message })
  )
})

/** Reads a secret. The error names the variable, never a value. */
export const read = (secret: Config.Secret, path: string): Effect.Effect<Redacted.Redacted, Config.InvalidConfig> =>
  Effect.mapError(
    EffectConfig.Redacted(secret.env),
    () => new Config.InvalidConfig({ source: path, problem: `the environment variable ${secret.env} is not set` })
  )
