/** A gateway whose disk is full: nobody who calls it notices, and what could not be kept is counted. */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { OpenAiEmulator } from "@holdfast/chaos"
import { tcpProxy } from "@holdfast/core/test/TcpProxy"
import { Database } from "@holdfast/store-sql"
import { TestPostgres } from "@holdfast/store-sql/test/TestPostgres"
import { readdirSync, readFileSync, writeSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { folder, holdfast, url } from "./Command.ts"
import * as SmallDisk from "./SmallDisk.ts"

if (SmallDisk.missing !== undefined) {
  writeSync(2, `SKIPPED: a gateway on a disk that is full, since there is no small disk here: ${SmallDisk.missing}\n`)
}

const json = (address: string) =>
  Effect.promise(async (): Promise<unknown> => {
    const response = await fetch(address)
    return response.json()
  })

/** Asks so often, one after the other; answers with the operations, how many were not answered, and the longest wait. */
const ask = (base: string, times: number) =>
  Effect.promise(async () => {
    const operations: Array<string> = []
    let failed = 0
    let longest = 0
    for (let n = 0; n < times; n += 1) {
      const from = performance.now()
      const response = await fetch(`${base}/v1/chat/completions`, {
        method: "POST",
        body: JSON.stringify({ model: "chat", messages: [{ role: "user", content: "hi" }] })
      })
      await response.text()
      longest = Math.max(longest, performance.now() - from)
      const operation = response.headers.get("x-holdfast-operation")
      if (response.status === 200 && operation !== null) operations.push(operation)
      else failed += 1
    }
    return { operations, failed, longest }
  })

/** Until it is so: looks ten times a second. */
const until = <A>(self: Effect.Effect<A>, holds: (value: A) => boolean) =>
  self.pipe(
    Effect.repeat({ schedule: Schedule.spaced("100 millis"), until: holds }),
    Effect.timeoutOrElse({
      duration: "20 seconds",
      orElse: () => Effect.flatMap(self, (value) => Effect.die(new Error(`still ${JSON.stringify(value)}`)))
    })
  )

layer(TestPostgres.layer, { excludeTestServices: true, timeout: "60 seconds" })(
  "a gateway on a disk that is full",
  (it) => {
    it.effect.skipIf(SmallDisk.missing !== undefined)(
      "answers everybody, says so once, and goes on by itself when there is room again",
      () =>
        Effect.gen(function* () {
          const server = yield* TestPostgres
          const database = yield* server.database
          const proxy = yield* tcpProxy({ host: "127.0.0.1", port: server.port })
          const provider = yield* OpenAiEmulator.make({ seed: "full disk" })
          const home = yield* folder
          const data = join(home, "data")
          const file = join(home, "holdfast.json")
          const config = {
            providers: { openai: { key: { env: "KEY" }, baseUrl: provider.url } },
            routes: { chat: { lanes: ["openai/gpt-4o-mini"] } },
            alerts: { rules: { journalInUse: { for: "1 second", clear: "1 second" } } }
          }
          yield* Effect.promise(() => mkdir(data))
          yield* Effect.promise(() => writeFile(file, JSON.stringify(config)))
          const disk = yield* SmallDisk.make(data, 4)
          const run = holdfast(
            ["serve", "-c", file, "--port", "0", "--data", data],
            { KEY: "any", DATABASE_URL: Redacted.value(database).replace(`:${server.port}/`, `:${proxy.port}/`) },
            disk.within
          )
          const start = Effect.gen(function* () {
            const gateway = yield* run
            const [, base = ""] = yield* gateway.says(url)
            return { ...gateway, base }
          })
          const journal = () =>
            readdirSync(join(disk.inside, "journal")).map((name) =>
              readFileSync(join(disk.inside, "journal", name), "utf8")
            )

          const first = yield* start
          const metric = (name: string) =>
            Effect.promise(async () => {
              const response = await fetch(`${first.base}/metrics`)
              return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, "m").exec(await response.text())?.[1])
            })
          const firing = Effect.map(json(`${first.base}/api/alerts`), (alerts) => JSON.stringify(alerts))
          const before = yield* ask(first.base, 20)
          yield* until(metric("holdfast_store_written_total"), (rows) => rows >= 40)
          const usual = yield* ask(first.base, 200)

          // What the database has by then is deleted and makes room once more, until there is nothing left of that.
          const starved: Array<Effect.Success<ReturnType<typeof ask>>> = []
          const starve = Effect.gen(function* () {
            yield* disk.fill
            starved.push(yield* ask(first.base, 5))
            yield* until(metric("holdfast_store_pending"), (rows) => rows === 0)
          })
          yield* until(
            Effect.map(starve, () => journal().join("")),
            (text) => text === ""
          )
          const said = Effect.sync(() => first.output().match(/The journal is \w+/g) ?? [])
          // What was deleted last may have made room for an instant: nobody would notice the next failure without a call.
          yield* until(Effect.andThen(starve, said), (lines) => lines.at(-1) === "The journal is failing")
          const saidBefore = (yield* said).length

          // Whatever room there is in spite of that is taken at once. The disk first, then the database as well.
          const filling = yield* disk.fill.pipe(Effect.repeat(Schedule.spaced("20 millis")), Effect.forkChild)
          const full = yield* ask(first.base, 300)
          yield* until(metric("holdfast_journal_failing"), (value) => value === 1)
          yield* until(metric("holdfast_store_pending"), (rows) => rows === 0)
          yield* proxy.cut
          const alone = yield* ask(first.base, 300)
          yield* until(metric("holdfast_store_pending"), (rows) => rows === 600)
          yield* until(firing, (alerts) => alerts.includes("journalInUse") && alerts.includes("ENOSPC"))
          for (const text of journal()) assert.match(text, /^$|\n$/)

          // Room again, and nobody asks: what waits in memory goes to the disk, and outlives the process.
          yield* Fiber.interrupt(filling)
          yield* disk.clear
          yield* until(said, (lines) => lines.at(-1) === "The journal is behind")
          assert.strictEqual(yield* metric("holdfast_journal_failing"), 0)
          const room = yield* ask(first.base, 20)
          first.child.kill("SIGKILL")
          yield* first.ended
          yield* proxy.mend
          const last = yield* start
          const asked = [before, usual, ...starved, full, alone, room]
          const acknowledged = new Set(asked.flatMap(({ operations }) => operations))
          yield* Effect.gen(function* () {
            const sql = yield* SqlClient.SqlClient
            const known = Effect.orDie(
              Effect.map(
                sql<{ operation_id: string }>`SELECT operation_id FROM operations`,
                (rows) => rows.length === new Set(rows.map((row) => row.operation_id)).size && rows.length
              )
            )
            yield* until(known, (rows) => rows === acknowledged.size)
          }).pipe(Effect.provide(Layer.fresh(Database.layerUrl(database))))
          last.child.kill("SIGTERM")
          assert.strictEqual(yield* last.ended, 0)
          yield* disk.fill
          const refused = yield* run
          assert.notStrictEqual(yield* refused.ended, 0)
          assert.include(refused.output(), "cannot be opened: ENOSPC: no space left on device")

          assert.strictEqual(
            asked.reduce((sum, { failed }) => sum + failed, 0),
            0
          )
          assert.isAtLeast(acknowledged.size, 840)
          // Once, but for an instant in which there was room.
          assert.isAtMost((yield* said).length - saidBefore, 3, first.output())
          assert.notInclude(last.output(), "damaged")
          writeSync(
            2,
            `longest request, ms: ${usual.longest.toFixed(0)} usually, ${full.longest.toFixed(0)} with a full disk, ` +
              `${alone.longest.toFixed(0)} with the database away as well\n`
          )
        }),
      // The room on the disk comes and goes with what the machine has time for.
      { timeout: 120_000, retry: 2 }
    )
  }
)
