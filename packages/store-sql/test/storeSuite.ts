/** What every database must do, whichever it is. */
import { assert, layer } from "@effect/vitest"
import { type Event, EventBus } from "@holdfast/core"
import { Clock, Duration, Effect, Exit, type Layer, Option, Random, Ref, Scope } from "effect"
import { SqlClient, Statement } from "effect/sql"
import type * as Database from "../src/Database.ts"
import type { DatabaseError } from "../src/DatabaseError.ts"
import * as AlertStates from "../src/AlertStates.ts"
import * as EventWriter from "../src/EventWriter.ts"
import * as InsertAll from "../src/internal/insertAll.ts"
import * as Record from "../src/internal/Record.ts"
import * as Partitions from "../src/internal/Partitions.ts"
import * as Rows from "../src/internal/rows.ts"
import * as Migrations from "../src/Migrations.ts"
import * as OperatorRecords from "../src/OperatorRecords.ts"
import * as Fixtures from "./fixtures.ts"

/** A writer on empty tables, and the events it was given with their ids and instants. */
export const open = Effect.fnUntraced(function* (options?: EventWriter.Options) {
  const sql = yield* SqlClient.SqlClient
  yield* Migrations.run
  yield* sql`TRUNCATE operations, attempts, ai_service_health, ai_service_errors, circuit_breaker_events`
  return yield* openWriter(options)
})

/** A writer on whatever is there. */
export const openWriter = Effect.fnUntraced(function* (options?: EventWriter.Options) {
  const sql = yield* SqlClient.SqlClient
  const bus = yield* EventBus.make
  const record = yield* bus.subscribe()
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
  const writer = yield* EventWriter.make(options).pipe(
    Effect.provideService(EventBus.EventBus, bus),
    Scope.provide(scope)
  )
  const publish = (draft: Event.Draft): Effect.Effect<Event.Event> =>
    Effect.andThen(
      bus.publish(draft),
      Effect.map(record.take(1), ([event]) => event!)
    )
  return { sql, bus, writer, publish, close: Scope.close(scope, Exit.void) }
})

const rowFingerprint = (event: Event.Event): unknown =>
  Rows.ofEvent(event).flatMap(({ row }) => ("fingerprint" in row ? [row.fingerprint] : []))[0]

/** Columns that the database fills by itself. */
const withoutOwn = ({ created_at, id, ...row }: Record<string, unknown>) => {
  assert.instanceOf(created_at, Date)
  assert.typeOf(id, "bigint")
  return row
}

export const storeSuite = <E>(name: string, database: Layer.Layer<Database.Database, DatabaseError | E>) =>
  layer(database, { excludeTestServices: true, timeout: "60 seconds" })(name, (it) => {
    it.effect("has the three tables with their columns, instants with time zone, and the indexes", () =>
      Effect.gen(function* () {
        const { sql } = yield* open()
        const columns = yield* sql<{ name: string; type: string }>`
          SELECT table_name || '.' || column_name AS name, data_type AS type FROM information_schema.columns
          WHERE table_name IN ('ai_service_health', 'ai_service_errors', 'circuit_breaker_events')`
        const types = Object.fromEntries(columns.map(({ name, type }) => [name, type]))
        const expected = {
          ai_service_health: [
            "service_name model lane status success_rate total_requests successful_requests failed_requests",
            "average_response_time_ms p50_response_time_ms p95_response_time_ms p99_response_time_ms",
            "error_distribution circuit_breaker_state last_check created_at"
          ],
          ai_service_errors: [
            "service_name model lane operation_id attempt retry_count error_type error_message error_code http_status",
            "rule request_id retry_after_ms severity resolved resolved_at resolved_by occurred_at created_at"
          ],
          circuit_breaker_events: [
            "service_name circuit event_type from_state to_state failure_count reason open_ms occurred_at created_at"
          ]
        }
        for (const [table, names] of Object.entries(expected)) {
          for (const column of ["id", "event_id", ...names.flatMap((line) => line.split(" "))]) {
            assert.property(types, `${table}.${column}`)
          }
        }
        const instants = columns.filter(({ name }) => /_at$|last_check$/.test(name))
        assert.strictEqual(instants.length, 7)
        for (const { name, type } of instants) assert.strictEqual(type, "timestamp with time zone", name)
        assert.strictEqual(types["ai_service_health.error_distribution"], "jsonb")

        const indexes = yield* sql<{ indexdef: string }>`SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'`
        const definitions = indexes.map(({ indexdef }) => indexdef.replace(/^.* ON (ONLY )?public\./, ""))
        assert.includeMembers(definitions, [
          "ai_service_health USING btree (service_name, last_check DESC)",
          "ai_service_health USING btree (lane, last_check DESC)",
          "ai_service_health USING btree (status, last_check DESC)",
          "ai_service_health USING btree (event_id, last_check)",
          "ai_service_errors USING btree (service_name, occurred_at DESC)",
          "ai_service_errors USING btree (lane, occurred_at DESC)",
          "ai_service_errors USING btree (error_type, occurred_at DESC)",
          "ai_service_errors USING btree (occurred_at DESC) WHERE (NOT resolved)",
          "ai_service_errors USING btree (event_id, occurred_at)",
          "circuit_breaker_events USING btree (service_name, occurred_at DESC)",
          "circuit_breaker_events USING btree (circuit, occurred_at DESC)",
          "circuit_breaker_events USING btree (event_id, occurred_at)"
        ])
      })
    )

    it.effect("takes each step of the migrations once", () =>
      Effect.gen(function* () {
        yield* Migrations.run
        assert.deepStrictEqual(yield* Migrations.run, [])
        const sql = yield* SqlClient.SqlClient
        assert.deepStrictEqual(yield* sql`SELECT migration_id, name FROM holdfast_migrations`, [
          { migration_id: 1, name: "mission_tables" },
          { migration_id: 2, name: "sharing_tables" },
          { migration_id: 3, name: "ledger_tables" },
          { migration_id: 4, name: "alert_tables" },
          { migration_id: 5, name: "operator_tables" }
        ])
      })
    )

    it.effect("keeps what each instance knows about its alerts, as it wrote it last", () =>
      Effect.gen(function* () {
        const [one, other] = [yield* AlertStates.make("one"), yield* AlertStates.make("other")]
        assert.deepStrictEqual(yield* one.load, Option.none())
        yield* one.save("first")
        yield* one.save("längér, 'quoted'")
        yield* other.save("theirs")
        assert.deepStrictEqual(yield* one.load, Option.some("längér, 'quoted'"))
        assert.deepStrictEqual(yield* other.load, Option.some("theirs"))
      })
    )

    it.effect("keeps holds until they are released or over, for one instance or for all", () =>
      Effect.gen(function* () {
        const [one, other] = [yield* OperatorRecords.make("one"), yield* OperatorRecords.make("other")]
        yield* one.prepare
        const hold: OperatorRecords.Hold = {
          id: "h-1",
          instance: null,
          circuit: "openai/mini",
          mode: "force-open",
          drain: true,
          reason: "längér, 'quoted'",
          by: "Ada",
          since: 1_000,
          until: null
        }
        const own: OperatorRecords.Hold = { ...hold, id: "h-2", instance: "one", since: 2_000, until: 5_000 }
        const nothing = { put: [], released: [], actions: [] }
        yield* one.write({ ...nothing, put: [hold, own] })
        yield* one.write({ ...nothing, put: [hold] })
        assert.deepStrictEqual(yield* one.inForce(4_999), [hold, own])
        assert.deepStrictEqual(yield* other.inForce(4_999), [hold])
        assert.deepStrictEqual(yield* one.inForce(5_000), [hold])
        yield* other.write({ ...nothing, released: [{ ...hold, releasedAt: 6_000 }] })
        // Whoever has not heard of the release does not undo it.
        yield* one.write({ ...nothing, put: [hold] })
        assert.deepStrictEqual(yield* one.inForce(4_999), [own])
        // Put and released while the database was away.
        yield* one.write({ ...nothing, released: [{ ...hold, id: "h-3", releasedAt: 7_000 }] })
        assert.deepStrictEqual(yield* other.inForce(4_999), [])
      })
    )

    it.effect("keeps what operators did, once, latest first, and nothing of what it takes only in part", () =>
      Effect.gen(function* () {
        const [one, other] = [yield* OperatorRecords.make("one"), yield* OperatorRecords.make("other")]
        yield* one.prepare
        const act = (id: string, at: number, instance: string): OperatorRecords.Action => ({
          id,
          at,
          instance,
          by: "Ada",
          action: "drain",
          target: "openai/mini",
          reason: "new key"
        })
        const [first, second] = [act("a-1", 10_000, "one"), act("a-2", 20_000, "other")]
        yield* one.write({ put: [], released: [], actions: [first] })
        yield* other.write({ put: [], released: [], actions: [second, first] })
        assert.deepStrictEqual(yield* OperatorRecords.actions(10), [second, first])
        assert.deepStrictEqual(yield* OperatorRecords.actions(1), [second])
        assert.deepStrictEqual(yield* OperatorRecords.actions(10, { since: 10_000, until: 20_000 }), [first])
        const refused = yield* Effect.flip(
          one.write({ put: [], released: [], actions: [act("a-3", 30_000, "one"), act("a-4", 40_000, "n\0ne")] })
        )
        assert.strictEqual(refused._tag, "DatabaseError")
        assert.deepStrictEqual(yield* OperatorRecords.actions(10), [second, first])
      })
    )

    it.effect("keeps of a failed attempt what its event says", () =>
      Effect.gen(function* () {
        const { publish, sql, writer } = yield* open()
        const full = yield* publish(
          Fixtures.attempt({
            operation: "op-7",
            attempt: 3,
            result: "RateLimit",
            rule: "openai/rate-limit",
            status: 429,
            providerCode: "rate_limit_exceeded",
            requestId: "req_1",
            retryAfterMillis: 1_500.5,
            message: "openai limits the rate of gpt-mini, HTTP 429 (openai/rate-limit)"
          })
        )
        const bare = yield* publish(Fixtures.attempt({ result: "Network" }))
        yield* writer.flush
        const rows = yield* sql`SELECT * FROM ai_service_errors ORDER BY id`
        const common = {
          service_name: "openai",
          model: "gpt-mini",
          lane: "openai/gpt-mini",
          severity: "warning",
          resolved: false,
          resolved_at: null,
          resolved_by: null,
          resolution_note: null
        }
        assert.deepStrictEqual(rows.map(withoutOwn), [
          {
            ...common,
            fingerprint: rowFingerprint(full),
            event_id: full.id,
            operation_id: "op-7",
            attempt: 3,
            retry_count: 2,
            error_type: "RateLimit",
            error_message: "openai limits the rate of gpt-mini, HTTP 429 (openai/rate-limit)",
            error_code: "rate_limit_exceeded",
            http_status: 429,
            rule: "openai/rate-limit",
            request_id: "req_1",
            retry_after_ms: 1_500.5,
            occurred_at: new Date(full.at)
          },
          {
            ...common,
            fingerprint: rowFingerprint(bare),
            event_id: bare.id,
            operation_id: "op-1",
            attempt: 1,
            retry_count: 0,
            error_type: "Network",
            error_message: null,
            error_code: null,
            http_status: null,
            rule: null,
            request_id: null,
            retry_after_ms: null,
            occurred_at: new Date(bare.at)
          }
        ])
        const [seen] = yield* sql`SELECT extract(epoch FROM occurred_at)::float8 * 1000 AS at FROM ai_service_errors
          WHERE event_id = ${full.id}`
        assert.deepStrictEqual(seen, { at: full.at })
      })
    )

    it.effect("keeps no row of what the provider did not do", () =>
      Effect.gen(function* () {
        const { publish, sql, writer } = yield* open()
        for (const result of ["Success", "Cancelled", "CircuitOpen", "DeadlineExceeded"] as const) {
          yield* publish(Fixtures.attempt({ result }))
        }
        yield* writer.flush
        assert.deepStrictEqual(yield* sql`SELECT * FROM ai_service_errors`, [])
      })
    )

    it.effect("keeps a row of every operation and of every attempt, however they ended", () =>
      Effect.gen(function* () {
        const { publish, sql, writer } = yield* open()
        const operation = { operation: "op-9", route: "chat", tenant: "team-a" }
        const common = { ...operation, kind: "stream" as const }
        yield* publish(
          Fixtures.attempt({
            ...common,
            attempt: 1,
            result: "StreamTruncated",
            firstContentMillis: 80.4,
            truncated: true
          })
        )
        yield* publish(Fixtures.attempt({ ...common, attempt: 2, result: "Cancelled", hedge: true, continued: true }))
        const last = yield* publish(
          Fixtures.attempt({
            ...common,
            attempt: 3,
            result: "Success",
            status: undefined,
            startedAt: 5_000,
            durationMillis: 250,
            firstContentMillis: 90,
            waitedMillis: 40.6,
            continued: true,
            inputTokens: 1_000,
            outputTokens: 20,
            cachedTokens: 900,
            estimated: true,
            usd: 0.000_12
          })
        )
        const ended = yield* publish(
          Fixtures.operation({
            ...common,
            attempts: 3,
            durationMillis: 1_000,
            waitedMillis: 41,
            firstContentMillis: 80,
            hedged: true,
            continued: true,
            degraded: true,
            inputTokens: 2_000,
            outputTokens: 40,
            estimated: true,
            usd: 0.000_36,
            trace: { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", sampled: true }
          })
        )
        yield* publish(Fixtures.operation({ operation: "op-10", attempts: 0, source: "shared", joined: "op-9" }))
        yield* writer.flush
        const attempts = yield* sql`SELECT * FROM attempts ORDER BY attempt`
        assert.deepStrictEqual(
          attempts.map((row) => [
            row.attempt,
            row.result,
            row.hedge,
            row.continued,
            row.truncated,
            row.first_content_ms
          ]),
          [
            [1, "StreamTruncated", false, false, true, 80],
            [2, "Cancelled", true, true, false, null],
            [3, "Success", false, true, false, 90]
          ]
        )
        assert.deepStrictEqual(attempts[2], {
          operation_id: "op-9",
          attempt: 3,
          ended_at: new Date(last.at),
          started_at: new Date(5_000),
          route: "chat",
          kind: "stream",
          tenant: "team-a",
          lane: "openai/gpt-mini",
          provider: "openai",
          model: "gpt-mini",
          result: "Success",
          rule: null,
          http_status: null,
          request_id: null,
          waited_ms: 41,
          first_content_ms: 90,
          duration_ms: 250,
          input_tokens: 1_000,
          output_tokens: 20,
          cached_tokens: 900,
          usage_estimated: true,
          cost_usd: 0.000_12,
          hedge: false,
          continued: true,
          truncated: false
        })
        const operations = yield* sql`SELECT * FROM operations ORDER BY attempts DESC`
        assert.deepStrictEqual(operations[0], {
          operation_id: "op-9",
          ended_at: new Date(ended.at),
          started_at: new Date(ended.at - 1_000),
          route: "chat",
          kind: "stream",
          tenant: "team-a",
          result: "Success",
          rule: null,
          lane: "openai/gpt-mini",
          attempts: 3,
          waited_ms: 41,
          first_content_ms: 80,
          duration_ms: 1_000,
          input_tokens: 2_000,
          output_tokens: 40,
          cached_tokens: null,
          usage_estimated: true,
          cost_usd: 0.000_36,
          degraded: true,
          hedged: true,
          continued: true,
          truncated: false,
          source: null,
          joined_operation: null,
          instead: null,
          trace_id: "0af7651916cd43dd8448eb211c80319c"
        })
        assert.deepInclude(operations[1], {
          operation_id: "op-10",
          attempts: 0,
          source: "shared",
          joined_operation: "op-9"
        })
      })
    )

    it.effect("shows rates by the minute, by five and by the hour", () =>
      Effect.gen(function* () {
        const { publish, sql, writer } = yield* open()
        for (const result of ["Success", "Success", "ServiceUnavailable", "Cancelled"] as const) {
          yield* publish(Fixtures.attempt({ operation: `op-${result}-${yield* Random.nextInt}`, result, usd: 0.5 }))
        }
        yield* writer.flush
        for (const view of ["attempt_rates_1m", "attempt_rates_5m", "attempt_rates_60m"]) {
          const rows = yield* sql`SELECT sum(attempts)::int AS attempts, sum(cost_usd) AS cost_usd FROM ${sql(view)}`
          assert.deepStrictEqual(rows, [{ attempts: 4, cost_usd: 2 }], view)
        }
        const [whole] = yield* sql`SELECT lane, attempts, success_rate, per_second FROM attempt_rates_60m`
        // The hour may turn in the middle of the test.
        if (whole?.attempts === 4) {
          assert.deepInclude(whole, { lane: "openai/gpt-mini", success_rate: 2 / 3, per_second: 4 / 3_600 })
        }
      })
    )

    it.effect("makes the partition that a row needs, whenever it is of, and drops those that are too old", () =>
      Effect.gen(function* () {
        const { sql } = yield* open({ retention: Duration.infinity })
        const now = Date.UTC(2020, 6, 29, 12)
        const weeks = (ago: number) => now - ago * 7 * 86_400_000
        const insert = InsertAll.make()
        const rows = [0, 1, 12, 13, 14, 40].map((ago) => ({
          ...Fixtures.operation({ operation: `ago-${ago}` }),
          id: `e-${ago}`,
          at: weeks(ago)
        }))
        yield* insert(rows.flatMap(Rows.ofEvent).map(Record.of))
        assert.deepStrictEqual(
          yield* Partitions.drop(now - 90 * 86_400_000),
          ["ai_service_errors", "ai_service_health", "attempts", "circuit_breaker_events", "operations"].flatMap(
            (table) => [`${table}_20191021`, `${table}_20200420`]
          )
        )
        const left = yield* sql`SELECT operation_id FROM operations ORDER BY ended_at DESC`
        assert.deepStrictEqual(
          left.map((row) => row.operation_id),
          ["ago-0", "ago-1", "ago-12", "ago-13"]
        )
        assert.deepStrictEqual(yield* Partitions.drop(now - 90 * 86_400_000), [])
        // A writer that takes a partition for granted which another instance has dropped makes it again.
        const old = rows.slice(-1).flatMap(Rows.ofEvent).map(Record.of)
        yield* Effect.flip(insert(old))
        assert.strictEqual(yield* insert(old), 0)
        assert.strictEqual((yield* sql`SELECT 1 FROM operations WHERE operation_id = 'ago-40'`).length, 1)
        yield* Partitions.drop(now - 90 * 86_400_000)
      })
    )

    it.effect("keeps every change of a circuit", () =>
      Effect.gen(function* () {
        const { publish, sql, writer } = yield* open()
        const opened = yield* publish(Fixtures.circuit({ openMillis: 60_000 }))
        const probed = yield* publish(Fixtures.circuit({ from: "open", to: "half-open", reason: "probe" }))
        const closed = yield* publish(
          Fixtures.circuit({ circuit: "credential:openai", from: "half-open", to: "closed", reason: "ok", failures: 0 })
        )
        yield* writer.flush
        const rows = yield* sql`SELECT * FROM circuit_breaker_events ORDER BY id`
        assert.deepStrictEqual(rows.map(withoutOwn), [
          {
            event_id: opened.id,
            service_name: "openai",
            circuit: "openai/gpt-mini",
            event_type: "opened",
            from_state: "closed",
            to_state: "open",
            failure_count: 5,
            reason: "5 consecutive failures",
            open_ms: 60_000,
            occurred_at: new Date(opened.at)
          },
          {
            event_id: probed.id,
            service_name: "openai",
            circuit: "openai/gpt-mini",
            event_type: "half_opened",
            from_state: "open",
            to_state: "half-open",
            failure_count: 5,
            reason: "probe",
            open_ms: null,
            occurred_at: new Date(probed.at)
          },
          {
            event_id: closed.id,
            service_name: "openai",
            circuit: "credential:openai",
            event_type: "closed",
            from_state: "half-open",
            to_state: "closed",
            failure_count: 0,
            reason: "ok",
            open_ms: null,
            occurred_at: new Date(closed.at)
          }
        ])
      })
    )

    it.effect("keeps the health of a lane when it changes", () =>
      Effect.gen(function* () {
        const snapshot: EventWriter.HealthSnapshot = {
          lane: "openai/gpt-mini",
          provider: "openai",
          model: "gpt-mini",
          status: "degraded",
          successRate: 0.875,
          calls: 40,
          successes: 35,
          meanMillis: 123.456,
          p50Millis: 100,
          p95Millis: 410.5,
          p99Millis: 900,
          errors: { RateLimit: 4, Timeout: 1 },
          circuit: "closed",
          at: 1
        }
        const { publish, sql, writer } = yield* open({ snapshots: Effect.succeed([snapshot]) })
        const known = yield* publish(Fixtures.healthChange({ successRate: 0.875 }))
        const unknown = yield* publish(Fixtures.healthChange({ lane: "gemini/flash", provider: "gemini", to: "idle" }))
        yield* writer.flush
        const rows = yield* sql`SELECT * FROM ai_service_health ORDER BY id`
        assert.deepStrictEqual(rows.map(withoutOwn), [
          {
            event_id: known.id,
            service_name: "openai",
            model: "gpt-mini",
            lane: "openai/gpt-mini",
            status: "degraded",
            success_rate: 0.875,
            total_requests: 40,
            successful_requests: 35,
            failed_requests: 5,
            average_response_time_ms: 123.456,
            p50_response_time_ms: 100,
            p95_response_time_ms: 410.5,
            p99_response_time_ms: 900,
            error_distribution: { RateLimit: 4, Timeout: 1 },
            circuit_breaker_state: "closed",
            last_check: new Date(known.at)
          },
          {
            event_id: unknown.id,
            service_name: "gemini",
            model: "gpt-mini",
            lane: "gemini/flash",
            status: "idle",
            success_rate: 0.9,
            total_requests: null,
            successful_requests: null,
            failed_requests: null,
            average_response_time_ms: null,
            p50_response_time_ms: null,
            p95_response_time_ms: null,
            p99_response_time_ms: null,
            error_distribution: {},
            circuit_breaker_state: null,
            last_check: new Date(unknown.at)
          }
        ])
      })
    )

    it.effect("adds nothing when the same events are written again", () =>
      Effect.gen(function* () {
        const { bus, publish, sql, writer } = yield* open()
        const again = yield* Effect.provideService(EventWriter.make(), EventBus.EventBus, bus)
        for (let index = 0; index < 50; index += 1) {
          yield* publish(Fixtures.attempt({ operation: `op-${index}` }))
          yield* publish(Fixtures.circuit())
          yield* publish(Fixtures.healthChange())
          yield* publish(Fixtures.operation({ operation: `op-${index}` }))
        }
        yield* Effect.all([writer.flush, again.flush], { concurrency: 2 })
        assert.strictEqual((yield* again.stats).written, 250)
        const [counts] = yield* sql`SELECT
          (SELECT count(*)::int FROM ai_service_errors) AS errors,
          (SELECT count(*)::int FROM circuit_breaker_events) AS circuits,
          (SELECT count(*)::int FROM ai_service_health) AS health,
          (SELECT count(*)::int FROM attempts) AS attempts,
          (SELECT count(*)::int FROM operations) AS operations`
        assert.deepStrictEqual(counts, { errors: 50, circuits: 50, health: 50, attempts: 50, operations: 50 })
      })
    )

    it.effect("adds of a batch what is not there yet, also where a row is in it twice or is not taken at all", () =>
      Effect.gen(function* () {
        const { sql, writer } = yield* open()
        yield* writer.flush
        const insert = InsertAll.make()
        const now = yield* Clock.currentTimeMillis
        const recordsOf = (...numbers: ReadonlyArray<number>) =>
          numbers.flatMap((n) =>
            Rows.ofEvent({ ...Fixtures.attempt({ operation: `op-${n}` }), id: `e-${n}`, at: now + n }).map(Record.of)
          )
        const bad = Rows.ofEvent({ ...Fixtures.operation({ operation: "bad" }), id: "bad", at: now }).map(Record.of)
        const broken = bad.map((record) => ({
          ...record,
          json: record.json.replace('"attempts":1', '"attempts":null')
        }))
        assert.strictEqual(yield* insert(recordsOf(0, 1, 2, 3)), 0)
        assert.strictEqual(yield* insert(recordsOf(2, 4, 3, 5, 4)), 0)
        assert.strictEqual(yield* insert([...recordsOf(0), ...broken, ...recordsOf(6, 1)]), 1)
        assert.deepStrictEqual(yield* insert(recordsOf(6, 7)), 0)
        assert.deepStrictEqual(
          yield* sql`SELECT operation_id FROM attempts ORDER BY operation_id`,
          Array.from({ length: 8 }, (_, n) => ({ operation_id: `op-${n}` }))
        )
        assert.deepStrictEqual(yield* sql`SELECT count(*)::int AS count FROM ai_service_errors`, [{ count: 8 }])
        assert.deepStrictEqual(yield* sql`SELECT count(*)::int AS count FROM operations`, [{ count: 0 }])
      })
    )

    it.effect("takes rows as journals had them that are older, with every flag in them", () =>
      Effect.gen(function* () {
        const { sql, writer } = yield* open()
        yield* writer.flush
        const at = yield* Clock.currentTimeMillis
        const record = {
          table: "attempts" as const,
          at,
          json:
            `{"operation_id":"old","attempt":1,"ended_at":${at},"started_at":${at - 5},"route":"chat","kind":"text",` +
            '"lane":"a/b","provider":"a","model":"b","result":"Success","waited_ms":0,"duration_ms":5,' +
            '"usage_estimated":false,"hedge":true,"continued":false,"truncated":false}'
        }
        assert.strictEqual(yield* InsertAll.make()([record]), 0)
        assert.deepStrictEqual(yield* sql`SELECT waited_ms, usage_estimated, hedge, truncated FROM attempts`, [
          { waited_ms: 0, usage_estimated: false, hedge: true, truncated: false }
        ])
      })
    )

    it.effect("keeps the order of events, a full batch per statement", () =>
      Effect.gen(function* () {
        const statements = yield* Ref.make<ReadonlyArray<string>>([])
        const { bus, sql, writer } = yield* open({ batchSize: 400 }).pipe(
          Effect.provideService(Statement.CurrentTransformer, (statement) =>
            Effect.as(
              Ref.update(statements, (all) => [...all, statement.compile()[0]]),
              statement
            )
          )
        )
        yield* writer.flush
        yield* Ref.set(statements, [])
        for (let index = 0; index < 1_000; index += 1) {
          yield* bus.publish(Fixtures.attempt({ operation: `op-${index}` }))
        }
        yield* writer.flush
        const inserts = (yield* Ref.get(statements)).filter((text) => text.startsWith("INSERT INTO ai_"))
        assert.strictEqual(inserts.length, 5)
        const rows = yield* sql<{ operation_id: string }>`SELECT operation_id FROM ai_service_errors ORDER BY id`
        assert.deepStrictEqual(
          rows.map((row) => row.operation_id),
          Array.from({ length: 1_000 }, (_, index) => `op-${index}`)
        )
      })
    )

    it.effect("takes any text a provider may send", () =>
      Effect.gen(function* () {
        const { publish, sql, writer } = yield* open()
        yield* publish(
          Fixtures.attempt({
            providerCode: "a\0b",
            requestId: `"'\\ \u{1F600} \uD83D`,
            message: "x".repeat(5_000),
            retryAfterMillis: Number.NaN
          })
        )
        yield* writer.flush
        const [row] = yield* sql`SELECT error_code, request_id, length(error_message) AS length, retry_after_ms
          FROM ai_service_errors`
        assert.deepStrictEqual(row, {
          error_code: "a\uFFFDb",
          request_id: `"'\\ \u{1F600} \uFFFD`,
          length: 2_000,
          retry_after_ms: null
        })
      })
    )

    it.effect("gives up one row that the database does not take, and writes the others", () =>
      Effect.gen(function* () {
        const { publish, sql, writer } = yield* open()
        for (let index = 0; index < 100; index += 1) {
          yield* publish(Fixtures.attempt(index === 37 ? { status: 2 ** 31 } : {}))
        }
        yield* writer.flush
        assert.deepInclude(yield* writer.stats, { written: 198, rejected: 2, dropped: 0, pending: 0, away: false })
        assert.deepStrictEqual(yield* sql`SELECT count(*)::int AS count FROM ai_service_errors`, [{ count: 99 }])
      })
    )

    it.effect("writes what is left when it closes", () =>
      Effect.gen(function* () {
        const { close, publish, sql } = yield* open({ batchInterval: "1 hour" })
        for (let index = 0; index < 20; index += 1) yield* publish(Fixtures.circuit())
        yield* close
        assert.deepStrictEqual(yield* sql`SELECT count(*)::int AS count FROM circuit_breaker_events`, [{ count: 20 }])
      })
    )
  })
