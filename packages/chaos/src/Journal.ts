/**
 * What an emulated provider received, what it answered, and when each socket closed. The emulator that made it owns the
 * entries: in memory, at most `maxEntries`, oldest dropped first.
 */
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Fault } from "./Fault.ts"
import type { Operation } from "./FaultPlan.ts"

/**
 * How an exchange ended. `completed`: the answer was sent to its end. `aborted`: the client left first. `cut`: the
 * server closed early (FIN). `reset`: the server sent RST.
 */
export type Outcome = "completed" | "aborted" | "cut" | "reset"

/**
 * One request and its answer so far; a later reading holds a newer value of the same `id`. Times are in milliseconds.
 */
export interface Entry {
  /** Unique within the emulator, across resets, in order of arrival. */
  readonly id: number
  /** When the whole request had been read, since the reset, by the monotonic clock. */
  readonly t: number
  /** `unknown`: no such path. */
  readonly operation: Operation | "unknown"
  readonly method: string
  /** Without the query, which may hold a key. */
  readonly path: string
  readonly model: string | undefined
  readonly stream: boolean
  /** Of this model and operation since the reset, from 1. */
  readonly requestNumber: number
  readonly messageCount: number
  readonly lastRole: string | undefined
  /** Whether a key came. The key itself is nowhere in the journal. */
  readonly keyGiven: boolean
  /** Lower-case names of all headers that came. */
  readonly headerNames: ReadonlyArray<string>
  /** Values of headers that hold no secret. */
  readonly headers: Readonly<Record<string, string>>
  /** The parsed request body; undefined where there was none or it was not JSON. */
  readonly body: unknown
  readonly fault: Fault | undefined
  /** Undefined until the answer's head was written. */
  readonly status: number | undefined
  /** Bytes of the answer's body handed to the system. */
  readonly bytesSent: number
  /** Pieces of content among them; a whole answer is one. */
  readonly chunksSent: number
  readonly outcome: Outcome | undefined
  /** When the exchange got its outcome. */
  readonly endedAt: number | undefined
  /** Number of the connection: two entries of one number shared a socket. */
  readonly connection: number
  /** When the socket closed. It may outlive the exchange: a completed one leaves it open for the next request. */
  readonly closedAt: number | undefined
  readonly closedBy: "client" | "server" | undefined
}

/** The journal to read. */
export interface Journal {
  /** The entries since the reset, in order of arrival. */
  readonly entries: Effect.Effect<ReadonlyArray<Entry>>
  /**
   * The first entry that satisfies `predicate`: one already there, or the next to change into it. Waits without end.
   */
  readonly awaitEntry: (predicate: (entry: Entry) => boolean) => Effect.Effect<Entry>
  /** The entry of this id once its socket has closed. Waits without end for an id that a reset removed. */
  readonly awaitClosed: (id: number) => Effect.Effect<Entry>
}

/** The journal to write, by code that runs in socket events and cannot wait. */
export interface Recorder extends Journal {
  /** Milliseconds since the reset. */
  readonly elapsedUnsafe: () => number
  readonly addUnsafe: (entry: Entry) => void
  /** Does nothing for an entry that a reset or the bound removed. */
  readonly updateUnsafe: (id: number, change: (entry: Entry) => Partial<Entry>) => void
  readonly resetUnsafe: () => void
}

export const make = (clock: Clock.Clock, maxEntries: number): Recorder => {
  const entries = new Map<number, Entry>()
  const waiters = new Set<{
    readonly predicate: (entry: Entry) => boolean
    readonly found: Deferred.Deferred<Entry>
  }>()
  let origin = clock.monotonicTimeNanosUnsafe()

  const put = (entry: Entry) => {
    entries.set(entry.id, entry)
    for (const waiter of waiters) {
      if (!waiter.predicate(entry)) continue
      waiters.delete(waiter)
      Deferred.doneUnsafe(waiter.found, Effect.succeed(entry))
    }
  }

  const elapsedUnsafe = () => Number(clock.monotonicTimeNanosUnsafe() - origin) / 1e6

  const awaitEntry = (predicate: (entry: Entry) => boolean): Effect.Effect<Entry> =>
    Effect.suspend(() => {
      for (const entry of entries.values()) if (predicate(entry)) return Effect.succeed(entry)
      const waiter = { predicate, found: Deferred.makeUnsafe<Entry>() }
      waiters.add(waiter)
      return Effect.ensuring(
        Deferred.await(waiter.found),
        Effect.sync(() => waiters.delete(waiter))
      )
    })

  return {
    entries: Effect.sync(() => Array.from(entries.values())),
    awaitEntry,
    awaitClosed: (id) => awaitEntry((entry) => entry.id === id && entry.closedAt !== undefined),
    elapsedUnsafe,
    addUnsafe: (entry) => {
      const oldest = entries.keys().next()
      if (entries.size >= maxEntries && oldest.done === false) entries.delete(oldest.value)
      put(entry)
    },
    updateUnsafe: (id, change) => {
      const entry = entries.get(id)
      if (entry !== undefined) put({ ...entry, ...change(entry) })
    },
    resetUnsafe: () => {
      entries.clear()
      origin = clock.monotonicTimeNanosUnsafe()
    }
  }
}
