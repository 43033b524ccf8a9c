/**
 * A TCP relay in front of any server: it sees the bytes of the requests, and which side let go of a socket first. The
 * scope it is made in owns its port and sockets.
 */
import { Deferred, Effect, type Scope } from "effect"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

interface Connection {
  /** All that the client has sent. */
  readonly sent: () => string
  /** Done once a first request is here, its body included. */
  readonly asked: Deferred.Deferred<void>
  /** Done with the side that closed first. */
  readonly closed: Deferred.Deferred<"client" | "server">
}

export interface Relay {
  readonly origin: string
  readonly connections: ReadonlyArray<Connection>
  /** The first connection, once its request is here. */
  readonly first: Effect.Effect<Connection>
}

export const make = (port: number): Effect.Effect<Relay, never, Scope.Scope> =>
  Effect.gen(function* () {
    const connections: Array<Connection> = []
    const sockets = new Set<Socket>()
    const accepted = yield* Deferred.make<Connection>()
    const server = createServer((client) => {
      const upstream = connect(port, "127.0.0.1")
      const asked = Deferred.makeUnsafe<void>()
      const closed = Deferred.makeUnsafe<"client" | "server">()
      let sent = ""
      const connection: Connection = { sent: () => sent, asked, closed }
      connections.push(connection)
      Deferred.doneUnsafe(accepted, Effect.succeed(connection))
      const left = (side: "client" | "server", other: Socket) => () => {
        Deferred.doneUnsafe(closed, Effect.succeed(side))
        other.destroySoon()
      }
      client.on("data", (chunk) => {
        sent += chunk.toString("utf8")
        if (isWhole(sent)) Deferred.doneUnsafe(asked, Effect.void)
        upstream.write(chunk)
      })
      upstream.on("data", (chunk) => void client.write(chunk))
      for (const [side, socket, other] of [
        ["client", client, upstream],
        ["server", upstream, client]
      ] as const) {
        sockets.add(socket)
        socket.on("end", left(side, other)).on("error", left(side, other)).on("close", left(side, other))
      }
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          for (const socket of sockets) socket.destroy()
        })
    )
    return {
      origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      connections,
      first: Effect.tap(Deferred.await(accepted), ({ asked }) => Deferred.await(asked))
    }
  })

/** Whether a head and as much of a body as it announces are here. */
const isWhole = (text: string): boolean => {
  const [head = "", ...rest] = text.split("\r\n\r\n")
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
  return rest.length > 0 && Buffer.byteLength(rest.join("\r\n\r\n")) >= length
}
