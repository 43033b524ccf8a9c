/** One attempt at an operation that ends with one answer: guards, call and clock in one suspension of the caller's fiber. */
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import { constVoid } from "effect/Function"
import type * as Adaptation from "../Adaptation.ts"
import * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import type * as Limits from "../Limits.ts"
import type * as Refusal from "../Refusal.ts"
import * as adaptations from "./adaptations.ts"
import type { Ambient } from "./ambient.ts"
import type { Begin, Call, Caller } from "./call.ts"
import type * as Deadlines from "./Deadlines.ts"
import { type Observed, Started } from "./Started.ts"
import * as ending from "./ending.ts"
import * as guards from "./guards.ts"
import * as laneState from "./laneState.ts"
import * as running from "./running.ts"
import { stackless } from "./stackless.ts"

export type Errors = Failure.Failure | Refusal.Step

/** The failure of a clock of ours. */
export const timeout = (lane: Lane.Lane, phase: Failure.TimeoutPhase): Failure.Timeout =>
  stackless(
    () =>
      new Failure.Timeout({
        provider: lane.provider,
        model: lane.model,
        lane: lane.id,
        scope: "model",
        rule: `clock/${phase}`,
        phase
      })
  )

/** How an operation makes its attempts. */
export interface Making<A> {
  readonly shared: laneState.Shared
  readonly operation: running.Operation
  readonly ambient: Ambient
  readonly begin: Begin<A>
  /** Notes what an answer says about itself. What it throws is a defect of the attempt. */
  readonly observe: ((answer: A, observed: Observed) => void) | undefined
}

/** Who waits for an attempt. */
export interface Owner<A> {
  /** It has ended; told once, and not at all when it is called off. */
  attemptEnded(exit: Exit.Exit<A, Errors>, now: number): void
  /** It was called off, and has stopped; perhaps it had ended, and whoever was told is gone. */
  attemptLeft(now: number): void
}

/**
 * An attempt that has its guards: the call and its clock, which is the attempt's own, or what is left of the operation's
 * where that is less. As an effect it calls itself off: stops the call and waits until that has stopped; the guards learn
 * nothing. It is all these things at once because there is one for every call that is made.
 */
export class Attempt<A>
  extends Effectable.Mixin(Started)
  implements Caller<A>, Deadlines.Entry, Effectable.Class<void>
{
  readonly #making: Making<A>
  #owner: Owner<A> | undefined = undefined
  #call: Call | undefined = undefined
  #expired: Errors | undefined = undefined
  at = 0
  previous: Deadlines.Entry | undefined = undefined
  next: Deadlines.Entry | undefined = undefined
  list: Deadlines.List | undefined = undefined

  constructor(making: Making<A>, state: laneState.LaneState, now: number, isHedge: boolean) {
    super(making.operation, state, now, isHedge)
    this.#making = making
  }

  /** Begins the call. The owner may be told of its end before this returns. */
  begin(owner: Owner<A>): void {
    this.#owner = owner
    const { ambient, begin, operation } = this.#making
    this.isSent = true
    this.#call = begin(this.state.lane, this)
    if (this.isEnded) return
    const total = operation.deadlineAt - this.startedAt
    ambient.deadlines.put(this, this.startedAt, Math.min(operation.figures.plainAttemptMillis, total))
  }

  /** The headers of its response say what is left of the lane's limits. */
  heard(said: Limits.Stated, now: number): void {
    const { operation, shared } = this.#making
    ending.heed(shared, operation, this, said, now)
  }

  /** The lane changes this in the meaning of the request. */
  adapted(what: Iterable<Adaptation.Code>): void {
    adaptations.note(this.#making.operation, this, what)
  }

  /** The call has ended. */
  ended(exit: Exit.Exit<A, Errors>): void {
    if (this.isEnded) return
    const { ambient, observe } = this.#making
    ambient.deadlines.remove(this)
    const last =
      this.#expired !== undefined && Exit.isFailure(exit)
        ? Exit.fail(this.#expired)
        : observe === undefined
          ? exit
          : observed(observe, exit, this)
    const now = this.#giveBack(last)
    this.#owner?.attemptEnded(last, now)
  }

  /** Its clock has run out. */
  expire(): void {
    const { operation } = this.#making
    // Where both run out together it is the lane that has not answered in its time.
    const isOwn = operation.figures.plainAttemptMillis <= operation.deadlineAt - this.startedAt
    this.#expired = isOwn ? timeout(this.state.lane, "attempt") : running.deadlineExceeded(operation)
    if (this.#call?.stop() !== true) this.ended(Exit.fail(this.#expired))
  }

  override asEffect(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const left = Effect.sync(() => {
        const now = this.#giveBack(Exit.interrupt())
        this.#owner?.attemptLeft(now)
      })
      if (this.isEnded) return left
      this.#making.ambient.deadlines.remove(this)
      return this.#call?.stop() === true ? Effect.andThen(this.#call.stopped, left) : left
    })
  }

  /** Gives the guards back; answers with the instant. */
  #giveBack(exit: Exit.Exit<A, Errors>): number {
    const { ambient, operation, shared } = this.#making
    const now = ambient.clock.currentTimeMillisUnsafe()
    ending.endUnsafe(shared, operation, this, exit, now, ambient.random)
    return now
  }
}

const observed = <A>(
  observe: (answer: A, observed: Observed) => void,
  exit: Exit.Exit<A, Errors>,
  started: Started
): Exit.Exit<A, Errors> => {
  if (Exit.isFailure(exit)) return exit
  try {
    observe(exit.value, started)
    return exit
  } catch (defect) {
    return Exit.die(defect)
  }
}

/** Makes one attempt, waiting for a slot where none is free and for leave where it has to. Interruption calls it off. */
export const make = <A>(making: Making<A>, lane: Lane.Lane, isHedge: boolean): Effect.Effect<A, Errors> =>
  // The guards are taken inside the suspension, so that no interruption can come between taking and giving back.
  Effect.callback<A, Errors>((resume) => {
    const { ambient, operation, shared } = making
    const state = laneState.stateOf(shared, operation, lane)
    const now = ambient.clock.currentTimeMillisUnsafe()
    const obstacle = guards.enterUnsafe(shared, operation, state, ambient.random, now)
    if (typeof obstacle === "string") return resume(queued(making, lane, isHedge))
    if (obstacle !== undefined) return resume(obstacle)
    return run(new Attempt(making, state, now, isHedge), resume)
  })

/** The same for whoever has to wait for a slot or for the fleet's leave: waits, then makes the attempt. */
export const queued = <A>(making: Making<A>, lane: Lane.Lane, isHedge: boolean): Effect.Effect<A, Errors> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      guards.begin(
        making.shared,
        making.operation,
        lane,
        restore,
        (state, now) => new Attempt(making, state, now, isHedge)
      ),
      (attempt) =>
        // Interrupted before the call could begin, nothing has given the guards back yet.
        Effect.onExit(restore(Effect.callback<A, Errors>((resume) => run(attempt, resume))), () => attempt)
    )
  )

const run = <A>(attempt: Attempt<A>, resume: (exit: Exit.Exit<A, Errors>) => void): Effect.Effect<void> | undefined => {
  attempt.begin({ attemptEnded: (exit) => resume(exit), attemptLeft: constVoid })
  return attempt.isEnded ? undefined : attempt
}
