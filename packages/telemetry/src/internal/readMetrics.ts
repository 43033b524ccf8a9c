/** What is read when somebody looks, by `readings`, and what the metrics say of themselves. */
import type { Metric } from "./metric.ts"

export const read = {
  circuitState: {
    id: "holdfast.circuit.state",
    type: "gauge",
    unit: "{circuit}",
    description: "1 for the state a circuit is in, 0 for the others",
    labels: ["circuit", "state"]
  },
  circuitHolds: {
    id: "holdfast.circuit.holds",
    type: "gauge",
    unit: "{hold}",
    description: "Holds that people have put on a circuit",
    labels: ["circuit", "mode"]
  },
  laneStatus: {
    id: "holdfast.lane.status",
    type: "gauge",
    unit: "{lane}",
    description: "1 for the health status a lane has, 0 for the others",
    labels: ["lane", "status"]
  },
  laneSuccess: {
    id: "holdfast.lane.success",
    type: "gauge",
    unit: "1",
    description: "Part of a lane's recent calls that succeeded",
    labels: ["lane"]
  },
  laneRunning: {
    id: "holdfast.lane.running",
    type: "gauge",
    unit: "{call}",
    description: "Calls of a lane that are under way",
    labels: ["lane"]
  },
  laneWaiting: {
    id: "holdfast.lane.waiting",
    type: "gauge",
    unit: "{call}",
    description: "Calls that wait for a slot of a lane",
    labels: ["lane"]
  },
  laneLimit: {
    id: "holdfast.lane.concurrency_limit",
    type: "gauge",
    unit: "{call}",
    description: "Calls a lane may run at once, where its bulkhead finds that by trying",
    labels: ["lane"]
  },
  limitRemaining: {
    id: "holdfast.limit.remaining",
    type: "gauge",
    unit: "{unit}",
    description: "What is left of the limit a provider has stated; below zero when more was sent",
    labels: ["lane", "limit"]
  },
  limitWaiting: {
    id: "holdfast.limit.waiting",
    type: "gauge",
    unit: "{operation}",
    description: "Operations that wait for a lane's limits",
    labels: ["lane"]
  },
  laneCooling: {
    id: "holdfast.lane.cooling",
    type: "gauge",
    unit: "s",
    description: "How long a lane still cools",
    labels: ["lane"]
  },
  retryBudget: {
    id: "holdfast.retry_budget.balance",
    type: "gauge",
    unit: "{retry}",
    description: "Retries that a lane's budget allows now",
    labels: ["lane"]
  },
  throttle: {
    id: "holdfast.lane.throttle",
    type: "gauge",
    unit: "1",
    description: "Part of a lane's calls that its throttle refuses",
    labels: ["lane"]
  },
  eventsDropped: {
    id: "holdfast.events.dropped",
    type: "counter",
    unit: "{event}",
    description: "Events that subscribers of the bus lost by being slow",
    labels: []
  },
  eventsMissed: {
    id: "holdfast.metrics.missed",
    type: "counter",
    unit: "{event}",
    description: "Events that these metrics lost by being slow: their counters are too low by as many",
    labels: []
  },
  overflow: {
    id: "holdfast.metrics.overflow",
    type: "counter",
    unit: "{value}",
    description: "Measurements whose label became `other`, since it had too many values",
    labels: ["label"]
  },
  storePending: {
    id: "holdfast.store.pending",
    type: "gauge",
    unit: "{row}",
    description: "Rows that wait for the database",
    labels: []
  },
  storeAway: {
    id: "holdfast.store.away",
    type: "gauge",
    unit: "{store}",
    description: "1 while the database does not answer",
    labels: []
  },
  journalSize: {
    id: "holdfast.journal.size",
    type: "gauge",
    unit: "By",
    description: "What the journal in front of the database takes on disk, where there is one",
    labels: []
  },
  journalFailing: {
    id: "holdfast.journal.failing",
    type: "gauge",
    unit: "{journal}",
    description: "1 while the disk takes nothing of the journal, and rows wait in memory",
    labels: []
  },
  storeWritten: {
    id: "holdfast.store.written",
    type: "counter",
    unit: "{row}",
    description: "Rows that the database has taken",
    labels: []
  },
  storeLost: {
    id: "holdfast.store.lost",
    type: "counter",
    unit: "{row}",
    description: "Rows that were dropped, or that the database will never take",
    labels: []
  },
  info: {
    id: "holdfast.info",
    type: "gauge",
    unit: "{instance}",
    description: "Always 1",
    labels: ["version"]
  }
} as const satisfies { readonly [name: string]: Metric }
