/** What the log says about an event: logger, level, and one sentence. */
import * as Event from "@holdfast/core/Event"
import type * as LogLevel from "effect/LogLevel"
import type { Name } from "../LogLevels.ts"

export interface Line {
  readonly logger: Name
  readonly level: LogLevel.Severity
  readonly message: string
}

const line = (logger: Name, level: LogLevel.Severity, message: string): Line => ({ logger, level, message })

const quiet: ReadonlySet<Event.Result> = new Set<Event.Result>(["Success", "Cancelled"])
/** While a circuit is open every operation passes it by; that it is open has been said once. */
const passedBy: ReadonlySet<Event.Result> = new Set<Event.Result>(["CircuitOpen", "LimitReached"])

export const of = (event: Event.Event): Line => {
  switch (event._tag) {
    case "AttemptEnded":
      return quiet.has(event.result)
        ? line("ai_resilience", "Debug", `${event.lane}: ${event.result} in ${event.durationMillis} ms`)
        : line("ai_resilience", "Info", event.message ?? `${event.lane}: ${event.result}`)
    case "RetryScheduled": {
      const next = `attempt ${event.attempt} follows in ${Math.round(event.delayMillis)} ms`
      return line("retry", "Info", `${event.lane}: ${event.reason}, ${next}`)
    }
    case "RetrySuppressed": {
      const spent = Event.spentWords(event.budget)
      return line("retry", "Info", `${event.lane}: ${event.reason}, not retried: ${spent} is spent`)
    }
    case "LaneRefused":
      return line("ai_resilience", "Debug", `${event.lane} not called: ${event.reason}`)
    case "StreamContinued":
      return line(
        "fallback",
        "Info",
        event.mode === "continue"
          ? `${event.route}: ${event.to} goes on with the stream of ${event.from}, which ended with ${event.reason}`
          : `${event.route}: ${event.to} begins the stream of ${event.from} anew, which ended with ${event.reason}`
      )
    case "FailedOver": {
      const level = passedBy.has(event.reason) ? "Debug" : "Info"
      return line("fallback", level, `${event.route}: on to ${event.to}, because ${event.from}: ${event.reason}`)
    }
    case "Hedged": {
      const after = `${event.from} is slow after ${Math.round(event.delayMillis)} ms`
      return line("fallback", "Debug", `${event.route}: ${after}, ${event.to} is asked as well`)
    }
    case "WaitingForLane":
      return line("fallback", "Info", `${event.route}: waits ${Math.round(event.delayMillis)} ms for ${event.lane}`)
    case "OperationEnded":
      if (event.instead !== undefined) {
        return line("ai_resilience", "Warn", `${event.route}: ${event.source} answer, because of ${event.instead}`)
      }
      return line(
        "ai_resilience",
        quiet.has(event.result) ? "Debug" : "Warn",
        `${event.route}: ${event.result} after ${event.attempts} attempts`
      )
    case "CircuitChanged": {
      const until = event.openMillis === undefined ? "" : ` for ${Math.round(event.openMillis)} ms`
      const level = event.to === "open" ? "Warn" : "Info"
      return line("circuit_breaker", level, `${event.circuit}: ${event.from} to ${event.to}${until} (${event.reason})`)
    }
    case "CircuitHeld": {
      const since = event.held ? "from now on" : "no longer"
      return line("circuit_breaker", "Warn", `${event.circuit}: ${event.mode} ${since} (${event.reason})`)
    }
    case "LaneCooling":
      return line("limits", "Info", `${event.lane} cools (${event.reason})`)
    case "HealthChanged": {
      const level = event.to === "healthy" || event.to === "idle" ? "Info" : "Warn"
      const rate = `${Math.round(event.successRate * 100)} % succeed`
      return line("health_monitor", level, `${event.lane} is ${event.to}, was ${event.from} (${rate})`)
    }
    case "SharingChanged":
      return event.to === "shared"
        ? line("sharing", "Info", `Circuits and cool-downs are shared with the other instances (${event.reason})`)
        : line(
            "sharing",
            "Warn",
            `Circuits and cool-downs are this instance's alone until the shared store is back (${event.reason})`
          )
    case "CacheStoreChanged":
      return event.available
        ? line("cache", "Info", `The cache's store is back (${event.reason})`)
        : line("cache", "Warn", `The cache's store is away (${event.reason})`)
    case "JournalChanged": {
      const level = event.to === "current" ? "Info" : event.to === "behind" ? "Warn" : "Error"
      const rows = `${event.records} rows wait, ${event.dropped} were dropped`
      return line("store", level, `The journal is ${event.to}: ${rows} (${event.reason})`)
    }
    case "AttentionNeeded":
      return line("ai_resilience", "Error", `Somebody must look at this: ${event.message}`)
    case "AlertChanged":
      return line("alerts", event.to === "firing" ? "Warn" : "Info", `Alert ${event.to}: ${event.message}`)
    case "AlertDeliveryChanged":
      return event.works
        ? line("alerts", "Info", `Alerts are delivered by ${event.delivery} again`)
        : line(
            "alerts",
            "Error",
            `Alerts cannot be delivered by ${event.delivery} (${event.reason}); messages that wait: ${event.waiting}`
          )
  }
}

/** What else is known, under the names it has in every line. */
const fields: ReadonlyArray<readonly [field: string, name: string]> = [
  ["operation", "operation"],
  ["joined", "joined"],
  ["route", "route"],
  ["lane", "lane"],
  ["circuit", "circuit"],
  ["alert", "alertName"],
  ["severity", "severity"],
  ["delivery", "delivery"],
  ["attempt", "attempt"],
  ["result", "class"],
  ["reason", "class"],
  ["rule", "rule"],
  ["status", "status"],
  ["requestId", "requestId"],
  ["durationMillis", "durationMillis"],
  ["retryAfterMillis", "retryAfterMillis"]
]

/** Why a circuit or a store changed is a sentence, not a class. */
const worded: ReadonlySet<Event.Event["_tag"]> = new Set<Event.Event["_tag"]>([
  "CircuitChanged",
  "CircuitHeld",
  "SharingChanged",
  "CacheStoreChanged",
  "JournalChanged",
  "AlertDeliveryChanged"
])

export const annotations = (event: Event.Event): Record<string, unknown> => {
  const known: Record<string, unknown> = {}
  for (const [field, name] of fields) {
    const value: unknown = Reflect.get(event, field)
    if (value !== undefined) known[field === "reason" && worded.has(event._tag) ? "reason" : name] = value
  }
  if (event._tag === "AttentionNeeded") known["alert"] = true
  return known
}
