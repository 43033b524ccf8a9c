import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { HealthReport, Policy } from "@holdfast/core"
import { alone, chat, exact } from "./Chat.ts"
import { after, failing, replying, scripted } from "./Scripted.ts"

const quick = exact.pipe(Policy.retry({ maxRetries: 0 }))

describe("the health report", () => {
  it.effect("tells of every lane of a route, before and after it was called", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("ServiceUnavailable")])
      const b = yield* scripted("b/y", [after("2 seconds", replying("hello"))])
      const { ask } = yield* chat([a, b], quick)
      const before = yield* HealthReport.report
      assert.strictEqual(before.status, "healthy")
      assert.deepStrictEqual(
        before.lanes.map(({ lane, status }) => [lane, status]),
        [
          ["a/x", "idle"],
          ["b/y", "idle"]
        ]
      )
      const asking = yield* Effect.forkChild(Effect.repeat(ask, { times: 4 }))
      yield* TestClock.adjust("9 seconds")
      const during = yield* HealthReport.report
      assert.deepInclude(during.lanes[1], { lane: "b/y", running: 1, calls: 4, meanMillis: 2000 })
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(asking)
      const after_ = yield* HealthReport.report
      assert.strictEqual(after_.status, "degraded")
      assert.deepInclude(after_.lanes[0], { status: "unhealthy", successRate: 0, errors: { ServiceUnavailable: 5 } })
      assert.deepInclude(after_.lanes[0]?.circuit, { circuit: "a/x", state: "open", failures: 5 })
      assert.isAbove(after_.lanes[0]?.circuit.retryAfterMillis ?? 0, 0)
    }).pipe(alone)
  )

  it.effect("is unhealthy when no lane can be asked, and survives JSON", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("ServiceUnavailable")])
      const { ask } = yield* chat([a], quick)
      yield* Effect.repeat(Effect.exit(ask), { times: 4 })
      const report = yield* HealthReport.report
      assert.strictEqual(report.status, "unhealthy")
      const codec = Schema.toCodecJson(HealthReport.Report)
      const json = JSON.stringify(yield* Schema.encodeEffect(codec)(report))
      const back = yield* Schema.decodeUnknownEffect(codec)(JSON.parse(json))
      assert.deepStrictEqual(back.lanes[0]?.errors, { ServiceUnavailable: 5 })
      assert.deepStrictEqual(back.circuits, report.circuits)
    }).pipe(alone)
  )
})
