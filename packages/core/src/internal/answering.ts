/**
 * An operation that ends with one answer. The first attempt on the first lane is all there is to most: it is made in one
 * suspension of the caller's fiber. Only when it fails do the deadline, the retry schedule and the other lanes come in, and
 * take its failure up where it was left.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Event from "../Event.ts"
import type * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import type { Plan } from "../Operation.ts"
import type * as Refusal from "../Refusal.ts"
import type { Ambient } from "./ambient.ts"
import * as attempt from "./attempt.ts"
import type { Begin } from "./call.ts"
import * as fallback from "./fallback.ts"
import type { Observed } from "./Started.ts"
import * as guards from "./guards.ts"
import * as laneState from "./laneState.ts"
import * as running from "./running.ts"

type ErrorOf = Failure.Failure | Refusal.Refusal
export type Lanes = NonEmptyReadonlyArray<Lane.Lane>

export const isLanes = (capable: Lanes | Refusal.NoCapableLane): capable is Lanes => Array.isArray(capable)

/** What is the same each time an operation runs. */
export interface Prepared<A> {
  readonly shared: laneState.Shared
  readonly plan: Plan & { readonly kind: Event.Kind }
  /** Those that can serve it, as they are written. */
  readonly lanes: Lanes | Refusal.NoCapableLane
  /** Notes what an answer says about itself. What it throws is a defect of the attempt. */
  readonly observe: ((answer: A, observed: Observed) => void) | undefined
  /** The lanes in the order to try them. */
  readonly order: (lanes: Lanes, now: number) => Lanes
  /** Reports that the operation is over; only the first report counts. */
  readonly close: (operation: running.Operation, exit: Exit.Exit<unknown, ErrorOf>, now: number) => void
}

/** One operation while it runs. */
export class Answering<A> implements attempt.Making<A>, attempt.Owner<A> {
  readonly operation: running.Operation
  readonly ambient: Ambient
  readonly begin: Begin<A>
  readonly #prepared: Prepared<A>
  readonly #lanes: Lanes
  readonly #first: Lane.Lane
  readonly #resume: (effect: Effect.Effect<A, ErrorOf>) => void
  /** The caller's fiber waits, and can be told how to go on. */
  #isAwaited = false
  /** How to go on behind a first attempt that was over before the fiber could wait for it. */
  #next: Effect.Effect<A, ErrorOf> | undefined = undefined

  constructor(
    prepared: Prepared<A>,
    operation: running.Operation,
    ambient: Ambient,
    lanes: Lanes,
    first: Lane.Lane,
    begin: Begin<A>,
    resume: (effect: Effect.Effect<A, ErrorOf>) => void
  ) {
    this.operation = operation
    this.ambient = ambient
    this.begin = begin
    this.#prepared = prepared
    this.#lanes = lanes
    this.#first = first
    this.#resume = resume
  }

  get shared(): laneState.Shared {
    return this.#prepared.shared
  }

  get observe(): Prepared<A>["observe"] {
    return this.#prepared.observe
  }

  /** Makes the first attempt; the answer calls it off. */
  start(): Effect.Effect<void> | undefined {
    const { operation, shared } = this
    if (operation.figures.hedge !== undefined) {
      this.#resume(this.#toTheEnd(this.#further(undefined)))
      return undefined
    }
    const now = operation.startedAt
    const state = laneState.stateOf(shared, operation, this.#first)
    const obstacle = guards.enterUnsafe(shared, operation, state, this.ambient.random, now)
    if (obstacle !== undefined) {
      if (typeof obstacle === "string") this.#resume(this.#queued())
      else this.attemptEnded(obstacle, now)
      return this.#awaited()
    }
    const first = new attempt.Attempt(this, state, now, false)
    first.begin(this)
    this.#isAwaited = true
    return first.isEnded ? this.#awaited() : first
  }

  /**
   * Goes on behind a first attempt that is over already, a step later: a fiber that was interrupted meanwhile would drop
   * whatever it is given at once, and the operation's end with it.
   */
  #awaited(): Effect.Effect<void> | undefined {
    const next = this.#next
    const fiber = Fiber.getCurrent()
    if (next === undefined || fiber === undefined) return undefined
    fiber.currentDispatcher.scheduleTask(() => this.#resume(next), 0)
    return Effect.sync(() => this.attemptLeft(this.ambient.clock.currentTimeMillisUnsafe()))
  }

  attemptLeft(now: number): void {
    this.#prepared.close(this.operation, Exit.interrupt(), now)
  }

  attemptEnded(exit: Exit.Exit<A, attempt.Errors>, now: number): void {
    const { operation } = this
    if (Exit.isSuccess(exit)) {
      operation.answeredBy = this.#first
      this.#prepared.close(operation, exit, now)
      return this.#resume(exit)
    }
    const error = Cause.findErrorOption(exit.cause)
    if (error._tag === "Some" && !this.#isOver(error.value, now)) {
      const next = this.#toTheEnd(this.#further(error.value))
      if (this.#isAwaited) this.#resume(next)
      else this.#next = next
      return
    }
    this.#prepared.close(operation, exit, now)
    this.#resume(exit)
  }

  /** Whether nothing could be retried, waited for or asked elsewhere. */
  #isOver(error: attempt.Errors, now: number): boolean {
    return this.#lanes.length === 1 && fallback.isOverUnsafe(this.shared, this.operation, this.#first, error, now)
  }

  #queued(): Effect.Effect<A, ErrorOf> {
    this.operation.spare = this.#others()
    const first = withinDeadline(this.operation, attempt.queued(this, this.#first, false))
    return this.#toTheEnd(
      Effect.matchEffect(first, {
        onSuccess: (answer) => {
          this.operation.answeredBy = this.#first
          return Effect.succeed(answer)
        },
        onFailure: (error) => this.#further(error)
      })
    )
  }

  #others(): ReadonlyArray<Lane.Lane> {
    return this.#prepared.order(this.#lanes, this.operation.startedAt).filter((lane) => lane !== this.#first)
  }

  #further(error: attempt.Errors | undefined): Effect.Effect<A, ErrorOf> {
    const { operation, shared } = this
    const lanes: Lanes = [this.#first, ...this.#others()]
    return withinDeadline(
      operation,
      fallback.run(
        shared,
        operation,
        lanes,
        { on: (lane, isHedge) => attempt.make(this, lane, isHedge), discard: () => Effect.void },
        error
      )
    )
  }

  #toTheEnd(self: Effect.Effect<A, ErrorOf>): Effect.Effect<A, ErrorOf> {
    const { ambient, operation } = this
    return Effect.onExit(self, (exit) =>
      Effect.sync(() => this.#prepared.close(operation, exit, ambient.clock.currentTimeMillisUnsafe()))
    )
  }
}

/** The rest of an operation's time over an effect. */
export const withinDeadline = <A, E, R>(operation: running.Operation, self: Effect.Effect<A, E, R>) =>
  Effect.clockWith((clock) =>
    Effect.timeoutOrElse(self, {
      duration: Duration.millis(Math.max(0, operation.deadlineAt - clock.currentTimeMillisUnsafe())),
      orElse: () => Effect.fail(running.deadlineExceeded(operation))
    })
  )
