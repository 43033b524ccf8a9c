/**
 * Writes rows in batches, in order, behind the back of whoever adds them: by size or by time, again and again while the
 * database is away, from a bounded backlog. It knows nothing of tables; one fiber in the scope it was made in owns it.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { DatabaseError } from "../DatabaseError.ts"
import type { Backlog } from "./Backlog.ts"

export interface Settings<Row> {
  /** Where rows wait. */
  readonly backlog: Backlog<Row>
  /** Runs once, before the first batch, until it succeeds. */
  readonly prepare: Effect.Effect<void, DatabaseError>
  /** Writes a batch. It may run again with the same rows, also after a success that was not heard of. */
  readonly write: (rows: ReadonlyArray<Row>) => Effect.Effect<void, DatabaseError>
  readonly batchSize: number
  readonly batchInterval: Duration.Duration
  /** A `write` that takes longer has failed. */
  readonly writeTimeout: Duration.Duration
  /** So has a `prepare`. */
  readonly prepareTimeout: Duration.Duration
  readonly retryBase: Duration.Duration
  readonly retryMax: Duration.Duration
}

interface Stats {
  readonly written: number
  readonly dropped: number
  readonly pending: number
  readonly away: boolean
}

export interface BatchWriter<Row> {
  readonly add: (rows: ReadonlyArray<Row>) => void
  /** Writes now, and ends when every row added before is written or dropped. */
  readonly flush: Effect.Effect<void>
  readonly stats: () => Stats
  /** Flushes for at most `timeout`, starting with an attempt at once, and stops; the rest is for the backlog to keep. */
  readonly close: (timeout: Duration.Duration) => Effect.Effect<void>
}

export const make = Effect.fnUntraced(function* <Row>(
  settings: Settings<Row>
): Effect.fn.Return<BatchWriter<Row>, never, Scope.Scope> {
  const { backlog, batchSize, prepare, prepareTimeout, write, writeTimeout } = settings
  const waiters = new Set<{ readonly position: number; readonly done: Deferred.Deferred<void> }>()
  /** Open while rows wait. */
  const some = Latch.makeUnsafe()
  /** Opened when they should not wait any longer. */
  const due = Latch.makeUnsafe()
  let prepared = false
  let written = 0
  let away = false
  let droppedBefore = 0

  const settleWaiters = (): void => {
    for (const waiter of waiters) {
      if (backlog.floor() < waiter.position) continue
      waiters.delete(waiter)
      Deferred.doneUnsafe(waiter.done, Effect.void)
    }
  }

  const add = (rows: ReadonlyArray<Row>): void => {
    if (rows.length === 0) return
    backlog.add(rows)
    settleWaiters()
    some.openUnsafe()
    if (backlog.waiting() >= batchSize) due.openUnsafe()
  }

  const markAway = (error: DatabaseError): Effect.Effect<void> => {
    if (away) return Effect.void
    away = true
    droppedBefore = backlog.dropped()
    return Effect.logWarning("The database is away; rows wait until it is back", { reason: error.message })
  }

  const markBack = Effect.suspend(() => {
    if (!away) return Effect.void
    away = false
    return Effect.logInfo("The database is back", { dropped: backlog.dropped() - droppedBefore })
  })

  /** Retried with the waiting rows as they are by then: other rows may have come, old ones may have been dropped. */
  const retried = (attempt: Effect.Effect<void, DatabaseError>): Effect.Effect<void> =>
    attempt.pipe(
      Effect.catchDefect((cause) =>
        Effect.fail(new DatabaseError({ reason: "Refused", message: "The database client has failed", cause }))
      ),
      Effect.tapError(markAway),
      Effect.andThen(markBack),
      Effect.retry(
        Schedule.min([Schedule.exponential(settings.retryBase), Schedule.spaced(settings.retryMax)]).pipe(
          Schedule.jittered
        )
      ),
      Effect.orDie
    )

  const within = <E>(self: Effect.Effect<void, E>, duration: Duration.Duration) =>
    Effect.timeoutOrElse(self, {
      duration,
      orElse: () =>
        Effect.fail(
          new DatabaseError({
            reason: "Unreachable",
            message: `The database has not answered within ${Duration.format(duration)}`
          })
        )
    })

  const prepareOnce = Effect.suspend(() =>
    prepared
      ? Effect.void
      : Effect.map(within(prepare, prepareTimeout), () => {
          prepared = true
        })
  )

  const writeBatch = Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(restore(backlog.take(batchSize)), (rows) =>
      Effect.onExit(restore(Effect.andThen(prepareOnce, within(write(rows), writeTimeout))), (exit) =>
        Effect.sync(() => {
          if (exit._tag === "Success") {
            written += rows.length
            backlog.settle()
          } else {
            backlog.restore()
          }
          settleWaiters()
        })
      )
    )
  )

  /** Batch after batch until every row before `position` is settled, however long the database is away. */
  const drain = (position: number): Effect.Effect<void> =>
    Effect.whileLoop({
      while: () => backlog.floor() < position,
      body: () => retried(writeBatch),
      step: () => undefined
    })

  const cycle = Effect.gen(function* () {
    yield* some.await
    yield* Effect.raceFirst(due.await, Effect.sleep(settings.batchInterval))
    due.closeUnsafe()
    yield* drain(backlog.end())
    if (backlog.waiting() >= batchSize) due.openUnsafe()
    if (backlog.waiting() > 0) return
    some.closeUnsafe()
    due.closeUnsafe()
  })

  if (backlog.waiting() > 0) {
    some.openUnsafe()
    due.openUnsafe()
  }
  const fiber = yield* Effect.forkScoped(Effect.andThen(retried(prepareOnce), Effect.forever(cycle)))

  const flush = Effect.suspend(() => {
    const position = backlog.end()
    if (backlog.floor() >= position) return Effect.void
    const done = Deferred.makeUnsafe<void>()
    waiters.add({ position, done })
    due.openUnsafe()
    return Deferred.await(done)
  })

  const close = Effect.fnUntraced(function* (timeout: Duration.Duration) {
    // A fiber that waits for its next attempt would wait too long; one that is writing is left in peace.
    const rest = Effect.suspend(() => (away ? Effect.andThen(Fiber.interrupt(fiber), drain(backlog.end())) : flush))
    yield* Effect.timeoutOption(rest, timeout)
    yield* Fiber.interrupt(fiber)
    const { lost, waiting } = backlog.close()
    for (const waiter of waiters) Deferred.doneUnsafe(waiter.done, Effect.void)
    if (lost > 0) yield* Effect.logError("Rows are lost: the database did not take them in time", { lost })
    if (waiting > 0) yield* Effect.logWarning("Rows wait in the journal for the next start", { waiting })
  })

  return {
    add,
    flush,
    close,
    stats: () => ({ written, dropped: backlog.dropped(), pending: backlog.end() - backlog.floor(), away })
  }
})
