/**
 * The failures of attempts since the start, those alike as one: same class, same rule, same provider. Bounded: the group
 * that was quiet longest makes room. Updated in place, owned by one service.
 */
import type * as Event from "@holdfast/core/Event"
import type * as Model from "../Model.ts"

const maxGroups = 500
const maxOperations = 20

export interface Resolution {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly by: string
  readonly note: string
}

export interface Group {
  /** `class|rule|provider`. */
  readonly id: string
  readonly class: string
  readonly rule: string
  readonly provider: string
  readonly firstSeen: number
  lastSeen: number
  count: number
  /** How many on which lane. */
  readonly lanes: Map<string, number>
  /** The latest operations it happened to, latest first. */
  operations: ReadonlyArray<string>
  /** Our sentence about the latest one. */
  message: string
  /** Nothing since then: a new one opens the group again. */
  resolution: Resolution | undefined
  /** It was resolved, and came back. */
  regressed: boolean
}

/** By id, the one that was quiet longest first. */
export type ErrorGroups = Map<string, Group>

export const make = (): ErrorGroups => new Map()

export const idOf = (failure: { readonly class: string; readonly rule: string; readonly provider: string }): string =>
  `${failure.class}|${failure.rule}|${failure.provider}`

export const add = (groups: ErrorGroups, event: typeof Event.AttemptEnded.Type): void => {
  if (event.result === "Success" || event.result === "Cancelled") return
  const failure = { class: event.result, rule: event.rule ?? "", provider: event.provider }
  const id = idOf(failure)
  const group: Group = groups.get(id) ?? {
    ...failure,
    id,
    firstSeen: event.at,
    lastSeen: event.at,
    count: 0,
    lanes: new Map(),
    operations: [],
    message: "",
    resolution: undefined,
    regressed: false
  }
  // Once more at the end: it was heard of last.
  groups.delete(id)
  groups.set(id, group)
  group.lastSeen = event.at
  group.count += 1
  group.lanes.set(event.lane, (group.lanes.get(event.lane) ?? 0) + 1)
  group.operations = [event.operation, ...group.operations.filter((one) => one !== event.operation)].slice(
    0,
    maxOperations
  )
  group.message = event.message ?? group.message
  if (group.resolution !== undefined) {
    group.resolution = undefined
    group.regressed = true
  }
  if (groups.size > maxGroups) {
    const [quiet] = groups.keys()
    if (quiet !== undefined) groups.delete(quiet)
  }
}

/** True if there is such a group. */
export const resolve = (groups: ErrorGroups, id: string, resolution: Resolution): boolean => {
  const group = groups.get(id)
  if (group === undefined) return false
  group.resolution = resolution
  group.regressed = false
  return true
}

/** A group as it was before this process, and as it is in it, as one: what was resolved before and is here has come back. */
export const joined = (before: Model.ErrorGroup, now: Model.ErrorGroup): Model.ErrorGroup => {
  const lanes: Record<string, number> = { ...before.lanes }
  for (const [lane, count] of Object.entries(now.lanes)) lanes[lane] = (lanes[lane] ?? 0) + count
  const wasResolved = before.resolution !== undefined || before.regressed
  return {
    ...now,
    firstSeen: before.firstSeen,
    count: before.count + now.count,
    lanes,
    operations: [...new Set([...now.operations, ...before.operations])].slice(0, maxOperations),
    regressed: now.regressed || (wasResolved && now.resolution === undefined)
  }
}
