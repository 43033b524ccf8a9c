/**
 * `kill -9` under load, again and again on the same data: every operation whose answer a client had in full is in the
 * database once the gateway runs again, and once only. `HOLDFAST_KILLS=100` makes it a hundred.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Random, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { FaultPlan, OpenAiEmulator } from "@holdfast/chaos"
import { tcpProxy } from "@holdfast/core/test/TcpProxy"
import { Database } from "@holdfast/store-sql"
import { TestPostgres } from "@holdfast/store-sql/test/TestPostgres"
import { writeSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { folder, holdfast, url } from "./Command.ts"

const kills = Number(process.env["HOLDFAST_KILLS"] ?? 9)

/** How the database is while the gateway runs that is killed. */
const moods = ["there", "silent", "away"] as const

const workers = 12

/** Asks without a pause; answers with the operations whose answers it had in full. */
const client = (base: string, acknowledged: Set<string>, stream: boolean) =>
  Effect.promise(async () => {
    try {
      const response = await fetch(`${base}/v1/chat/completions`, {
        method: "POST",
        body: JSON.stringify({ model: "chat", stream, messages: [{ role: "user", content: "hi" }] })
      })
      const body = await response.text()
      const operation = response.headers.get("x-holdfast-operation")
      const isWhole = stream ? body.includes("[DONE]") : body.endsWith("}")
      if (response.status === 200 && isWhole && operation !== null) acknowledged.add(operation)
      return true
    } catch {
      return false
    }
  })

const load = (base: string, acknowledged: Set<string>) =>
  Effect.forEach(
    Array.from({ length: workers }, (_, index) => index % 2 === 0),
    (stream) =>
      Effect.whileLoop({
        while: () => true,
        body: () =>
          Effect.flatMap(client(base, acknowledged, stream), (goesOn) => (goesOn ? Effect.void : Effect.sleep(5))),
        step: () => undefined
      }),
    { concurrency: "unbounded", discard: true }
  )

layer(TestPostgres.layer, { excludeTestServices: true, timeout: "60 seconds" })("a gateway that is killed", (it) => {
  it.effect(
    "has every operation it acknowledged, once, when it runs again",
    () =>
      Effect.gen(function* () {
        const server = yield* TestPostgres
        const database = yield* server.database
        const proxy = yield* tcpProxy({ host: "127.0.0.1", port: server.port })
        const through = Redacted.value(database).replace(`:${server.port}/`, `:${proxy.port}/`)
        const provider = yield* OpenAiEmulator.make({
          plan: FaultPlan.make({ rules: [{ when: { rate: 0.1 }, fault: { _tag: "ServerError" } }] }),
          seed: "kills"
        })
        const data = yield* folder
        const file = join(data, "holdfast.json")
        const config = {
          providers: { openai: { key: { env: "KEY" }, baseUrl: provider.url } },
          routes: {
            chat: { lanes: ["openai/gpt-4o-mini"], policy: { retry: { base: "5 millis", maxDelay: "20 millis" } } }
          }
        }
        yield* Effect.promise(() => writeFile(file, JSON.stringify(config)))
        const start = Effect.gen(function* () {
          const gateway = yield* holdfast(["serve", "-c", file, "--port", "0", "--data", data], {
            KEY: "any",
            DATABASE_URL: through
          })
          const [, base = ""] = yield* gateway.says(url)
          return { ...gateway, base }
        })

        const acknowledged = new Set<string>()
        for (let kill = 0; kill < kills; kill += 1) {
          const mood = moods[kill % moods.length]
          yield* mood === "there" ? proxy.mend : mood === "silent" ? proxy.hang : proxy.cut
          const { base, child, ended } = yield* start
          const asking = yield* Effect.forkChild(load(base, acknowledged))
          yield* Effect.sleep(yield* Random.nextIntBetween(150, 1_200))
          child.kill("SIGKILL")
          yield* ended
          yield* Fiber.interrupt(asking)
        }
        yield* proxy.mend
        const last = yield* start
        yield* Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          const known = Effect.map(
            sql<{ operation_id: string }>`SELECT operation_id FROM operations`,
            (rows) => new Set(rows.map((row) => row.operation_id))
          )
          const isThere = Effect.map(known, (there) => [...acknowledged].every((operation) => there.has(operation)))
          // The tables may not be there yet either.
          yield* isThere.pipe(
            Effect.orElseSucceed(() => false),
            Effect.tap(Effect.sleep("100 millis")),
            Effect.repeat({ until: (all) => all }),
            Effect.timeoutOption("20 seconds")
          )
          last.child.kill("SIGTERM")
          assert.strictEqual(yield* last.ended, 0)

          const there = yield* known
          const missing = [...acknowledged].filter((operation) => !there.has(operation))
          const [counts] = yield* sql<{ operations: number; distinct: number; without: number; attempts: number }>`
            SELECT count(*)::int AS operations, count(DISTINCT operation_id)::int AS "distinct",
              (count(*) FILTER (WHERE NOT EXISTS (
                SELECT FROM attempts WHERE attempts.operation_id = operations.operation_id)))::int AS without,
              (SELECT count(*)::int FROM attempts) AS attempts
            FROM operations`
          const [twice] = yield* sql`SELECT count(*)::int AS count FROM (
            SELECT FROM attempts GROUP BY operation_id, attempt HAVING count(*) > 1) AS doubled`
          // Past the reporter, which shows the output of failed tests only: these figures are always wanted.
          writeSync(
            2,
            `${kills} kills: ${acknowledged.size} operations acknowledged, ${missing.length} of them without a row; ` +
              `${counts?.operations} rows of operations, ${counts?.attempts} of attempts\n`
          )
          assert.deepStrictEqual(missing, [])
          assert.isAbove(acknowledged.size, kills * 10)
          assert.strictEqual(counts?.operations, counts?.distinct)
          assert.deepStrictEqual(twice, { count: 0 })
          assert.strictEqual(counts?.without, 0)
        }).pipe(Effect.provide(Layer.fresh(Database.layerUrl(database))))
      }),
    (kills + 2) * 20_000
  )
})
