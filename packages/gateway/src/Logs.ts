/** The log of a gateway: console and files as its configuration says, without any of the keys that it names. */
import * as Logging from "@holdfast/telemetry/Logging"
import type * as LogLevels from "@holdfast/telemetry/LogLevels"
import * as EffectConfig from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Config from "./Config.ts"

export interface Options {
  readonly config: Config.Config
  /** Where the embedded database lives: files go into `logs` there if the configuration does not say. */
  readonly dataDirectory?: string | undefined
}

/** Replaces the loggers of everything it is provided to. */
export const layer = ({ config, dataDirectory }: Options): Layer.Layer<LogLevels.LogLevels> =>
  Layer.unwrap(
    Effect.map(secretsOf(config), (secrets) =>
      Logging.layer({
        ...config.logging,
        secrets,
        defaultDirectory: dataDirectory === undefined ? undefined : `${dataDirectory}/logs`
      })
    )
  )

/** Names the logger of whatever is said by what this is provided to. */
export const named = (logger: LogLevels.Name): Layer.Layer<never> =>
  Layer.succeed(References.CurrentLogAnnotations, { logger })

/** The values behind all names of secrets. One that is not set is none of the log's business. */
export const secretsOf = (config: Config.Config): Effect.Effect<ReadonlyArray<Redacted.Redacted>> =>
  Effect.map(
    Effect.forEach([...Config.secrets(config), { env: "DATABASE_URL" }], ({ env }) =>
      Effect.orElseSucceed(EffectConfig.option(EffectConfig.Redacted(env)), Option.none)
    ),
    (found) => found.flatMap(Option.toArray).flatMap((secret) => [secret, ...passwordOf(secret)])
  )

/** A URL's password is a secret without the URL, too. */
const passwordOf = (secret: Redacted.Redacted): ReadonlyArray<Redacted.Redacted> => {
  const password = URL.parse(Redacted.value(secret))?.password
  if (password === undefined || password === "") return []
  return [
    Redacted.make(
      Result.getOrElse(
        Result.try(() => decodeURIComponent(password)),
        () => password
      )
    )
  ]
}
