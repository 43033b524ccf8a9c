/** What a dashboard is told, on whichever database. */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { SqlClient } from "effect/sql"
import type * as Database from "../src/Database.ts"
import type { DatabaseError } from "../src/DatabaseError.ts"
import * as InsertAll from "../src/internal/insertAll.ts"
import * as Record from "../src/internal/Record.ts"
import * as Rows from "../src/internal/rows.ts"
import * as Migrations from "../src/Migrations.ts"
import * as Queries from "../src/Queries.ts"
import * as Fixtures from "./fixtures.ts"

/** A Wednesday noon. */
const noon = Date.UTC(2026, 6, 29, 12)
const span = { since: noon - 3_600_000, until: noon + 3_600_000 }

type Drafts = ReadonlyArray<Parameters<typeof Rows.ofEvent>[0]>

/** Empty tables, and a way to fill them with what happened so many milliseconds after noon. */
const open = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Migrations.run
  yield* sql`TRUNCATE operations, attempts, ai_service_health, ai_service_errors, circuit_breaker_events`
  const insert = InsertAll.make()
  let id = 0
  const at = (after: number) => {
    id += 1
    return { id: `e-${id}`, at: noon + after }
  }
  const happened = (events: Drafts) => insert(events.flatMap(Rows.ofEvent).map(Record.of))
  return { queries: yield* Queries.make, at, happened, insert }
})

export const queriesSuite = <E>(name: string, database: Layer.Layer<Database.Database, DatabaseError | E>) =>
  layer(database, { excludeTestServices: true, timeout: "60 seconds" })(
    `the questions of a dashboard, on ${name}`,
    (it) => {
      it.effect("groups errors that read the same, and marks a group as resolved with who and when", () =>
        Effect.gen(function* () {
          const { at, happened, queries } = yield* open
          const limited = (seconds: number) =>
            Fixtures.attempt({
              result: "RateLimit",
              rule: "openai/rate",
              message: `wait for ${seconds} s`,
              status: 429
            })
          yield* happened([
            { ...limited(3), ...at(1_000), operation: "a" },
            { ...limited(8), ...at(2_000), operation: "b" },
            { ...limited(5), ...at(3_000), operation: "c", lane: "gemini/flash" },
            { ...Fixtures.attempt({ result: "Network" }), ...at(4_000), operation: "d" }
          ])
          const groups = yield* queries.errorGroups(span)
          assert.deepStrictEqual(
            groups.map(({ count, errorType, firstSeen, lane, lastSeen, unresolved }) => [
              errorType,
              lane,
              count,
              unresolved,
              firstSeen - noon,
              lastSeen - noon
            ]),
            [
              ["Network", "openai/gpt-mini", 1, 1, 4_000, 4_000],
              ["RateLimit", "gemini/flash", 1, 1, 3_000, 3_000],
              ["RateLimit", "openai/gpt-mini", 2, 2, 1_000, 2_000]
            ]
          )
          const [network, , limits] = groups
          if (limits === undefined || network === undefined) return assert.fail("there are three groups")
          assert.strictEqual(yield* queries.resolve(limits, "robin"), 2)
          assert.strictEqual(yield* queries.resolve(limits, "kim"), 0)
          assert.strictEqual(yield* queries.resolve(network, "robin"), 1)
          const sql = yield* SqlClient.SqlClient
          const resolved = yield* sql`SELECT resolved_by, resolved_at > now() - interval '1 minute' AS lately
          FROM ai_service_errors WHERE resolved`
          assert.deepStrictEqual(
            resolved,
            Array.from({ length: 3 }, () => ({ resolved_by: "robin", lately: true }))
          )
          yield* happened([{ ...limited(1), ...at(9_000), operation: "e" }])
          const left = yield* queries.errorGroups({ ...span, unresolvedOnly: true })
          assert.deepStrictEqual(
            left.map(({ count, lane }) => [lane, count]),
            [
              ["openai/gpt-mini", 1],
              ["gemini/flash", 1]
            ]
          )
          const ofLane = yield* queries.errorGroups({ ...span, lane: "gemini/flash" })
          assert.strictEqual(ofLane.length, 1)
        })
      )

      it.effect("says to which operations errors of a group happened last, and how it was resolved", () =>
        Effect.gen(function* () {
          const { at, happened, queries } = yield* open
          const error = Fixtures.attempt({ result: "Network" })
          const inTurn = ["a", "b", "b", "c", "d"].map((operation, index) => ({
            ...error,
            ...at(index * 1_000),
            operation,
            attempt: index + 1
          }))
          yield* happened([
            ...inTurn,
            { ...Fixtures.attempt({ result: "RateLimit", rule: "openai/rate" }), ...at(500), operation: "e" },
            // Before the span.
            { ...Fixtures.attempt({ result: "Timeout" }), ...at(-7_200_000), operation: "f" }
          ])
          const [network, limits] = yield* queries.errorGroups(span)
          if (limits === undefined || network === undefined) return assert.fail("there are two groups")
          assert.deepStrictEqual(yield* queries.errorGroupDetails([limits, network], span), [
            { operations: ["e"], resolution: undefined },
            { operations: ["d", "c", "b"], resolution: undefined }
          ])
          yield* queries.resolve(network, "robin", "a cable")
          yield* queries.resolve(limits, "kim")
          const groups = yield* queries.errorGroups(span)
          const [first, second] = yield* queries.errorGroupDetails(groups, span)
          assert.deepInclude(first?.resolution, { by: "robin", note: "a cable" })
          assert.deepInclude(second?.resolution, { by: "kim", note: null })
          yield* happened([{ ...error, ...at(9_000), operation: "g", attempt: 1 }])
          const [back] = yield* queries.errorGroups(span)
          if (back === undefined) return assert.fail("it is there again")
          assert.deepInclude(back, { count: 6, unresolved: 1 })
          const [detail] = yield* queries.errorGroupDetails([back], span)
          assert.deepStrictEqual(detail?.operations, ["g", "d", "c"])
          assert.strictEqual(detail?.resolution?.note, "a cable")
          assert.deepStrictEqual(yield* queries.errorGroupDetails([], span), [])
        })
      )

      it.effect("sums what attempts cost, by tenant, route and lane, and says what is estimated or unknown", () =>
        Effect.gen(function* () {
          const { at, happened, queries } = yield* open
          const success = (operation: string, fields: object) => ({
            ...Fixtures.attempt({ result: "Success", operation, ...fields }),
            ...at(1)
          })
          yield* happened([
            success("a", { tenant: "x", usd: 1, inputTokens: 10, outputTokens: 1, cachedTokens: 4 }),
            success("b", { tenant: "x", usd: 2, inputTokens: 20, outputTokens: 2, estimated: true, route: "embed" }),
            success("c", { tenant: "y", usd: 5, lane: "gemini/flash" }),
            success("d", {}),
            { ...success("e", { usd: 100 }), ...at(7_200_000) }
          ])
          assert.deepStrictEqual(yield* queries.cost("tenant", span), [
            cost("y", { attempts: 1, usd: 5 }),
            cost("x", {
              attempts: 2,
              usd: 3,
              estimatedUsd: 2,
              inputTokens: 30,
              outputTokens: 3,
              cachedTokens: 4
            }),
            cost(null, { attempts: 1, unpriced: 1 })
          ])
          const keys = (by: "route" | "lane") =>
            Effect.map(queries.cost(by, span), (rows) => rows.map(({ key, usd }) => [key, usd]))
          assert.deepStrictEqual(yield* keys("route"), [
            ["chat", 6],
            ["embed", 2]
          ])
          assert.deepStrictEqual(yield* keys("lane"), [
            ["gemini/flash", 5],
            ["openai/gpt-mini", 3]
          ])
        })
      )

      it.effect("finds operations by what they are, a page at a time, each once, the latest first", () =>
        Effect.gen(function* () {
          const { at, happened, queries } = yield* open
          yield* happened(
            Array.from({ length: 100 }, (_, n) => ({
              ...Fixtures.operation({
                operation: `op-${String(n).padStart(3, "0")}`,
                tenant: n % 2 === 0 ? "even" : undefined,
                route: n % 5 === 0 ? "embed" : "chat",
                result: n % 10 === 0 ? "AllLanesFailed" : "Success",
                durationMillis: (n * 37) % 100
              }),
              // Ten of them in each instant.
              ...at(Math.floor(n / 10))
            }))
          )
          const pages: Array<ReadonlyArray<string>> = []
          let after: Queries.Cursor | undefined
          do {
            const { next, operations } = yield* queries.search({ ...span, limit: 7, after })
            pages.push(operations.map(({ operation }) => operation))
            after = next
          } while (after !== undefined)
          assert.deepStrictEqual(
            pages.flat(),
            Array.from({ length: 100 }, (_, n) => `op-${String(99 - n).padStart(3, "0")}`)
          )
          assert.strictEqual(pages.length, 15)
          const count = (search: Queries.Search) =>
            Effect.map(queries.search({ ...span, ...search, limit: 1_000 }), ({ operations }) => operations.length)
          assert.strictEqual(yield* count({ tenant: "even" }), 50)
          assert.strictEqual(yield* count({ route: "embed" }), 20)
          assert.strictEqual(yield* count({ result: "AllLanesFailed" }), 10)
          assert.strictEqual(yield* count({ tenant: "even", route: "embed", result: "AllLanesFailed" }), 10)
          assert.strictEqual(yield* count({ operation: "op-042" }), 1)
          assert.strictEqual(yield* count({ until: noon }), 0)
          const slowest = yield* queries.slowest({ ...span, limit: 3 })
          assert.deepStrictEqual(
            slowest.map(({ durationMillis }) => durationMillis),
            [99, 98, 97]
          )
          assert.isTrue((yield* queries.slowest({ ...span, route: "embed" })).every(({ route }) => route === "embed"))
        })
      )

      it.effect("tells the whole story of an operation, also of one that shared another's attempts", () =>
        Effect.gen(function* () {
          const { at, happened, queries } = yield* open
          yield* happened([
            { ...Fixtures.attempt({ message: "it is down", status: 503 }), ...at(1) },
            {
              ...Fixtures.attempt({ attempt: 2, result: "Success", lane: "gemini/flash", waitedMillis: 20 }),
              ...at(2)
            },
            {
              ...Fixtures.operation({
                attempts: 2,
                degraded: true,
                trace: { traceId: "t-1", spanId: "b7ad6b7169203331", sampled: true }
              }),
              ...at(3)
            },
            { ...Fixtures.operation({ operation: "op-2", attempts: 0, source: "shared", joined: "op-1" }), ...at(4) }
          ])
          const trail = yield* queries.trail("op-1")
          assert.deepInclude(trail?.operation, {
            operation: "op-1",
            at: noon + 3,
            startedAt: noon + 3 - 300,
            degraded: true,
            traceId: "t-1"
          })
          assert.deepStrictEqual(
            trail?.attempts.map(({ attempt, lane, message, result, status, waitedMillis }) => [
              attempt,
              lane,
              result,
              status,
              message,
              waitedMillis
            ]),
            [
              [1, "openai/gpt-mini", "ServiceUnavailable", 503, "it is down", 0],
              [2, "gemini/flash", "Success", null, null, 20]
            ]
          )
          const shared = yield* queries.trail("op-2")
          assert.strictEqual(shared?.operation?.operation, "op-2")
          assert.strictEqual(shared?.attempts.length, 2)
          assert.isUndefined(yield* queries.trail("op-3"))
        })
      )

      it.effect("shows a lane's health and the changes of circuits over time", () =>
        Effect.gen(function* () {
          const { at, happened, insert, queries } = yield* open
          yield* happened([
            { ...Fixtures.circuit(), ...at(1) },
            { ...Fixtures.circuit({ from: "open", to: "half-open", reason: "probe" }), ...at(2) },
            { ...Fixtures.circuit({ circuit: "other", openMillis: 60_000 }), ...at(3) }
          ])
          const timeline = yield* queries.circuits({ ...span, circuit: "openai/gpt-mini" })
          assert.deepStrictEqual(
            timeline.map((change) => [change.at - noon, change.from, change.to]),
            [
              [1, "closed", "open"],
              [2, "open", "half-open"]
            ]
          )
          assert.strictEqual((yield* queries.circuits(span)).at(-1)?.openMillis, 60_000)
          yield* insert(
            [5, 4].map((after) =>
              Record.of(Rows.ofHealthChange({ ...Fixtures.healthChange(), ...at(after) }, undefined))
            )
          )
          const health = yield* queries.health("openai/gpt-mini", span)
          assert.deepStrictEqual(
            health.map((point) => [point.at - noon, point.status, point.successRate]),
            [
              [4, "degraded", 0.9],
              [5, "degraded", 0.9]
            ]
          )
          assert.deepStrictEqual(yield* queries.health("openai/other", span), [])
        })
      )
    }
  )

const cost = (key: string | null, sums: Partial<Queries.Cost>): Queries.Cost => ({
  key,
  attempts: 0,
  inputTokens: 0,
  outputTokens: 0,
  cachedTokens: 0,
  usd: 0,
  estimatedUsd: 0,
  unpriced: 0,
  ...sums
})
