/** What all guards learn when an attempt is over, and what is given back. Only the first `end` of an attempt counts. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Disposition from "../Disposition.ts"
import type * as Event from "../Event.ts"
import * as Failure from "../Failure.ts"
import { minimumEvidence } from "../Health.ts"
import type * as Lane from "../Lane.ts"
import type * as Limits from "../Limits.ts"
import { maxHoldMillis } from "../Limits.ts"
import type * as Refusal from "../Refusal.ts"
import * as RetryPolicy from "../RetryPolicy.ts"
import * as blame from "./blame.ts"
import type { Circuit } from "./Circuit.ts"
import * as AdaptiveLimitState from "./AdaptiveLimitState.ts"
import * as adapting from "./adapting.ts"
import * as RetryQuotaState from "./RetryQuotaState.ts"
import * as ThrottleState from "./ThrottleState.ts"
import * as Gate from "./Gate.ts"
import * as HealthWindow from "./HealthWindow.ts"
import { hintMillis } from "./hint.ts"
import * as latencies from "./latencies.ts"
import * as LatencyQuantile from "./LatencyQuantile.ts"
import * as limiting from "./limiting.ts"
import * as paying from "./paying.ts"
import { isLong, type Operation, type Used } from "./running.ts"
import * as Slots from "./Slots.ts"
import type { LaneState, Reach, Shared } from "./laneState.ts"
import * as laneState from "./laneState.ts"
import type { Counted, Observed, Started } from "./Started.ts"

/** Whether the provider did not take the call: it refused it, was overloaded, or was not there. */
const isUnaccepted = (failure: Failure.Failure): boolean => unaccepted.has(failure._tag)

const unaccepted: ReadonlySet<Failure.Class> = new Set([
  "RateLimit",
  "QuotaExceeded",
  "ModelOverloaded",
  "ServiceUnavailable",
  "Timeout",
  "Network"
])

/** The headers of a response are here, and say what is left of the lane's limits. */
export const heed = (
  shared: Shared,
  operation: Operation,
  started: Started,
  said: Limits.Stated,
  now: number
): void => {
  const { lane } = started.state
  // The first word about limits comes to a request that was not counted, since there were none.
  started.pass ??= limiting.pass(laneState.gateOf(shared, operation, lane), operation, lane, now)
  Gate.correct(started.pass, said, now)
}

/** Remembers how long the lane took for an answer, or has taken so far. */
export const noteLatency = (
  shared: Shared,
  operation: Operation,
  lane: Lane.Lane,
  startedAt: number,
  endedAt: number
): void => {
  const known = laneState.stateOf(shared, operation, lane).latencies
  if (known !== undefined) LatencyQuantile.record(latencies.of(known, operation.kind), endedAt - startedAt, endedAt)
}

/** Gives everything back and tells circuits, limits, health and the bus how the attempt ended. */
export const end = (
  shared: Shared,
  operation: Operation,
  started: Started,
  exit: Exit.Exit<unknown, Failure.Failure | Refusal.Refusal>
): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const now = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
    endUnsafe(shared, operation, started, exit, now, fiber.getRef(Random.Random))
    return Effect.void
  })

export const endUnsafe = (
  shared: Shared,
  operation: Operation,
  started: Started,
  exit: Exit.Exit<unknown, Failure.Failure | Refusal.Refusal>,
  now: number,
  random: limiting.Random
): void => {
  if (started.isEnded) return
  started.isEnded = true
  const { state } = started
  const { circuits, lane } = state
  const { breaker, credentialBreaker, slowCallMillis } = operation.figures
  const failure = failureOf(exit)
  const result = resultOf(exit)
  const durationMillis = now - started.startedAt
  const firstContentMillis = firstContentMillisOf(started)
  if (result !== "Success") operation.lastedMillis = durationMillis
  if (operation.sink !== undefined) {
    const entry = { lane: lane.id, result, durationMillis, waitMillis: started.waitedMillis }
    operation.attempts.push(started.isHedge ? { ...entry, hedge: true } : entry)
  }

  if (result === "Success" && started.startedAt > state.answeredSince) state.answeredSince = started.startedAt
  const line = failure === undefined ? undefined : Disposition.of(failure)
  const isPardoned = failure !== undefined && blame.hear(operation, state, failure._tag, now)
  const hint = hintMillis(failure?.retryAfter) ?? 0
  const probedLane = isProbe(circuits.lane, started.permit)
  const probedModel = isProbe(circuits.model, started.modelPermit)
  // Slowness is told to the lane alone: its credential serves other models, and its model other places.
  const isSlow = slowestMillis(operation, durationMillis, firstContentMillis, started) > slowCallMillis
  const isHung =
    failure === undefined &&
    result !== "Success" &&
    wasHung(operation, state, result, durationMillis, firstContentMillis, now)
  const own = isHung ? "failure" : isPardoned ? "neutral" : outcomeOn("lane", result, line)
  circuits.lane.settle(started.permit, own, isSlow, result, hint, random, now, breaker)
  const credential = isPardoned ? "neutral" : outcomeOn("credential", result, line)
  circuits.credential.settle(started.credentialPermit, credential, false, result, hint, random, now, credentialBreaker)
  const model = isPardoned ? "neutral" : outcomeOn("model", result, line)
  circuits.model.settle(started.modelPermit, model, false, result, hint, random, now, breaker)
  // What was before the recovery no longer speaks about the lane.
  if ((probedLane && isClosed(circuits.lane)) || (probedModel && isClosed(circuits.model))) state.health.restart(now)
  if (started.counted !== undefined) settle(operation, started, started.counted, result, failure, random, now)
  if (started.pass !== undefined) limiting.settle(started.pass, started, failure, now)
  if (failure !== undefined && line !== undefined) react(shared, operation, started, failure, line, random, now)
  if (result === "Success" || isHung || (line?.blames === "lane" && !isPardoned)) {
    state.health.record(now, durationMillis, firstContentMillis, isHung ? "Timeout" : failure?._tag)
  }
  if (state.latencies !== undefined && result === "Success") {
    const endedAt = operation.kind === "stream" ? (started.firstContentAt ?? now) : now
    noteLatency(shared, operation, lane, started.startedAt, endedAt)
  }
  if (shared.bus.isHeard()) announce(shared, operation, started, result, failure, isPardoned, now)
  // Last, since whoever waits for the slot takes it in this same step, and must meet what has just been learnt.
  Slots.give(state.slots)
}

/** Tells the guards that are options how the attempt ended. */
const settle = (
  operation: Operation,
  started: Started,
  { adaptive, inFlight, paid, quota, reserved, throttle, ticket }: Counted,
  result: Event.Result,
  failure: Failure.Failure | undefined,
  random: limiting.Random,
  now: number
): void => {
  const isAnswered = result === "Success"
  if (adaptive !== undefined && (isAnswered || adapting.isDropped(failure))) {
    const since = operation.kind === "stream" ? (started.firstContentAt ?? now) : now
    const millis = since - started.startedAt
    AdaptiveLimitState.record(adaptive, millis, inFlight, !isAnswered, random.nextDoubleUnsafe(), now)
  }
  if (throttle !== undefined && failure !== undefined && isUnaccepted(failure)) ThrottleState.refuse(throttle, ticket)
  if (quota !== undefined && isAnswered) RetryQuotaState.answer(quota, paid)
  if (reserved !== undefined) {
    paying.settle(operation, reserved, paying.used(operation, started.state.lane, started, isAnswered, failure))
  }
}

/**
 * Whether an attempt that the operation's deadline has cut off says something about its lane all the same: it had at least
 * half of its own clock and longer than the lane usually takes, and nothing had come. Else a lane that hangs would never be
 * found out by operations whose time is short.
 */
const wasHung = (
  operation: Operation,
  { health }: LaneState,
  result: Event.Result,
  durationMillis: number,
  firstContentMillis: number | undefined,
  now: number
): boolean => {
  const isCut = result === "DeadlineExceeded" || (result === "Cancelled" && now >= operation.deadlineAt)
  if (!isCut || firstContentMillis !== undefined || !isLong(operation, durationMillis)) return false
  const { calls, firstContentP95Millis, p95Millis } = HealthWindow.summarise(health.window, now)
  const usual = operation.kind === "stream" ? firstContentP95Millis : p95Millis
  return calls < minimumEvidence || usual === undefined || durationMillis > usual
}

const announce = (
  shared: Shared,
  operation: Operation,
  started: Started,
  result: Event.Result,
  failure: Failure.Failure | undefined,
  isPardoned: boolean,
  now: number
): void => {
  const { firstContentAt, startedAt, waitedMillis } = started
  const { lane } = started.state
  const { account, goesOn, origin } = operation
  const used = paying.known(operation, lane, started, result === "Success", failure)
  account.add(used)
  account.waitedMillis += waitedMillis
  if (firstContentAt !== undefined) account.firstContentAt = Math.min(account.firstContentAt ?? now, firstContentAt)
  shared.bus.publishUnsafe(now, {
    _tag: "AttemptEnded",
    operation: operation.id,
    route: operation.route,
    lane: lane.id,
    provider: lane.provider,
    model: lane.model,
    credential: lane.credential,
    kind: operation.kind,
    attempt: started.number,
    startedAt,
    durationMillis: now - startedAt,
    firstContentMillis: firstContentMillisOf(started),
    result,
    ...(started.isHedge ? { hedge: true } : {}),
    ...(isPardoned ? { pardoned: true } : {}),
    ...(started.adaptations === undefined ? {} : { adapted: started.adaptations }),
    ...(goesOn ? { continued: true } : {}),
    ...(firstContentAt !== undefined && isCut(result) ? { truncated: true } : {}),
    waitedMillis,
    tenant: origin.tenant,
    ...amountsOf(used),
    ...(failure === undefined
      ? {}
      : {
          rule: failure.rule,
          status: failure.status,
          providerCode: failure.providerCode,
          requestId: failure.requestId,
          retryAfterMillis: hintMillis(failure.retryAfter),
          message: failure.message
        })
  })
}

/** Whether an answer that had begun has not come to its end, and not because its caller left. */
export const isCut = (result: Event.Result): boolean => result !== "Success" && result !== "Cancelled"

/** What was used, as events say it. */
export const amountsOf = ({ cacheReadTokens, inputTokens, isEstimated, outputTokens, usd }: Used) => ({
  inputTokens,
  outputTokens,
  cachedTokens: cacheReadTokens,
  ...(isEstimated ? { estimated: true } : {}),
  usd
})

const firstContentMillisOf = ({ firstContentAt, startedAt }: Started): number | undefined =>
  firstContentAt === undefined ? undefined : firstContentAt - startedAt

const isProbe = (circuit: Circuit, permit: number): boolean => permit < 0 && circuit.state._tag === "HalfOpen"

const isClosed = (circuit: Circuit): boolean => circuit.state._tag === "Closed"

/** What a circuit learns from a result: only the one that the class of the failure speaks about learns more than nothing. */
const outcomeOn = (reach: Reach, result: Event.Result, line: Disposition.Disposition | undefined) => {
  if (result === "Success") return "success"
  if (result === "Defect") return reach === "lane" ? "failure" : "neutral"
  if (line === undefined || line.circuit !== reach || line.outcome === "throttled") return "neutral"
  return line.outcome
}

/** Cools the lane where the provider asked for a wait, and calls for a person where one is needed. */
const react = (
  shared: Shared,
  operation: Operation,
  started: Started,
  failure: Failure.Failure,
  line: Disposition.Disposition,
  random: limiting.Random,
  now: number
): void => {
  const { lane } = started.state
  if (line.outcome === "throttled") {
    const millis = Math.min(
      hintMillis(failure.retryAfter) ?? unhintedMillis(operation, started, failure, random),
      maxHoldMillis
    )
    if (shared.limits.coolUnsafe(lane, millis, now)) {
      shared.bus.publishUnsafe(now, {
        _tag: "LaneCooling",
        lane: lane.id,
        provider: lane.provider,
        model: lane.model,
        credential: lane.credential,
        reason: failure._tag,
        untilMillis: now + millis
      })
    }
  }
  if (line.alert) {
    shared.bus.publishUnsafe(now, {
      _tag: "AttentionNeeded",
      operation: operation.id,
      route: operation.route,
      lane: lane.id,
      provider: lane.provider,
      model: lane.model,
      reason: failure._tag,
      rule: failure.rule,
      message: failure.message
    })
  }
}

/** What of an attempt may have been slow: of a stream its first content and its gaps, of anything else all of it. */
const slowestMillis = (
  { kind }: Operation,
  durationMillis: number,
  firstContentMillis: number | undefined,
  { longestGapMillis }: Observed
): number =>
  kind === "stream" ? Math.max(firstContentMillis ?? durationMillis, longestGapMillis ?? 0) : durationMillis

/**
 * A limit without a stated wait cools for the first backoff step, spread by chance like it; a quota, for as long as an open
 * circuit, once no retry is left that could show the verdict to have been wrong.
 */
const unhintedMillis = (
  operation: Operation,
  { isRetry }: Started,
  failure: Failure.Failure,
  random: limiting.Random
): number => {
  const { breaker, retry } = operation.policy
  if (failure._tag === "QuotaExceeded" && (isRetry || retry.maxRetries === 0)) return Duration.toMillis(breaker.open)
  return RetryPolicy.delayMillis(retry, 1, Disposition.of(failure).baseFactor, 0, random.nextDoubleUnsafe())
}

const failureOf = (exit: Exit.Exit<unknown, Failure.Failure | Refusal.Refusal>): Failure.Failure | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const error = Cause.findErrorOption(exit.cause)
  return error._tag === "Some" && Failure.isFailure(error.value) ? error.value : undefined
}

/** How an attempt or an operation ended, in one word. */
export const resultOf = (exit: Exit.Exit<unknown, Failure.Failure | Refusal.Refusal>): Event.Result => {
  if (Exit.isSuccess(exit)) return "Success"
  const error = Cause.findErrorOption(exit.cause)
  if (error._tag === "Some") return error.value._tag
  return Cause.hasInterruptsOnly(exit.cause) ? "Cancelled" : "Defect"
}
