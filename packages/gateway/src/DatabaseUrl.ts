/** Which PostgreSQL server the configuration or the environment names. */
import * as EffectConfig from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Config from "./Config.ts"
import * as Lanes from "./Lanes.ts"

/** Its URL; nothing where there is none. */
export const read = (
  store: Config.Config["store"]
): Effect.Effect<Redacted.Redacted | undefined, Config.InvalidConfig | EffectConfig.ConfigError> =>
  store?.url === undefined
    ? Effect.map(EffectConfig.option(EffectConfig.Redacted("DATABASE_URL")), Option.getOrUndefined)
    : Lanes.read(store.url, "store.url")
