/**
 * Writes what happened into the database, off the request path: takes events from the bus as they come, keeps their rows
 * in a bounded buffer and writes them in batches. The database may be slow or away, whoever makes a call does not notice;
 * rows wait, and when too many wait the oldest are dropped and counted. The buffer belongs to this layer.
 */
import * as CircuitBreaker from "@holdfast/core/CircuitBreaker"
import type * as Event from "@holdfast/core/Event"
import * as EventBus from "@holdfast/core/EventBus"
import * as Health from "@holdfast/core/Health"
import type * as HealthStatus from "@holdfast/core/HealthStatus"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { fromSqlError } from "./DatabaseError.ts"
import * as BatchWriter from "./internal/BatchWriter.ts"
import { insertAll } from "./internal/insertAll.ts"
import * as Rows from "./internal/rows.ts"
import type { Entry } from "./internal/tables.ts"
import * as Migrations from "./Migrations.ts"

/** What is known about one lane at one instant. The health monitor's snapshots have this shape. */
export interface HealthSnapshot {
  readonly lane: string
  readonly provider: string
  readonly model: string
  readonly status: HealthStatus.HealthStatus
  readonly successRate: number
  readonly calls: number
  readonly successes: number
  readonly meanMillis: number | undefined
  readonly p50Millis: number | undefined
  readonly p95Millis: number | undefined
  readonly p99Millis: number | undefined
  /** How many of each class of failure. */
  readonly errors: { readonly [failure: string]: number }
  /** The state of the lane's circuit, where it is known. */
  readonly circuit?: string | undefined
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface Stats {
  /** Rows the database has taken. */
  readonly written: number
  /** Rows given up: too many waited, or the writer closed before the database came back. */
  readonly dropped: number
  /** Rows the database will never take. Each was logged. */
  readonly rejected: number
  /** Events of any kind that the bus dropped before they were read. */
  readonly missed: number
  /** Rows that wait or are being written. */
  readonly pending: number
  /** Whether the last statement failed. */
  readonly away: boolean
}

export class EventWriter extends Context.Service<
  EventWriter,
  {
    /**
     * Writes now, and ends when everything published before is written, dropped or rejected. While the database is away
     * it waits for it: bound it with a timeout. Interrupting it stops the waiting and nothing else.
     */
    readonly flush: Effect.Effect<void>
    readonly stats: Effect.Effect<Stats>
  }
>()("@holdfast/store-sql/EventWriter") {}

export interface Options {
  /** Rows per batch; as many waiting rows are written without delay. Default 500. */
  readonly batchSize?: number | undefined
  /** The longest a row waits for others. Default 1 second. */
  readonly batchInterval?: Duration.Input | undefined
  /** Rows kept while the database is slow or away. Default 10,000. */
  readonly capacity?: number | undefined
  /** The lanes as they are now. Default none: only changes of status make health rows. */
  readonly snapshots?: Effect.Effect<ReadonlyArray<HealthSnapshot>> | undefined
  /** Between two looks at all lanes, which make one row per lane. Default 60 seconds. */
  readonly healthInterval?: Duration.Input | undefined
  /** A batch that takes longer counts as failed and is tried again. Default 30 seconds. */
  readonly writeTimeout?: Duration.Input | undefined
  /** Delay before the first retry; it doubles from there, ± 20 %. Default 500 milliseconds. */
  readonly retryBase?: Duration.Input | undefined
  /** Ceiling of the delay between two retries, ± 20 %. Default 30 seconds. */
  readonly retryMax?: Duration.Input | undefined
  /** For writing what is left when the layer closes. Default 5 seconds. */
  readonly closeTimeout?: Duration.Input | undefined
}

/** Events read from the bus at once. */
const intakeSize = 1024

/** Reading the health of the lanes is a look into memory; whatever takes longer is broken. */
const snapshotsTimeout = "5 seconds"

/**
 * Starts to write, beginning with the migrations. It is there at once: a database that is away holds up nobody.
 * Throws `RangeError` for a size that is not a whole number of at least 1.
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<EventWriter["Service"], never, EventBus.EventBus | SqlClient.SqlClient | Scope.Scope> {
  const sql = yield* SqlClient.SqlClient
  const subscription = yield* EventBus.EventBus.use((bus) => bus.subscribe())
  const flushes = yield* Queue.unbounded<Deferred.Deferred<void>>()
  const closed = Deferred.makeUnsafe<void>()
  let rejected = 0

  const batches = yield* BatchWriter.make<Entry>({
    prepare: Effect.provideService(Migrations.run, SqlClient.SqlClient, sql),
    write: (entries) =>
      insertAll(entries).pipe(
        Effect.provideService(SqlClient.SqlClient, sql),
        Effect.mapBoth({
          onFailure: fromSqlError,
          onSuccess: (count) => {
            rejected += count
          }
        })
      ),
    batchSize: positive("batchSize", options.batchSize ?? 500),
    batchInterval: Duration.fromInputUnsafe(options.batchInterval ?? "1 second"),
    capacity: positive("capacity", options.capacity ?? 10_000),
    writeTimeout: Duration.fromInputUnsafe(options.writeTimeout ?? "30 seconds"),
    retryBase: Duration.fromInputUnsafe(options.retryBase ?? "500 millis"),
    retryMax: Duration.fromInputUnsafe(options.retryMax ?? "30 seconds")
  })

  const unread = (why: unknown) =>
    Effect.as(Effect.logError("The health of the lanes cannot be read, so it is not stored", why), [])
  const snapshots = (options.snapshots ?? Effect.succeed([])).pipe(
    Effect.timeoutOrElse({ duration: snapshotsTimeout, orElse: () => unread(`no answer within ${snapshotsTimeout}`) }),
    Effect.catchDefect(unread)
  )

  const accept = Effect.fnUntraced(function* (events: ReadonlyArray<Event.Event>) {
    const changed = events.some((event) => event._tag === "HealthChanged")
    const lanes = new Map(changed ? (yield* snapshots).map((snapshot) => [snapshot.lane, snapshot]) : [])
    batches.add(events.flatMap((event) => Rows.ofEvent(event, lanes)))
  })

  // `raceFirst` begins with its first effect, so this takes what is there and waits for nothing.
  const takeNow = Effect.raceFirst(subscription.take(intakeSize), Effect.succeed([]))
  const acceptRest = Effect.gen(function* () {
    for (let events = yield* takeNow; events.length > 0; events = yield* takeNow) yield* accept(events)
  })

  // What was taken is accepted, even when the layer closes in between.
  const intake = yield* Effect.uninterruptibleMask((restore) =>
    restore(
      Effect.raceFirst(
        Effect.map(subscription.take(intakeSize), accept),
        Effect.map(Queue.take(flushes), (done) => Effect.andThen(acceptRest, Deferred.succeed(done, undefined)))
      )
    ).pipe(Effect.flatten)
  ).pipe(Effect.forever, Effect.forkScoped)

  // Rows of a look have no event: their ids begin with a name of this writer, so that two processes never share one.
  const bootedAt = (yield* Clock.currentTimeMillis).toString(36)
  const instance = (yield* Random.nextIntBetween(0, 36 ** 6)).toString(36)
  let sequence = 0
  const look = Effect.map(snapshots, (lanes) =>
    batches.add(
      lanes.map((snapshot) => {
        sequence += 1
        return Rows.ofSnapshot(`${bootedAt}-${instance}-health-${sequence.toString(36)}`, snapshot)
      })
    )
  )
  const looks = yield* Effect.sleep(options.healthInterval ?? "60 seconds").pipe(
    Effect.andThen(look),
    Effect.forever,
    Effect.forkScoped
  )

  yield* Effect.addFinalizer(() =>
    Fiber.interruptAll([intake, looks]).pipe(
      Effect.andThen(acceptRest),
      Effect.andThen(batches.close(Duration.fromInputUnsafe(options.closeTimeout ?? "5 seconds"))),
      Effect.andThen(Deferred.succeed(closed, undefined))
    )
  )

  const flush = Effect.gen(function* () {
    const accepted = Deferred.makeUnsafe<void>()
    Queue.offerUnsafe(flushes, accepted)
    yield* Deferred.await(accepted)
    yield* batches.flush
  })

  return EventWriter.of({
    flush: Effect.raceFirst(Deferred.await(closed), flush),
    stats: Effect.map(subscription.dropped, (missed) => {
      const { away, dropped, pending, written } = batches.stats()
      return { written: written - rejected, dropped, rejected, missed, pending, away }
    })
  })
})

/** See `make`. Closing the layer writes what is left, within `closeTimeout`. */
export const layer = (
  options: Options = {}
): Layer.Layer<EventWriter, never, EventBus.EventBus | SqlClient.SqlClient> => Layer.effect(EventWriter, make(options))

/**
 * The same, with the health and the circuits of the lanes that `Resilience.layer` knows as its snapshots. Keep the events
 * of one application in one such layer.
 */
export const layerOfLanes = (
  options: Omit<Options, "snapshots"> = {}
): Layer.Layer<
  EventWriter,
  never,
  EventBus.EventBus | SqlClient.SqlClient | CircuitBreaker.CircuitBreaker | Health.Health
> =>
  Layer.effect(
    EventWriter,
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.CircuitBreaker
      const health = yield* Health.Health
      const snapshots = Effect.flatMap(health.snapshots, (lanes) =>
        Effect.forEach(lanes, (lane) =>
          Effect.map(breaker.snapshot(lane.lane), ({ state }) => ({ ...lane, circuit: state }))
        )
      )
      return yield* make({ ...options, snapshots })
    })
  )

const positive = (option: string, value: number): number => {
  if (Number.isInteger(value) && value >= 1) return value
  throw new RangeError(`${option} must be a whole number of at least 1, got ${value}`)
}
