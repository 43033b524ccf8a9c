import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { SqlClient } from "effect/sql"
import { EventWriter } from "@holdfast/store-sql"
import type { Piece } from "../src/Answerer.ts"
import { questions } from "../src/demo/documents.ts"
import * as World from "../src/demo/World.ts"
import { database, primary, secondary, serveStocked, space, standbySpace } from "./Harness.ts"

const down: World.Rules = [{ fault: { _tag: "ServiceUnavailable" } }]
const question = questions[0]
const payload = { question }

/** Everything on real sockets, stocked while all was well. */
const open = Effect.gen(function* () {
  const world = yield* World.make()
  return { ...(yield* serveStocked(world)), world }
})

const post = (url: string, body: unknown) =>
  HttpClient.execute(HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(url), body))

layer(database, { excludeTestServices: true })("the application over HTTP, on emulated providers", (it) => {
  it.effect("answers from its sources, and serves what it can while one provider after another goes down", () =>
    Effect.gen(function* () {
      const { client, world } = yield* open
      const well = yield* client.answer({ payload })
      assert.strictEqual(well.text, "A holdfast is the structure that grips the rock and keeps a kelp in place. [1]")
      assert.deepInclude(well, { answeredBy: primary, cited: [1], searchedBy: space, degraded: false })

      yield* world.gemini.setPlan(World.plan(down))
      const second = yield* client.answer({ payload })
      assert.deepInclude(second, { text: well.text, answeredBy: secondary, searchedBy: space, degraded: true })

      yield* world.second.setPlan(World.plan(down))
      const standby = yield* client.answer({ payload })
      assert.deepInclude(standby, { text: well.text, answeredBy: secondary, searchedBy: standbySpace, degraded: true })

      yield* world.openAi.setPlan(World.plan(down))
      const last = yield* client.answer({ payload })
      assert.include(last.text, "These passages come closest")
      assert.include(last.text, "[1] A holdfast is the structure that grips the rock")
      assert.deepInclude(last, { searchedBy: "words", degraded: true })
      assert.notProperty(last, "answeredBy")

      const { index, lanes, status } = yield* client.health()
      assert.strictEqual(status, "unhealthy")
      assert.strictEqual(lanes.length, 5)
      assert.isAbove(lanes.find(({ lane }) => lane === primary)?.errors["ServiceUnavailable"] ?? 0, 0)
      assert.deepStrictEqual(index[space], { passages: 7, indexed: 7 })
    })
  )

  it.effect("streams as server-sent events, and closes the provider's socket when its reader leaves", () =>
    Effect.gen(function* () {
      const { client, context, url, world } = yield* open
      const response = yield* post(`${url}/answer/stream`, payload).pipe(Effect.provide(context))
      assert.include(response.headers["content-type"], "text/event-stream")
      const body = yield* response.text
      assert.match(body, /data: \{"_tag":"Sources"/)
      assert.match(body, /data: \{"_tag":"End",.*"answeredBy":"gemini/)

      yield* world.gemini.setPlan(World.plan([], { chunkDelay: "200 millis" }))
      const seen = yield* world.gemini.journal
      const reading = yield* Effect.forkChild(Effect.flatMap(client.stream({ payload }), Stream.runDrain))
      const entry = yield* world.gemini.awaitEntry(
        ({ id, operation }) => operation === "chat" && !seen.some((one) => one.id === id)
      )
      yield* Fiber.interrupt(reading)
      const closed = yield* world.gemini.awaitClosed(entry.id)
      assert.strictEqual(closed.closedBy, "client")
    })
  )

  it.effect("tells a reader of a broken stream so, in a typed error and without an end", () =>
    Effect.gen(function* () {
      const { client, world } = yield* open
      const broken: World.Rules = [{ operations: ["chat"], fault: { _tag: "Truncate", after: 3 } }]
      yield* world.gemini.setPlan(World.plan(broken))
      yield* world.openAi.setPlan(World.plan([{ operations: ["chat"], fault: { _tag: "ServiceUnavailable" } }]))
      const seen: Array<Piece> = []
      const error = yield* Effect.flip(
        Stream.runForEach(yield* client.stream({ payload }), (piece) => Effect.sync(() => seen.push(piece)))
      )
      assert.strictEqual(error._tag, "Unavailable")
      assert.isTrue(seen.some((piece) => piece._tag === "Text"))
      assert.isFalse(seen.some((piece) => piece._tag === "End"))
    })
  )

  it.effect("refuses what has to change with 422, and what cannot be read with 400", () =>
    Effect.gen(function* () {
      const { client, context, url, world } = yield* open
      yield* world.gemini.setPlan(World.plan([{ operations: ["chat"], fault: { _tag: "ContentBlock" } }]))
      const error = yield* Effect.flip(client.answer({ payload }))
      assert.strictEqual(error._tag, "QuestionRefused")
      const { status } = yield* post(`${url}/answer`, payload).pipe(Effect.provide(context))
      assert.strictEqual(status, 422)
      assert.strictEqual((yield* post(`${url}/answer`, {}).pipe(Effect.provide(context))).status, 400)
      const blank = { id: "a", title: "A", text: " " }
      assert.strictEqual((yield* post(`${url}/documents`, blank).pipe(Effect.provide(context))).status, 400)
    })
  )

  it.effect("writes what happened to the database, and no key anywhere", () =>
    Effect.gen(function* () {
      const { client, context, url, world } = yield* open
      yield* world.gemini.setPlan(World.plan([{ fault: { _tag: "BadKey" } }]))
      const answer = yield* client.answer({ payload })
      assert.deepInclude(answer, { answeredBy: secondary, searchedBy: space })
      yield* EventWriter.EventWriter.use(({ flush }) => flush).pipe(Effect.provide(context))
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql<{ readonly lane: string; readonly row: string }>`
        SELECT lane, to_jsonb(e)::text AS row FROM ai_service_errors e WHERE error_type = 'Authentication'`
      // One refusal was enough: the credential's circuit opened, and its other lane was not tried.
      assert.deepStrictEqual(
        rows.map(({ lane }) => lane),
        ["gemini/gemini-embedding-001"]
      )
      const health = yield* Effect.flatMap(HttpClient.get(`${url}/health`), ({ text }) => text).pipe(
        Effect.provide(context)
      )
      const said = JSON.stringify(rows) + health
      assert.include(said, "Authentication")
      for (const key of Object.values(World.keys)) assert.notInclude(said, key)
    })
  )
})
