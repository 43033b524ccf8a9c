import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration } from "effect"
import { Failure, Refusal } from "@holdfast/core"
import * as ErrorReply from "../src/openai/ErrorReply.ts"

const trail = (class_: Failure.Class) => [
  {
    lane: "a/x",
    attempts: 2,
    error: Failure.make(class_, { provider: "a", model: "x", lane: "a/x", scope: "provider", rule: "test" })
  }
]

describe("an operation that no lane answered", () => {
  it("says when to come back", () => {
    const { body, headers, status } = ErrorReply.ofError(
      new Refusal.AllLanesFailed({
        route: "chat",
        trail: trail("ServiceUnavailable"),
        retryAfter: Duration.millis(1500),
        reopensAt: DateTime.makeUnsafe(1500)
      })
    )
    assert.deepInclude(headers, { "retry-after": "2", "retry-after-ms": "1500" })
    assert.deepStrictEqual([status, body.error.code], [503, "all_lanes_failed"])
    assert.include(body.error.message, "a/x: ServiceUnavailable after 2 attempts; the earliest opens in 1s 500ms")
  })

  it("says that the request is to blame, and not to come back with it", () => {
    const { body, headers, status } = ErrorReply.ofError(
      new Refusal.AllLanesFailed({ route: "chat", trail: trail("InvalidResponse"), blames: "request" })
    )
    assert.deepStrictEqual([status, body.error.code], [502, "request_breaks_providers"])
    assert.deepStrictEqual(headers, { "x-should-retry": "false" })
  })
})
