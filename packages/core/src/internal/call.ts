/**
 * One call under its clock, outside the fiber that waits for it: an effect in a child fiber, or a promise. Begun, settled
 * and called off synchronously; what it means for guards and operations is the caller's.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"

/** A call that is under way. */
interface Call {
  /** Asks it to stop. True when it will still report its end; false when nobody will hear of it again. */
  readonly stop: () => boolean
  /** Waits until it has stopped. */
  readonly stopped: Effect.Effect<void>
}

/** Begins a call; `done` is called once, perhaps before this returns. */
export type Begin<A> = (lane: Lane.Lane, done: (exit: Exit.Exit<A, Failure.Failure>) => void) => Call

const over: Call = { stop: () => true, stopped: Effect.void }

/** Runs an effect in a fiber of its own, with the caller's services. */
export const ofEffect =
  <A, R>(context: Context.Context<R>, call: (lane: Lane.Lane) => Effect.Effect<A, Failure.Failure, R>): Begin<A> =>
  (lane, done) => {
    // What a call throws instead of failing is a defect of the attempt.
    const fiber = Effect.runForkWith(context)(Effect.suspend(() => call(lane)))
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) {
      done(exit)
      return over
    }
    fiber.addObserver(done)
    return {
      stop: () => {
        fiber.interruptUnsafe()
        return true
      },
      stopped: Effect.asVoid(Fiber.await(fiber))
    }
  }

/** What a promise may look at to learn that nobody waits for it any more. */
export class Cancellation {
  #controller: AbortController | undefined
  #aborted = false

  /** Aborted when the caller leaves or a clock runs out. Made when it is first asked for. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#aborted) this.#controller.abort()
    return this.#controller.signal
  }

  abort(): void {
    this.#aborted = true
    this.#controller?.abort()
  }
}

/** Calls for a promise. One that is called off cannot be waited for: its slot is free at once, its result is dropped. */
export const ofPromise =
  <A>(
    call: (lane: Lane.Lane, cancellation: Cancellation) => PromiseLike<A>,
    failureOf: (cause: unknown, lane: Lane.Lane) => Failure.Failure
  ): Begin<A> =>
  (lane, done) => {
    const cancellation = new Cancellation()
    let promise: PromiseLike<A>
    try {
      promise = call(lane, cancellation)
    } catch (cause) {
      done(Exit.fail(failureOf(cause, lane)))
      return over
    }
    const answered = (answer: A): void => done(Exit.succeed(answer))
    const rejected = (cause: unknown): void => done(Exit.fail(failureOf(cause, lane)))
    promise.then(answered, rejected)
    return {
      stop: () => {
        cancellation.abort()
        return false
      },
      stopped: Effect.void
    }
  }
