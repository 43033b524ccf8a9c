/** Plays the steps of a delivery on the socket, and says what it did. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { Outcome } from "../Journal.ts"
import type { Step } from "./Delivery.ts"

export interface Notes {
  readonly head: (status: number) => void
  /** Called when the bytes have been handed to the system. */
  readonly sent: (bytes: number, content: boolean) => void
  readonly ended: (outcome: Outcome) => void
  /** Milliseconds since the request came. */
  readonly elapsed: () => number
}

/** Ends with the last step, or by interruption when the client leaves. A client that reads slowly slows it down. */
export const play = Effect.fnUntraced(function* (
  steps: ReadonlyArray<Step>,
  response: ServerResponse,
  socket: Socket,
  notes: Notes
) {
  for (const step of steps) yield* act(step, response, socket, notes)
})

const act = (step: Step, response: ServerResponse, socket: Socket, notes: Notes): Effect.Effect<void> => {
  switch (step._tag) {
    case "Wait":
      return Effect.andThen(flushHead(response), Effect.sleep(step.duration))
    case "Until":
      return Effect.andThen(
        flushHead(response),
        Effect.suspend(() => Effect.sleep(Duration.millis(Math.max(0, step.millis - notes.elapsed()))))
      )
    case "Silence":
      return Effect.andThen(flushHead(response), Effect.never)
    case "Head":
      return Effect.sync(() => {
        response.writeHead(step.status, step.headers)
        notes.head(step.status)
      })
    case "Write":
      return Effect.callback<void>((resume) => {
        response.write(step.data, (error) => {
          // A failed write means the socket is gone, and with it, in a moment, this fiber.
          if (error) return
          notes.sent(Buffer.byteLength(step.data), step.content)
          resume(Effect.void)
        })
      })
    case "End":
      return Effect.callback<void>((resume) => {
        response.end(() => {
          notes.ended("completed")
          resume(Effect.void)
        })
      })
    case "Cut":
      return Effect.andThen(
        flushHead(response),
        Effect.sync(() => {
          notes.ended("cut")
          socket.destroySoon()
        })
      )
    case "Reset":
      return Effect.sync(() => {
        notes.ended("reset")
        socket.resetAndDestroy()
      })
  }
}

/** Sends a head that was written and still waits for the first byte of the body to travel with. */
const flushHead = (response: ServerResponse): Effect.Effect<void> =>
  Effect.sync(() => {
    if (response.headersSent) response.flushHeaders()
  })
