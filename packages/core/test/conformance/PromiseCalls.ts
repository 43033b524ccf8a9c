/** Calls for the adapters of libraries that speak in promises. */
import { Effect } from "effect"
import type { Call, End, Operation, Starting } from "./Subject.ts"
import * as VirtualTimers from "./VirtualTimers.ts"

export class Failed extends Error {
  override readonly name = "Failed"
  readonly attempt: number
  readonly isRetryable: boolean
  constructor(attempt: number, isRetryable: boolean) {
    super(`attempt ${attempt} failed`)
    this.attempt = attempt
    this.isRetryable = isRetryable
  }
}

/** An error that says nothing about the dependency. */
export class Neutral extends Error {
  override readonly name = "Neutral"
}

export const abort = (): DOMException => new DOMException("The caller went away", "AbortError")

/** The function a library protects. It stops when its caller does. */
export type Body = (signal: AbortSignal) => Promise<string>

export interface Protected {
  /** Runs the body through the library. */
  readonly execute: (body: Body, signal: AbortSignal) => Promise<unknown>
  /** Whether an error is the library's own decision not to call. */
  readonly isRefusal: (error: unknown) => boolean
}

const begin = ({ execute, isRefusal }: Protected): Call => {
  const controller = new AbortController()
  const answer = Promise.withResolvers<string>()
  // A call that is refused never looks at its answer.
  answer.promise.catch(() => undefined)
  let status: "waiting" | "running" | "refused" | "ended" | "cancelled" = "waiting"
  const body: Body = (signal) => {
    status = "running"
    signal.addEventListener("abort", () => answer.reject(abort()))
    return answer.promise
  }
  const ended = execute(body, controller.signal).then(
    () => "ended" as const,
    (error: unknown) => (isRefusal(error) ? "refused" : controller.signal.aborted ? "cancelled" : "ended")
  )
  void ended.then((how) => (status = how))
  return {
    status: Effect.sync(() => status),
    retryAfterMillis: Effect.undefined,
    end: (how) =>
      Effect.andThen(
        Effect.sync(() => settleAs(answer, how)),
        VirtualTimers.settle
      ),
    cancel: Effect.andThen(
      Effect.sync(() => controller.abort()),
      VirtualTimers.settle
    )
  }
}

const settleAs = (answer: PromiseWithResolvers<string>, how: End): void => {
  if (how === "success") answer.resolve("hello")
  else answer.reject(how === "neutral" ? new Neutral("not your fault") : new Failed(1, true))
}

/** Calls through a library. They start at one instant, and what follows from it happens before they are handed out. */
export const starting = (library: Protected): Starting => {
  const startMany = (count: number) =>
    Effect.tap(
      Effect.sync(() => Array.from({ length: count }, () => begin(library))),
      () => VirtualTimers.settle
    )
  return { start: Effect.map(startMany(1), ([call]) => call!), startMany }
}

type Result = Effect.Success<Operation["result"]>

/** An operation of attempts that are counted by `run`, which gets the signal of the one who cancels. */
export const operation = (
  run: (signal: AbortSignal) => Promise<unknown>,
  attempts: Operation["attempts"],
  isCancelled: boolean
): Effect.Effect<Operation> =>
  Effect.tap(
    Effect.sync(() => beginOperation(run, attempts, isCancelled)),
    () => VirtualTimers.settle
  )

const beginOperation = (
  run: (signal: AbortSignal) => Promise<unknown>,
  attempts: Operation["attempts"],
  isCancelled: boolean
): Operation => {
  const controller = new AbortController()
  if (isCancelled) controller.abort()
  let result: Result = "running"
  const ended = run(controller.signal).then(
    (): Result => "succeeded",
    (error: unknown): Result => {
      if (controller.signal.aborted) return "cancelled"
      return { failedWith: error instanceof Failed ? error.attempt : "other" }
    }
  )
  void ended.then((how) => (result = how))
  return {
    attempts,
    result: Effect.sync(() => result),
    cancel: Effect.andThen(
      Effect.sync(() => controller.abort()),
      VirtualTimers.settle
    )
  }
}
