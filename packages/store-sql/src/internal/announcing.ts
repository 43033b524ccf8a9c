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

/** Between two events while rows are dropped. */
const repeatMillis = 60_000

/** What there is to say at that instant, having said `last`. Pure. */
export const next = (now: Backlogged, last: Changed, lastAt: number, at: number): Changed | undefined => {
  const { away, bytes, dropped, oldestAt, problem, records } = now
  const oldestMillis = oldestAt === undefined || records === 0 ? undefined : Math.max(0, at - oldestAt)
  const lost = dropped - last.dropped
  const say = (to: Changed["to"], reason: string): Changed => ({
    _tag: "JournalChanged",
    to,
    records,
    bytes,
    oldestMillis,
    dropped,
    reason
  })
  if (lost > 0) return last.to === "full" && at - lastAt < repeatMillis ? undefined : say("full", `${lost} dropped`)
  const change =
    problem !== undefined
      ? say("failing", problem)
      : away
        ? say("behind", "the database is away")
        : records > 0 && (oldestMillis ?? 0) > lateMillis
          ? say("behind", "the database is slow")
          : records === 0 || last.to !== "full"
            ? say("current", "the database has everything")
            : undefined
  // What was dropped does not come back, so a full one is behind only once it is no longer away.
  return change === undefined || change.to === last.to || (last.to === "full" && change.to === "behind")
    ? undefined
    : change
}

/** Looks once a second, without end. */
export const announcing = (bus: EventBus.EventBus["Service"], look: () => Backlogged): Effect.Effect<never> => {
  let last: Changed = {
    _tag: "JournalChanged",
    to: "current",
    records: 0,
    bytes: 0,
    dropped: 0,
    reason: "it has just begun"
  }
  let lastAt = 0
  return Effect.sleep(interval).pipe(
    Effect.andThen(Clock.currentTimeMillis),
    Effect.flatMap((at) => {
      const change = next(look(), last, lastAt, at)
      if (change === undefined) return Effect.void
      last = change
      lastAt = at
      return bus.publish(change)
    }),
    Effect.forever
  )
}
