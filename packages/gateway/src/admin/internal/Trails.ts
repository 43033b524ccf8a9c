/**
 * What happened to the last operations, event by event. Bounded: the operation that began longest ago makes room. Updated
 * in place, owned by one service.
 */
import type * as Event from "@holdfast/core/Event"

type OperationEvent = Extract<Event.Event, { readonly operation: string }>

/** Events that are kept of one operation; the end is always among them. */
const maxEvents = 200

export interface Trails {
  readonly capacity: number
  readonly byOperation: Map<string, Array<OperationEvent>>
}

export const make = (capacity: number): Trails => ({ capacity, byOperation: new Map() })

const isOperationEvent = (event: Event.Event): event is OperationEvent => "operation" in event

export const add = (trails: Trails, event: Event.Event): void => {
  if (!isOperationEvent(event)) return
  const known = trails.byOperation.get(event.operation)
  if (known === undefined) {
    trails.byOperation.set(event.operation, [event])
    if (trails.byOperation.size > trails.capacity) {
      const [oldest] = trails.byOperation.keys()
      if (oldest !== undefined) trails.byOperation.delete(oldest)
    }
  } else if (known.length < maxEvents || event._tag === "OperationEnded") known.push(event)
}

/** An operation in one line. */
export interface Summary {
  readonly operation: string
  readonly route: string
  readonly kind: string
  /** `running` until it has ended. */
  readonly result: string
  readonly lane?: string | undefined
  readonly tenant?: string | undefined
  readonly attempts: number
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly durationMillis: number
  readonly degraded: boolean
  readonly source?: string | undefined
  /** The classes its attempts failed with, each once. */
  readonly classes: ReadonlyArray<string>
}

export interface Query {
  /** Part of its id, its route, its tenant, one of its lanes or classes. Default: any. */
  readonly text?: string | undefined
  readonly route?: string | undefined
  /** How it ended, or a class one of its attempts failed with. */
  readonly result?: string | undefined
  readonly limit: number
}

/** The latest operations that match, latest first. */
export const search = (trails: Trails, query: Query): ReadonlyArray<Summary> => {
  const found: Array<Summary> = []
  const text = query.text?.trim().toLowerCase() ?? ""
  for (const events of [...trails.byOperation.values()].toReversed()) {
    const summary = summarise(events)
    if (query.route !== undefined && summary.route !== query.route) continue
    if (query.result !== undefined && summary.result !== query.result && !summary.classes.includes(query.result)) {
      continue
    }
    if (text !== "" && !haystack(summary, events).includes(text)) continue
    found.push(summary)
    if (found.length === query.limit) break
  }
  return found
}

const haystack = (summary: Summary, events: ReadonlyArray<OperationEvent>): string =>
  [
    summary.operation,
    summary.route,
    summary.result,
    summary.tenant ?? "",
    ...summary.classes,
    ...events.map((event) => ("lane" in event ? (event.lane ?? "") : ""))
  ]
    .join("\n")
    .toLowerCase()

export const summarise = (events: ReadonlyArray<OperationEvent>): Summary => {
  const [first] = events
  const end = events.findLast((event) => event._tag === "OperationEnded")
  const attempts = events.filter((event) => event._tag === "AttemptEnded")
  const failed = attempts.filter((attempt) => attempt.result !== "Success" && attempt.result !== "Cancelled")
  const at = end?.at ?? events.at(-1)?.at ?? 0
  const startedAt = Math.min(
    end === undefined ? (first?.at ?? 0) : end.at - end.durationMillis,
    ...attempts.map((attempt) => attempt.startedAt)
  )
  return {
    operation: first?.operation ?? "",
    route: first?.route ?? "",
    kind: end?.kind ?? attempts[0]?.kind ?? "text",
    result: end?.result ?? "running",
    lane: end?.lane,
    tenant: end?.tenant,
    attempts: end?.attempts ?? attempts.length,
    startedAt,
    durationMillis: at - startedAt,
    degraded: end?.degraded ?? false,
    source: end?.source,
    classes: [...new Set(failed.map(({ result }) => result))]
  }
}
