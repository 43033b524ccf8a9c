/** One line about an event. */
import type { Event } from "@holdfast/gateway/admin/Model"
import { millis, percent, plain, plural, span } from "./words.ts"

export const sentence = (event: Event): string => {
  switch (event._tag) {
    case "AttemptEnded":
      return event.message ?? `${event.lane}: ${plain(event.result)} after ${millis(event.durationMillis)}`
    case "RetryScheduled":
      return `${event.lane} is asked again in ${millis(event.delayMillis)} (${plain(event.reason)})`
    case "RetrySuppressed":
      return `${event.lane} is not asked again after ${plain(event.reason)}: ${spent(event.budget)} is spent`
    case "LaneRefused":
      return `${event.lane} was not called: ${plain(event.reason)}`
    case "FailedOver":
      return `${event.route} goes on to ${event.to}, since ${event.from}: ${plain(event.reason)}`
    case "Hedged":
      return `${event.from} is slow after ${millis(event.delayMillis)}, ${event.to} is asked as well`
    case "StreamContinued":
      return event.mode === "continue"
        ? `${event.to} goes on with the stream of ${event.from} (${plain(event.reason)})`
        : `${event.to} begins the stream of ${event.from} anew (${plain(event.reason)})`
    case "WaitingForLane":
      return `${event.route} waits ${millis(event.delayMillis)} for ${event.lane}`
    case "OperationEnded":
      return event.instead === undefined
        ? `${event.route}: ${plain(event.result)} after ${event.attempts} attempts in ${millis(event.durationMillis)}`
        : `${event.route}: a ${event.source ?? "substitute"} answer in place of ${plain(event.instead)}`
    case "CacheStoreChanged":
      return `The cache's store is ${event.available ? "back" : "away"} (${event.reason})`
    case "CircuitChanged":
      return `${event.circuit}: ${event.from} to ${event.to}${event.openMillis === undefined ? "" : ` for ${span(event.openMillis)}`} (${event.reason})`
    case "CircuitHeld":
      return `${event.circuit}: ${event.mode} ${event.held ? "from now on" : "no longer"} (${event.reason})`
    case "LaneCooling":
      return `${event.lane} cools (${plain(event.reason)})`
    case "SharingChanged":
      return event.to === "shared" ? `Shared with other instances (${event.reason})` : `Alone for now (${event.reason})`
    case "HealthChanged":
      return `${event.lane} is ${event.to}, was ${event.from} (${percent(event.successRate)} succeed)`
    case "AttentionNeeded":
      return event.message
    case "AlertChanged":
      return `${event.to === "firing" ? "Alert" : "Over"}: ${event.message}`
    case "AlertDeliveryChanged":
      return `Alerts ${event.works ? "are delivered by" : "cannot be delivered by"} ${event.delivery}${event.works ? " again" : ""} (${event.reason})`
    case "JournalChanged":
      return `The journal is ${event.to}, ${plural(event.records, "row")} wait (${event.reason})`
  }
}

/** In the page's own words: what `Event` of the core knows of schemas is too much for a page. */
const spent = (budget: Extract<Event, { readonly _tag: "RetrySuppressed" }>["budget"]): string => {
  if (budget === undefined) return "the lane's retry budget"
  return budget === "quota" ? "the lane's retry quota" : `the operation's budget (${budget})`
}
