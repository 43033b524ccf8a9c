/** How every lane is doing, in one look: its health, its circuit and what it holds. Plain data, for an endpoint. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Clock from "effect/Clock"
import * as Schema from "effect/Schema"
import * as Bulkhead from "./Bulkhead.ts"
import * as CircuitBreaker from "./CircuitBreaker.ts"
import * as Health from "./Health.ts"
import * as HealthStatus from "./HealthStatus.ts"

const millis = Schema.optional(Schema.Finite)

export const Circuit = Schema.Struct({
  /** A lane's id, or the name of something wider that several lanes share. */
  circuit: Schema.String,
  state: Schema.Literals(["closed", "open", "half-open"]),
  /** Consecutive failures. */
  failures: Schema.Int,
  /** Until the next call may go; 0 when one may now. */
  retryAfterMillis: Schema.Int
})
export type Circuit = typeof Circuit.Type

export const Lane = Schema.Struct({
  lane: Schema.String,
  provider: Schema.String,
  model: Schema.String,
  status: HealthStatus.HealthStatus,
  calls: Schema.Int,
  successes: Schema.Int,
  /** 1 when there were no calls. */
  successRate: Schema.Finite,
  meanMillis: millis,
  p50Millis: millis,
  p95Millis: millis,
  p99Millis: millis,
  firstContentP50Millis: millis,
  firstContentP95Millis: millis,
  /** How many of each class of failure. */
  errors: Schema.Record(Schema.String, Schema.Int),
  /** Milliseconds since the epoch. */
  at: Schema.Finite,
  circuit: Circuit,
  /** Calls under way, and calls that wait for a slot. */
  running: Schema.Int,
  waiting: Schema.Int
})
export type Lane = typeof Lane.Type

export const Report = Schema.Struct({
  /** `healthy` when every lane is, `unhealthy` when none can be asked, else `degraded`. */
  status: Schema.Literals(["healthy", "degraded", "unhealthy"]),
  /** Milliseconds since the epoch. */
  at: Schema.Finite,
  /** In the order in which the routes named them. */
  lanes: Schema.Array(Lane),
  /** Every circuit that is known, those of credentials, models and providers included. */
  circuits: Schema.Array(Circuit)
})
export type Report = typeof Report.Type

/** What is known of the lanes at this instant. Nobody is called. */
export const report: Effect.Effect<Report, never, Bulkhead.Bulkhead | CircuitBreaker.CircuitBreaker | Health.Health> =
  Effect.gen(function* () {
    const breaker = yield* CircuitBreaker.CircuitBreaker
    const bulkhead = yield* Bulkhead.Bulkhead
    const health = yield* Health.Health
    const lanes = yield* Effect.forEach(yield* health.snapshots, (snapshot) =>
      Effect.gen(function* () {
        const { running, waiting } = yield* bulkhead.snapshot(snapshot.lane)
        return { ...snapshot, circuit: circuitOf(yield* breaker.snapshot(snapshot.lane)), running, waiting }
      })
    )
    return {
      status: overall(lanes),
      at: yield* Clock.currentTimeMillis,
      lanes,
      circuits: (yield* breaker.list).map(circuitOf)
    }
  })

const circuitOf = (snapshot: CircuitBreaker.Snapshot): Circuit => ({
  circuit: snapshot.circuit,
  state: snapshot.state,
  failures: snapshot.failures,
  retryAfterMillis: Math.ceil(Duration.toMillis(snapshot.retryAfter))
})

const overall = (lanes: ReadonlyArray<Lane>): Report["status"] => {
  const well = lanes.filter((lane) => lane.circuit.state === "closed" && lane.status !== "unhealthy")
  return well.length === lanes.length && lanes.every((lane) => lane.status !== "degraded")
    ? "healthy"
    : well.length > 0
      ? "degraded"
      : "unhealthy"
}
