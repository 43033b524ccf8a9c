/**
 * The live feed as server-sent events. A reader has nothing but a place in the ring of the last events, so that one that
 * is slow holds up nobody and keeps nothing; one that comes back is given what it missed, as far as that is still there.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as EventRing from "./internal/EventRing.ts"
import type * as Live from "./Live.ts"
import type * as Model from "./Model.ts"

/** How often what has happened is sent, and one in how many times the state. */
const interval = "250 millis"
const stateEvery = 4

/** Events in one message; the rest follows in the next. */
const maxEvents = 500

/** Events of before that a new reader is given. */
const before = 1000

/** From where the header of a reader that comes back says; a number of another process is none of ours. */
export const placeOf = (live: Live.Kept, lastEventId: string | undefined): number | undefined => {
  const [boot, number = ""] = lastEventId?.split(":") ?? []
  return boot === String(live.startedAt) && /^\d+$/.test(number) ? Number(number) : undefined
}

/** The feed from a place on; where there is none, with a little of what was before. */
export const make = (
  live: Live.Kept,
  state: Effect.Effect<Model.State>,
  place: number | undefined
): Stream.Stream<string> =>
  Stream.suspend(() => {
    let next = place ?? Math.max(0, live.ring.next - before)
    let turn = 0
    const sent = new Map<string, string>()
    const id = (): string => `${live.startedAt}:${next}`

    const hello = Effect.sync(() => {
      const missed = EventRing.read(live.ring, next, 0).missed
      return `retry: 1000\n${message("hello", id(), JSON.stringify({ replayed: place !== undefined, missed }))}`
    })
    const happened = (): string => {
      const page = EventRing.read(live.ring, next, maxEvents)
      next = page.next
      return page.events.length === 0 ? "" : message("events", id(), JSON.stringify(page.events))
    }
    const changed = Effect.map(state, (now) => {
      const lanes = now.lanes.filter((lane) => {
        const text = JSON.stringify(lane)
        if (sent.get(lane.lane) === text) return false
        sent.set(lane.lane, text)
        return true
      })
      return message("state", id(), JSON.stringify({ ...now, lanes }))
    })
    const step = Effect.suspend(() => {
      turn += 1
      return (turn - 1) % stateEvery === 0 ? Effect.map(changed, (text) => text + happened()) : Effect.sync(happened)
    })
    return Stream.concat(
      Stream.fromEffect(hello),
      Stream.fromEffectRepeat(Effect.tap(step, () => Effect.sleep(interval)))
    ).pipe(Stream.filter((text) => text !== ""))
  })

const message = (event: string, id: string, data: string): string => `event: ${event}\nid: ${id}\ndata: ${data}\n\n`
