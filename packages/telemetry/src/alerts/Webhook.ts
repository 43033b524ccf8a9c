/**
 * Any server that takes a POST of JSON. With a secret it is signed, so that the receiver knows who sent it and when:
 * `holdfast-signature: v1=HEX` is the HMAC-SHA256 of `holdfast-timestamp`, a dot and the body as it came.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { postJson } from "../internal/postJson.ts"
import type * as AlertRules from "./AlertRules.ts"
import type { Delivery } from "./Delivery.ts"

export interface Options {
  readonly name: string
  readonly url: Redacted.Redacted
  /** Not empty. Without it nothing is signed. */
  readonly secret?: Redacted.Redacted | undefined
  readonly atLeast: AlertRules.Severity
}

export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Delivery, never, HttpClient.HttpClient | Scope.Scope> {
  const client = yield* HttpClient.HttpClient
  const sign = options.secret === undefined ? undefined : yield* signer(options.secret)
  return {
    name: options.name,
    kind: "webhook",
    atLeast: options.atLeast,
    send: Effect.fnUntraced(function* (notification) {
      const body = JSON.stringify({ version: 1, ...notification })
      const timestamp = String(Math.floor((yield* Clock.currentTimeMillis) / 1000))
      const signature =
        sign === undefined
          ? {}
          : { "holdfast-timestamp": timestamp, "holdfast-signature": yield* sign(timestamp, body) }
      return yield* postJson(client, {
        url: options.url,
        body,
        // The same on every attempt: who has it already may drop it.
        headers: { "holdfast-id": notification.id, ...signature }
      })
    })
  }
})

/** Signs with the secret: what `holdfast-signature` has to be. Throws a `RangeError` for an empty secret. */
const signer = Effect.fnUntraced(function* (secret: Redacted.Redacted) {
  const bytes = new TextEncoder().encode(Redacted.value(secret))
  if (bytes.length === 0) throw new RangeError("the secret of a webhook must not be empty")
  const mac = Context.get(
    yield* Layer.build(Mac.layerWebCrypto.pipe(Layer.provide(SecureRandom.layerWebCrypto))),
    Mac.Mac
  )
  const key = yield* Effect.orDie(Mac.key(Mac.hmacSha256, bytes))
  return (timestamp: string, body: string): Effect.Effect<string> =>
    mac.sign(key, new TextEncoder().encode(`${timestamp}.${body}`)).pipe(
      Effect.map((tag) => `v1=${[...tag].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`),
      Effect.orDie
    )
})
