/**
 * An operation over its lanes: retry on a lane, go on to the next, wait for one to reopen, stop where going on is wrong.
 * What an attempt is, and how long it holds its slot, is the caller's.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Disposition from "../Disposition.ts"
import type * as Event from "../Event.ts"
import * as Failure from "../Failure.ts"
import * as FallbackPlan from "../FallbackPlan.ts"
import type * as Lane from "../Lane.ts"
import * as Refusal from "../Refusal.ts"
import * as RetryPolicy from "../RetryPolicy.ts"
import * as blame from "./blame.ts"
import * as laneState from "./laneState.ts"
import { hintMillis } from "./hint.ts"
import * as hedge from "./hedge.ts"
import type { Attempts } from "./hedge.ts"
import * as limiting from "./limiting.ts"
import * as paying from "./paying.ts"
import * as reopening from "./reopening.ts"
import * as spilling from "./spilling.ts"
import { isFinal, isLong, note, type Operation } from "./running.ts"

type Outcome<A> = Result.Result<A, Failure.Failure | Refusal.Step>

/** How a lane's turn ended, and whether only its being closed to calls kept the operation from asking it again. */
interface Turn<A> {
  readonly outcome: Outcome<A>
  readonly isWaiting: boolean
}

/**
 * Runs the operation over the lanes in the given order. `first`: the first lane has been asked once already, which ended
 * so. Interruption ends every wait at once and gives up its place in a line.
 */
export const run = <A, R>(
  shared: laneState.Shared,
  operation: Operation,
  lanes: ReadonlyArray<Lane.Lane>,
  attempts: Attempts<A, R>,
  first?: Failure.Failure | Refusal.Step
): Effect.Effect<A, Failure.Failure | Refusal.Refusal, R> =>
  Effect.ensuring(
    overLanes(shared, operation, lanes, attempts, first),
    Effect.sync(() => limiting.leave(operation))
  )

const overLanes = Effect.fnUntraced(function* <A, R>(
  shared: laneState.Shared,
  operation: Operation,
  lanes: ReadonlyArray<Lane.Lane>,
  attempts: Attempts<A, R>,
  first: Failure.Failure | Refusal.Step | undefined
): Effect.fn.Return<A, Failure.Failure | Refusal.Refusal, R> {
  let pending = lanes
  /** What had been sent before the attempt that was made already. */
  let before = first === undefined ? undefined : 0
  /** Closed to calls when it was their turn; worth another look once they open. */
  let waiting: ReadonlyArray<Lane.Lane> = []
  while (true) {
    let previous: Refusal.TrailEntry | undefined
    while (true) {
      const [lane, ...others] = pending
      if (lane === undefined) break
      if (previous !== undefined) yield* announceFailover(shared, operation, previous, lane)
      const sentBefore = before ?? operation.sent
      const hedged: hedge.Outcome = {}
      operation.spare = others
      const { outcome, isWaiting } = yield* onLane(
        shared,
        operation,
        lane,
        others,
        attempts,
        hedged,
        before === undefined ? undefined : first
      )
      before = undefined
      if (Result.isSuccess(outcome)) {
        operation.answeredBy = hedged.winner ?? lane
        return outcome.success
      }
      const error = outcome.failure
      const { failed } = hedged
      previous = { lane: lane.id, attempts: operation.sent - sentBefore - (failed === undefined ? 0 : 1), error }
      note(operation, previous)
      if (failed !== undefined) note(operation, { lane: failed.lane.id, attempts: 1, error: failed.error })
      if (isFinal(error)) return yield* fail(shared, operation, lanes)
      if (yield* isRequestToBlame(operation)) return yield* fail(shared, operation, lanes, "request")
      const mayAsk = whoMayBeAsked(operation, lane, error)
      pending = hasSpilled(error)
        ? spilling.next(shared, operation, lane, others, operation.sent > sentBefore, yield* Clock.currentTimeMillis)
        : othersFirst(operation, lane, previous, notAsked(others, hedged).filter(mayAsk))
      waiting = (isWaiting ? [...waiting, lane] : waiting).filter(mayAsk)
      if (
        isRequestFault(error) &&
        pending.length === 0 &&
        waiting.length === 0 &&
        !hasFailedLarger(operation, lane, error)
      ) {
        return yield* error
      }
    }
    if (
      waiting.length === 0 ||
      !operation.policy.fallback.waitForReopening ||
      operation.sent >= operation.policy.budget.maxAttempts ||
      waiting.every((lane) => paying.refusal(operation, lane) !== undefined) ||
      !(yield* reopening.wait(shared, operation, waiting))
    ) {
      return yield* fail(shared, operation, lanes)
    }
    pending = waiting
    waiting = []
  }
})

/** The other lanes, without the one that a hedge has asked in vain. */
const notAsked = (others: ReadonlyArray<Lane.Lane>, { failed }: hedge.Outcome): ReadonlyArray<Lane.Lane> =>
  failed === undefined ? others : others.filter((other) => other !== failed.lane)

/** Other models first, where it is not the credential that failed. */
const othersFirst = (
  operation: Operation,
  { model, provider }: Lane.Lane,
  ended: Refusal.TrailEntry,
  lanes: ReadonlyArray<Lane.Lane>
): ReadonlyArray<Lane.Lane> => {
  if (lanes.length < 2 || !blame.isModel(operation, ended)) return lanes
  const isSame = (other: Lane.Lane) => other.provider === provider && other.model === model
  return [...lanes.filter((other) => !isSame(other)), ...lanes.filter(isSame)]
}

const isRequestToBlame = (operation: Operation): Effect.Effect<boolean> =>
  Effect.map(Clock.currentTimeMillis, (now) => blame.isRequest(operation, now))

/** Whether the lane was full and another one was not. */
const hasSpilled = (error: Failure.Failure | Refusal.Step): boolean =>
  error._tag === "BulkheadFull" && error.reason === "spilled-over"

const nobody = () => false
const anybody = () => true

/**
 * Whether an operation with this one lane is over with this error: nothing could be retried, waited for or asked elsewhere.
 * What the long way would say about it is said here.
 */
export const isOverUnsafe = (
  shared: laneState.Shared,
  operation: Operation,
  lane: Lane.Lane,
  error: Failure.Failure | Refusal.Step,
  now: number
): boolean => {
  if (Failure.isFailure(error)) return Disposition.retriesOf(error) === 0 || operation.policy.retry.maxRetries === 0
  if (isClosed(error) && operation.policy.fallback.waitForReopening) return false
  if (shared.bus.isHeard()) shared.bus.publishUnsafe(now, refusalEvent(operation, lane, error))
  return true
}

/** Which lanes may still be asked after this error. */
export const whoMayBeAsked = (
  operation: Operation,
  lane: Lane.Lane,
  error: Failure.Failure | Refusal.Step
): ((other: Lane.Lane) => boolean) => {
  if (!Failure.isFailure(error)) return anybody
  switch (Disposition.failover(error)) {
    case "yes":
      return anybody
    case "no":
      return nobody
    case "opt-in":
      return operation.policy.fallback.onContentPolicy ? anybody : nobody
    case "larger-window":
      return (other) => FallbackPlan.isLarger(other, lane)
  }
}

/** Whether the request may be too large for this lane alone: a larger one has failed for a reason of its own. */
const hasFailedLarger = (operation: Operation, lane: Lane.Lane, error: Failure.Failure | Refusal.Step): boolean =>
  error._tag === "ContextLengthExceeded" &&
  operation.plan.lanes.some(
    (other) =>
      FallbackPlan.isLarger(other, lane) &&
      operation.trail.some((entry) => entry.lane === other.id && entry.error._tag !== "ContextLengthExceeded")
  )

/** Whether the error is about the request, so that it says more than that every lane has failed. */
const isRequestFault = (error: Failure.Failure | Refusal.Step): boolean =>
  Failure.isFailure(error) && Disposition.failover(error) !== "yes"

/** Tries one lane, retrying as the policy, the deadline, the budget and the other lanes allow. */
const onLane = <A, R>(
  shared: laneState.Shared,
  operation: Operation,
  lane: Lane.Lane,
  others: ReadonlyArray<Lane.Lane>,
  attempts: Attempts<A, R>,
  hedged: hedge.Outcome,
  first: Failure.Failure | Refusal.Step | undefined
): Effect.Effect<Turn<A>, never, R> => {
  const further = (error: Failure.Failure | Refusal.Step) =>
    behindFailure(shared, operation, lane, others, attempts, hedged, error)
  if (first !== undefined) return further(first)
  // Most attempts succeed: how to retry is not worked out for them.
  return Effect.matchEffect(hedge.attempt(shared, operation, lane, others, attempts, hedged), {
    onSuccess: (answer): Effect.Effect<Turn<A>> =>
      Effect.succeed({ outcome: Result.succeed(answer), isWaiting: false }),
    onFailure: further
  })
}

/** The same when the lane has been asked once, which ended so. */
const behindFailure = <A, R>(
  shared: laneState.Shared,
  operation: Operation,
  lane: Lane.Lane,
  others: ReadonlyArray<Lane.Lane>,
  attempts: Attempts<A, R>,
  hedged: hedge.Outcome,
  first: Failure.Failure | Refusal.Step
): Effect.Effect<Turn<A>, never, R> => {
  let already: Failure.Failure | Refusal.Step | undefined = first
  let isWaiting = false
  let turnMillis = 0
  // Refusals leave the retry loop as values: only a provider's failure is ever repeated in place.
  const attempt = Effect.suspend((): Effect.Effect<A, Failure.Failure | Refusal.Step, R> => {
    if (already === undefined) return hedge.attempt(shared, operation, lane, others, attempts, hedged)
    const error = already
    already = undefined
    return Effect.fail(error)
  }).pipe(
    Effect.matchEffect({
      onSuccess: (answer): Effect.Effect<Outcome<A>, Failure.Failure> => Effect.succeed(Result.succeed(answer)),
      onFailure: (error): Effect.Effect<Outcome<A>, Failure.Failure> =>
        Failure.isFailure(error) ? Effect.fail(error) : Effect.succeed(Result.fail(error))
    })
  )
  const schedule = RetryPolicy.fromSettings(operation.policy.retry).pipe(
    Schedule.while(({ duration, input, now }) =>
      mayRetry(shared, operation, lane, input, duration, notAsked(others, hedged), now)
    ),
    // Waiting on a lane that will refuse after the wait helps nobody: another one is asked now.
    Schedule.while(({ duration, input, now }) => {
      isWaiting = closedMillis(shared, operation, lane, input, now) > Duration.toMillis(duration)
      return !isWaiting
    }),
    // Whoever was told to wait stands in the line with all others who were.
    Schedule.while(({ input, now }) => {
      turnMillis = 0
      if (Disposition.of(input).outcome !== "throttled") return Effect.succeed(true)
      return Effect.map(Random.Random, (random) => {
        const gate = laneState.gateOf(shared, operation, lane)
        const patience = Math.min(Duration.toMillis(operation.policy.retry.patience), operation.deadlineAt - now - 1)
        const turn = limiting.join(gate, operation, lane, patience, random, now)
        isWaiting = turn === undefined
        turnMillis = turn ?? 0
        return !isWaiting
      })
    }),
    // Last of all, so that only a retry that is really made is paid for.
    Schedule.while(({ input }) => canAfford(shared, operation, lane, input)),
    Schedule.while(({ input }) => pay(shared, operation, lane, input)),
    Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.max(duration, Duration.millis(turnMillis)))),
    Schedule.tap(({ duration, input }) => {
      operation.waitedMillis += Duration.toMillis(duration)
      return shared.bus.publish({
        _tag: "RetryScheduled",
        operation: operation.id,
        route: operation.route,
        lane: lane.id,
        provider: lane.provider,
        model: lane.model,
        attempt: operation.sent + 1,
        reason: input._tag,
        delayMillis: Duration.toMillis(duration)
      })
    })
  )
  return attempt.pipe(
    Effect.retry(schedule),
    Effect.catch((failure): Effect.Effect<Outcome<A>> => Effect.succeed(Result.fail(failure))),
    Effect.tap((outcome) => announceRefusal(shared, operation, lane, outcome)),
    Effect.map((outcome) => ({
      outcome,
      isWaiting: isWaiting || (Result.isFailure(outcome) && isClosed(outcome.failure))
    }))
  )
}

/** Whether it is only closed to calls, and opens again. */
const isClosed = (error: Failure.Failure | Refusal.Step): error is Refusal.CircuitOpen | Refusal.LimitReached =>
  error._tag === "CircuitOpen" || (error._tag === "LimitReached" && error.reason !== "throttle")

/** How long the lane will refuse this operation's retry. Whoever was told to wait takes a turn instead. */
const closedMillis = (
  shared: laneState.Shared,
  operation: Operation,
  lane: Lane.Lane,
  failure: Failure.Failure,
  now: number
): number =>
  Disposition.of(failure).outcome === "throttled"
    ? laneState.circuitMillis(shared, operation, lane, now)
    : laneState.waitMillis(shared, operation, lane, now)

const mayRetry = (
  shared: laneState.Shared,
  operation: Operation,
  lane: Lane.Lane,
  failure: Failure.Failure,
  wait: Duration.Duration,
  others: ReadonlyArray<Lane.Lane>,
  now: number
): boolean => {
  const { budget, retry } = operation.policy
  if (operation.sent + others.length >= budget.maxAttempts) return false
  if (Duration.isGreaterThan(wait, retry.patience)) return false
  if (blame.isSuspect(operation, lane, failure._tag, now)) return false
  if (now + Duration.toMillis(wait) >= operation.deadlineAt) return false
  // Waiting out a second long silence on the same lane helps nobody while another lane could answer.
  const isSilence = failure._tag === "Timeout" && (failure.phase === "first-content" || failure.phase === "attempt")
  if (!isSilence && !isLong(operation, operation.lastedMillis)) return true
  return others.every((other) => laneState.waitMillis(shared, operation, other, now) > 0)
}

/** Whether the operation's tokens and money have room for the retry. */
const canAfford = (
  shared: laneState.Shared,
  operation: Operation,
  lane: Lane.Lane,
  failure: Failure.Failure
): Effect.Effect<boolean> => {
  const short = paying.refusal(operation, lane)
  return short === undefined
    ? Effect.succeed(true)
    : Effect.as(suppress(shared, operation, lane, failure, short.budget), false)
}

/** Pays for the retry, or says what of the lane's is spent. */
const pay = (
  shared: laneState.Shared,
  operation: Operation,
  lane: Lane.Lane,
  failure: Failure.Failure
): Effect.Effect<boolean> =>
  Effect.clockWith((clock) => {
    const isThrottled = Disposition.of(failure).outcome === "throttled"
    const spent = laneState.payRetry(shared, operation, lane, isThrottled, clock.currentTimeMillisUnsafe())
    if (spent === undefined) return Effect.succeed(true)
    return Effect.as(suppress(shared, operation, lane, failure, spent === "quota" ? spent : undefined), false)
  })

/** A retry would have been made, but there is nothing to pay it with: of the lane's, or of the operation's own. */
const suppress = (
  shared: laneState.Shared,
  operation: Operation,
  lane: Lane.Lane,
  failure: Failure.Failure,
  budget: Event.SpentBudget | undefined
): Effect.Effect<void> =>
  Effect.suspend(() => {
    limiting.leave(operation)
    return shared.bus.publish({
      _tag: "RetrySuppressed",
      operation: operation.id,
      route: operation.route,
      lane: lane.id,
      provider: lane.provider,
      model: lane.model,
      attempt: operation.sent,
      reason: failure._tag,
      budget
    })
  })

/** Fails as an operation without an answer does: with its one lane's own error, or with the trail over several. */
const fail = Effect.fnUntraced(function* (
  shared: laneState.Shared,
  operation: Operation,
  lanes: ReadonlyArray<Lane.Lane>,
  blames?: "request"
): Effect.fn.Return<never, Failure.Failure | Refusal.Refusal> {
  const { route, trail } = operation
  const last = trail.at(-1)
  // With one lane, its own error says more.
  if (lanes.length === 1 && last !== undefined) return yield* last.error
  if (blames !== undefined) return yield* new Refusal.AllLanesFailed({ route, trail, blames })
  const at = yield* reopening.earliest(shared, operation, lanes)
  return yield* new Refusal.AllLanesFailed({ route, trail, ...at })
})

const announceFailover = (
  shared: laneState.Shared,
  operation: Operation,
  from: Refusal.TrailEntry,
  to: Lane.Lane
): Effect.Effect<void> =>
  shared.bus.publish({
    _tag: "FailedOver",
    operation: operation.id,
    route: operation.route,
    from: from.lane,
    to: to.id,
    reason: from.error._tag
  })

const announceRefusal = (
  shared: laneState.Shared,
  operation: Operation,
  lane: Lane.Lane,
  outcome: Outcome<unknown>
): Effect.Effect<void> =>
  Result.isSuccess(outcome) || Failure.isFailure(outcome.failure)
    ? Effect.void
    : shared.bus.publish(refusalEvent(operation, lane, outcome.failure))

const refusalEvent = (operation: Operation, lane: Lane.Lane, refusal: Refusal.Step): Event.Draft => ({
  _tag: "LaneRefused",
  operation: operation.id,
  route: operation.route,
  lane: lane.id,
  provider: lane.provider,
  model: lane.model,
  reason: refusal._tag,
  limit: refusal._tag === "LimitReached" ? refusal.reason : undefined,
  budget: refusal._tag === "BudgetExhausted" ? refusal.budget : undefined,
  retryAfterMillis:
    refusal._tag === "CircuitOpen" || refusal._tag === "LimitReached" ? hintMillis(refusal.retryAfter) : undefined
})
