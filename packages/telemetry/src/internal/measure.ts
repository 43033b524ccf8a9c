/** What an event adds to the metrics. */
import type * as Event from "@holdfast/core/Event"
import * as Failure from "@holdfast/core/Failure"
import * as Names from "../Names.ts"
import type { Journey, Journeys } from "./Journey.ts"
import type { Series } from "./Series.ts"

export interface Options {
  /** Whether callers are served over a network: operations are then their requests, too. */
  readonly isServer: boolean
  /** Whether tenants are told apart. */
  readonly tellsTenants: boolean
}

const classes: ReadonlySet<string> = new Set(Failure.Class.literals)

/** How it ended, in one of four words. A defect is a failure. */
const outcomeOf = (result: Event.Result): string => {
  if (result === "Success") return "success"
  if (result === "Cancelled") return "cancelled"
  return result === "Defect" || classes.has(result) ? "failure" : "refusal"
}

export const measure = (series: Series, journeys: Journeys, event: Event.Event, options: Options): void => {
  switch (event._tag) {
    case "AttemptEnded": {
      const { lane, model, provider, result, route } = event
      const outcome = outcomeOf(result)
      series.record("attempts", { route, lane, provider, model, class: result, outcome })
      series.record("attemptSeconds", { lane, outcome }, event.durationMillis / 1000)
      if (event.firstContentMillis !== undefined) {
        series.record("firstContentSeconds", { lane }, event.firstContentMillis / 1000)
      }
      const estimated = String(event.estimated === true)
      for (const [type, tokens] of [
        ["input", event.inputTokens],
        ["output", event.outputTokens]
      ] as const) {
        if (tokens !== undefined) series.record("tokens", { lane, type, estimated }, tokens)
      }
      if (event.usd !== undefined) series.record("cost", { lane, estimated }, event.usd)
      if (result === "Unknown") series.record("unclassified", { lane })
      return journeys.add(event)
    }
    case "OperationEnded":
      return whole(series, journeys.end(event), options)
    case "RetryScheduled":
      return series.record("retries", { lane: event.lane, class: event.reason })
    case "RetrySuppressed":
      return series.record("retriesSuppressed", { lane: event.lane, budget: event.budget ?? "lane" })
    case "LaneRefused":
      return series.record("refusals", { lane: event.lane, reason: event.limit ?? event.budget ?? event.reason })
    case "FailedOver":
      return series.record("failovers", { route: event.route, lane: event.from, reason: event.reason })
    case "Hedged":
      return series.record("hedges", { route: event.route })
    case "StreamContinued":
      return series.record("continued", { route: event.route, mode: event.mode })
    case "WaitingForLane":
      return series.record("waits", { route: event.route })
    case "CircuitChanged":
      return series.record("transitions", { circuit: event.circuit, state: event.to })
    case "LaneCooling":
      return series.record("coolings", { lane: event.lane })
    case "AttentionNeeded":
      return series.record("attention", { lane: event.lane, class: event.reason })
    case "CircuitHeld":
    case "HealthChanged":
    case "SharingChanged":
    case "CacheStoreChanged":
    case "JournalChanged":
    case "AlertChanged":
    case "AlertDeliveryChanged":
    // What is the case now is read when somebody looks.
  }
}

/** Once per operation, whatever it took. */
const whole = (series: Series, { end, last }: Journey, { isServer, tellsTenants }: Options): void => {
  const { firstContentMillis, inputTokens, kind, outputTokens, result, route } = end
  const seconds = end.durationMillis / 1000
  const outcome = outcomeOf(result)
  const source = end.source ?? (end.lane === undefined ? "none" : "lane")
  series.record("operations", { route, kind, class: result, outcome, source, degraded: String(end.degraded) })
  series.record("operationSeconds", { route, outcome }, seconds)
  series.record("operationAttempts", { route }, end.attempts)
  if (tellsTenants && end.tenant !== undefined) {
    const { tenant } = end
    series.record("tenantOperations", { tenant, outcome })
    series.record("tenantTokens", { tenant }, (inputTokens ?? 0) + (outputTokens ?? 0))
    series.record("tenantCost", { tenant }, end.usd ?? 0)
  }

  const error = result === "Success" ? undefined : result
  const firstSeconds = firstContentMillis === undefined ? undefined : firstContentMillis / 1000
  const name = Names.operationName(kind)
  // Where no provider was asked there is nothing to say of one.
  if (last !== undefined) {
    const client = {
      "gen_ai.operation.name": name,
      "gen_ai.provider.name": Names.providerName(last.provider),
      "gen_ai.request.model": last.model
    }
    series.record("operationDuration", { ...client, "error.type": error }, seconds)
    // The conventions want tokens that were counted, not those that were estimated.
    for (const [type, tokens] of end.estimated === true
      ? []
      : ([
          ["input", inputTokens],
          ["output", outputTokens]
        ] as const)) {
      if (tokens !== undefined) series.record("tokenUsage", { ...client, "gen_ai.token.type": type }, tokens)
    }
    if (firstSeconds !== undefined) series.record("firstChunk", client, firstSeconds)
  }
  if (!isServer) return
  const server = { "gen_ai.operation.name": name, "gen_ai.provider.name": "holdfast", "gen_ai.request.model": route }
  series.record("serverDuration", { ...server, "error.type": error }, seconds)
  if (firstSeconds !== undefined) series.record("serverFirstToken", server, firstSeconds)
}
