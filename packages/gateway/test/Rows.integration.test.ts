import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { CircuitBreaker } from "@holdfast/core"
import { Database, EventWriter } from "@holdfast/store-sql"
import { TestPostgres } from "@holdfast/store-sql/test/TestPostgres"
import { embedded, primary, question, start } from "./Harness.ts"

const postgres = Layer.unwrap(
  Effect.map(
    TestPostgres.use((server) => server.database),
    (url) => Database.layerUrl(url)
  )
).pipe(Layer.provide(TestPostgres.layer))

for (const [name, database] of [
  ["PGlite", embedded],
  ["PostgreSQL", postgres]
] as const) {
  layer(database, { excludeTestServices: true })(`what happened is in the three tables, on ${name}`, (it) => {
    it.effect("errors, circuit changes and health match the emulator's journal", () =>
      Effect.gen(function* () {
        const { client, context, gemini, openAi } = yield* start({
          gemini: {
            rules: [{ when: { requests: { to: 5 } }, fault: { _tag: "ServiceUnavailable" } }]
          },
          policy: { retry: { maxRetries: 0 } }
        })
        const ask = Effect.promise(() => client.chat.completions.create(question))
        yield* Effect.repeat(ask, { times: 4 })
        yield* Effect.sleep("700 millis")
        yield* ask
        yield* EventWriter.EventWriter.use((writer) => writer.flush).pipe(Effect.provide(context))

        const sql = yield* SqlClient.SqlClient
        const errors = yield* sql`SELECT service_name, model, lane, attempt, error_type, http_status, rule, severity,
          resolved, occurred_at, error_message FROM ai_service_errors ORDER BY occurred_at, id`
        const journal = yield* gemini.journal
        assert.strictEqual(errors.length, 5)
        assert.strictEqual(journal.filter((entry) => entry.status === 503).length, 5)
        assert.strictEqual((yield* openAi.journal).length, 5)
        for (const row of errors) {
          assert.strictEqual(row.service_name, "gemini")
          assert.strictEqual(row.model, "gemini-3.5-flash")
          assert.strictEqual(row.lane, primary)
          assert.strictEqual(row.attempt, 1)
          assert.strictEqual(row.error_type, "ServiceUnavailable")
          assert.strictEqual(row.http_status, 503)
          assert.strictEqual(row.resolved, false)
          assert.instanceOf(row.occurred_at, Date)
          assert.notInclude(String(row.error_message), "canary")
        }

        const changes = yield* sql`SELECT circuit, event_type, from_state, to_state, failure_count, reason, open_ms
          FROM circuit_breaker_events ORDER BY id`
        assert.deepStrictEqual(
          changes.map((row) => [row.circuit, row.event_type, row.failure_count]),
          [
            [primary, "opened", 5],
            [primary, "half_opened", 5],
            [primary, "closed", 0]
          ]
        )
        assert.strictEqual(changes[0]?.reason, "ServiceUnavailable")
        assert.strictEqual(changes[0]?.open_ms, 600)

        const health = yield* sql`SELECT lane, status, success_rate, circuit_breaker_state FROM ai_service_health`
        assert.isTrue(health.some((row) => row.lane === primary))
        const open = yield* CircuitBreaker.state(primary).pipe(Effect.provide(context))
        assert.strictEqual(open.state, "closed")
      })
    )
  })
}
