/** What the constructors of every provider share: where the host is, which key it takes, and what may be wrong there. */
import type * as Lane from "@holdfast/core/Lane"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as ModelProfile from "../ModelProfile.ts"

/** A key as it is, or where the configuration has it. */
export type Key = Redacted.Redacted | Config.Config<Redacted.Redacted>

/** Where a host is, or where the configuration says so; where that says nothing, the default holds. */
export type Url = string | Config.Config<string | undefined>

export interface Common {
  /** Name of the credential, where a provider has several. Default: the provider's name. */
  readonly credential?: string | undefined
  /** Default: `provider/model`, with `@credential` when one is named. */
  readonly id?: string | undefined
  /** What the model can do, over what the catalogue says of it; see `ModelProfile`. */
  readonly capabilities?: Lane.Capabilities | undefined
  /** What it costs, over what the catalogue says. Whoever runs the model themselves may say 0. */
  readonly price?: ModelProfile.Price | undefined
  /** What is known about models. Default: the built-in catalogue; see `ModelProfile.withOverrides`. */
  readonly catalogue?: ModelProfile.Catalogue | undefined
  /** What to do with an event of a stream that cannot be understood. Default: `fail`, with `InvalidResponse`. */
  readonly onBadEvent?: "fail" | "skip" | undefined
}

/**
 * The key without the line break that files put behind it. A key that no header can carry is an error of the
 * configuration, which names the provider and not the key.
 */
export const readKey = (key: Key, provider: string): Effect.Effect<Redacted.Redacted, Config.ConfigError> =>
  Effect.flatMap(Redacted.isRedacted(key) ? Effect.succeed(key) : key, (key) => {
    const value = Redacted.value(key).trim()
    return /^[\x21-\x7e]+$/.test(value)
      ? Effect.succeed(Redacted.make(value, { label: `${provider} key` }))
      : Effect.fail(
          new Config.ConfigError(
            new ConfigProvider.SourceError({ message: `The key of ${provider} is empty or holds spaces or controls` })
          )
        )
  })

/** The URL from wherever it is. One of the configuration that is none is an error of it, which does not show its value. */
export const readUrl = (url: Url | undefined): Effect.Effect<string | undefined, Config.ConfigError> =>
  url === undefined || typeof url === "string"
    ? Effect.succeed(url)
    : Effect.flatMap(url, (value) => {
        const problem = value === undefined ? undefined : problemOf(URL.parse(value))
        return problem === undefined
          ? Effect.succeed(value)
          : Effect.fail(
              new Config.ConfigError(new ConfigProvider.SourceError({ message: `The configured base URL ${problem}` }))
            )
      })

/** The URL without a slash at its end. Throws a `RangeError` that names the option, and not its value. */
export const baseUrlUnsafe = (value: string): string => {
  const url = URL.parse(value)
  const problem = problemOf(url)
  if (url === null || problem !== undefined) throw new RangeError(`baseUrl ${problem}`)
  return url.href.replace(/\/+$/, "")
}

const problemOf = (url: URL | null): string | undefined => {
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) return "must be an http or https URL"
  return url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== ""
    ? "must have no credentials, query or fragment"
    : undefined
}

/** Throws a `RangeError` if the name is empty. */
export const nameUnsafe = (option: string, value: string): string => {
  if (value.trim() === "") throw new RangeError(`${option} must not be empty`)
  return value
}

/**
 * What the model offers, and which of the two kinds of call it can take; both where it is not known. Vectors are named
 * after the model of the catalogue, so that its other names lead to the same space.
 */
export const offer = (
  provider: string,
  model: string,
  capabilities: Lane.Capabilities | undefined,
  catalogue?: ModelProfile.Catalogue
): {
  readonly price: ModelProfile.Price | undefined
  readonly capabilities: Lane.Capabilities
  readonly isText: boolean
  readonly isEmbedding: boolean
} => {
  const profile = ModelProfile.find(provider, model, catalogue)
  if (profile === undefined) {
    return { price: undefined, capabilities: { ...capabilities }, isText: true, isEmbedding: true }
  }
  const known = { ...ModelProfile.capabilities(profile), ...capabilities }
  const isEmbedding = profile.kind === "embedding"
  const space = isEmbedding && known.dimensions !== undefined ? `${profile.id}@${known.dimensions}` : undefined
  return {
    price: profile.price,
    capabilities: { ...known, vectorSpace: known.vectorSpace ?? space },
    isText: !isEmbedding,
    isEmbedding
  }
}
