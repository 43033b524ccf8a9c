/**
 * A proxy that repeats a secret in all it hands back: in the headers, in every JSON object and error message, and in
 * URLs. Whatever happens to the connection behind it happens to the one before it.
 */
import { Deferred, Effect, type Scope } from "effect"
import { createServer, request as send, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"

interface Exchange {
  /** Number of the connection: equal ones are one. */
  readonly connection: number
  /** Done when the connection is no more. */
  readonly closed: Deferred.Deferred<void>
}

export interface Echo {
  readonly origin: string
  readonly exchanges: ReadonlyArray<Exchange>
}

export const make = (port: number, secret: string): Effect.Effect<Echo, never, Scope.Scope> =>
  Effect.gen(function* () {
    const exchanges: Array<Exchange> = []
    const connections = new Map<Socket, Exchange>()
    const server = createServer((incoming, outgoing) => {
      const { socket } = incoming
      const connection = connections.get(socket) ?? { connection: connections.size + 1, closed: Deferred.makeUnsafe() }
      if (!connections.has(socket)) {
        connections.set(socket, connection)
        socket.once("close", () => Deferred.doneUnsafe(connection.closed, Effect.void))
      }
      exchanges.push(connection)
      relay(incoming, outgoing, port, secret)
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, exchanges }
  })

const relay = (incoming: IncomingMessage, outgoing: ServerResponse, port: number, secret: string) => {
  const { headers, method, socket, url } = incoming
  const upstream = send({ host: "127.0.0.1", port, method, path: url, headers, agent: false })
  incoming.pipe(upstream)
  upstream.on("error", () => void socket.resetAndDestroy())
  outgoing.on("error", () => {}).on("close", () => void upstream.destroy())
  upstream.on("response", (answer) => {
    const kept = Object.entries(answer.headers).filter(([name]) => name !== "content-length" && name !== "connection")
    outgoing.writeHead(answer.statusCode ?? 0, { ...Object.fromEntries(kept), ...namesakes(secret) })
    outgoing.flushHeaders()
    answer
      .setEncoding("utf8")
      .on("data", (text: string) => {
        outgoing.write(repeat(text, secret))
      })
      .on("end", () => void outgoing.end())
      // It stopped in the middle, by FIN or by RST.
      .on("error", () => socket.destroySoon())
  })
}

/** Headers of answers that clients read or keep. */
const namesakes = (secret: string) => ({
  "x-request-id": secret,
  "request-id": secret,
  "www-authenticate": `Bearer ${secret}`,
  "x-ratelimit-limit-requests": secret,
  "anthropic-ratelimit-requests-limit": secret,
  server: secret
})

const repeat = (text: string, secret: string): string => {
  const quoted = JSON.stringify(secret).slice(1, -1)
  const told = `You sent ${quoted} to https://api.test/v1/${encodeURIComponent(secret)}?key=${encodeURIComponent(secret)}. `
  return text
    .replaceAll(/"message": ?"/g, (start) => start + told)
    .replaceAll(/^((?:data: )?\{)(?=")/gm, (start) => `${start}"echo":"${told}",`)
    .replaceAll("<center>proxy</center>", () => `<center>${secret} ${told}</center>`)
}
