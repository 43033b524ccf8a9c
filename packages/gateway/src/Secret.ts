/** What a configuration says about what it must not hold: a secret by its name, and addresses without passwords. */
import * as Schema from "effect/Schema"

/** A secret by the name of the environment variable that holds it. */
export const Secret = Schema.Struct({
  env: Schema.NonEmptyString.check(
    Schema.isPattern(/^[A-Za-z_][A-Za-z0-9_]*$/, { message: "expected the name of an environment variable" })
  )
})
export type Secret = typeof Secret.Type

/** An http(s) URL. */
export const Url = Schema.String.check(
  Schema.makeFilter((text: string) => {
    const url = URL.parse(text)
    if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return "expected an http(s) URL"
    return url.username === "" && url.password === "" ? undefined : "a URL must not carry a password; use key: { env }"
  })
)
