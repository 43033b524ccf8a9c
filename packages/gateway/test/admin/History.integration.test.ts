import { assert, layer } from "@effect/vitest"
import { EventWriter } from "@holdfast/store-sql"
import { Effect, Exit, Schema, Scope } from "effect"
import { SqlClient } from "effect/sql"
import * as Model from "../../src/admin/Model.ts"
import { embedded, primary, question, secondary, start } from "../Harness.ts"

const key = "a-key-of-the-tests-own"
const keyed = { config: { admin: { key: { env: "ADMIN_KEY" } } }, env: { ADMIN_KEY: key } }

const get = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, url: string) =>
  Effect.promise(() => fetch(url).then((response) => response.json())).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(schema))
  )

const sum = (counts: ReadonlyArray<number>) => counts.reduce((total, one) => total + one, 0)

/** A gateway that fails twice and answers five times, and is gone. */
const past = Effect.gen(function* () {
  const scope = yield* Scope.make()
  const { client, context } = yield* Scope.provide(
    start({
      ...keyed,
      gemini: { rules: [{ when: { requests: { to: 2 } }, fault: { _tag: "ServiceUnavailable" } }] },
      policy: { retry: { maxRetries: 0 } }
    }),
    scope
  )
  for (let n = 0; n < 5; n++) {
    yield* Effect.promise(() => client.chat.completions.create(question, { headers: { "x-holdfast-tenant": "acme" } }))
  }
  yield* Effect.provide(
    EventWriter.EventWriter.use(({ flush }) => flush),
    context
  )
  yield* Scope.close(scope, Exit.void)
})

layer(embedded, { excludeTestServices: true })("the admin API after a restart", (it) => {
  it.effect("knows from the store what happened before, and what was resolved stays so", () =>
    Effect.gen(function* () {
      yield* past
      const { client, url } = yield* start(keyed)
      yield* Effect.promise(() => client.chat.completions.create(question))
      const { at } = yield* get(Model.State, `${url}/api/state`)

      const series = yield* get(Model.Series, `${url}/api/series?from=${at - 3_600_000}&to=${at + 60_000}`)
      assert.strictEqual(series.source, "store")
      assert.isAtLeast(sum(series.ok), 5)
      assert.strictEqual(sum(series.failed), 2)
      assert.strictEqual(sum(series.errors["ServiceUnavailable"] ?? []), 2)
      assert.isAbove(Math.max(...series.p95Millis.map((value) => value ?? 0)), 0)
      const ofLane = yield* get(
        Model.Series,
        `${url}/api/series?from=${at - 3_600_000}&to=${at + 60_000}&lane=${encodeURIComponent(secondary)}`
      )
      assert.strictEqual(sum(ofLane.ok), 2)

      const operations = Schema.Array(Model.Operation)
      const all = yield* get(operations, `${url}/api/operations`)
      assert.strictEqual(all.length, 6)
      assert.strictEqual(new Set(all.map(({ operation }) => operation)).size, 6)
      assert.strictEqual((yield* get(operations, `${url}/api/operations?route=embed`)).length, 0)
      const degraded = all.find((one) => one.degraded)
      const trail = yield* get(Model.Trail, `${url}/api/operations/${degraded?.operation}`)
      assert.deepStrictEqual(
        trail.spans.filter(({ kind }) => kind === "attempt").map(({ lane, result }) => [lane, result]),
        [
          [primary, "ServiceUnavailable"],
          [secondary, "Success"]
        ]
      )

      const groups = get(Schema.Array(Model.ErrorGroup), `${url}/api/errors`)
      const [group] = yield* groups
      assert.strictEqual(group?.class, "ServiceUnavailable")
      assert.strictEqual(group?.count, 2)
      assert.strictEqual(group?.operations.length, 2)
      const ofGroup = yield* get(Model.Trail, `${url}/api/operations/${group?.operations[0]}`)
      assert.deepStrictEqual(ofGroup.operation.classes, ["ServiceUnavailable"])
      const status = yield* Effect.promise(() =>
        fetch(`${url}/api/errors/resolve`, {
          method: "POST",
          headers: { "content-type": "application/json", "x-holdfast-admin-key": key },
          body: JSON.stringify({ id: group?.id, by: "Ada", reason: "seen" })
        }).then((response) => response.status)
      )
      assert.strictEqual(status, 200)
      const [resolved] = yield* groups
      assert.deepInclude(resolved?.resolution, { by: "Ada", note: "seen" })
      const rows = yield* SqlClient.SqlClient.use(
        (sql) => sql`SELECT resolved_by AS by, resolution_note AS note FROM ai_service_errors WHERE resolved`
      )
      assert.deepStrictEqual(
        rows,
        Array.from({ length: 2 }, () => ({ by: "Ada", note: "seen" }))
      )

      // And in the process after this one, where it comes back.
      const observed = yield* Effect.promise(() =>
        fetch(`${url}/api/holds`, {
          method: "POST",
          headers: { "content-type": "application/json", "x-holdfast-admin-key": key },
          body: JSON.stringify({ circuit: secondary, mode: "observe", by: "Ada", reason: "to see" })
        }).then((response) => response.status)
      )
      assert.strictEqual(observed, 200)
      const again = yield* start({ ...keyed, gemini: { rules: [{ fault: { _tag: "ServiceUnavailable" } }] } })
      const marks = yield* get(Model.Series, `${again.url}/api/series?from=${at - 3_600_000}&to=${at + 60_000}`)
      assert.deepInclude(
        marks.marks.map(({ kind, text }) => ({ kind, text })),
        { kind: "hold", text: `Ada: hold ${secondary} (observe) (to see)` }
      )
      const later = get(Schema.Array(Model.ErrorGroup), `${again.url}/api/errors`)
      assert.deepInclude((yield* later)[0]?.resolution, { by: "Ada", note: "seen" })
      yield* Effect.promise(() => again.client.chat.completions.create(question))
      const [back] = yield* later
      assert.isTrue(back?.regressed)
      assert.isUndefined(back?.resolution)
      assert.isAbove(back?.operations.length ?? 0, 2)
    })
  )

  it.effect("says what memory has, and why there is no more, when the store does not answer", () =>
    Effect.gen(function* () {
      const { client, url } = yield* start(keyed)
      yield* Effect.promise(() => client.chat.completions.create(question))
      yield* SqlClient.SqlClient.use((sql) => sql`ALTER TABLE attempts RENAME TO attempts_away`)
      yield* Effect.addFinalizer(() =>
        Effect.ignore(SqlClient.SqlClient.use((sql) => sql`ALTER TABLE attempts_away RENAME TO attempts`))
      )
      const { at } = yield* get(Model.State, `${url}/api/state`)
      const series = yield* get(Model.Series, `${url}/api/series?from=${at - 86_400_000}&to=${at + 1}`)
      assert.strictEqual(series.source, "memory")
      assert.include(series.problem, "The store does not answer")
      assert.strictEqual(sum(series.ok), 1)
      assert.isAtLeast((yield* get(Schema.Array(Model.Operation), `${url}/api/operations`)).length, 1)
    })
  )
})
