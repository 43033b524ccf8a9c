/**
 * Holds that people have put on circuits, with who and why, and a record of what people have done. They are in force here at
 * once, and kept in the store: they outlive the process, and are in force on every gateway that shares the store, unless
 * they are for one alone. Nothing waits for the store but who puts them, and that briefly; without it they are as they are
 * known here, and it is told what it missed when it is back.
 */
import * as CircuitBreaker from "@holdfast/core/CircuitBreaker"
import * as EventBus from "@holdfast/core/EventBus"
import * as OperatorRecords from "@holdfast/store-sql/OperatorRecords"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import * as Routes from "../Routes.ts"
import * as HoldBook from "./internal/HoldBook.ts"
import type * as Model from "./Model.ts"

/** Who does something, and why. */
export interface Said {
  readonly by: string
  readonly reason: string
}

type Kind = "hold" | "drain" | "release" | "resolve" | "silence" | "unsilence" | "test"

export interface Wish extends Said {
  readonly circuit: string
  readonly mode: Model.HoldMode
  readonly drain: boolean
  /** Default: until it is released. */
  readonly duration?: Duration.Input | undefined
  /** For this gateway alone. Default: for all that share the store. */
  readonly isLocal?: boolean | undefined
}

export class Holds extends Context.Service<
  Holds,
  {
    /** Puts a hold; `undefined` if there is no such circuit. */
    readonly put: (wish: Wish) => Effect.Effect<Model.Hold | undefined>
    /** Takes one away, on every gateway; `undefined` if there is none with this id. */
    readonly release: (id: string, said: Said) => Effect.Effect<Model.Hold | undefined>
    readonly list: Effect.Effect<ReadonlyArray<Model.Hold>>
    /** Writes down what somebody has done: in the store, and in the log. */
    readonly note: (action: Said & { readonly action: Kind; readonly target: string }) => Effect.Effect<void>
    /** Latest first; without the store, what this process knows of. */
    readonly actions: Effect.Effect<ReadonlyArray<Model.Action>>
  }
>()("@holdfast/gateway/admin/Holds") {}

export interface Options {
  /** The name of this gateway among those that share the store. */
  readonly instance: string
  /** How often it is asked what others have done, and told what it does not know yet. Default 5 seconds. */
  readonly lookEvery?: Duration.Input | undefined
  /** How long the start waits for the holds of before. Default 10 seconds. */
  readonly loadTimeout?: Duration.Input | undefined
}

/** How long who acts waits for the store to have it. */
const patience = "2 seconds"

/** How long the store may take otherwise. */
const timeout = "5 seconds"

export const make = Effect.fnUntraced(function* (options: Options) {
  const { instance } = options
  const breaker = yield* CircuitBreaker.CircuitBreaker
  const bus = yield* EventBus.EventBus
  const routes = yield* Routes.Routes
  const records = yield* OperatorRecords.make(instance)
  const done = Effect.provideService(
    OperatorRecords.actions(HoldBook.remembered),
    SqlClient.SqlClient,
    yield* SqlClient.SqlClient
  )
  const lanes = new Set(routes.lanes.map((lane) => lane.id))
  const book = HoldBook.make()
  const frees = new Map<string, Effect.Effect<void>>()
  const turns = yield* Semaphore.make(1)
  let isPrepared = false
  let isAway = false

  const log = Effect.annotateLogs({ logger: "admin" })

  const enforce = Effect.fnUntraced(function* (hold: OperatorRecords.Hold, isKept: boolean) {
    frees.set(hold.id, yield* breaker.hold(hold.circuit, hold.mode, hold.reason))
    HoldBook.put(book, hold, isKept)
  }, Effect.uninterruptible)

  const free = (id: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const release = frees.get(id) ?? Effect.void
      frees.delete(id)
      return release
    })

  const record = Effect.fnUntraced(function* (
    action: Omit<OperatorRecords.Action, "id" | "at" | "instance">,
    id?: string
  ) {
    const at = yield* Clock.currentTimeMillis
    HoldBook.note(book, { ...action, id: id ?? bus.nextIdUnsafe(), at, instance })
    yield* Effect.logWarning(`${action.by}: ${action.action} ${action.target} (${action.reason})`).pipe(
      Effect.annotateLogs(action),
      log
    )
  })

  /** Tells the store what it does not know, and does what others have decided. */
  const meet = Effect.gen(function* () {
    if (!isPrepared) yield* records.prepare
    const news = HoldBook.news(book)
    if (!HoldBook.isEmpty(news)) {
      yield* records.write(news)
      HoldBook.told(book, news)
    }
    const now = yield* Clock.currentTimeMillis
    const { gone, fresh } = HoldBook.compare(book, yield* records.inForce(now), now)
    for (const hold of gone) {
      yield* Effect.uninterruptible(
        Effect.andThen(
          Effect.sync(() => HoldBook.forget(book, hold.id)),
          free(hold.id)
        )
      )
      yield* Effect.logWarning(`${hold.circuit} is released: another gateway says so`).pipe(log)
    }
    for (const hold of fresh) {
      yield* enforce(hold, true)
      yield* Effect.logWarning(
        `${hold.circuit} is held (${hold.mode}) by ${hold.by}, as it was before or on another gateway: ${hold.reason}`
      ).pipe(log)
    }
    if (!isPrepared) HoldBook.recall(book, yield* done)
    isPrepared = true
  })

  /** The same within that time, one at a time; where that fails it is said once, and done later. */
  const met = (within: Duration.Input): Effect.Effect<void> =>
    turns.withPermit(meet).pipe(
      Effect.mapError(({ message }) => message),
      Effect.timeoutOrElse({ duration: within, orElse: () => Effect.fail("it does not answer") }),
      Effect.matchEffect({
        onFailure: (problem) => {
          if (isAway) return Effect.void
          isAway = true
          return Effect.logWarning(
            isPrepared
              ? `Holds and actions are not kept now, and end with this process unless the store is back before: ${problem}`
              : `The holds of before cannot be read, and are not in force until the store is there: ${problem}`
          ).pipe(log)
        },
        onSuccess: () => {
          if (!isAway) return Effect.void
          isAway = false
          return Effect.logInfo("Holds and actions are kept again").pipe(log)
        }
      })
    )

  const expire = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    for (const hold of HoldBook.due(book, now)) {
      yield* Effect.gen(function* () {
        HoldBook.release(book, hold.id, now)
        yield* free(hold.id)
        // Every gateway comes to it; it is written down once.
        yield* record(
          { by: "Holdfast", action: "expire", target: targetOf(hold), reason: hold.reason },
          `${hold.id}-over`
        )
      }).pipe(Effect.uninterruptible)
    }
  })

  const isKnown = (circuit: string) =>
    Effect.map(breaker.list, (circuits) => lanes.has(circuit) || circuits.some((one) => one.circuit === circuit))

  yield* met(options.loadTimeout ?? "10 seconds")
  // What the store has not heard of yet, it hears at the end.
  yield* Effect.addFinalizer(() => (HoldBook.isEmpty(HoldBook.news(book)) ? Effect.void : met(timeout)))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(options.lookEvery ?? "5 seconds"), met(timeout))))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep("1 second"), expire)))

  return Holds.of({
    put: Effect.fnUntraced(function* ({ by, circuit, drain, duration, isLocal = false, mode, reason }) {
      if (!(yield* isKnown(circuit))) return undefined
      const since = yield* Clock.currentTimeMillis
      const hold: OperatorRecords.Hold = {
        id: bus.nextIdUnsafe(),
        instance: isLocal ? instance : null,
        circuit,
        mode,
        drain,
        reason,
        by,
        since,
        until: duration === undefined ? null : since + Duration.toMillis(duration)
      }
      yield* Effect.uninterruptible(
        Effect.andThen(
          enforce(hold, false),
          record({ by, action: drain ? "drain" : "hold", target: targetOf(hold), reason })
        )
      )
      yield* met(patience)
      return HoldBook.list(book).find(({ id }) => id === hold.id) ?? HoldBook.view(hold, false)
    }),
    release: Effect.fnUntraced(function* (id, { by, reason }) {
      const now = yield* Clock.currentTimeMillis
      const released = yield* Effect.uninterruptible(
        Effect.gen(function* () {
          const hold = HoldBook.release(book, id, now)
          if (hold === undefined) return undefined
          yield* free(id)
          yield* record({ by, action: "release", target: targetOf(hold), reason })
          return hold
        })
      )
      if (released !== undefined) yield* met(patience)
      return released
    }),
    list: Effect.sync(() => HoldBook.list(book)),
    note: (action) => Effect.andThen(record(action), met(patience)),
    actions: done.pipe(
      Effect.timeoutOption(timeout),
      Effect.result,
      Effect.map((found) => {
        const stored = Result.isSuccess(found) && found.success._tag === "Some" ? found.success.value : []
        return HoldBook.actions(book, stored)
      })
    )
  })
})

const targetOf = ({ circuit, drain, mode }: Pick<Model.Hold, "circuit" | "drain" | "mode">): string =>
  drain ? circuit : `${circuit} (${mode})`

export const layer = (
  options: Options
): Layer.Layer<Holds, never, CircuitBreaker.CircuitBreaker | EventBus.EventBus | Routes.Routes | SqlClient.SqlClient> =>
  Layer.effect(Holds, make(options))
