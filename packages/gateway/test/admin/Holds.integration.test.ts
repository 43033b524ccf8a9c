import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Database } from "@holdfast/store-sql"
import { type Context, Effect, Exit, FileSystem, Fiber, Layer, Logger, Redacted, Schema, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { createServer } from "node:net"
import * as Model from "../../src/admin/Model.ts"
import { primary, question, secondary, start } from "../Harness.ts"

const key = "a-key-of-the-tests-own"

const get = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, url: string) =>
  Effect.promise(() => fetch(url).then((response) => response.json())).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(schema))
  )

/** A gateway on that database, until it is stopped or the test is over. */
const run = Effect.fnUntraced(function* (database: Context.Context<Database.Database>, instance?: string) {
  const scope = yield* Scope.make()
  const stop = Scope.close(scope, Exit.void)
  yield* Effect.addFinalizer(() => stop)
  const { client, gemini, url } = yield* Scope.provide(
    start({
      config: { admin: { key: { env: "ADMIN_KEY" } }, ...(instance === undefined ? {} : { alerts: { instance } }) },
      env: { ADMIN_KEY: key }
    }),
    scope
  ).pipe(Effect.provide(database))
  const post = (path: string, body: object) =>
    Effect.promise(async () => {
      const response = await fetch(`${url}/api${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-holdfast-admin-key": key },
        body: JSON.stringify(body)
      })
      return response.json()
    }).pipe(Effect.flatMap(Schema.decodeUnknownEffect(Model.Hold)))
  const holds = Effect.map(get(Model.State, `${url}/api/state`), (state) => state.holds)
  return {
    stop,
    /** The lane that answers. */
    lane: Effect.promise(() => client.chat.completions.create(question).withResponse()).pipe(
      Effect.map(({ response }) => response.headers.get("x-holdfast-lane"))
    ),
    calls: Effect.map(gemini.journal, (journal) => journal.length),
    drain: (more: object = {}) => post("/drains", { lane: primary, by: "Ada", reason: "new key", ...more }),
    release: (id: string | undefined) => post(`/holds/${id}/release`, { by: "Bob", reason: "key is in" }),
    holds,
    until: (claim: (holds: ReadonlyArray<Model.Hold>) => boolean) =>
      Effect.gen(function* () {
        while (!claim(yield* holds)) yield* Effect.sleep("100 millis")
      }),
    actions: get(Schema.Array(Model.Action), `${url}/api/actions`)
  }
})

const said = (actions: ReadonlyArray<Model.Action>) => actions.map(({ action, by, reason }) => [by, action, reason])

const temporary = Effect.flatMap(FileSystem.FileSystem, (files) =>
  files.makeTempDirectoryScoped({ prefix: "holdfast-holds-" })
)

/** A database that opens that directory, until its scope closes. */
const inDirectory = (directory: string) => Layer.build(Layer.fresh(Database.layerEmbedded({ directory })))

const inMemory = Layer.build(Layer.fresh(Database.layerEmbedded()))

/** What is logged in the meantime. */
const logs = () => {
  const lines: Array<string> = []
  return {
    lines,
    layer: Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
  }
}

/** Takes connections and never answers; `refuse` stops that. */
const silent = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
    const sockets = new Set<{ destroy: () => void }>()
    const server = createServer((socket) => sockets.add(socket))
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = address !== null && typeof address === "object" ? address.port : 0
      const close = () => {
        server.close()
        for (const socket of sockets) socket.destroy()
      }
      resume(Effect.succeed({ url: `postgres://nobody@127.0.0.1:${port}/none`, close }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

describe("holds", { timeout: 180_000 }, () => {
  layer(NodeFileSystem.layer, { excludeTestServices: true })((it) => {
    it.effect("outlive the gateway, and are in force again before its first call, until they are released", () =>
      Effect.gen(function* () {
        const directory = yield* temporary
        const life = Effect.fnUntraced(function* <A, E>(
          use: (gateway: Effect.Success<ReturnType<typeof run>>) => Effect.Effect<A, E>
        ) {
          return yield* Effect.scoped(
            Effect.flatMap(inDirectory(directory), (database) => Effect.flatMap(run(database), use))
          )
        })
        const put = yield* life(({ drain, lane }) =>
          Effect.gen(function* () {
            const hold = yield* drain({ minutes: 600 })
            assert.isTrue(hold.isKept)
            assert.strictEqual(yield* lane, secondary)
            return hold
          })
        )
        yield* life(({ actions, calls, holds, lane, release }) =>
          Effect.gen(function* () {
            assert.strictEqual(yield* lane, secondary)
            assert.strictEqual(yield* calls, 0)
            assert.deepStrictEqual(yield* holds, [put])
            assert.strictEqual((put.until ?? 0) - put.since, 600 * 60_000)
            assert.deepStrictEqual(said(yield* actions), [["Ada", "drain", "new key"]])
            yield* release(put.id)
            assert.strictEqual(yield* lane, primary)
          })
        )
        yield* life(({ actions, holds, lane }) =>
          Effect.gen(function* () {
            assert.strictEqual(yield* lane, primary)
            assert.deepStrictEqual(yield* holds, [])
            assert.deepStrictEqual(said(yield* actions), [
              ["Bob", "release", "key is in"],
              ["Ada", "drain", "new key"]
            ])
          })
        )
      })
    )

    it.effect("come to the end that they have from the beginning, also while no gateway runs", () =>
      Effect.gen(function* () {
        const database = yield* inMemory
        const first = yield* run(database)
        yield* first.drain({ minutes: 1 / 60 })
        assert.strictEqual(yield* first.lane, secondary)
        yield* first.until((holds) => holds.length === 0)
        assert.strictEqual(yield* first.lane, primary)
        assert.deepStrictEqual(said(yield* first.actions), [
          ["Holdfast", "expire", "new key"],
          ["Ada", "drain", "new key"]
        ])
        const { until = 0 } = yield* first.drain({ minutes: 0.05 })
        yield* first.stop
        while (Date.now() <= until) yield* Effect.sleep("50 millis")
        const second = yield* run(database)
        assert.deepStrictEqual(yield* second.holds, [])
        assert.strictEqual(yield* second.lane, primary)
      })
    )

    it.effect("are in force on every gateway that shares the store, but for those of one alone", () =>
      Effect.gen(function* () {
        const database = yield* inMemory
        const [north, south] = [yield* run(database, "north"), yield* run(database, "south")]
        const hold = yield* north.drain()
        const local = yield* north.drain({ isLocal: true, reason: "this one only" })
        assert.strictEqual(local.instance, "north")
        yield* south.until((holds) => holds.length > 0)
        assert.deepStrictEqual(yield* south.holds, [hold])
        assert.strictEqual(yield* south.lane, secondary)
        assert.deepStrictEqual(
          (yield* south.actions).map(({ instance }) => instance),
          ["north", "north"]
        )
        // Whoever shares it may release it.
        yield* south.release(hold.id)
        assert.strictEqual(yield* south.lane, primary)
        yield* north.until((holds) => holds.length === 1)
        assert.deepStrictEqual(yield* north.holds, [local])
        assert.strictEqual(yield* north.lane, secondary)
        yield* north.stop
        const again = yield* run(database, "north")
        assert.deepStrictEqual(yield* again.holds, [local])
      })
    )

    it.effect("are missed at the start where the store is away, which is said, and come when it is back", () =>
      Effect.gen(function* () {
        const database = yield* inMemory
        const first = yield* run(database)
        const hold = yield* first.drain()
        yield* first.stop
        const rename = (from: string, to: string) =>
          Effect.provide(
            SqlClient.SqlClient.use((sql) => sql`ALTER TABLE ${sql(from)} RENAME TO ${sql(to)}`),
            database
          )
        yield* rename("holds", "holds_away")
        const { layer, lines } = logs()
        const second = yield* Effect.provide(run(database), layer)
        assert.strictEqual(yield* second.lane, primary)
        assert.isTrue(lines.some((line) => line.startsWith("The holds of before cannot be read")))
        // What is decided meanwhile is in force, and told when the store is back.
        const other = yield* second.drain({ reason: "meanwhile" })
        assert.isFalse(other.isKept)
        const brief = yield* second.drain({ reason: "for a moment" })
        yield* second.release(brief.id)
        yield* rename("holds_away", "holds")
        yield* second.until((holds) => holds.length === 2 && holds.every(({ isKept }) => isKept))
        assert.sameDeepMembers(
          (yield* second.holds).map(({ reason }) => reason),
          [hold.reason, other.reason]
        )
        assert.isTrue(lines.includes("Holds and actions are kept again"))
        yield* second.stop
        const third = yield* run(database)
        assert.strictEqual((yield* third.holds).length, 2)
        assert.deepStrictEqual(said(yield* third.actions), [
          ["Bob", "release", "key is in"],
          ["Ada", "drain", "for a moment"],
          ["Ada", "drain", "meanwhile"],
          ["Ada", "drain", "new key"]
        ])
      })
    )

    it.effect("that the store does not answer about keep no call waiting", () =>
      Effect.gen(function* () {
        const { url } = yield* silent
        const database = yield* Layer.build(Database.layerUrl(Redacted.make(url), { connectTimeout: "30 seconds" }))
        const { drain, holds, lane } = yield* run(database)
        assert.strictEqual(yield* lane, primary)
        const putting = yield* Effect.forkChild(drain())
        while ((yield* holds).length === 0) yield* Effect.sleep("20 millis")
        // Whoever puts it waits a moment for the store; calls do not.
        assert.isUndefined(putting.pollUnsafe())
        assert.strictEqual(yield* lane, secondary)
        assert.isFalse((yield* Fiber.join(putting)).isKept)
      })
    )
  })
})
