/**
 * A listening HTTP server whose requests run in fibers: a fiber ends at once when its socket closes, and the sockets
 * close at once when the scope does. It owns the connections.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { ListenFailed } from "../Emulator.ts"

export interface Connection {
  /** From 1, in order of arrival. */
  readonly number: number
  readonly socket: Socket
  /** Its FIN or RST has come. */
  clientLeft: boolean
  /** Undefined while the socket is open. */
  closedBy: "client" | "server" | undefined
  readonly fibers: Set<Fiber.Fiber<void>>
  /** The journal entries that this connection carried. */
  readonly entries: Array<number>
}

export interface Options {
  readonly host: string
  readonly port: number
  readonly handle: (incoming: IncomingMessage, response: ServerResponse, connection: Connection) => Effect.Effect<void>
  /** Runs in the socket's close event, before its fibers are interrupted. */
  readonly onClose: (connection: Connection) => void
}

export interface Sockets {
  readonly port: number
  /** Stops listening and destroys all sockets. */
  readonly close: Effect.Effect<void>
  /** Listens again on the same port. */
  readonly open: Effect.Effect<void, ListenFailed>
}

/** How long a connection may idle between requests, in milliseconds. */
const keepAliveTimeout = 75_000

export const listen = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Sockets, ListenFailed, Scope.Scope> {
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  const connections = new Map<Socket, Connection>()
  let accepted = 0
  const server = createServer({ keepAliveTimeout, requestTimeout: 0, headersTimeout: 0 })

  server.on("connection", (socket: Socket) => {
    accepted += 1
    const connection: Connection = {
      number: accepted,
      socket,
      clientLeft: false,
      closedBy: undefined,
      fibers: new Set(),
      entries: []
    }
    connections.set(socket, connection)
    const clientLeft = () => {
      connection.clientLeft = true
    }
    socket
      .on("end", clientLeft)
      .on("error", clientLeft)
      .once("close", () => {
        connections.delete(socket)
        connection.closedBy = connection.clientLeft ? "client" : "server"
        options.onClose(connection)
        for (const fiber of connection.fibers) fiber.interruptUnsafe()
      })
  })

  server.on("request", (incoming, response) => {
    const connection = connections.get(incoming.socket)
    if (connection === undefined) return
    // A write that races with the client's leaving reports here; the close event says all there is to say.
    response.on("error", () => {})
    const fiber = run(options.handle(incoming, response, connection))
    connection.fibers.add(fiber)
    fiber.addObserver(() => connection.fibers.delete(fiber))
  })

  const open = (port: number) =>
    Effect.callback<number, ListenFailed>((resume) => {
      const onError = (cause: unknown) => {
        server.off("listening", onListening)
        resume(Effect.fail(new ListenFailed({ host: options.host, port, cause })))
      }
      const onListening = () => {
        server.off("error", onError)
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : port))
      }
      server.once("error", onError).once("listening", onListening).listen(port, options.host)
    })

  const close = Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
    for (const socket of connections.keys()) socket.destroy()
  })

  const port = yield* Effect.acquireRelease(open(options.port), () => close)
  const reopen = Effect.suspend(() => (server.listening ? Effect.void : Effect.asVoid(open(port))))
  return { port, close, open: Effect.uninterruptible(reopen) }
})
