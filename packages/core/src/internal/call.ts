/**
 * One call, outside the fiber that waits for it: an effect in a child fiber, or a promise. Begun, ended and called off
 * synchronously; what it means for guards and operations is the caller's.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Adaptation from "../Adaptation.ts"
import type * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import * as Limits from "../Limits.ts"

/** A call that is under way. */
export interface Call {
  /** Asks it to stop. True when it will still report its end; false when nobody will hear of it again. */
  stop(): boolean
  /** Waits until it has stopped. */
  readonly stopped: Effect.Effect<void>
}

/** Who waits for a call. */
export interface Caller<A> {
  /** It has ended; told once, perhaps before `Begin` returns. */
  ended(exit: Exit.Exit<A, Failure.Failure>): void
  /** The headers of its response say what is left of the lane's limits. */
  heard(said: Limits.Stated, now: number): void
  /** The lane changes this in the meaning of the request. */
  adapted(what: Iterable<Adaptation.Code>): void
}

/** Begins a call. */
export type Begin<A> = (lane: Lane.Lane, caller: Caller<A>) => Call

const over: Call = { stop: () => true, stopped: Effect.void }

class FiberCall implements Call {
  readonly #fiber: Fiber.Fiber<unknown, unknown>

  constructor(fiber: Fiber.Fiber<unknown, unknown>) {
    this.#fiber = fiber
  }

  stop(): boolean {
    this.#fiber.interruptUnsafe()
    return true
  }

  get stopped(): Effect.Effect<void> {
    return Effect.asVoid(Fiber.await(this.#fiber))
  }
}

/** Runs an effect in a fiber of its own, with the caller's services. */
export const ofEffect = <A, R>(
  context: Context.Context<R>,
  call: (lane: Lane.Lane) => Effect.Effect<A, Failure.Failure, R>
): Begin<A> => {
  const fork = Effect.runForkWith(context)
  return (lane, caller) => {
    let effect = called(call, lane)
    if (lane.statesLimits === true) {
      effect = Effect.provideService(effect, Limits.Listener, (said, now) => caller.heard(said, now))
    }
    if (lane.adapts === true) {
      effect = Effect.provideService(effect, Adaptation.Listener, (what) => caller.adapted(what))
    }
    const fiber = fork(effect)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) {
      caller.ended(exit)
      return over
    }
    fiber.addObserver((late) => caller.ended(late))
    return new FiberCall(fiber)
  }
}

/** What a call throws instead of failing is a defect of the attempt. */
const called = <A, E, R>(
  call: (lane: Lane.Lane) => Effect.Effect<A, E, R>,
  lane: Lane.Lane
): Effect.Effect<A, E, R> => {
  try {
    return call(lane)
  } catch (defect) {
    return Effect.die(defect)
  }
}

/**
 * A call for a promise, and what that may look at to learn that nobody waits for it any more. It cannot be waited for once
 * it is called off: its slot is free at once, its result is dropped.
 */
class PromiseCall implements Call {
  #controller: AbortController | undefined
  #aborted = false

  /** Whether nobody waits for it any more: what it says from now on, such as that it was aborted, is dropped. */
  get isCalledOff(): boolean {
    return this.#aborted
  }

  /** Aborted when the caller leaves or a clock runs out. Made when it is first asked for. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#aborted) this.#controller.abort()
    return this.#controller.signal
  }

  stop(): boolean {
    this.#aborted = true
    this.#controller?.abort()
    return false
  }

  get stopped(): Effect.Effect<void> {
    return Effect.void
  }
}

/** Calls for a promise. What `failureOf` throws is a defect of the attempt. */
export const ofPromise =
  <A>(
    call: (lane: Lane.Lane, attempt: { readonly signal: AbortSignal }) => PromiseLike<A>,
    failureOf: (cause: unknown, lane: Lane.Lane) => Failure.Failure
  ): Begin<A> =>
  (lane, caller) => {
    const under = new PromiseCall()
    try {
      call(lane, under).then(
        (answer) => (under.isCalledOff ? undefined : caller.ended(Exit.succeed(answer))),
        (cause: unknown) => (under.isCalledOff ? undefined : caller.ended(read(failureOf, cause, lane)))
      )
      return under
    } catch (cause) {
      caller.ended(read(failureOf, cause, lane))
      return over
    }
  }

const read = (
  failureOf: (cause: unknown, lane: Lane.Lane) => Failure.Failure,
  cause: unknown,
  lane: Lane.Lane
): Exit.Exit<never, Failure.Failure> => {
  try {
    return Exit.fail(failureOf(cause, lane))
  } catch (defect) {
    return Exit.die(defect)
  }
}
