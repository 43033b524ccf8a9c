/** Calls for the adapters of libraries that speak in effects. */
import { Cause, Deferred, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { Call, End, Operation, Starting } from "./Subject.ts"

export interface Protected<E> {
  /** Runs the effect through the library. */
  readonly guard: (self: Effect.Effect<string, E>) => Effect.Effect<string, unknown>
  /** The library's error for an end that is not a success. */
  readonly errorOf: (how: Exclude<End, "success">) => E
  /** The wait that a refusal names; `undefined` for an error that is no refusal. */
  readonly refusalOf: (error: unknown) => { readonly retryAfterMillis: number | undefined } | undefined
}

/** Lets every fiber that can run do so; no time passes. */
export const settle: Effect.Effect<void> = TestClock.adjust(0)

const begin = Effect.fnUntraced(function* <E>({ errorOf, guard, refusalOf }: Protected<E>) {
  const answer = yield* Deferred.make<string, E>()
  let isRunning = false
  const body = Effect.suspend(() => {
    isRunning = true
    return Deferred.await(answer)
  })
  const fiber = yield* Effect.forkChild(guard(body))
  const refusal = () => {
    const exit = fiber.pollUnsafe()
    return exit === undefined || Exit.isSuccess(exit) ? undefined : refusalOf(Cause.squash(exit.cause))
  }
  const call: Call = {
    status: Effect.sync(() => {
      const exit = fiber.pollUnsafe()
      if (exit === undefined) return isRunning ? "running" : "waiting"
      if (Exit.isSuccess(exit)) return "ended"
      if (Cause.hasInterruptsOnly(exit.cause)) return "cancelled"
      return refusal() === undefined ? "ended" : "refused"
    }),
    retryAfterMillis: Effect.sync(() => refusal()?.retryAfterMillis),
    end: (how) =>
      Effect.andThen(
        how === "success" ? Deferred.succeed(answer, "hello") : Deferred.fail(answer, errorOf(how)),
        settle
      ),
    cancel: Effect.andThen(Fiber.interrupt(fiber), settle)
  }
  return call
})

/** Calls through a library. They start at one instant, and what follows from it happens before they are handed out. */
export const starting = <E>(library: Protected<E>): Starting => {
  const startMany = (count: number) =>
    Effect.tap(
      Effect.forEach(Array.from({ length: count }), () => begin(library)),
      () => settle
    )
  return { start: Effect.map(startMany(1), ([call]) => call!), startMany }
}

/** An operation whose attempts are counted by `run`; `attemptOf` says which of them an error belongs to. */
export const operation = (
  run: Effect.Effect<unknown, unknown>,
  attempts: Operation["attempts"],
  attemptOf: (error: unknown) => number | undefined,
  isCancelled: boolean
): Effect.Effect<Operation> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(run)
    if (isCancelled) yield* Fiber.interrupt(fiber)
    yield* settle
    return {
      attempts,
      result: Effect.sync(() => {
        const exit = fiber.pollUnsafe()
        if (exit === undefined) return "running"
        if (Exit.isSuccess(exit)) return "succeeded"
        if (Cause.hasInterruptsOnly(exit.cause)) return "cancelled"
        return { failedWith: attemptOf(Cause.squash(exit.cause)) ?? "other" }
      }),
      cancel: Effect.andThen(Fiber.interrupt(fiber), settle)
    }
  })
