/** One operation's time, taken apart: waits, attempts, refusals and fallbacks, from its events. Pure. */
import * as Event from "@holdfast/core/Event"
import type * as Model from "./Model.ts"
import { defined } from "./internal/defined.ts"
import * as Trails from "./internal/Trails.ts"

type Events = Parameters<typeof Trails.summarise>[0]

/** What happened when, from the start of the operation; in order. */
export const of = (events: Events): Model.Trail => {
  const operation = Trails.summarise(events)
  const from = (at: number): number => Math.max(0, at - operation.startedAt)
  const spans: Array<Model.Span> = []
  for (const event of events) {
    const at = from(event.at)
    const moment = { fromMillis: at, toMillis: at }
    switch (event._tag) {
      case "AttemptEnded":
        spans.push({
          kind: "attempt",
          lane: event.lane,
          fromMillis: from(event.startedAt),
          toMillis: from(event.startedAt + event.durationMillis),
          firstContentMillis: event.firstContentMillis,
          result: event.result,
          hedge: event.hedge,
          text: event.message,
          rule: event.rule,
          status: event.status,
          requestId: event.requestId,
          tokens:
            event.inputTokens === undefined && event.outputTokens === undefined
              ? undefined
              : (event.inputTokens ?? 0) + (event.outputTokens ?? 0)
        })
        break
      case "RetryScheduled":
        spans.push({
          kind: "wait",
          lane: event.lane,
          fromMillis: at,
          toMillis: at + event.delayMillis,
          result: event.reason,
          text: `backs off before attempt ${event.attempt}`
        })
        break
      case "WaitingForLane":
        spans.push({
          kind: "wait",
          lane: event.lane,
          fromMillis: at,
          toMillis: at + event.delayMillis,
          result: "CircuitOpen",
          text: "waits for the lane to open"
        })
        break
      case "LaneRefused":
        spans.push({
          kind: "refusal",
          lane: event.lane,
          ...moment,
          result: event.reason,
          text: event.limit ?? event.budget
        })
        break
      case "FailedOver":
        spans.push({ kind: "fallback", lane: event.to, ...moment, result: event.reason, text: `from ${event.from}` })
        break
      case "RetrySuppressed":
        spans.push({
          kind: "note",
          lane: event.lane,
          ...moment,
          result: event.reason,
          text: `not retried: ${Event.spentWords(event.budget)} is spent`
        })
        break
      case "Hedged":
        spans.push({ kind: "note", lane: event.to, ...moment, result: "Hedged", text: `beside ${event.from}` })
        break
      case "StreamContinued":
        spans.push({
          kind: "note",
          lane: event.to,
          ...moment,
          result: event.reason,
          text: event.mode === "continue" ? `goes on with the stream of ${event.from}` : `begins the stream anew`
        })
        break
      default:
    }
  }
  // What was cut short by the end of the operation did not last longer than it.
  const end = operation.durationMillis
  const within =
    operation.result === "running"
      ? spans
      : spans.map((span) => ({ ...span, toMillis: Math.min(span.toMillis, Math.max(end, span.fromMillis)) }))
  return {
    operation: defined(operation),
    spans: withQueues(within.toSorted((a, b) => a.fromMillis - b.fromMillis)).map(defined)
  }
}

/** A timer is late by some milliseconds; that is no wait worth a word. */
const noiseMillis = 20

/** Time before an attempt that nothing else accounts for was spent in a line: for a slot or for a limit. */
const withQueues = (spans: ReadonlyArray<Model.Span>): ReadonlyArray<Model.Span> => {
  const found: Array<Model.Span> = []
  let accounted = 0
  for (const span of spans) {
    if (span.kind === "attempt" && span.hedge !== true && span.fromMillis - accounted > noiseMillis) {
      found.push({
        kind: "wait",
        lane: span.lane,
        fromMillis: accounted,
        toMillis: span.fromMillis,
        result: "queue",
        text: "waits in line"
      })
    }
    found.push(span)
    accounted = Math.max(accounted, span.toMillis)
  }
  return found
}
