/** What is done behind the commit point of a stream when its attempt fails: nothing, going on, or beginning anew. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Disposition from "../Disposition.ts"
import * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import type { Continuation } from "../Operation.ts"
import type * as Refusal from "../Refusal.ts"
import * as fallback from "./fallback.ts"
import type { AttemptOn } from "./hedge.ts"
import { type Around, type Call, decide, onLane, type Opened } from "./opening.ts"
import type { Chunk } from "./Pulling.ts"
import * as running from "./running.ts"

type ErrorOf = Failure.Failure | Refusal.Refusal

export interface GoingOn<A, R> {
  /** Told what the caller is given, where that matters. */
  readonly delivered: ((chunk: Chunk<A>) => void) | undefined
  /** Another attempt at the stream, behind one that ended so; `undefined` where that is the end. */
  readonly behind: (
    attempt: Opened<A, R>,
    exit: Exit.Exit<unknown, ErrorOf>
  ) => Effect.Effect<Opened<A, R>, ErrorOf, R> | undefined
}

/** How an attempt on a lane is made that goes on, and whether it can be made there. */
interface Way<A, R> {
  readonly mode: "continue" | "restart"
  readonly isOpen: (lane: Lane.Lane) => boolean
  readonly on: AttemptOn<Opened<A, R>, R>
}

/** What the operation's policy and its callers allow. */
export const goingOn = <A, R>(around: Around<A, R>): GoingOn<A, R> => {
  const { options } = around
  const { onFailure } = options.policy.stream
  const continuation = onFailure === "continue" ? options.continuation?.() : undefined
  if (continuation !== undefined) {
    const way = (from: ReadonlyArray<string>): Way<A, R> => ({
      mode: "continue",
      isOpen: (lane) => continuation.ways(lane, from).length > 0,
      on: (lane, isHedge) => inTurn(around, continuation, lane, isHedge, continuation.ways(lane, from))
    })
    return {
      delivered: (chunk) => chunk.forEach(continuation.delivered),
      behind: (attempt, exit) =>
        behind(around, attempt, exit, () => way([...around.operation.continuedFrom, attempt.lane.id]))
    }
  }
  const { restart } = options
  return {
    delivered: undefined,
    behind: (attempt, exit) =>
      onFailure === "restart" && restart !== undefined
        ? behind(around, attempt, exit, (failure) => anew(around, () => restart(failure)))
        : undefined
  }
}

/** Asks a lane for the rest, in one way after the other while it rejects them as requests. */
const inTurn = <A, R>(
  around: Around<A, R>,
  continuation: Continuation<A, R>,
  lane: Lane.Lane,
  isHedge: boolean,
  [way, ...others]: ReturnType<Continuation<A, R>["ways"]>
): ReturnType<AttemptOn<Opened<A, R>, R>> => {
  if (way === undefined) return Effect.die(`${lane.id} was planned for a continuation it cannot be asked for`)
  const call: Call<A, R> = { stream: () => way, answers: continuation.answers }
  return Effect.catchTag(onLane(around, call)(lane, isHedge), "InvalidRequest", (failure) =>
    // What is at fault is a request of ours, not the caller's: other lanes may take it.
    others.length > 0 ? inTurn(around, continuation, lane, isHedge, others) : Effect.fail(elsewhere(failure))
  )
}

const elsewhere = (failure: Failure.InvalidRequest): Failure.InvalidRequest => {
  const { cause, detail, lane, model, provider, providerCode, requestId, rule, scope, status } = failure
  return new Failure.InvalidRequest({
    cause,
    detail,
    lane,
    model,
    provider,
    providerCode,
    requestId,
    rule,
    scope,
    status,
    failover: true
  })
}

const anew = <A, R>(around: Around<A, R>, marker: () => A): Way<A, R> => ({
  mode: "restart",
  isOpen: () => true,
  on: (lane, isHedge) =>
    Effect.map(
      onLane(around, { stream: around.options.call, answers: around.options.commits })(lane, isHedge),
      (opened): Opened<A, R> => ({ ...opened, held: [[marker()], ...opened.held] })
    )
})

const behind = <A, R>(
  around: Around<A, R>,
  attempt: Opened<A, R>,
  exit: Exit.Exit<unknown, ErrorOf>,
  wayOf: (failure: Failure.Failure) => Way<A, R>
): Effect.Effect<Opened<A, R>, ErrorOf, R> | undefined => {
  const failure = failureOf(exit)
  if (failure === undefined) return undefined
  const { lanes, operation, shared } = around
  const { lane } = attempt
  const way = wayOf(failure)
  const mayAsk = fallback.whoMayBeAsked(operation, lane, failure)
  const others = lanes.filter(
    (other) =>
      other.id !== lane.id &&
      operation.trail.every((visited) => visited.lane !== other.id) &&
      mayAsk(other) &&
      way.isOpen(other)
  )
  const again = Disposition.retriesOf(failure) > 0 && operation.policy.retry.maxRetries > 0 && way.isOpen(lane)
  const asked = again ? [...others, lane] : others
  if (asked.length === 0) return undefined
  return Effect.suspend(() => {
    running.note(operation, { lane: lane.id, attempts: 1, error: failure })
    operation.goesOn = true
    // Where it is the only one, the lane is asked again as after any failure: in time, and within its budgets.
    return decide(around, asked, way.on, others.length === 0 ? failure : undefined)
  }).pipe(
    Effect.tap((opened) => {
      operation.continuedFrom.push(lane.id)
      running.report(operation)
      return shared.bus.publish({
        _tag: "StreamContinued",
        operation: operation.id,
        route: operation.route,
        from: lane.id,
        to: opened.lane.id,
        mode: way.mode,
        reason: failure._tag
      })
    })
  )
}

const failureOf = (exit: Exit.Exit<unknown, ErrorOf>): Failure.Failure | undefined => {
  if (Exit.isSuccess(exit) || Cause.hasInterrupts(exit.cause) || Cause.hasDies(exit.cause)) return undefined
  const error = Cause.findErrorOption(exit.cause)
  return error._tag === "Some" && Failure.isFailure(error.value) ? error.value : undefined
}
