/** Says on the bus how the backlog is: when that changes, and from time to time while rows are being lost. */
import type * as Event from "@holdfast/core/Event"
import type * as EventBus from "@holdfast/core/EventBus"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

type Changed = Extract<Event.Draft, { readonly _tag: "JournalChanged" }>

/** How the backlog is. */
export interface Backlogged {
  readonly records: number
  readonly bytes: number
  /** When the oldest row that waits happened. */
  readonly oldestAt: number | undefined
  readonly dropped: number
  /** Why the disk takes nothing. */
  readonly problem: string | undefined
  /** Whether the last statement failed. */
  readonly away: boolean
}

/** Between two looks. */
const interval = "1 second"

/** A row that has waited for so long is behind, though no statement failed. */
const lateMillis = 10_000

/** Where the oldest row has waited for less, the database keeps up, though there is always one that waits. */
const freshMillis = 3_000

/** Between two events while rows are dropped. */
const repeatMillis = 60_000

/** What was said last, and what has been seen since. */
export interface Said {
  readonly change: Changed
  readonly at: number
  /** Rows dropped at the last look. */
  readonly dropped: number
}

export const nothing: Said = {
  change: { _tag: "JournalChanged", to: "current", records: 0, bytes: 0, dropped: 0, reason: "it has just begun" },
  at: 0,
  dropped: 0
}

/** One look at that instant: what there is to say now, if anything. Pure. */
export const step = (now: Backlogged, said: Said, at: number): readonly [Changed | undefined, Said] => {
  const { bytes, dropped, oldestAt, records } = now
  const oldestMillis = oldestAt === undefined || records === 0 ? undefined : Math.max(0, at - oldestAt)
  const found = find({ ...now, oldestMillis }, said, at)
  if (found === undefined) return [undefined, { ...said, dropped }]
  const [to, reason] = found
  const change: Changed = { _tag: "JournalChanged", to, records, bytes, oldestMillis, dropped, reason }
  return [change, { change, at, dropped }]
}

const find = (
  now: Backlogged & { readonly oldestMillis: number | undefined },
  said: Said,
  at: number
): readonly [to: Changed["to"], reason: string] | undefined => {
  const { to } = said.change
  const isRecent = to === "full" && at - said.at < repeatMillis
  if (now.dropped > said.dropped) {
    const why = now.problem === undefined ? "" : ` (${now.problem})`
    return isRecent ? undefined : ["full", `${now.dropped - said.change.dropped} dropped${why}`]
  }
  if (now.problem !== undefined) return to === "failing" || isRecent ? undefined : ["failing", now.problem]
  const isFresh = !now.away && now.oldestMillis !== undefined && now.oldestMillis < freshMillis
  if (now.records === 0 || isFresh) return to === "current" ? undefined : ["current", "the database has everything"]
  // What was dropped does not come back: it is full until all of the rest is written.
  if (to === "full" || to === "behind") return undefined
  if (now.away) return ["behind", "the database is away"]
  return (now.oldestMillis ?? 0) > lateMillis ? ["behind", "the database is slow"] : undefined
}

/** Looks once a second, without end. */
export const announcing = (bus: EventBus.EventBus["Service"], look: () => Backlogged): Effect.Effect<never> => {
  let said = nothing
  return Effect.sleep(interval).pipe(
    Effect.andThen(Clock.currentTimeMillis),
    Effect.flatMap((at) => {
      const [change, next] = step(look(), said, at)
      said = next
      return change === undefined ? Effect.void : bus.publish(change)
    }),
    Effect.forever
  )
}
