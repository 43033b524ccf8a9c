/** A host on a real socket of the loopback interface, which knows when each of its connections ends. */
import { Deferred, Effect } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"

export interface Exchange {
  readonly request: IncomingMessage
  readonly body: string
  /** The connection this came over: equal ones are one connection. */
  readonly socket: Socket
  /** When the connection ended, in milliseconds of `performance.now()`. */
  readonly closed: Deferred.Deferred<number>
}

export interface SocketHost {
  readonly url: string
  readonly exchanges: Array<Exchange>
  /** The next exchange, as soon as its request has been read. */
  readonly next: Effect.Effect<Exchange>
}

export const make = (answer: (response: ServerResponse, request: IncomingMessage, body: string) => void) =>
  Effect.gen(function* () {
    const exchanges: Array<Exchange> = []
    const waiting: Array<(exchange: Exchange) => void> = []
    const ends = new WeakMap<Socket, Deferred.Deferred<number>>()
    const server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const exchange: Exchange = {
          request,
          body: Buffer.concat(chunks).toString("utf8"),
          socket: request.socket,
          closed: ends.get(request.socket) ?? Deferred.makeUnsafe()
        }
        exchanges.push(exchange)
        answer(response, request, exchange.body)
        const waiter = waiting.shift()
        if (waiter !== undefined) waiter(exchange)
      })
    })
    server.on("connection", (socket) => {
      const closed = Deferred.makeUnsafe<number>()
      ends.set(socket, closed)
      socket.once("close", () => Deferred.doneUnsafe(closed, Effect.succeed(performance.now())))
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    const host: SocketHost = {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      exchanges,
      next: Effect.callback<Exchange>((resume) => {
        waiting.push((exchange) => resume(Effect.succeed(exchange)))
      })
    }
    return host
  })
