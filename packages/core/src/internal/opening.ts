/** Attempts at a stream, each until its first content is here: retried and failed over like any other attempt. */
import * as Channel from "effect/Channel"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Adaptation from "../Adaptation.ts"
import type * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import * as Limits from "../Limits.ts"
import type { StreamOperation } from "../Operation.ts"
import type * as Refusal from "../Refusal.ts"
import * as adaptations from "./adaptations.ts"
import { withinDeadline } from "./answering.ts"
import * as fallback from "./fallback.ts"
import { type Observed, Started } from "./Started.ts"
import * as ending from "./ending.ts"
import * as guards from "./guards.ts"
import type * as laneState from "./laneState.ts"
import type { AttemptOn } from "./hedge.ts"
import { type Chunk, Pulling } from "./Pulling.ts"
import type * as running from "./running.ts"
import { noteUsage } from "./usage.ts"

type ErrorOf = Failure.Failure | Refusal.Refusal

/** An attempt whose first content is here. */
export interface Opened<A, R> {
  readonly lane: Lane.Lane
  /** What came until then, in order. */
  readonly held: ReadonlyArray<Chunk<A>>
  /** Whether that was already everything. */
  readonly ended: boolean
  readonly pulling: Pulling<A, R>
  /** Ends the attempt; only the first call counts. */
  readonly finish: (exit: Exit.Exit<unknown, ErrorOf>) => Effect.Effect<void>
}

/** One request for a stream, to be made of a lane. */
export interface Call<A, R> {
  readonly stream: (lane: Lane.Lane) => Stream.Stream<A, Failure.Failure, R>
  /** Whether with this part the lane answers. */
  readonly answers: (part: A) => boolean
}

/** Everything around the attempts of one stream. */
export interface Around<A, R> {
  readonly shared: laneState.Shared
  readonly operation: running.Operation
  readonly options: StreamOperation<A, R>
  /** In the order to try them. */
  readonly lanes: ReadonlyArray<Lane.Lane>
  readonly clock: Clock.Clock
  readonly context: Context.Context<R>
  /** The whole stream's. */
  readonly scope: Scope.Scope
  /** An attempt that has its content holds its slot until it is read, or is left since the operation fails before that. */
  readonly last: { leave: Effect.Effect<void> }
  /** Reports the operation; only the first report counts. */
  readonly close: (exit: Exit.Exit<unknown, ErrorOf>) => Effect.Effect<void>
}

/** Makes attempts until one has its content. `first`: the first lane has been asked already, which ended so. */
export const decide = <A, R>(
  around: Around<A, R>,
  lanes: ReadonlyArray<Lane.Lane>,
  on: AttemptOn<Opened<A, R>, R>,
  first?: Failure.Failure
): Effect.Effect<Opened<A, R>, ErrorOf, R> =>
  withinDeadline(around.operation, fallback.run(around.shared, around.operation, lanes, { on, discard }, first))

const discard = <A, R>({ finish }: Opened<A, R>) => finish(Exit.interrupt())

/** One attempt on a lane, until it answers. */
export const onLane =
  <A, R>(around: Around<A, R>, call: Call<A, R>): AttemptOn<Opened<A, R>, R> =>
  (lane, isHedge) => {
    const { clock, operation, options, shared } = around
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        guards.begin(shared, operation, lane, restore, (state, now) => new Started(operation, state, now, isHedge)),
        (started) =>
          Effect.gen(function* () {
            const scope = Scope.makeUnsafe()
            const pulling = new Pulling({
              lane,
              clocks: options.policy.clocks,
              clock,
              startedAt: started.startedAt,
              observed: started,
              context: listening(around, started),
              open: Effect.suspend(() => {
                started.isSent = true
                return Channel.toPullScoped(Stream.toChannel(call.stream(lane)), scope)
              }),
              note: noteOf(options, started)
            })
            let finished = false
            const finish = (exit: Exit.Exit<unknown, ErrorOf>) =>
              Effect.suspend(() => {
                if (finished) return Effect.void
                finished = true
                return pulling.close.pipe(
                  Effect.andThen(Scope.close(scope, exit)),
                  Effect.andThen(ending.end(shared, operation, started, exit))
                )
              }).pipe(Effect.uninterruptible)
            const exit = yield* Effect.exit(restore(readToContent(call, pulling)))
            if (Exit.isFailure(exit)) {
              yield* finish(exit)
              return yield* Effect.failCause(exit.cause)
            }
            const leave = finish(Exit.interrupt())
            // Of two attempts side by side both may come this far.
            around.last.leave = Effect.andThen(around.last.leave, leave)
            yield* Scope.addFinalizer(around.scope, leave)
            return { lane, pulling, finish, ...exit.value }
          })
      )
    )
  }

/** The attempt's context, in which it learns what its lane changes in the request and what the answer says of limits. */
const listening = <A, R>({ context, operation, shared }: Around<A, R>, started: Started): Context.Context<R> => {
  const { adapts, statesLimits } = started.state.lane
  let heard = context
  if (statesLimits === true) {
    heard = Context.add(heard, Limits.Listener, (said, now) => ending.heed(shared, operation, started, said, now))
  }
  if (adapts === true || operation.goesOn) {
    heard = Context.add(heard, Adaptation.Listener, (what) => adaptations.note(operation, started, what))
  }
  return heard
}

/** Pulls until the lane answers, or until the stream is over. */
const readToContent = Effect.fnUntraced(function* <A, R>({ answers }: Call<A, R>, pulling: Pulling<A, R>) {
  const held: Array<Chunk<A>> = []
  const ended = yield* Effect.gen(function* () {
    while (true) {
      const chunk = yield* pulling.next
      held.push(chunk)
      if (chunk.some(answers)) return false
    }
  }).pipe(Pull.catchDone(() => Effect.succeed(true)))
  return { held, ended }
})

const noteOf =
  <A, R>({ usageOf }: StreamOperation<A, R>, observed: Observed) =>
  (chunk: Chunk<A>): void => {
    if (usageOf === undefined) return
    for (const part of chunk) noteUsage(observed, usageOf(part))
  }
