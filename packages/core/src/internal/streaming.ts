/**
 * A stream as an operation. Until the commit point an attempt is an effect like any other: it is retried and failed over
 * unseen, while what came before the first content is kept back. From then on one attempt owns the stream to its end.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import type * as Refusal from "../Refusal.ts"
import type { StreamOperation } from "../Operation.ts"
import { timeout } from "./attempt.ts"
import type { AttemptOn } from "./fallback.ts"
import * as guards from "./guards.ts"
import * as running from "./running.ts"
import { noteUsage } from "./usage.ts"

type ErrorOf = Failure.Failure | Refusal.Refusal
type Chunk<A> = NonEmptyReadonlyArray<A>

/** An attempt whose first content is here. */
interface Opened<A, R> {
  readonly lane: Lane.Lane
  /** What came until then, in order. */
  readonly held: ReadonlyArray<Chunk<A>>
  /** Whether that was already everything. */
  readonly ended: boolean
  readonly pull: Pull.Pull<Chunk<A>, Failure.Failure, void, R>
  /** When the attempt's own clock runs out. */
  readonly attemptEndsAt: number
  readonly observed: guards.Observed
  /** Ends the attempt; only the first call counts. */
  readonly finish: (exit: Exit.Exit<unknown, ErrorOf>) => Effect.Effect<void>
}

/**
 * Opens the operation's stream: `decide` picks the lane by running attempts, then the attempt that reached its content is
 * read to its end under the gap, attempt and total clocks.
 */
export const open = Effect.fnUntraced(function* <A, R>(
  shared: guards.Shared,
  operation: running.Operation,
  options: StreamOperation<A, R>,
  decide: (attemptOn: AttemptOn<Opened<A, R>, R>) => Effect.Effect<Opened<A, R>, ErrorOf, R>,
  close: (exit: Exit.Exit<unknown, ErrorOf>) => Effect.Effect<void>
) {
  const scope = yield* Effect.scope
  let closed = false
  const closeOnce = (exit: Exit.Exit<unknown, ErrorOf>) =>
    Effect.suspend(() => {
      if (closed) return Effect.void
      closed = true
      return close(exit)
    })
  // Whatever is not over by itself when the stream's scope closes was left by its consumer.
  yield* Scope.addFinalizer(scope, closeOnce(Exit.interrupt()))

  const attemptOn: AttemptOn<Opened<A, R>, R> = (lane, wasTold) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        guards.begin(
          shared,
          operation,
          lane,
          wasTold,
          restore,
          (state, now) => new guards.Started(operation, state, now)
        ),
        (started) =>
          Effect.gen(function* () {
            const attemptScope = Scope.makeUnsafe()
            const observed: guards.Observed = started
            let finished = false
            const finish = (exit: Exit.Exit<unknown, ErrorOf>) =>
              Effect.suspend(() => {
                if (finished) return Effect.void
                finished = true
                return Effect.andThen(Scope.close(attemptScope, exit), guards.end(shared, operation, started, exit))
              }).pipe(Effect.uninterruptible)
            const exit = yield* Effect.exit(restore(readToContent(options, lane, observed, attemptScope)))
            if (Exit.isFailure(exit)) {
              yield* finish(exit)
              return yield* Effect.failCause(exit.cause)
            }
            yield* Scope.addFinalizer(scope, finish(Exit.interrupt()))
            const attemptEndsAt = started.startedAt + Duration.toMillis(options.policy.clocks.attempt)
            return { lane, observed, finish, attemptEndsAt, ...exit.value }
          })
      )
    )

  const opened = yield* decide(attemptOn).pipe(Effect.onError((cause) => closeOnce(Exit.failCause(cause))))
  running.report(operation)
  return read(operation, options, opened, closeOnce)
})

/** Pulls until something commits, or until the stream is over. */
const readToContent = Effect.fnUntraced(function* <A, R>(
  options: StreamOperation<A, R>,
  lane: Lane.Lane,
  observed: guards.Observed,
  scope: Scope.Scope
) {
  const held: Array<Chunk<A>> = []
  const untilContent = Effect.gen(function* () {
    const pull = yield* Scope.provide(Stream.toPull(options.call(lane)), scope)
    const ended = yield* Effect.gen(function* () {
      while (true) {
        const chunk = yield* pull
        note(options, observed, chunk)
        held.push(chunk)
        if (chunk.some(options.commits)) return false
      }
    }).pipe(Pull.catchDone(() => Effect.succeed(true)))
    return { held, ended, pull }
  })
  const content = yield* Effect.timeoutOrElse(untilContent, {
    duration: options.policy.clocks.firstContent,
    orElse: () => Effect.fail(timeout(lane, "first-content"))
  })
  if (!content.ended) observed.firstContentAt = yield* Clock.currentTimeMillis
  return content
})

/** The committed stream: what was held back, then the rest as it comes. */
const read = <A, R>(
  operation: running.Operation,
  options: StreamOperation<A, R>,
  opened: Opened<A, R>,
  close: (exit: Exit.Exit<unknown, ErrorOf>) => Effect.Effect<void>
): Stream.Stream<A, ErrorOf, R> => {
  // The two belong together: whoever is interrupted in between would leave the one reported and the other not.
  const settle = (exit: Exit.Exit<unknown, ErrorOf>) =>
    Effect.uninterruptible(Effect.andThen(opened.finish(exit), close(exit)))
  let next = 0
  let ended = opened.ended
  const pull: Pull.Pull<Chunk<A>, ErrorOf, void, R> = Effect.suspend(() => {
    const chunk = opened.held[next]
    if (chunk !== undefined) {
      next += 1
      return Effect.succeed(chunk)
    }
    if (ended) return Effect.andThen(settle(Exit.void), Cause.done())
    return gapClock(operation, options, opened).pipe(
      Effect.tap((chunk) => Effect.sync(() => note(options, opened.observed, chunk))),
      Effect.onError((cause) => {
        ended = true
        return settle(Pull.doneExitFromCause(cause))
      })
    )
  })
  return Stream.fromPull(Effect.succeed(pull))
}

/** One pull under the clock that runs out first. */
const gapClock = <A, R>(
  operation: running.Operation,
  options: StreamOperation<A, R>,
  opened: Opened<A, R>
): Pull.Pull<Chunk<A>, ErrorOf, void, R> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const gap = Duration.toMillis(options.policy.clocks.chunkGap)
    const attempt = opened.attemptEndsAt - now
    const total = operation.deadlineAt - now
    const millis = Math.max(0, Math.min(gap, attempt, total))
    const pull = Effect.onExit(opened.pull, () =>
      Effect.map(Clock.currentTimeMillis, (later) => {
        opened.observed.longestGapMillis = Math.max(opened.observed.longestGapMillis ?? 0, later - now)
      })
    )
    return Effect.timeoutOrElse(pull, {
      duration: Duration.millis(millis),
      orElse: (): Effect.Effect<never, ErrorOf> => {
        if (millis >= total) return Effect.fail(running.deadlineExceeded(operation))
        return Effect.fail(timeout(opened.lane, millis >= attempt ? "attempt" : "chunk-gap"))
      }
    })
  })

const note = <A, R>(options: StreamOperation<A, R>, observed: guards.Observed, chunk: Chunk<A>): void => {
  if (options.usageOf === undefined) return
  for (const part of chunk) noteUsage(observed, options.usageOf(part))
}
