/**
 * Identical requests that are under way at the same time, and share one operation. It runs in a fiber of its own, so whoever
 * leaves takes nothing from the others; when the last one has left, it is called off.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Bulkhead from "../Bulkhead.ts"
import * as Failure from "../Failure.ts"
import type * as Refusal from "../Refusal.ts"
import { type Caller, Errand } from "./Caller.ts"
import { type Reader, ReplayLog } from "./ReplayLog.ts"

type Errors = Failure.Failure | Refusal.Refusal
type Priority = (typeof Bulkhead.Priority)["Service"]

/** What is under way under one key. */
interface Flight {
  readonly errand: Errand
  readonly priority: Priority
  /** Callers that wait for it. */
  waiting: number
}

/** The flights of one kind of request by key. Somebody urgent does not join what waits in line as an ordinary call. */
class Board<One extends Flight> {
  readonly #flights = new Map<string, One>()

  find(key: string, priority: Priority): One | undefined {
    const flight = this.#flights.get(key)
    return flight === undefined || (priority === "high" && flight.priority !== "high") ? undefined : flight
  }

  add(key: string, flight: One): void {
    this.#flights.set(key, flight)
  }

  /** Nobody joins it from now on. */
  close(key: string, flight: One): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }
}

/** The rest of a caller's time over a wait. Who leads has the operation's own deadline, which is the same. */
const withinOwnTime = <A, E, R>(caller: Caller, self: Effect.Effect<A, E, R>) =>
  caller.needsClock
    ? Effect.suspend(() =>
        Effect.timeoutOrElse(self, {
          duration: Duration.millis(Math.max(0, caller.restMillis)),
          orElse: () => Effect.fail(caller.deadlineExceeded)
        })
      )
    : self

interface PlainFlight<A> extends Flight {
  readonly fiber: Fiber.Fiber<A, Errors>
}

/** Requests that end with one answer. */
export class Flights<A> {
  readonly #board = new Board<PlainFlight<A>>()

  /**
   * Waits for the answer of the operation that is under way under the key, or starts one. The error it ends with is that
   * of everybody who waits.
   */
  join(
    key: string,
    priority: Priority,
    caller: Caller,
    run: (errand: Errand) => Effect.Effect<A, Errors>
  ): Effect.Effect<A, Errors> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        Effect.suspend(() => {
          const found = this.#board.find(key, priority)
          return found === undefined ? this.#start(key, priority, new Errand(caller.id), run) : Effect.succeed(found)
        }),
        (flight) => {
          flight.waiting += 1
          caller.share(flight.errand)
          return Effect.onExit(restore(withinOwnTime(caller, Fiber.join(flight.fiber))), () => this.#leave(key, flight))
        }
      )
    )
  }

  #start(
    key: string,
    priority: Priority,
    errand: Errand,
    run: (errand: Errand) => Effect.Effect<A, Errors>
  ): Effect.Effect<PlainFlight<A>> {
    let flight: PlainFlight<A> | undefined
    return Effect.suspend(() => run(errand)).pipe(
      Effect.onExit(() =>
        Effect.sync(() => {
          if (flight !== undefined) this.#board.close(key, flight)
        })
      ),
      Effect.forkDetach({ uninterruptible: false }),
      Effect.map((fiber) => {
        flight = { errand, priority, waiting: 0, fiber }
        this.#board.add(key, flight)
        return flight
      })
    )
  }

  #leave(key: string, flight: PlainFlight<A>): Effect.Effect<void> {
    return Effect.suspend(() => {
      flight.waiting -= 1
      if (flight.waiting > 0 || flight.fiber.pollUnsafe() !== undefined) return Effect.void
      this.#board.close(key, flight)
      return Fiber.interrupt(flight.fiber)
    })
  }
}

type Chunk<A> = NonEmptyReadonlyArray<A>

interface StreamFlight<A> extends Flight {
  readonly log: ReplayLog<Chunk<A>>
  readonly fiber: Fiber.Fiber<unknown>
  /** How it ended. */
  exit: Exit.Exit<void, Errors> | undefined
  /** The source waits for a reader. */
  isStalled: boolean
  /** Readers that have read everything; the source, when it is stalled. */
  readonly sleeping: Set<() => void>
}

/** Requests that end with a stream. */
export class StreamFlights<A> {
  readonly #board = new Board<StreamFlight<A>>()
  readonly #maxBytes: number

  /** `maxBytes`: what is held for readers that are slow or come late, as JSON. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * Reads the stream that is under way under the key from its beginning, or starts one, until the scope closes. A reader
   * that falls too far behind the fastest one is cut off with `StreamTruncated`.
   */
  join(
    key: string,
    priority: Priority,
    caller: Caller,
    open: (errand: Errand) => Stream.Stream<A, Errors>
  ): Effect.Effect<Pull.Pull<Chunk<A>, Errors>, never, Scope.Scope> {
    return Effect.uninterruptible(
      Effect.gen({ self: this }, function* () {
        const scope = yield* Effect.scope
        const found = this.#board.find(key, priority)
        const flight = found ?? (yield* this.#start(key, priority, new Errand(caller.id), open))
        flight.waiting += 1
        caller.share(flight.errand)
        const reader = flight.log.join()
        yield* Scope.addFinalizer(scope, this.#leave(key, flight, reader))
        return this.#read(caller, flight, reader)
      })
    )
  }

  #read(caller: Caller, flight: StreamFlight<A>, reader: Reader): Pull.Pull<Chunk<A>, Errors> {
    const next: Pull.Pull<Chunk<A>, Errors> = Effect.suspend(() => {
      if (reader.isCut) return Effect.fail(tooSlow(flight.errand))
      const chunk = flight.log.take(reader)
      if (chunk !== undefined) {
        if (flight.isStalled) wake(flight)
        return Effect.succeed(chunk)
      }
      if (flight.exit === undefined) return Effect.andThen(withinOwnTime(caller, asleep(flight)), next)
      return Exit.isSuccess(flight.exit) ? Cause.done() : Effect.failCause(flight.exit.cause)
    })
    return next
  }

  #start(
    key: string,
    priority: Priority,
    errand: Errand,
    open: (errand: Errand) => Stream.Stream<A, Errors>
  ): Effect.Effect<StreamFlight<A>> {
    const log = new ReplayLog<Chunk<A>>(this.#maxBytes)
    let flight: StreamFlight<A> | undefined
    const pump = Effect.gen({ self: this }, function* () {
      const pull = yield* Stream.toPull(Stream.suspend(() => open(errand)))
      while (true) {
        const chunk = yield* pull
        log.append(chunk, JSON.stringify(chunk).length)
        if (flight === undefined) continue
        if (!log.isOpen) this.#board.close(key, flight)
        wake(flight)
        while (log.isFull) {
          flight.isStalled = true
          yield* asleep(flight)
          flight.isStalled = false
        }
      }
    })
    return Effect.scoped(pump).pipe(
      Effect.onError((cause) =>
        Effect.sync(() => {
          if (flight === undefined) return
          flight.exit = Exit.asVoid(Pull.doneExitFromCause(cause))
          this.#board.close(key, flight)
          wake(flight)
        })
      ),
      // The readers are told; the fiber itself has nobody to tell.
      Effect.exit,
      Effect.forkDetach({ uninterruptible: false }),
      Effect.map((fiber) => {
        flight = { errand, priority, waiting: 0, log, fiber, exit: undefined, isStalled: false, sleeping: new Set() }
        this.#board.add(key, flight)
        return flight
      })
    )
  }

  #leave(key: string, flight: StreamFlight<A>, reader: Reader): Effect.Effect<void> {
    return Effect.suspend(() => {
      flight.waiting -= 1
      flight.log.leave(reader)
      wake(flight)
      if (flight.waiting > 0 || flight.exit !== undefined) return Effect.void
      this.#board.close(key, flight)
      return Fiber.interrupt(flight.fiber)
    })
  }
}

const asleep = (flight: StreamFlight<unknown>): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const rise = () => resume(Effect.void)
    flight.sleeping.add(rise)
    return Effect.sync(() => flight.sleeping.delete(rise))
  })

const wake = (flight: StreamFlight<unknown>): void => {
  const all = [...flight.sleeping]
  flight.sleeping.clear()
  for (const rise of all) rise()
}

const tooSlow = ({ collector }: Errand): Failure.Failure => {
  const { lane = "", model = "" } = collector.provenance ?? {}
  return Failure.make("StreamTruncated", {
    provider: lane.split("/", 1)[0] ?? "",
    model,
    lane,
    scope: "request",
    rule: "coalesce/slow-reader"
  })
}
