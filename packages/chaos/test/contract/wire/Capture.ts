/** A server that keeps what it is sent and declines it, and what of a request matters on the wire. */
import { Effect, type Scope } from "effect"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"

export interface Captured {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

export interface Capture {
  readonly origin: string
  /** What the client sends first in this call, however the call ends. */
  readonly of: <E, R>(call: Effect.Effect<unknown, E, R>) => Effect.Effect<Captured, never, R>
}

export const make: Effect.Effect<Capture, never, Scope.Scope> = Effect.gen(function* () {
  const captured: Array<Captured> = []
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => void chunks.push(chunk))
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8")
      captured.push({
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        body: text === "" ? undefined : JSON.parse(text)
      })
      response.writeHead(400, { "content-type": "application/json" }).end("{}")
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    of: (call) =>
      Effect.gen(function* () {
        captured.length = 0
        yield* Effect.exit(call)
        const [first] = captured
        return first === undefined ? yield* Effect.die("nothing was sent") : first
      })
  }
})
