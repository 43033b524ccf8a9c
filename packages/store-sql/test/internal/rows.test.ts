import type { Event } from "@holdfast/core"
import { Failure } from "@holdfast/core"
import { assert, describe, it } from "@effect/vitest"
import * as Rows from "../../src/internal/rows.ts"
import * as Fixtures from "../fixtures.ts"

const rowsOf = (draft: Event.Draft) => Rows.ofEvent({ ...draft, id: "e-1", at: 1_700_000_000_123 })

describe("rows", () => {
  it("makes an error row of every class of failure but a caller who left, with a severity", () => {
    const severities = Failure.Class.literals.flatMap((result) =>
      rowsOf(Fixtures.attempt({ result })).flatMap(({ row }) => ("severity" in row ? [[result, row.severity]] : []))
    )
    assert.deepStrictEqual(Object.fromEntries(severities), {
      Authentication: "critical",
      PermissionDenied: "critical",
      QuotaExceeded: "critical",
      ModelNotFound: "error",
      InvalidResponse: "error",
      Unknown: "error",
      RateLimit: "warning",
      ServiceUnavailable: "warning",
      ModelOverloaded: "warning",
      Timeout: "warning",
      Network: "warning",
      StreamTruncated: "warning",
      ContentPolicy: "info",
      InvalidRequest: "info",
      ContextLengthExceeded: "info"
    })
  })

  it("makes no error of a success or of a refusal of ours, and nothing of events that no table is for", () => {
    const results = ["Success", "Cancelled", "CircuitOpen", "BulkheadFull", "LimitReached", "DeadlineExceeded"] as const
    for (const result of results) {
      assert.deepStrictEqual(
        rowsOf(Fixtures.attempt({ result })).map(({ table }) => table),
        ["attempts"]
      )
    }
    const passed = { operation: "op-1", route: "chat", lane: "a/b", provider: "a", model: "b", attempt: 1 }
    assert.deepStrictEqual(rowsOf({ ...passed, _tag: "RetryScheduled", reason: "RateLimit", delayMillis: 1_000 }), [])
  })

  it("gives failures that differ only in numbers and ids the same fingerprint", () => {
    const fingerprint = (message: string, more: Partial<Parameters<typeof Fixtures.attempt>[0]> = {}) =>
      rowsOf(Fixtures.attempt({ message, status: 429, ...more })).flatMap(({ row }) =>
        "fingerprint" in row ? [row.fingerprint] : []
      )[0]
    const first = fingerprint("openai limits the rate of gpt-mini for 20 s, request req_81b2c3")
    assert.match(first ?? "", /^[0-9a-f]{8}$/)
    assert.strictEqual(fingerprint("openai limits the rate of gpt-mini for 7 s, request req_00ffaa9"), first)
    assert.notStrictEqual(fingerprint("openai has no quota left for gpt-mini"), first)
    assert.notStrictEqual(
      fingerprint("openai limits the rate of gpt-mini for 20 s, request req_81b2c3", { status: 503 }),
      first
    )
  })

  it("names the provider that a circuit is about", () => {
    const services = [
      ["openai/gpt-mini", "openai"],
      ["openai/gpt-mini@spare", "openai"],
      ["azure/org/gpt-mini", "azure"],
      ["credential:openai", "openai"],
      ["model:gemini/flash", "gemini"],
      ["provider:anthropic", "anthropic"],
      ["primary", "primary"]
    ] as const
    for (const [circuit, service] of services) {
      const [entry] = rowsOf(Fixtures.circuit({ circuit }))
      assert.propertyVal(entry?.row, "service_name", service)
    }
  })

  it("says what a change of health says, and completes it with the snapshot of that lane", () => {
    const change = Fixtures.healthChange()
    const snapshot = {
      lane: change.lane,
      provider: change.provider,
      model: change.model,
      status: "healthy" as const,
      successRate: 1,
      calls: 20,
      successes: 18,
      meanMillis: 12.5,
      p50Millis: 10,
      p95Millis: 40,
      p99Millis: undefined,
      errors: { RateLimit: 2 },
      circuit: "closed",
      at: 1_700_000_000_200
    }
    const event = { ...change, id: "e-1", at: 1_700_000_000_123 }
    assert.deepInclude(Rows.ofHealthChange(event, snapshot).row, {
      event_id: "e-1",
      status: "degraded",
      success_rate: 0.9,
      total_requests: 20,
      successful_requests: 18,
      average_response_time_ms: 12.5,
      p99_response_time_ms: undefined,
      error_distribution: { RateLimit: 2 },
      circuit_breaker_state: "closed",
      last_check: 1_700_000_000_123
    })
  })
})
