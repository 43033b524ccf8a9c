/**
 * The live state: heard over server-sent events, kept in signals, and given to the page once per frame however much comes.
 * `EventSource` reconnects by itself and says where it stopped; a gateway that has started anew is read from the beginning.
 */
import { batch, computed, signal } from "@preact/signals"
import type { Event, Lane, State } from "@holdfast/gateway/admin/Model"
import { parse } from "./api.ts"

export type Connection = "connecting" | "live" | "lost"

/** Notable events that are kept for the list of decisions. */
const keptEvents = 300

export const connection = signal<Connection>("connecting")
/** When the last word came, by this computer's clock. */
export const heardAt = signal(0)
export const state = signal<State | undefined>(undefined)
/** Latest first. */
export const decisions = signal<ReadonlyArray<Event>>([])
/** Goes up when something happened that lists of errors and operations may want to see. */
export const pulse = signal(0)
/** Goes up when what was seen before may have gaps. */
export const epoch = signal(0)

/** The gateway's clock less this computer's. */
let skew = 0

/** The present instant by the gateway's clock, to half a second. */
export const clock = signal(Date.now())
setInterval(() => {
  clock.value = Date.now() + skew
}, 500)

export const lanes = computed<ReadonlyArray<Lane>>(() => state.value?.lanes ?? [])

interface Waiting {
  state: State | undefined
  /** By id, in the order of the first full state. */
  readonly lanes: Map<string, Lane>
  events: Array<Event>
}

const waiting: Waiting = { state: undefined, lanes: new Map(), events: [] }
let isScheduled = false

/** Put off to the next frame; a page in the background has none, and is kept up to date by a timer. */
const schedule = (): void => {
  if (isScheduled) return
  isScheduled = true
  if (document.hidden) setTimeout(flush, 1000)
  else requestAnimationFrame(flush)
}

const flush = (): void => {
  isScheduled = false
  batch(() => {
    heardAt.value = Date.now()
    if (waiting.state !== undefined) {
      state.value = { ...waiting.state, lanes: [...waiting.lanes.values()] }
      waiting.state = undefined
    }
    if (waiting.events.length > 0) {
      const notable = waiting.events.filter(isNotable)
      if (notable.length > 0) decisions.value = [...notable.toReversed(), ...decisions.value].slice(0, keptEvents)
      waiting.events = []
      pulse.value += 1
    }
  })
}

/** What one would want to read: decisions and failures, not what went as it should. */
const isNotable = (event: Event): boolean => {
  switch (event._tag) {
    case "AttemptEnded":
      return event.result !== "Success" && event.result !== "Cancelled"
    case "OperationEnded":
      return (event.result !== "Success" && event.result !== "Cancelled") || event.instead !== undefined
    case "LaneRefused":
    case "Hedged":
      return false
    case "FailedOver":
      return event.reason !== "CircuitOpen" && event.reason !== "LimitReached"
    default:
      return true
  }
}

const hear = (name: string, listener: (data: string) => void): void => {
  source.addEventListener(name, (message: MessageEvent<string>) => listener(message.data))
}

const source = new EventSource("/api/events")
source.addEventListener("error", () => {
  connection.value =
    source.readyState === EventSource.CLOSED ? "lost" : connection.value === "live" ? "lost" : "connecting"
  // A proxy in between may have answered for a gateway that is away: that closes the source for good.
  if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000)
})

hear("hello", (data) => {
  const hello = parse<{ readonly replayed: boolean; readonly missed: number }>(data)
  connection.value = "live"
  waiting.lanes.clear()
  if (hello.replayed && hello.missed === 0) return
  decisions.value = []
  waiting.events = []
  epoch.value += 1
})

hear("state", (data) => {
  const said = parse<State>(data)
  skew = said.at - Date.now()
  waiting.state = said
  for (const lane of said.lanes) waiting.lanes.set(lane.lane, lane)
  schedule()
})

hear("events", (data) => {
  waiting.events.push(...parse<ReadonlyArray<Event>>(data))
  // More than is kept need not wait for a frame.
  if (waiting.events.length > 5_000) waiting.events = waiting.events.slice(-5_000)
  schedule()
})
