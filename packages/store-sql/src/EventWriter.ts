/**
 * Writes what happened into the database, off the request path: hears every event of the bus as it happens, keeps its rows
 * in a bounded backlog and writes them in batches. The database may be slow or away, whoever makes a call does not notice.
 * With a journal rows wait on disk and outlive this process; without one they wait in memory. When too many wait the oldest
 * are dropped and counted. The backlog belongs to this layer.
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
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import { fromSqlError } from "./DatabaseError.ts"
import { announcing } from "./internal/announcing.ts"
import * as Backlog from "./internal/Backlog.ts"
import * as BatchWriter from "./internal/BatchWriter.ts"
import * as InsertAll from "./internal/insertAll.ts"
import * as Partitions from "./internal/Partitions.ts"
import { type Record, of as recordOf } from "./internal/Record.ts"
import * as Rows from "./internal/rows.ts"
import type * as Journal from "./Journal.ts"
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
  /** Rows that wait or are being written. */
  readonly pending: number
  /** Whether the last statement failed. */
  readonly away: boolean
  /** The journal on disk, if there is one. */
  readonly journal: Journal.Status | undefined
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
  /** Rows per batch; as many waiting rows are written without delay. Default 2,000. */
  readonly batchSize?: number | undefined
  /** The longest a row waits for others. Default 1 second. */
  readonly batchInterval?: Duration.Input | undefined
  /** Where rows wait, so that they outlive this process. Default: in memory. */
  readonly journal?: Journal.Journal | undefined
  /** Without a journal: rows kept in memory while the database is slow or away. Default 10,000. */
  readonly capacity?: number | undefined
  /** Rows older than that are dropped, a week at a time. Default 90 days; `Duration.infinity` keeps all. */
  readonly retention?: Duration.Input | undefined
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

/** Reading the health of the lanes is a look into memory; whatever takes longer is broken. */
const snapshotsTimeout = "5 seconds"

/** Migrations may have to carry all rows over. */
const prepareTimeout = "10 minutes"

/** Between two looks for partitions to make and to drop. */
const upkeepInterval = "6 hours"

type HealthChanged = typeof Event.HealthChanged.Type

/**
 * Starts to write, beginning with the migrations. It is there at once: a database that is away holds up nobody.
 * Throws `RangeError` for a size that is not a whole number of at least 1.
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<EventWriter["Service"], never, EventBus.EventBus | SqlClient.SqlClient | Scope.Scope> {
  const sql = yield* SqlClient.SqlClient
  const bus = yield* EventBus.EventBus
  const closed = Deferred.makeUnsafe<void>()
  const { journal } = options
  const retentionMillis = Duration.toMillis(options.retention ?? "90 days")
  if (!(retentionMillis > 0)) throw new RangeError(`retention must be longer than nothing, got ${retentionMillis} ms`)
  const backlog = journal?.backlog ?? Backlog.inMemory<Record>(positive("capacity", options.capacity ?? 10_000))
  const weeks = new Set<Partitions.Week>()
  const insert = InsertAll.make(weeks)
  let rejected = 0

  const onDatabase = <A>(self: Effect.Effect<A, SqlError.SqlError, SqlClient.SqlClient>) =>
    self.pipe(Effect.provideService(SqlClient.SqlClient, sql), Effect.mapError(fromSqlError))

  const upkeep = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    for (const week of yield* onDatabase(Partitions.ahead(now))) weeks.add(week)
    const dropped = retentionMillis === Infinity ? [] : yield* onDatabase(Partitions.drop(now - retentionMillis))
    if (dropped.length > 0) yield* Effect.logInfo("Rows past their time are dropped", { partitions: dropped.join(" ") })
  })

  // What is missing is made when it is needed, and what is left over is dropped another time.
  const tryUpkeep = upkeep.pipe(
    Effect.catch((error) => Effect.logWarning("Partitions cannot be made and dropped now", { reason: error.message }))
  )

  const batches = yield* BatchWriter.make<Record>({
    backlog,
    prepare: Effect.andThen(Effect.provideService(Migrations.run, SqlClient.SqlClient, sql), tryUpkeep),
    prepareTimeout: Duration.fromInputUnsafe(prepareTimeout),
    write: (records) =>
      Effect.map(onDatabase(insert(records)), (count) => {
        rejected += count
      }),
    batchSize: positive("batchSize", options.batchSize ?? 2_000),
    batchInterval: Duration.fromInputUnsafe(options.batchInterval ?? "1 second"),
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

  // A lane's snapshot completes the row of a change of its health, and takes a moment to be read.
  const changes = yield* Queue.unbounded<HealthChanged | Deferred.Deferred<void>>()
  const complete = (change: HealthChanged, lanes: ReadonlyArray<HealthSnapshot>) =>
    batches.add([
      recordOf(
        Rows.ofHealthChange(
          change,
          lanes.find(({ lane }) => lane === change.lane)
        )
      )
    ])

  const completing = yield* Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(restore(Queue.take(changes)), (change) =>
      "_tag" in change
        ? Effect.map(
            Effect.onInterrupt(restore(snapshots), () => Effect.sync(() => complete(change, []))),
            (lanes) => complete(change, lanes)
          )
        : Deferred.succeed(change, undefined)
    )
  ).pipe(Effect.forever, Effect.forkScoped)
  const completeRest = Effect.map(Queue.clear(changes), (rest) => {
    for (const change of rest) {
      if ("_tag" in change) complete(change, [])
      else Deferred.doneUnsafe(change, Effect.void)
    }
  })

  // Whoever publishes the end of an operation acknowledges it right after, so its rows have to be kept by then.
  const listening = yield* Scope.fork(yield* Effect.scope)
  yield* bus
    .listen((event) => {
      if (event._tag === "HealthChanged") {
        Queue.offerUnsafe(changes, event)
        return
      }
      const entries = Rows.ofEvent(event)
      if (entries.length === 0) return
      batches.add(entries.map(recordOf))
      if (event._tag === "OperationEnded") backlog.keep()
    })
    .pipe(Scope.provide(listening))

  // Rows of a look have no event: their ids begin with a name of this writer, so that two processes never share one.
  const bootedAt = (yield* Clock.currentTimeMillis).toString(36)
  const instance = (yield* Random.nextIntBetween(0, 36 ** 6)).toString(36)
  let sequence = 0
  const look = Effect.map(snapshots, (lanes) =>
    batches.add(
      lanes.map((snapshot) => {
        sequence += 1
        return recordOf(Rows.ofSnapshot(`${bootedAt}-${instance}-health-${sequence.toString(36)}`, snapshot))
      })
    )
  )
  const looks = yield* Effect.sleep(options.healthInterval ?? "60 seconds").pipe(
    Effect.andThen(look),
    Effect.forever,
    Effect.forkScoped
  )
  yield* announcing(bus, () => {
    const { away, dropped, pending } = batches.stats()
    const { bytes = 0, oldestAt, problem } = journal?.status() ?? {}
    return { records: pending, bytes, oldestAt, dropped, problem, away }
  }).pipe(Effect.forkScoped)
  yield* Effect.sleep(upkeepInterval).pipe(Effect.andThen(tryUpkeep), Effect.forever, Effect.forkScoped)

  yield* Effect.addFinalizer((exit) =>
    Scope.close(listening, exit).pipe(
      Effect.andThen(Fiber.interruptAll([completing, looks])),
      Effect.andThen(completeRest),
      Effect.andThen(batches.close(Duration.fromInputUnsafe(options.closeTimeout ?? "5 seconds"))),
      Effect.andThen(Deferred.succeed(closed, undefined))
    )
  )

  const flush = Effect.gen(function* () {
    const accepted = Deferred.makeUnsafe<void>()
    Queue.offerUnsafe(changes, accepted)
    yield* Deferred.await(accepted)
    yield* batches.flush
  })

  return EventWriter.of({
    flush: Effect.raceFirst(Deferred.await(closed), flush),
    stats: Effect.sync(() => {
      const { away, dropped, pending, written } = batches.stats()
      return {
        written: written - rejected,
        dropped,
        rejected,
        pending,
        away,
        journal: journal?.status()
      }
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
