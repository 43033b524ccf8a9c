/** An attempt that has passed the guards: what it holds and owes, and what is known about it. */
import type * as Adaptation from "../Adaptation.ts"
import type { Usage } from "../Operation.ts"
import { voidPermit } from "./Circuit.ts"
import type * as AdaptiveLimitState from "./AdaptiveLimitState.ts"
import type * as RetryQuotaState from "./RetryQuotaState.ts"
import * as ThrottleState from "./ThrottleState.ts"
import * as Gate from "./Gate.ts"
import * as limiting from "./limiting.ts"
import * as paying from "./paying.ts"
import type { Operation } from "./running.ts"
import type { Estimate } from "./Spending.ts"
import type { LaneState } from "./laneState.ts"

/** What is known about an attempt besides how it ended. */
export interface Observed {
  firstContentAt: number | undefined
  /** The longest wait between two pieces of a stream, in milliseconds. */
  longestGapMillis: number | undefined
  inputTokens: number | undefined
  outputTokens: number | undefined
  /** What of the input went through the provider's cache, if any did. */
  cached: Pick<Usage, "cacheReadTokens" | "cacheWriteTokens"> | undefined
}

/** What guards that are options have counted of an attempt. */
export interface Counted {
  /** The limit that is found by trying, if that is how the lane's is. */
  readonly adaptive: AdaptiveLimitState.AdaptiveLimit | undefined
  /** What ran when it began, itself among it. */
  readonly inFlight: number
  /** Where the throttle counts it, if there is one. */
  readonly throttle: ThrottleState.Throttle | undefined
  readonly ticket: ThrottleState.Ticket
  /** The quota that answers fill, if there is one, and what was paid from it for this attempt. */
  readonly quota: RetryQuotaState.RetryQuota | undefined
  readonly paid: number | undefined
  /** What was reserved of the operation's tokens and money; absent where neither is limited. */
  readonly reserved: Estimate | undefined
}

const count = (operation: Operation, { bound, lane, quota, slots, throttle }: LaneState, now: number): Counted => ({
  adaptive: typeof bound === "number" ? undefined : bound,
  inFlight: slots.running,
  throttle,
  ticket: throttle === undefined ? 0 : ThrottleState.send(throttle, now),
  quota,
  paid: quota === undefined ? undefined : operation.takePaid(lane),
  reserved: paying.reserve(operation, lane)
})

/** An attempt that holds a slot and its admissions. Made where nothing is in its way. */
export class Started implements Observed {
  readonly state: LaneState
  readonly number: number
  readonly startedAt: number
  readonly waitedMillis: number
  /** The permits of the lane's circuits. */
  readonly permit: number
  readonly credentialPermit: number
  readonly modelPermit: number
  firstContentAt: number | undefined = undefined
  longestGapMillis: number | undefined = undefined
  inputTokens: number | undefined = undefined
  outputTokens: number | undefined = undefined
  cached: Observed["cached"] = undefined
  /** The call has begun: a request may be under way. */
  isSent = false
  /** What the lane has changed in the meaning of the request. */
  adaptations: ReadonlyArray<Adaptation.Code> | undefined = undefined
  /** Absent where all of those guards are off. */
  readonly counted: Counted | undefined
  /** What was counted against limits; absent while there are none. */
  pass: Gate.Pass | undefined
  /** It keeps company to another attempt that is slow. */
  readonly isHedge: boolean
  /** It asks the lane of the attempt before again. */
  readonly isRetry: boolean
  /** Set by the first `end`. */
  isEnded = false

  constructor(operation: Operation, state: LaneState, now: number, isHedge: boolean) {
    const { circuits } = state
    this.isHedge = isHedge
    const { breaker, credentialBreaker } = operation.figures
    this.state = state
    this.number = ++operation.sent
    this.startedAt = now
    this.waitedMillis = operation.waitedMillis
    operation.waitedMillis = 0
    this.counted =
      typeof state.bound === "number" &&
      state.throttle === undefined &&
      state.quota === undefined &&
      operation.spending === undefined
        ? undefined
        : count(operation, state, now)
    this.isRetry = operation.lastLane === state.lane
    operation.lastLane = state.lane
    // Looked at in this same step: none can refuse now.
    this.pass = Gate.isQuiet(state.gate, now) ? undefined : limiting.pass(state.gate, operation, state.lane, now)
    this.permit = circuits.lane.admit(now, breaker) ?? voidPermit
    this.credentialPermit = circuits.credential.admit(now, credentialBreaker) ?? voidPermit
    this.modelPermit = circuits.model.admit(now, breaker) ?? voidPermit
  }
}
