/** What whoever may not is told. */
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as Access from "./Access.ts"
import * as Api from "./Api.ts"

/** What a denial says; `undefined` where there is none. */
export const denialOf = (verdict: Access.Verdict) => {
  switch (verdict) {
    case "allowed":
      return undefined
    case "key-needed":
      return new Api.KeyNeeded({ message: `This takes the admin key, in ${Access.keyHeader}` })
    case "wrong-key":
      return new Api.KeyNeeded({ message: "This is not the admin key" })
    case "too-many":
      return new Api.TooManyKeys({ message: "Too many wrong keys; wait a minute" })
    case "no-key":
      return new Api.Forbidden({ message: "No admin key is configured (admin.key), so nobody can act" })
    case "foreign-origin":
      return new Api.Forbidden({ message: "This was asked by a page of another origin" })
    case "unasked":
      return new Api.Forbidden({ message: `This takes the header ${Access.actionHeader}: 1, or the admin key` })
    case "not-local":
      return new Api.Forbidden({ message: "Without an admin key (admin.key) this is served on loopback only" })
  }
}

const pass = <A, E, R>(
  allowed: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<Access.Verdict>,
  self: Effect.Effect<A, E, R>
) =>
  Effect.gen(function* () {
    const denial = denialOf(yield* allowed(yield* HttpServerRequest.HttpServerRequest))
    return denial === undefined ? yield* self : yield* denial
  })

/** The middleware of the API that denies. */
export const middleware = Layer.mergeAll(
  Layer.effect(
    Api.Readers,
    Access.Access.useSync(({ mayRead }) => Api.Readers.of((self) => pass(mayRead, self)))
  ),
  Layer.effect(
    Api.Starters,
    Access.Access.useSync(({ mayStart }) => Api.Starters.of((self) => pass(mayStart, self)))
  ),
  Layer.effect(
    Api.Actors,
    Access.Access.useSync(({ mayAct }) => Api.Actors.of((self) => pass(mayAct, self)))
  )
)
