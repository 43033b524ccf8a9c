/** Stands in front of a server on the loopback, and takes it away: connections break, or nothing passes any more. */
import { Effect } from "effect"
import { connect, createServer, type Socket } from "node:net"

export const tcpProxy = (target: { readonly host: string; readonly port: number }) =>
  Effect.gen(function* () {
    let mode: "well" | "cut" | "hangs" = "well"
    const sockets = new Set<Socket>()
    const keep = (socket: Socket): Socket => {
      sockets.add(socket)
      // Whatever breaks is meant to.
      return socket
        .setNoDelay(true)
        .on("error", () => socket.destroy())
        .on("close", () => sockets.delete(socket))
    }
    const pass = (from: Socket, to: Socket): void => {
      from.on("data", (bytes) => {
        if (mode === "well") to.write(bytes)
      })
      from.on("close", () => to.destroy())
    }
    const server = createServer((client) => {
      keep(client)
      if (mode === "cut") client.destroy()
      if (mode !== "well") return
      const upstream = keep(connect(target))
      pass(client, upstream)
      pass(upstream, client)
    })
    const breakAll = Effect.sync(() => {
      for (const socket of sockets) socket.destroy()
    })
    const turn = (to: typeof mode) =>
      Effect.sync(() => {
        mode = to
      })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.andThen(
          breakAll,
          Effect.callback<void>((resume) => {
            server.close(() => resume(Effect.void))
          })
        )
    )
    const address = server.address()
    return {
      port: typeof address === "object" && address !== null ? address.port : 0,
      cut: Effect.andThen(turn("cut"), breakAll),
      hang: turn("hangs"),
      /** Connections that hung are broken, as after a while they are. */
      mend: Effect.andThen(breakAll, turn("well"))
    }
  })
