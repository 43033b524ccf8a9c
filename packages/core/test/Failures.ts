/** Failures and refusals to test with: one of each class, with every field set. */
import { DateTime, Duration } from "effect"
import { Failure, Refusal } from "@holdfast/core"

export const classes = Failure.Class.literals

/** Every field that may leave the process. */
export const everything: Failure.Fields = {
  provider: "acme",
  model: "anvil-2",
  lane: "acme/anvil-2",
  scope: "credential",
  rule: "acme/teapot",
  status: 418,
  providerCode: "short_and_stout",
  requestId: "req_1",
  retryAfter: Duration.seconds(90),
  retryable: true,
  failover: false
}

/** What must never be seen outside: a key, and the user's own words. */
export const secrets = {
  detail: "the prompt 'why does kelp float' with key sk-live-detail is too hot",
  cause: new Error("POST body: why does kelp float; authorization: Bearer sk-live-cause")
}

/** The failures of every class, secrets included. */
export const failures: ReadonlyArray<Failure.Failure> = classes.map((class_) =>
  Failure.make(class_, { ...everything, ...secrets }, "first-content")
)

/** One refusal of each kind. */
export const refusals: ReadonlyArray<Refusal.Refusal> = [
  new Refusal.CircuitOpen({ lane: "acme/anvil-2", circuit: "credential:acme", retryAfter: Duration.seconds(12) }),
  new Refusal.BulkheadFull({ lane: "acme/anvil-2", reason: "queue-full", maxConcurrent: 32, maxQueue: 64 }),
  new Refusal.BulkheadFull({ lane: "acme/anvil-2", reason: "queue-timeout", maxConcurrent: 1, maxQueue: 0 }),
  new Refusal.LimitReached({ lane: "acme/anvil-2", reason: "cooling", retryAfter: Duration.millis(1500) }),
  new Refusal.DeadlineExceeded({ total: Duration.minutes(2) }),
  new Refusal.BudgetExhausted({ budget: "attempts", limit: 6 }),
  new Refusal.NoCapableLane({ route: "chat", missing: ["acme/anvil-2 has no tools", "b/c does not stream"] }),
  new Refusal.AllLanesFailed({
    route: "chat",
    trail: [
      ...failures.map((error) => ({ lane: "acme/anvil-2", attempts: 3, error })),
      {
        lane: "b/c",
        attempts: 0,
        error: new Refusal.CircuitOpen({ lane: "b/c", circuit: "b/c", retryAfter: Duration.seconds(12) })
      }
    ],
    retryAfter: Duration.seconds(12),
    reopensAt: DateTime.makeUnsafe(1_800_000_000_000)
  }),
  new Refusal.AllLanesFailed({
    route: "chat",
    trail: [{ lane: "b/c", attempts: 3, error: Failure.make("ServiceUnavailable", everything) }],
    blames: "request"
  })
]
