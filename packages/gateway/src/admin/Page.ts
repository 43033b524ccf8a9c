/**
 * Serves the dashboard's files and the API's documentation to whoever may read. Names of assets carry a hash of what is in
 * them, so they are kept for good; the page itself is asked for each time.
 */
import * as Effect from "effect/Effect"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import type * as HttpPlatform from "effect/http/HttpPlatform"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpStaticServer from "effect/http/HttpStaticServer"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as Access from "./Access.ts"
import * as Api from "./Api.ts"
import { denialOf } from "./Denials.ts"

type Platform = FileSystem.FileSystem | HttpPlatform.HttpPlatform | Path.Path

/** Without a directory the page says that there is none. */
export const layer = (
  directory: string | undefined
): Layer.Layer<never, never, HttpRouter.HttpRouter | Access.Access | Platform> =>
  Layer.mergeAll(HttpApiScalar.layer(Api.Api), files(directory))

const files = (directory: string | undefined) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const { mayRead } = yield* Access.Access
      const served =
        directory === undefined ? undefined : yield* Effect.option(HttpStaticServer.make({ root: directory }))
      const serve = (cacheControl: string) =>
        Effect.gen(function* () {
          const denial = denialOf(yield* mayRead(yield* HttpServerRequest.HttpServerRequest))
          if (denial !== undefined) return HttpServerResponse.text(denial.message, { status: 403 })
          if (served === undefined || served._tag === "None") return missing
          const response = yield* Effect.orElseSucceed(served.value, () => missing)
          return HttpServerResponse.setHeaders(response, { ...headers, "cache-control": cacheControl })
        })
      yield* router.add("GET", "/", serve("no-cache"))
      yield* router.add("GET", "/icon.svg", serve("no-cache"))
      yield* router.add("GET", "/assets/*", serve("public, max-age=31536000, immutable"))
    })
  )

const missing = HttpServerResponse.text(
  "The dashboard's files are not here. `pnpm build` makes them; `pnpm start` does so by itself.\n",
  { status: 404 }
)

/** The page runs what is its own, talks to nobody else, and is shown in nobody's frame. */
const headers = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}
