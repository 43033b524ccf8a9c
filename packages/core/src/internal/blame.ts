/**
 * Whether a failure is held against the lane or against the request. A request may break every provider it meets; it must
 * not open their circuits one after another, nor go on to the next. A real outage looks alike to one request, but not to the
 * others: while it lasts nobody is answered. So what others have been told since the operation began decides.
 */
import * as Disposition from "../Disposition.ts"
import type * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import type * as Refusal from "../Refusal.ts"
import type { LaneState } from "./laneState.ts"
import type { Operation } from "./running.ts"

/** A lane that broke on the operation's request. */
export interface Witness {
  readonly state: LaneState
  readonly class: Failure.Class
}

/**
 * How a provider breaks on what it was sent. Silence, lost connections, limits and overload have causes of their own; what
 * speaks about the request anyway needs no second opinion.
 */
const breaks: ReadonlySet<Failure.Class> = new Set([
  "ServiceUnavailable",
  "InvalidResponse",
  "StreamTruncated",
  "Unknown"
])

/**
 * Whether the lane is known to work: it answers at least four calls of five, of twenty or more, and since the operation
 * began it has been sent and has answered a request of somebody else.
 */
const answersOthers = ({ answeredSince, health }: LaneState, operation: Operation, now: number): boolean => {
  if (answeredSince < operation.startedAt) return false
  const standing = health.standing(now)
  return standing === "healthy" || standing === "degraded"
}

/**
 * Hears of a failure of the operation on a lane; true where that lane must not suffer for it. So it is when another
 * credential or provider, which answers others, has broken on the request in the same way; and when the key of another
 * credential of this provider was refused as well.
 */
export const hear = (operation: Operation, state: LaneState, class_: Failure.Class, now: number): boolean => {
  if (operation.plan.lanes.length === 1 || !(class_ === "Authentication" || breaks.has(class_))) return false
  const { witnesses } = operation
  if (witnesses.every((other) => other.state !== state || other.class !== class_)) {
    witnesses.push({ state, class: class_ })
  }
  return isSuspect(operation, state.lane, class_, now)
}

/** Whether such a failure on the lane was heard of elsewhere, so that to ask the lane again would be as much in vain. */
export const isSuspect = (operation: Operation, lane: Lane.Lane, class_: Failure.Class, now: number): boolean =>
  operation.witnesses.some(({ class: other, state }) => {
    const { credential, provider } = state.lane
    if (other !== class_ || (provider === lane.provider && credential === lane.credential)) return false
    return class_ === "Authentication" ? provider === lane.provider : answersOthers(state, operation, now)
  })

/** Whether lanes of two providers have broken on the request alike, each of which answers others. */
export const isRequest = (operation: Operation, now: number): boolean => {
  const { witnesses } = operation
  return (
    witnesses.length > 1 &&
    witnesses.some((one) =>
      witnesses.some(
        (other) =>
          breaks.has(one.class) &&
          other.class === one.class &&
          other.state.lane.provider !== one.state.lane.provider &&
          answersOthers(one.state, operation, now) &&
          answersOthers(other.state, operation, now)
      )
    )
  )
}

/**
 * Whether the lane has failed as another credential of the same model did before: then it is the model or the request, and
 * further credentials of that model are worth less than any other model.
 */
export const isModel = (operation: Operation, { error, lane: id }: Refusal.TrailEntry): boolean => {
  const { lanes } = operation.plan
  const lane = lanes.find((one) => one.id === id)
  if (lane === undefined || !isHeldAgainstModel(error._tag)) return false
  return operation.trail.some(({ error: other, lane: otherId }) => {
    const before = lanes.find((one) => one.id === otherId)
    return (
      other._tag === error._tag &&
      before?.provider === lane.provider &&
      before.model === lane.model &&
      before.credential !== lane.credential
    )
  })
}

/** A limit that one credential has reached says nothing about the next one. */
const isHeldAgainstModel = (tag: Refusal.TrailEntry["error"]["_tag"]): boolean =>
  isClass(tag) && Disposition.table[tag].outcome !== "throttled"

const isClass = (tag: Refusal.TrailEntry["error"]["_tag"]): tag is Failure.Class =>
  Object.hasOwn(Disposition.table, tag)
