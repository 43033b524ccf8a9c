/**
 * A stream as an operation. Until the commit point an attempt is an effect like any other: it is retried and failed over
 * unseen, while what came before the first content is kept back. From then on one attempt owns the stream, to its end or
 * to a failure behind which, if the policy says so, another attempt goes on.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ConnectClock from "../ConnectClock.ts"
import type * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import type { StreamOperation } from "../Operation.ts"
import type * as Refusal from "../Refusal.ts"
import { goingOn } from "./goingOn.ts"
import type * as laneState from "./laneState.ts"
import { type Around, decide, onLane, type Opened } from "./opening.ts"
import type { Chunk, Expired } from "./Pulling.ts"
import * as running from "./running.ts"

type ErrorOf = Failure.Failure | Refusal.Refusal
/** How a stream that has begun may fail. */
type Cut = Failure.Failure | Expired

/**
 * Opens the operation's stream over the lanes in the given order, or ends it as it is refused: attempts are made until one
 * has its content, which is then read under the gap, attempt and total clocks.
 */
export const open = Effect.fnUntraced(function* <A, R>(
  shared: laneState.Shared,
  operation: running.Operation,
  options: StreamOperation<A, R>,
  lanes: ReadonlyArray<Lane.Lane> | Refusal.NoCapableLane,
  report: (exit: Exit.Exit<unknown, ErrorOf>) => Effect.Effect<void>
) {
  const scope = yield* Effect.scope
  const clock = yield* Clock.Clock
  const context = Context.add(yield* Effect.context<R>(), ConnectClock.Limit, options.policy.clocks.connect)
  let closed = false
  const close = (exit: Exit.Exit<unknown, ErrorOf>) =>
    Effect.suspend(() => {
      if (closed) return Effect.void
      closed = true
      return report(exit)
    })
  // Whatever is not over by itself when the stream's scope closes was left by its consumer.
  yield* Scope.addFinalizer(scope, close(Exit.interrupt()))
  if ("_tag" in lanes) {
    yield* close(Exit.fail(lanes))
    return yield* lanes
  }
  const around: Around<A, R> = {
    shared,
    operation,
    options,
    lanes,
    clock,
    context,
    scope,
    close,
    last: { leave: Effect.void }
  }
  const opened = yield* decide(around, lanes, onLane(around, { stream: options.call, answers: options.commits })).pipe(
    Effect.onError((cause) => Effect.andThen(around.last.leave, close(Exit.failCause(cause))))
  )
  running.report(operation)
  return read(around, opened)
})

/** The committed stream: what was held back, then the rest as it comes, then what goes on behind a failure. */
const read = <A, R>(around: Around<A, R>, opened: Opened<A, R>): Stream.Stream<A, Cut> => {
  const { close, context, operation } = around
  const goesOn = goingOn(around)
  let current = opened
  let next = 0
  /** How the stream ended. While an attempt to go on is made, how it ends if its consumer leaves that. */
  let over: Exit.Exit<void, Cut> | undefined

  // The two belong together: whoever is interrupted in between would leave the one reported and the other not.
  const settle = (exit: Exit.Exit<void, Cut>) =>
    Effect.suspend(() => {
      over = exit
      return Effect.uninterruptible(Effect.andThen(current.finish(exit), close(exit)))
    })
  const ended = (exit: Exit.Exit<void, Cut>): Pull.Pull<never, Cut> =>
    Exit.isSuccess(exit) ? Cause.done() : Effect.failCause(exit.cause)

  const adopt = (attempt: Opened<A, R>): void => {
    current = attempt
    next = 0
    over = undefined
    if (attempt.ended) return
    attempt.pulling.commit({
      deadlineAt: operation.deadlineAt,
      exceeded: () => running.deadlineExceeded(operation),
      told: goesOn.delivered,
      over: (cause) => {
        const exit = Pull.doneExitFromCause(cause)
        const further = goesOn.behind(attempt, exit)
        if (further === undefined) return Effect.andThen(settle(exit), ended(exit))
        over = exit
        return attempt.finish(exit).pipe(
          Effect.andThen(Effect.provideContext(Effect.onError(further, leaving(around)), context)),
          Effect.matchEffect({
            onSuccess: (other) => {
              adopt(other)
              return pull
            },
            // Why it was cut is what the caller has to know; that nobody could go on is in the events.
            onFailure: () => Effect.andThen(settle(exit), ended(exit))
          })
        )
      },
      abandon: (error) => {
        Effect.runForkWith(context)(settle(Exit.fail(error)))
      }
    })
  }

  const pull: Pull.Pull<Chunk<A>, Cut> = Effect.suspend(() => {
    const chunk = current.held[next]
    if (chunk !== undefined) {
      next += 1
      goesOn.delivered?.(chunk)
      return Effect.succeed(chunk)
    }
    if (over !== undefined) return ended(over)
    return current.ended ? Effect.andThen(settle(Exit.void), Cause.done()) : current.pulling.pull()
  })
  adopt(opened)
  return Stream.fromPull(Effect.succeed(pull))
}

/** Reports the operation whose consumer leaves, or that breaks, while another attempt is made. */
const leaving =
  <A, R>({ close, last }: Around<A, R>) =>
  (cause: Cause.Cause<ErrorOf>): Effect.Effect<void> =>
    Cause.findErrorOption(cause)._tag === "Some" ? last.leave : Effect.andThen(last.leave, close(Exit.failCause(cause)))
