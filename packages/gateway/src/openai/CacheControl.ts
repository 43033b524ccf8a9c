/** What a caller says to the cache, and what it is told about it. */
import type * as Provenance from "@holdfast/core/Provenance"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import { createHash } from "node:crypto"
import { BadRequest } from "./ChatRequest.ts"

const header = "x-holdfast-cache"

interface Wish {
  readonly bypass: "no-cache" | "no-store" | undefined
  readonly tenant: string
  /** The tenant as the store may know it. */
  readonly name: string | undefined
}

/**
 * What a request asks of the cache, and on whose behalf. Whoever sends another key is another tenant: the gateway looks
 * at no keys itself, so it cannot know that two of them belong together.
 */
export const ofRequest: Effect.Effect<Wish, BadRequest, HttpServerRequest.HttpServerRequest> = Effect.flatMap(
  HttpServerRequest.HttpServerRequest,
  ({ headers }) => {
    const bypass = headers[header]
    const tenant = headers["authorization"] ?? headers["x-api-key"] ?? headers["x-goog-api-key"] ?? ""
    return bypass === undefined || bypass === "no-cache" || bypass === "no-store"
      ? Effect.succeed({ bypass, tenant, name: tenant === "" ? undefined : nameOf(tenant) })
      : Effect.fail(
          new BadRequest({
            param: header,
            code: "invalid_header",
            problem: `${header}: expected no-cache or no-store, got ${JSON.stringify(bypass.slice(0, 100))}`
          })
        )
  }
)

/** A name that always is the same for a key, and from which nobody can tell the key. */
const nameOf = (key: string): string => `key-${createHash("sha256").update(key).digest("hex").slice(0, 12)}`

/** What an answer says about the cache; nothing where it comes from a lane. */
export const headersOf = (provenance: Provenance.Provenance): { readonly [name: string]: string } => ({
  ...(provenance.cached ? { [header]: provenance.stale ? "stale" : "hit" } : {}),
  // As RFC 9111 has it: whole seconds.
  ...(provenance.ageMillis === undefined ? {} : { age: String(Math.floor(provenance.ageMillis / 1000)) }),
  ...(provenance.coalesced ? { "x-holdfast-coalesced": "true" } : {})
})
