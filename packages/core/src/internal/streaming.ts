/**
 * A stream as an operation. Until the commit point an attempt is an effect like any other: it is retried and failed over
 * unseen, while what came before the first content is kept back. From then on one attempt owns the stream to its end.
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ConnectClock from "../ConnectClock.ts"
import type * as Failure from "../Failure.ts"
import type * as Refusal from "../Refusal.ts"
import type { StreamOperation } from "../Operation.ts"
import type { AttemptOn, Attempts } from "./hedge.ts"
import * as guards from "./guards.ts"
import * as observing from "./observing.ts"
import { type Chunk, Pulling } from "./Pulling.ts"
import * as running from "./running.ts"
import { noteUsage } from "./usage.ts"

type ErrorOf = Failure.Failure | Refusal.Refusal

/** An attempt whose first content is here. */
interface Opened<A, R> {
  /** What came until then, in order. */
  readonly held: ReadonlyArray<Chunk<A>>
  /** Whether that was already everything. */
  readonly ended: boolean
  readonly pulling: Pulling<A, R>
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
  decide: (attempts: Attempts<Opened<A, R>, R>) => Effect.Effect<Opened<A, R>, ErrorOf, R>,
  close: (exit: Exit.Exit<unknown, ErrorOf>) => Effect.Effect<void>
) {
  const scope = yield* Effect.scope
  const clock = yield* Clock.Clock
  const context = Context.add(yield* Effect.context<R>(), ConnectClock.Limit, options.policy.clocks.connect)
  let closed = false
  const closeOnce = (exit: Exit.Exit<unknown, ErrorOf>) =>
    Effect.suspend(() => {
      if (closed) return Effect.void
      closed = true
      return close(exit)
    })
  // Whatever is not over by itself when the stream's scope closes was left by its consumer.
  yield* Scope.addFinalizer(scope, closeOnce(Exit.interrupt()))

  // An attempt that has its content holds its slot until it is read, or until the operation fails before that.
  let leave: Effect.Effect<void> = Effect.void
  const on: AttemptOn<Opened<A, R>, R> = (lane, isHedge) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        guards.begin(
          shared,
          operation,
          lane,
          restore,
          (state, now) => new guards.Started(operation, state, now, isHedge)
        ),
        (started) =>
          Effect.gen(function* () {
            const attemptScope = Scope.makeUnsafe()
            const pulling = new Pulling({
              lane,
              clocks: options.policy.clocks,
              clock,
              startedAt: started.startedAt,
              observed: started,
              context,
              open: Effect.suspend(() =>
                Channel.toPullScoped(
                  Stream.toChannel(observing.stream(shared, operation, started, options.call)),
                  attemptScope
                )
              ),
              note: noteOf(options, started)
            })
            let finished = false
            const finish = (exit: Exit.Exit<unknown, ErrorOf>) =>
              Effect.suspend(() => {
                if (finished) return Effect.void
                finished = true
                return pulling.close.pipe(
                  Effect.andThen(Scope.close(attemptScope, exit)),
                  Effect.andThen(guards.end(shared, operation, started, exit))
                )
              }).pipe(Effect.uninterruptible)
            const exit = yield* Effect.exit(restore(readToContent(options, pulling)))
            if (Exit.isFailure(exit)) {
              yield* finish(exit)
              return yield* Effect.failCause(exit.cause)
            }
            const before = leave
            leave = Effect.andThen(before, finish(Exit.interrupt()))
            yield* Scope.addFinalizer(scope, finish(Exit.interrupt()))
            return { pulling, finish, ...exit.value }
          })
      )
    )

  const discard = ({ finish }: Opened<A, R>) => finish(Exit.interrupt())
  const opened = yield* decide({ on, discard }).pipe(
    Effect.onError((cause) => Effect.andThen(leave, closeOnce(Exit.failCause(cause))))
  )
  running.report(operation)
  return read(operation, opened, context, closeOnce)
})

/** Pulls until something commits, or until the stream is over. */
const readToContent = Effect.fnUntraced(function* <A, R>(options: StreamOperation<A, R>, pulling: Pulling<A, R>) {
  const held: Array<Chunk<A>> = []
  const ended = yield* Effect.gen(function* () {
    while (true) {
      const chunk = yield* pulling.next
      held.push(chunk)
      if (chunk.some(options.commits)) return false
    }
  }).pipe(Pull.catchDone(() => Effect.succeed(true)))
  return { held, ended }
})

/** The committed stream: what was held back, then the rest as it comes. */
const read = <A, R>(
  operation: running.Operation,
  opened: Opened<A, R>,
  context: Context.Context<R>,
  close: (exit: Exit.Exit<unknown, ErrorOf>) => Effect.Effect<void>
): Stream.Stream<A, ErrorOf> => {
  const { finish, pulling } = opened
  // The two belong together: whoever is interrupted in between would leave the one reported and the other not.
  const settle = (exit: Exit.Exit<unknown, ErrorOf>) =>
    Effect.uninterruptible(Effect.andThen(finish(exit), close(exit)))
  let ended = opened.ended
  if (!ended) {
    pulling.commit({
      deadlineAt: operation.deadlineAt,
      exceeded: () => running.deadlineExceeded(operation),
      over: (cause) => {
        ended = true
        return Effect.andThen(settle(Pull.doneExitFromCause(cause)), Effect.failCause(cause))
      },
      abandon: (error) => {
        Effect.runForkWith(context)(settle(Exit.fail(error)))
      }
    })
  }
  let next = 0
  const pull: Pull.Pull<Chunk<A>, ErrorOf> = Effect.suspend(() => {
    const chunk = opened.held[next]
    if (chunk !== undefined) {
      next += 1
      return Effect.succeed(chunk)
    }
    return ended ? Effect.andThen(settle(Exit.void), Cause.done()) : pulling.pull()
  })
  return Stream.fromPull(Effect.succeed(pull))
}

const noteOf =
  <A, R>({ usageOf }: StreamOperation<A, R>, observed: guards.Observed) =>
  (chunk: Chunk<A>): void => {
    if (usageOf === undefined) return
    for (const part of chunk) noteUsage(observed, usageOf(part))
  }
