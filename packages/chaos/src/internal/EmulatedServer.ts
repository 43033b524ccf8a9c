/** Puts an emulator together for one provider's surface: sockets, plan, counts, journal. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { Emulator, ListenFailed, Options } from "../Emulator.ts"
import * as FaultPlan from "../FaultPlan.ts"
import * as Journal from "../Journal.ts"
import * as Arrivals from "./Arrivals.ts"
import * as Delivery from "./Delivery.ts"
import * as Exchange from "./Exchange.ts"
import * as HttpRequest from "./HttpRequest.ts"
import * as Respond from "./Respond.ts"
import * as Sockets from "./Sockets.ts"
import type { Failing, Request, Surface } from "./Surface.ts"

const atLeastOne = (name: string, value: number): number => {
  if (Number.isInteger(value) && value >= 1) return value
  throw new RangeError(`${name} must be a whole number of at least 1, not ${value}`)
}

export const make = Effect.fnUntraced(function* (
  surface: Surface,
  options: Options
): Effect.fn.Return<Emulator, ListenFailed, Scope.Scope> {
  const dimensions = atLeastOne("dimensions", options.dimensions ?? 64)
  const maxEntries = atLeastOne("maxEntries", options.maxEntries ?? 10_000)
  const models = options.models ?? surface.defaultModels
  const host = options.host ?? "127.0.0.1"
  const random = options.seed === undefined ? Random.Random : Random.withSeed(Random.Random, options.seed)

  const clock = yield* Clock.Clock
  const journal = Journal.make(clock, maxEntries)
  let plan = options.plan ?? FaultPlan.healthy
  let arrivals = Arrivals.make(yield* random)
  let lastId = 0
  /** Who is to be told how an exchange ended that goes on. */
  const watched = new Map<number, (outcome: Journal.Outcome) => void>()
  const tell = (id: number, outcome: Journal.Outcome) => {
    const ended = watched.get(id)
    watched.delete(id)
    ended?.(outcome)
  }

  /** All of it in one go, so that order of arrival, request number and time agree. */
  const open = (request: Request, connection: Sockets.Connection) => {
    const id = ++lastId
    const now = clock.currentTimeMillisUnsafe()
    const cameAt = clock.monotonicTimeNanosUnsafe()
    const reading = surface.read(request)
    const { operation, model, lastRole, stream } = reading
    const arrival = arrivals(operation, model)
    const elapsedMillis = journal.elapsedUnsafe()
    const direction =
      operation === "unknown"
        ? undefined
        : options.director?.({ operation, model, stream, lastRole, body: request.body })
    const healthy = { ...plan.healthy, ...direction?.healthy }
    const fault =
      operation === "unknown"
        ? undefined
        : direction === undefined
          ? FaultPlan.decide(plan, { operation, model, lastRole, elapsedMillis, ...arrival })
          : direction.fault
    const failing: Failing = { id, now, model, stream, method: request.method, path: request.path }
    const bare = Respond.answer(surface, reading, fault, options, failing, { id, now, healthy, models, dimensions })
    const answer = { ...bare, headers: { ...bare.headers, ...direction?.headers } }
    const wording = { event: surface.event, streamError: Respond.streamError(surface, fault, failing) }
    const steps =
      direction?.pace === undefined
        ? Delivery.script(answer, fault, healthy, wording)
        : Delivery.paced(answer, fault, direction.pace, wording)
    connection.entries.push(id)
    journal.addUnsafe({
      id,
      t: elapsedMillis,
      operation,
      method: request.method,
      path: request.path,
      model,
      stream,
      requestNumber: arrival.requestNumber,
      messageCount: reading.messageCount,
      lastRole,
      keyGiven: reading.key !== undefined,
      headerNames: Object.keys(request.headers),
      headers: HttpRequest.openHeaders(request),
      body: reading.body,
      fault,
      status: undefined,
      bytesSent: 0,
      chunksSent: 0,
      outcome: undefined,
      endedAt: undefined,
      connection: connection.number,
      closedAt: undefined,
      closedBy: undefined
    })
    if (direction?.ended !== undefined) watched.set(id, direction.ended)
    noteClose(id, connection)
    return { id, steps, arrival, cameAt }
  }

  /** An exchange that was under way ends with its socket. */
  const noteClose = (id: number, { closedBy }: Sockets.Connection) => {
    if (closedBy === undefined) return
    tell(id, closedBy === "client" ? "aborted" : "cut")
    const closedAt = journal.elapsedUnsafe()
    journal.updateUnsafe(id, ({ endedAt = closedAt, outcome = closedBy === "client" ? "aborted" : "cut" }) => ({
      closedAt,
      closedBy,
      endedAt,
      outcome
    }))
  }

  const notes = (id: number, cameAt: bigint): Exchange.Notes => ({
    elapsed: () => Number(clock.monotonicTimeNanosUnsafe() - cameAt) / 1e6,
    head: (status) => journal.updateUnsafe(id, () => ({ status })),
    sent: (bytes, content) =>
      journal.updateUnsafe(id, ({ bytesSent, chunksSent }) => ({
        bytesSent: bytesSent + bytes,
        chunksSent: chunksSent + (content ? 1 : 0)
      })),
    ended: (outcome) => {
      journal.updateUnsafe(id, () => ({ outcome, endedAt: journal.elapsedUnsafe() }))
      tell(id, outcome)
    }
  })

  const sockets = yield* Sockets.listen({
    host,
    port: options.port ?? 0,
    handle: Effect.fnUntraced(function* (incoming, response, connection) {
      const request = yield* HttpRequest.read(incoming)
      yield* Effect.acquireUseRelease(
        Effect.sync(() => open(request, connection)),
        ({ cameAt, id, steps }) => Exchange.play(steps, response, connection.socket, notes(id, cameAt)),
        ({ arrival }) => Effect.sync(arrival.leave)
      )
    }),
    onClose: (connection) => {
      for (const id of connection.entries) noteClose(id, connection)
    }
  })

  return {
    provider: surface.provider,
    url: `http://${host.includes(":") ? `[${host}]` : host}:${sockets.port}${surface.basePath}`,
    port: sockets.port,
    journal: journal.entries,
    awaitEntry: journal.awaitEntry,
    awaitClosed: journal.awaitClosed,
    plan: Effect.sync(() => plan),
    setPlan: (next) =>
      Effect.sync(() => {
        plan = next
      }),
    reset: Effect.map(random, (seeded) => {
      arrivals = Arrivals.make(seeded)
      journal.resetUnsafe()
    }),
    takeDown: sockets.close,
    bringUp: sockets.open
  }
})
