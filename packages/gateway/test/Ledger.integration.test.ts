/**
 * A storm of every kind of failure, with clients that leave in the middle: there is a row of every request that a provider
 * received, and of no other. `HOLDFAST_OPERATIONS=20000` makes it twenty thousand operations.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { Emulator, FaultPlan, Journal } from "@holdfast/chaos"
import { EventWriter } from "@holdfast/store-sql"
import { writeSync } from "node:fs"
import { embedded, hurried, primary, secondary, start } from "./Harness.ts"

const operations = Number(process.env["HOLDFAST_OPERATIONS"] ?? 2_000)
/** The emulators' journals are read, and begun anew, after so many. */
const round = 2_000
const concurrency = 16

const storm: FaultPlan.Input = {
  healthy: { wordsPerChunk: 20 },
  rules: [
    // What clients leave: a request that a provider surely has, before and behind its first content.
    { models: ["hangs"], fault: { _tag: "Hang" } },
    { models: ["stalls"], fault: { _tag: "Stall", for: "1 minute" } },
    { when: { rate: 0.04 }, fault: { _tag: "ServiceUnavailable" } },
    { when: { rate: 0.04 }, fault: { _tag: "ServerError" } },
    { when: { rate: 0.03 }, fault: { _tag: "RateLimit", retryAfter: "20 millis" } },
    { when: { rate: 0.01 }, fault: { _tag: "Hang" } },
    { when: { rate: 0.03 }, fault: { _tag: "Reset" } },
    { when: { rate: 0.03 }, fault: { _tag: "Truncate" } },
    { when: { rate: 0.03 }, fault: { _tag: "Truncate", ending: "clean" } }
  ]
}

/** The circuits stay closed: what is refused is no request, and would make the storm a calm. */
const policy = {
  breaker: { consecutiveFailures: 100, rate: 0 },
  retry: { maxRetries: 2, base: "5 millis", maxDelay: "20 millis", patience: "1 second" },
  retryBudget: { ratio: 1, reservePerSecond: 1_000 },
  clocks: { ...hurried.clocks, firstContent: "1500 millis", chunkGap: "1500 millis", plainAttempt: "1500 millis" },
  stream: { onFailure: "continue" }
}
const routes = {
  chat: { lanes: [primary, secondary], policy: { ...hurried, ...policy } },
  hangs: { lanes: ["gemini/hangs"], policy: { ...hurried, ...policy } },
  stalls: { lanes: ["openai/stalls"], policy: { ...hurried, ...policy } }
}

/** One client in ten leaves once its request is with the provider, or once its stream has begun. */
const ask = (url: string, n: number, gemini: Emulator.Emulator) =>
  Effect.promise(async (signal) => {
    const content = `request ${n} of the storm`
    const controller = new AbortController()
    const model = n % 20 === 3 ? "hangs" : n % 20 === 13 ? "stalls" : "chat"
    const stream = n % 2 === 0 || model === "stalls"
    const asked = fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: "Bearer a-client" },
      body: JSON.stringify({ model, stream, messages: [{ role: "user", content }] }),
      signal: AbortSignal.any([signal, controller.signal])
    })
    if (model === "hangs") {
      const received = (entry: Journal.Entry) => JSON.stringify(entry.body).includes(`"${content}"`)
      await Effect.runPromise(gemini.awaitEntry(received))
      controller.abort()
    }
    if (model === "stalls") {
      const reader = (await asked).body?.getReader()
      await reader?.read()
      controller.abort()
    }
    await asked.then((response) => response.text()).catch(() => undefined)
  })

layer(embedded, { excludeTestServices: true, timeout: "60 seconds" })("the ledger of a storm", (it) => {
  it.effect(
    "has a row of every request that the providers received, and one of every operation",
    () =>
      Effect.gen(function* () {
        const { context, gemini, openAi, url } = yield* start({ gemini: storm, openAi: storm, config: { routes } })
        const sql = yield* SqlClient.SqlClient
        const flush = EventWriter.EventWriter.use((writer) => writer.flush).pipe(Effect.provide(context))
        const emulators = [gemini, openAi]
        const received = new Map<string, number>()
        for (let from = 0; from < operations; from += round) {
          const count = Math.min(round, operations - from)
          yield* Effect.forEach(
            Array.from({ length: count }, (_, n) => from + n),
            (n) => ask(url, n, gemini),
            { concurrency, discard: true }
          )
          // Those whose client has left are over a moment later.
          yield* Effect.andThen(flush, sql<{ count: number }>`SELECT count(*)::int AS count FROM operations`).pipe(
            Effect.tap(Effect.sleep("20 millis")),
            Effect.repeat({ until: ([row]) => row?.count === from + count })
          )
          for (const emulator of emulators) {
            for (const { model = "?" } of yield* emulator.journal) received.set(model, (received.get(model) ?? 0) + 1)
            yield* emulator.reset
          }
        }
        const rows = yield* sql<{ model: string; count: number }>`
          SELECT model, count(*)::int AS count FROM attempts GROUP BY model`
        const results = yield* sql<{ result: string; count: number }>`
          SELECT result, count(*)::int AS count FROM attempts GROUP BY result ORDER BY count DESC`
        writeSync(
          2,
          `${operations} operations, ${[...received.values()].reduce((a, b) => a + b, 0)} requests received; attempts: ` +
            `${results.map(({ count, result }) => `${count} ${result}`).join(", ")}\n`
        )
        assert.deepStrictEqual(
          Object.fromEntries(rows.map(({ count, model }) => [model, count])),
          Object.fromEntries(received)
        )
        const seen = new Set(results.map(({ result }) => result))
        for (const result of [
          "Success",
          "ServiceUnavailable",
          "RateLimit",
          "Timeout",
          "Network",
          "StreamTruncated",
          "Cancelled"
        ]) {
          assert.isTrue(seen.has(result), result)
        }
        const [sums] = yield* sql`SELECT sum(attempts)::int AS attempts, count(DISTINCT tenant)::int AS tenants,
          bool_and(tenant ~ '^key-[0-9a-f]{12}$') AS named FROM operations`
        const all = rows.reduce((sum, { count }) => sum + count, 0)
        assert.deepStrictEqual(sums, { attempts: all, tenants: 1, named: true })
      }),
    60_000 + operations * 30
  )
})
