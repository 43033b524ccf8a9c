/** Takes a request off the socket. */
import * as Effect from "effect/Effect"
import type { IncomingHttpHeaders, IncomingMessage } from "node:http"
import type { Request } from "./Surface.ts"

/** Reads the whole request. Never resumes for a client that leaves before its end; interruption stops listening. */
export const read = (incoming: IncomingMessage): Effect.Effect<Request> =>
  Effect.callback<Request>((resume) => {
    const chunks: Array<Buffer> = []
    const onData = (chunk: Buffer) => {
      chunks.push(chunk)
    }
    const onEnd = () => {
      const [path = "", query = ""] = (incoming.url ?? "").split("?", 2)
      resume(
        Effect.succeed({
          method: incoming.method ?? "",
          path,
          query: new URLSearchParams(query),
          headers: flatten(incoming.headers),
          body: Buffer.concat(chunks).toString("utf8")
        })
      )
    }
    incoming.on("data", onData).once("end", onEnd)
    return Effect.sync(() => incoming.off("data", onData).off("end", onEnd))
  })

const flatten = (headers: IncomingHttpHeaders): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")])
  )

/** Headers that cannot hold a secret; the journal keeps the values of these only. */
const open = new Set([
  "accept",
  "anthropic-beta",
  "anthropic-version",
  "b3",
  "baggage",
  "connection",
  "content-length",
  "content-type",
  "idempotency-key",
  "traceparent",
  "tracestate",
  "user-agent",
  "x-goog-api-client",
  "x-request-id",
  "x-stainless-retry-count"
])

export const openHeaders = (request: Request): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(request.headers).filter(([name]) => open.has(name)))
