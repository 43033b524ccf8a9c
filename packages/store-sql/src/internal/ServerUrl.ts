/**
 * The URL of a server, and what it says about TLS by libpq's names. Stricter than libpq in two ways: TLS that is asked for is
 * never done without, and a certificate is always verified, since whoever can listen can also answer.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { X509Certificate } from "node:crypto"
import { readFile } from "node:fs/promises"
import { type ConnectionOptions, createSecureContext } from "node:tls"
import { DatabaseError } from "../DatabaseError.ts"

/** How a server must prove who it is, by `sslmode`; `disable` asks for no TLS at all. */
const modes = ["disable", "require", "verify-ca", "verify-full"] as const
type Mode = (typeof modes)[number]

const known = ["ssl", "sslmode", "sslrootcert", "sslcert", "sslkey"]

/** What the client is made with. */
interface Server {
  readonly url: Redacted.Redacted
  readonly ssl: false | ConnectionOptions
}

/**
 * Files that the URL names are read now, once. Fails with `Invalid` for what is no such URL, for a mode that is not one of
 * `modes`, for a parameter that we would have to ignore, and for files that cannot be read or hold something else.
 */
export const read = Effect.fnUntraced(function* (url: Redacted.Redacted): Effect.fn.Return<Server, DatabaseError> {
  const parsed = parse(Redacted.value(url))
  if (parsed !== undefined) return { url, ssl: yield* sslOf(parsed.searchParams) }
  // Says nothing of what it was given: a URL that cannot be read may be mostly password.
  return yield* new DatabaseError({
    reason: "Invalid",
    message: "The database URL cannot be read; it looks like postgres://user:password@host:5432/name"
  })
})

const parse = (text: string): URL | undefined => {
  const url = /^postgres(ql)?:\/\//.test(text) ? URL.parse(text) : null
  if (url === null) return undefined
  try {
    decodeURIComponent(`${url.username}${url.password}${url.hostname}${url.pathname}`)
    return url
  } catch {
    return undefined
  }
}

const sslOf = Effect.fnUntraced(function* (
  parameters: URLSearchParams
): Effect.fn.Return<false | ConnectionOptions, DatabaseError> {
  const unknown = [...parameters.keys()].find((name) => name.startsWith("ssl") && !known.includes(name))
  if (unknown !== undefined) {
    return yield* invalid(`${unknown} is not supported; what is: ${known.join(", ")}`)
  }
  const mode = yield* modeOf(parameters)
  if (mode === "disable") return false

  const pemOf = (name: string) => {
    const path = parameters.get(name)
    return path === null || path === "" ? Effect.undefined : readPem(name, path)
  }
  // As libpq has it: those that are known anyway.
  const ca = parameters.get("sslrootcert") === "system" ? undefined : yield* pemOf("sslrootcert")
  const cert = yield* pemOf("sslcert")
  const key = yield* pemOf("sslkey")
  if ((cert === undefined) !== (key === undefined)) return yield* invalid("sslcert and sslkey need each other")
  for (const [name, pem] of [
    ["sslrootcert", ca],
    ["sslcert", cert]
  ] as const) {
    // Node takes anything else for a list of no certificates.
    if (pem !== undefined) yield* attempt(name, () => new X509Certificate(pem))
  }
  return {
    // Made here, since what cannot be used throws.
    secureContext: yield* attempt("sslkey", () => createSecureContext({ ca, cert, key })),
    ...(mode === "verify-ca" ? { checkServerIdentity: () => undefined } : {})
  }
})

const modeOf = (parameters: URLSearchParams): Effect.Effect<Mode, DatabaseError> => {
  const ssl = parameters.get("ssl")
  const said = parameters.getAll("sslmode").at(-1)
  const mode = modes.find((one) => one === said)
  if (mode !== undefined) return Effect.succeed(mode)
  if (said === "prefer" || said === "allow") {
    return invalid(
      `sslmode=${said} does without TLS where a server, or somebody in between, says that there is none; ` +
        "say require, or disable"
    )
  }
  if (said !== undefined) return invalid(`sslmode is one of ${modes.join(", ")}`)
  if (ssl !== null && ssl !== "true") return invalid("ssl can only be true; sslmode says more")
  return Effect.succeed(ssl === "true" ? "require" : "disable")
}

const readPem = (name: string, path: string): Effect.Effect<string, DatabaseError> =>
  Effect.tryPromise({ try: () => readFile(path, "utf8"), catch: (cause) => unreadable(name, cause) })

const attempt = <A>(name: string, run: () => A): Effect.Effect<A, DatabaseError> =>
  Effect.try({ try: run, catch: (cause) => unreadable(name, cause) })

const unreadable = (name: string, cause: unknown): DatabaseError =>
  invalidError(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`)

const invalid = (problem: string): Effect.Effect<never, DatabaseError> => Effect.fail(invalidError(problem))

/** Without the cause, which may have looked into a key. */
const invalidError = (problem: string): DatabaseError =>
  new DatabaseError({ reason: "Invalid", message: `The database URL cannot be used: ${problem}` })
