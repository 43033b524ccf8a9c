/**
 * Who may read and who may act. Reading is open to this machine alone; from elsewhere it takes the admin key or a session,
 * and so does every action from anywhere. Without a configured key nobody acts, and nobody reads from elsewhere.
 *
 * A session is a cookie that a page gets for the key: `HttpOnly`, `SameSite=Strict`, signed with the key, so that it holds
 * over a restart and no longer than the key does. A browser sends cookies by itself, so an action by cookie also takes a
 * header that no foreign page can set, and an `Origin` that is ours. So does starting a simulation, which else is reading.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import * as Config from "../Config.ts"
import * as Lanes from "../Lanes.ts"

export const keyHeader = "x-holdfast-admin-key"

/** Sent by our page with every action; no page of another origin can set it without being asked first. */
export const actionHeader = "x-holdfast-action"

export const cookieName = "holdfast_session"

/** How long a session holds, in milliseconds. */
export const sessionMillis = 12 * 3_600_000

/** A shorter key could be guessed. */
const minKeyLength = 16

/** Wrong keys a minute, over all who ask; one more and nobody's key is looked at until the minute is over. */
const maxWrongKeys = 20

export type Verdict =
  | "allowed"
  | "no-key"
  | "key-needed"
  | "wrong-key"
  | "too-many"
  | "foreign-origin"
  | "unasked"
  | "not-local"

export class Access extends Context.Service<
  Access,
  {
    /** Whether a key is configured. */
    readonly hasKey: boolean
    /** Whether the request carries the key or a session that holds. */
    readonly isKnown: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<boolean>
    readonly mayRead: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<Verdict>
    /** Whether it may start what takes the machine's time and changes nothing: as reading, and asked by no foreign page. */
    readonly mayStart: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<Verdict>
    readonly mayAct: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<Verdict>
    /** A new session's cookie, for somebody who had the key. */
    readonly session: Effect.Effect<string>
  }
>()("@holdfast/gateway/admin/Access") {}

export const make = (key: Redacted.Redacted | undefined): Access["Service"] => {
  let wrong = { minute: 0, count: 0 }

  const verdictOfKey = (given: string, now: number): Verdict => {
    if (key === undefined) return "no-key"
    const minute = Math.floor(now / 60_000)
    if (wrong.minute !== minute) wrong = { minute, count: 0 }
    if (wrong.count >= maxWrongKeys) return "too-many"
    if (isEqual(given, Redacted.value(key))) return "allowed"
    wrong.count += 1
    return "wrong-key"
  }

  const holds = (cookie: string | undefined, now: number): boolean => {
    if (key === undefined || cookie === undefined) return false
    const [until = "", nonce = "", signature = ""] = cookie.split(".")
    return Number(until) > now && isEqual(signature, sign(Redacted.value(key), until, nonce))
  }

  const at = <A>(read: (now: number) => A): Effect.Effect<A> => Effect.map(Clock.currentTimeMillis, read)

  const verdictOf = (request: HttpServerRequest.HttpServerRequest, now: number): Verdict => {
    const given = request.headers[keyHeader]
    if (given !== undefined) return verdictOfKey(given, now)
    if (key === undefined) return "no-key"
    return holds(request.cookies[cookieName], now) ? "allowed" : "key-needed"
  }

  const mayRead = (request: HttpServerRequest.HttpServerRequest, now: number): Verdict => {
    if (isLocal(request) && request.headers[keyHeader] === undefined) return "allowed"
    const verdict = verdictOf(request, now)
    return verdict === "no-key" ? "not-local" : verdict
  }

  return Access.of({
    hasKey: key !== undefined,
    isKnown: (request) => at((now) => verdictOf(request, now) === "allowed"),
    mayRead: (request) => at((now) => mayRead(request, now)),
    mayStart: (request) =>
      at((now) => {
        if (isForeign(request)) return "foreign-origin"
        const { [actionHeader]: action, [keyHeader]: given } = request.headers
        return given === undefined && action === undefined ? "unasked" : mayRead(request, now)
      }),
    mayAct: (request) =>
      at((now) => {
        if (isForeign(request)) return "foreign-origin"
        if (request.headers[keyHeader] === undefined && request.headers[actionHeader] === undefined) {
          return key === undefined ? "no-key" : "key-needed"
        }
        return verdictOf(request, now)
      }),
    session: at((now) => {
      const until = String(now + sessionMillis)
      const nonce = randomBytes(16).toString("base64url")
      return `${until}.${nonce}.${key === undefined ? "" : sign(Redacted.value(key), until, nonce)}`
    })
  })
}

/** Fails with `InvalidConfig` if the key is not set, or too short. */
export const layer = (config: Config.Config): Layer.Layer<Access, Config.InvalidConfig> =>
  Layer.effect(
    Access,
    Effect.gen(function* () {
      if (config.admin === undefined) return make(undefined)
      const key = yield* Lanes.read(config.admin.key, "admin.key")
      if (Redacted.value(key).length < minKeyLength) {
        return yield* new Config.InvalidConfig({
          source: "admin.key",
          problem: `${config.admin.key.env} must have at least ${minKeyLength} characters`
        })
      }
      return make(key)
    })
  )

/** Asked by a page of another origin: a browser says so with every request that is not a plain reading. */
const isForeign = ({ headers: { host, origin } }: HttpServerRequest.HttpServerRequest): boolean =>
  origin !== undefined && URL.parse(origin)?.host !== host

/** Takes the same time whatever is given, also for another length. */
const isEqual = (given: string, expected: string): boolean =>
  timingSafeEqual(createHash("sha256").update(given).digest(), createHash("sha256").update(expected).digest())

const sign = (key: string, until: string, nonce: string): string =>
  createHmac("sha256", key).update(`session\n${until}\n${nonce}`).digest("base64url")

/**
 * Whether it comes from this machine, under a name of this machine: a page elsewhere can make a browser here ask under a
 * name of its own, and a proxy here asks for somebody else.
 */
const isLocal = (request: HttpServerRequest.HttpServerRequest): boolean => {
  const { forwarded, host = "", via } = request.headers
  if (forwarded !== undefined || via !== undefined || request.headers["x-forwarded-for"] !== undefined) return false
  const address = Option.getOrElse(request.remoteAddress, () => "")
  const name = URL.parse(`http://${host}`)?.hostname ?? ""
  return isLoopback(address) && (name === "localhost" || name.endsWith(".localhost") || isLoopback(name))
}

const isLoopback = (address: string): boolean =>
  /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address) || address === "::1" || address === "[::1]"
