/**
 * An operation over its lanes: retry on a lane, go on to the next, wait for one to reopen, stop where going on is wrong.
 * What an attempt is, and how long it holds its slot, is the caller's.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Disposition from "../Disposition.ts"
import type * as Event from "../Event.ts"
import * as Failure from "../Failure.ts"
import * as FallbackPlan from "../FallbackPlan.ts"
import type * as Lane from "../Lane.ts"
import * as Refusal from "../Refusal.ts"
import * as RetryPolicy from "../RetryPolicy.ts"
import * as guards from "./guards.ts"
import { isFinal, type Operation } from "./running.ts"

/** One request to one lane, with all its guards. */
export type AttemptOn<A, R> = (lane: Lane.Lane, isRetry: boolean) => Effect.Effect<A, Failure.Failure | Refusal.Step, R>

type Outcome<A> = Result.Result<A, Failure.Failure | Refusal.Step>

/** Runs the operation over the lanes in the given order. */
export const run = Effect.fnUntraced(function* <A, R>(
  shared: guards.Shared,
  operation: Operation,
  lanes: ReadonlyArray<Lane.Lane>,
  attemptOn: AttemptOn<A, R>
): Effect.fn.Return<A, Failure.Failure | Refusal.Refusal, R> {
  let pending = lanes
  let previous: Refusal.TrailEntry | undefined
  while (true) {
    const refused: Array<Lane.Lane> = []
    while (true) {
      const [lane, ...others] = pending
      if (lane === undefined) break
      if (previous !== undefined) yield* announceFailover(shared, operation, previous, lane)
      const sentBefore = operation.sent
      const outcome = yield* onLane(shared, operation, lane, others, attemptOn)
      if (Result.isSuccess(outcome)) {
        operation.answeredBy = lane
        return outcome.success
      }
      const error = outcome.failure
      previous = { lane: lane.id, attempts: operation.sent - sentBefore, error }
      operation.trail.push(previous)
      if (isFinal(error)) break
      if (error._tag === "CircuitOpen" || error._tag === "LimitReached") refused.push(lane)
      const next = lanesAfter(operation, lane, error, others)
      if (next === "stop") return yield* Effect.fail(error)
      pending = next
    }
    const last = operation.trail.at(-1)
    const reopensIn = yield* earliest(shared, lanes)
    if (
      last === undefined ||
      isFinal(last.error) ||
      refused.length === 0 ||
      !operation.policy.fallback.waitForReopening ||
      operation.sent >= operation.policy.budget.maxAttempts ||
      !(yield* waitForReopening(shared, operation, refused))
    ) {
      return yield* Effect.fail(verdict(operation, lanes, reopensIn))
    }
    previous = undefined
    pending = refused
  }
})

/** The lanes that may still be asked after this error, or `stop` when asking anybody would be wrong. */
const lanesAfter = (
  operation: Operation,
  lane: Lane.Lane,
  error: Failure.Failure | Refusal.Step,
  others: ReadonlyArray<Lane.Lane>
): ReadonlyArray<Lane.Lane> | "stop" => {
  if (!Failure.isFailure(error)) return others
  switch (Disposition.failover(error)) {
    case "yes":
      return others
    case "no":
      return "stop"
    case "opt-in":
      return operation.policy.fallback.onContentPolicy ? others : "stop"
    case "larger-window": {
      const larger = others.filter((other) => FallbackPlan.isLarger(other, lane))
      return larger.length === 0 ? "stop" : larger
    }
  }
}

/** Tries one lane, retrying as the policy, the deadline, the budget and the other lanes allow. */
const onLane = <A, R>(
  shared: guards.Shared,
  operation: Operation,
  lane: Lane.Lane,
  others: ReadonlyArray<Lane.Lane>,
  attemptOn: AttemptOn<A, R>
): Effect.Effect<Outcome<A>, never, R> => {
  let isRetry = false
  // Refusals leave the retry loop as values: only a provider's failure is ever repeated in place.
  const attempt = Effect.suspend(() => attemptOn(lane, isRetry)).pipe(
    Effect.matchEffect({
      onSuccess: (answer): Effect.Effect<Outcome<A>, Failure.Failure> => Effect.succeed(Result.succeed(answer)),
      onFailure: (error): Effect.Effect<Outcome<A>, Failure.Failure> =>
        Failure.isFailure(error) ? Effect.fail(error) : Effect.succeed(Result.fail(error))
    })
  )
  const schedule = RetryPolicy.make(operation.policy.retry).pipe(
    Schedule.while(({ duration, input }) => mayRetry(shared, operation, input, duration, others)),
    Schedule.tap(({ duration, input }) => {
      isRetry = true
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
    Effect.tap((outcome) => announceRefusal(shared, operation, lane, outcome))
  )
}

const mayRetry = Effect.fnUntraced(function* (
  shared: guards.Shared,
  operation: Operation,
  failure: Failure.Failure,
  wait: Duration.Duration,
  others: ReadonlyArray<Lane.Lane>
) {
  const { budget, retry } = operation.policy
  if (operation.sent + others.length >= budget.maxAttempts) return false
  if (Duration.isGreaterThan(wait, retry.patience)) return false
  const now = yield* Clock.currentTimeMillis
  if (now + Duration.toMillis(wait) >= operation.deadlineAt) return false
  // Waiting out a second long silence on the same lane helps nobody while another lane could answer.
  if (failure._tag !== "Timeout" || (failure.phase !== "first-content" && failure.phase !== "attempt")) return true
  for (const other of others) {
    if ((yield* guards.waitMillis(shared, other)) === 0) return false
  }
  return true
})

/** Waits until one of the lanes may be called. False when that would be too late. */
const waitForReopening = Effect.fnUntraced(function* (
  shared: guards.Shared,
  operation: Operation,
  lanes: ReadonlyArray<Lane.Lane>
) {
  // Subscribe before looking, so that a change in between is not missed.
  const changes: Array<Effect.Effect<void>> = []
  for (const lane of lanes) {
    changes.push(yield* shared.breaker.nextChange(lane.id))
    changes.push(yield* shared.breaker.nextChange(guards.credentialCircuit(lane)))
  }
  const now = yield* Clock.currentTimeMillis
  let soonest: { readonly lane: Lane.Lane; readonly millis: number } | undefined
  for (const lane of lanes) {
    const { state } = yield* shared.breaker.snapshot(lane.id)
    const millis = yield* guards.waitMillis(shared, lane)
    // A probe that is under way decides long before its lease ends; patience bounds the wait for it.
    const bound = state === "half-open" ? Math.min(millis, Duration.toMillis(operation.policy.retry.patience)) : millis
    if (soonest === undefined || bound < soonest.millis) soonest = { lane, millis: bound }
  }
  if (soonest === undefined || now + soonest.millis >= operation.deadlineAt) return false
  yield* shared.bus.publish({
    _tag: "WaitingForLane",
    operation: operation.id,
    route: operation.route,
    lane: soonest.lane.id,
    delayMillis: soonest.millis
  })
  yield* Effect.raceAllFirst([Effect.sleep(Duration.millis(soonest.millis)), ...changes])
  operation.waitedMillis += (yield* Clock.currentTimeMillis) - now
  return true
})

const earliest = Effect.fnUntraced(function* (shared: guards.Shared, lanes: ReadonlyArray<Lane.Lane>) {
  const waits: Array<number> = []
  for (const lane of lanes) {
    const wait = yield* guards.waitMillis(shared, lane)
    if (wait > 0) waits.push(wait)
  }
  return waits.length === 0 ? undefined : Duration.millis(Math.min(...waits))
})

/** How an operation without an answer ends: with its one lane's own error, or with the trail over several. */
const verdict = (
  operation: Operation,
  lanes: ReadonlyArray<Lane.Lane>,
  retryAfter: Duration.Duration | undefined
): Failure.Failure | Refusal.Refusal => {
  const last = operation.trail.at(-1)
  if (lanes.length === 1 && last !== undefined) return last.error
  return new Refusal.AllLanesFailed({ route: operation.route, trail: operation.trail, retryAfter })
}

const announceFailover = (
  shared: guards.Shared,
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
  shared: guards.Shared,
  operation: Operation,
  lane: Lane.Lane,
  outcome: Outcome<unknown>
): Effect.Effect<void> => {
  if (Result.isSuccess(outcome) || Failure.isFailure(outcome.failure)) return Effect.void
  const refusal = outcome.failure
  const reason: Event.Result = refusal._tag
  return shared.bus.publish({
    _tag: "LaneRefused",
    operation: operation.id,
    route: operation.route,
    lane: lane.id,
    provider: lane.provider,
    model: lane.model,
    reason,
    retryAfterMillis:
      refusal._tag === "CircuitOpen" || refusal._tag === "LimitReached"
        ? Duration.toMillis(refusal.retryAfter)
        : undefined
  })
}
