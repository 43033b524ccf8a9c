import { assert, describe, it } from "@effect/vitest"
import { assertDefined } from "@effect/vitest/utils"
import { Clock, Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Agent, request } from "node:http"
import { connect } from "node:net"
import type { Emulator } from "../src/Emulator.ts"
import * as FaultPlan from "../src/FaultPlan.ts"
import * as GeminiEmulator from "../src/GeminiEmulator.ts"
import type { Entry } from "../src/Journal.ts"
import * as OpenAiEmulator from "../src/OpenAiEmulator.ts"
import { always, drained, gemini, openai, question } from "./support/clients.ts"
import { ask, chat, chatBody } from "./support/raw.ts"

/** How long `after` the leaving the entry's socket closed, in milliseconds. */
const timeToClose = Effect.fnUntraced(function* (emulator: Emulator, entry: Entry, leave: () => void) {
  const before = yield* Clock.monotonicTimeNanos
  leave()
  const closed = yield* emulator.awaitClosed(entry.id)
  return { closed, millis: Number((yield* Clock.monotonicTimeNanos) - before) / 1e6 }
})

const assertAborted = (closed: Entry, millis: number) => {
  assert.isBelow(millis, 1_000)
  assert.deepStrictEqual([closed.outcome, closed.closedBy], ["aborted", "client"])
  assert.strictEqual(closed.endedAt, closed.closedAt)
}

/** Reads a stream until told to stop; `reading` is done when its third event is here. */
const reader = Effect.fnUntraced(function* (open: (signal: AbortSignal) => Promise<AsyncIterable<unknown>>) {
  const signal = new AbortController()
  const reading = yield* Deferred.make<void>()
  let events = 0
  const left = yield* Effect.forkChild(
    drained(async () => {
      const stream = await open(signal.signal)
      return (async function* () {
        for await (const event of stream) {
          events += 1
          if (events === 3) Deferred.doneUnsafe(reading, Effect.void)
          yield event
        }
      })()
    })
  )
  return { signal, reading, left }
})

/** One request over a kept connection, by Node's own client. */
const over = (agent: Agent, emulator: Emulator, path: string, body: unknown) =>
  Effect.callback<string>((resume) => {
    const sent = request({ agent, port: emulator.port, path, method: "POST" }, (response) => {
      let text = ""
      response
        .setEncoding("utf8")
        .on("data", (chunk: string) => {
          text += chunk
        })
        .on("end", () => resume(Effect.succeed(text)))
    })
    sent.end(JSON.stringify(body))
  })

const keptAgent = Effect.acquireRelease(
  Effect.sync(() => new Agent({ keepAlive: true, maxSockets: 1 })),
  (agent) => Effect.sync(() => agent.destroy())
)

/** Whether anyone listens on the port. */
const listens = (port: number) =>
  Effect.callback<boolean>((resume) => {
    const socket = connect(port, "127.0.0.1")
    socket.on("connect", () => resume(Effect.succeed(true))).on("error", () => resume(Effect.succeed(false)))
    return Effect.sync(() => socket.destroy())
  })

describe("A client that leaves", () => {
  it.live("frees the socket of a request that hangs", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({ plan: always({ _tag: "Hang" }) })
      const controller = new AbortController()
      const call = yield* Effect.forkChild(
        Effect.promise(() =>
          openai(emulator)
            .chat.completions.create({ model: "m", messages: question }, { signal: controller.signal })
            .then(
              () => "answered",
              () => "left"
            )
        )
      )
      const entry = yield* emulator.awaitEntry(() => true)
      const { closed, millis } = yield* timeToClose(emulator, entry, () => controller.abort())
      assertAborted(closed, millis)
      assert.isUndefined(closed.status)
      assert.strictEqual(yield* Fiber.join(call), "left")
    })
  )

  it.live("frees the socket of a stream in the middle, also while it stalls", () =>
    Effect.gen(function* () {
      for (const plan of [
        always({ _tag: "Stall", after: 3, for: "1 hour" }),
        FaultPlan.make({ healthy: { chunkDelay: "5 millis" } })
      ]) {
        const emulator = yield* OpenAiEmulator.make({ plan })
        const { signal, left, reading } = yield* reader((signal) =>
          openai(emulator).chat.completions.create({ model: "m", messages: question, stream: true }, { signal })
        )
        const entry = yield* emulator.awaitEntry((entry) => entry.chunksSent >= 3)
        yield* Deferred.await(reading)
        const { closed, millis } = yield* timeToClose(emulator, entry, () => signal.abort())
        assertAborted(closed, millis)
        assert.isBelow(closed.chunksSent, 60)
        yield* Fiber.join(left)
      }
    })
  )

  it.live("frees the socket of Gemini's stream", () =>
    Effect.gen(function* () {
      const emulator = yield* GeminiEmulator.make({ plan: always({ _tag: "Stall", after: 3, for: "1 hour" }) })
      const { signal, left, reading } = yield* reader((abortSignal) =>
        gemini(emulator).models.generateContentStream({ model: "m", contents: "Hello", config: { abortSignal } })
      )
      yield* Deferred.await(reading)
      const [entry] = yield* emulator.journal
      assertDefined(entry)
      const { closed, millis } = yield* timeToClose(emulator, entry, () => signal.abort())
      assertAborted(closed, millis)
      yield* Fiber.join(left)
    })
  )

  it.live("frees its place among those in flight", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({
        plan: FaultPlan.make({
          rules: [
            { when: { inFlightAbove: 1 }, fault: { _tag: "Overloaded" } },
            { when: { requests: { to: 1 } }, fault: { _tag: "Hang" } }
          ]
        })
      })
      const send = ask(emulator, { ...chat, body: chatBody() })
      const hanging = yield* Effect.forkChild(send)
      yield* emulator.awaitEntry(() => true)
      assert.strictEqual((yield* send).status, 503)
      yield* Fiber.interrupt(hanging)
      yield* emulator.awaitClosed(1)
      assert.strictEqual((yield* send).status, 200)
    })
  )

  it.live("before the end of its own request leaves no entry", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const left = yield* Deferred.make<void>()
      const socket = connect(emulator.port, "127.0.0.1")
      socket.on("close", () => Deferred.doneUnsafe(left, Effect.void))
      socket.write("POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{", () =>
        socket.destroy()
      )
      yield* Deferred.await(left)
      yield* ask(emulator, { ...chat, body: chatBody() })
      assert.strictEqual((yield* emulator.journal).length, 1)
    })
  )
})

describe("A connection that is kept", () => {
  it.live("carries request after request, each with its own entry", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const agent = yield* keptAgent
      yield* over(agent, emulator, chat.path, chatBody())
      yield* over(agent, emulator, chat.path, chatBody({ stream: true }))
      yield* over(agent, emulator, "/v1/embeddings", { model: "e", input: "a" })
      const open = yield* emulator.journal
      assert.deepStrictEqual(
        open.map((entry) => [entry.id, entry.connection, entry.operation, entry.outcome, entry.closedAt]),
        [
          [1, 1, "chat", "completed", undefined],
          [2, 1, "chat", "completed", undefined],
          [3, 1, "embeddings", "completed", undefined]
        ]
      )
      agent.destroy()
      const closed = yield* emulator.awaitClosed(3)
      assert.deepStrictEqual([closed.outcome, closed.closedBy], ["completed", "client"])
      for (const [n, entry] of (yield* emulator.journal).entries()) {
        assert.strictEqual(entry.closedAt !== undefined, true)
        assert.strictEqual(entry.endedAt, open[n]?.endedAt)
        assert.strictEqual(entry.bytesSent, open[n]?.bytesSent)
      }
    })
  )

  it.live("survives an error answer, and only the last exchange is aborted when the client leaves", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({
        plan: FaultPlan.make({
          rules: [
            { when: { requests: { to: 1 } }, fault: { _tag: "RateLimit" } },
            { when: { requests: { from: 2 } }, fault: { _tag: "Hang" } }
          ]
        })
      })
      const agent = yield* keptAgent
      assert.include(yield* over(agent, emulator, chat.path, chatBody()), "rate_limit_exceeded")
      const second = yield* Effect.forkChild(
        Effect.callback<string>((resume) => {
          const sent = request({ agent, port: emulator.port, path: chat.path, method: "POST" })
          sent.on("error", () => resume(Effect.succeed("left"))).end(JSON.stringify(chatBody()))
          return Effect.sync(() => sent.destroy())
        })
      )
      yield* emulator.awaitEntry((entry) => entry.id === 2)
      yield* Fiber.interrupt(second)
      yield* emulator.awaitClosed(2)
      assert.deepStrictEqual(
        (yield* emulator.journal).map((entry) => [entry.connection, entry.status, entry.outcome, entry.closedBy]),
        [
          [1, 429, "completed", "client"],
          [1, undefined, "aborted", "client"]
        ]
      )
    })
  )

  it.live("is closed by the server when the client asked for it", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      yield* ask(emulator, { ...chat, body: chatBody() })
      const closed = yield* emulator.awaitClosed(1)
      assert.deepStrictEqual([closed.outcome, closed.closedBy], ["completed", "server"])
    })
  )
})

describe("The emulator's scope", () => {
  it.live("takes sockets, fibers and the port with it", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const emulator = yield* Scope.provide(OpenAiEmulator.make({ plan: always({ _tag: "Hang" }) }), scope)
      const hanging = yield* Effect.forkChild(ask(emulator, { ...chat, body: chatBody() }))
      yield* emulator.awaitEntry(() => true)
      const before = yield* Clock.monotonicTimeNanos
      yield* Scope.close(scope, Exit.void)
      const seen = yield* Fiber.join(hanging)
      assert.isBelow(Number((yield* Clock.monotonicTimeNanos) - before) / 1e6, 1_000)
      assert.isUndefined(seen.status)
      const [entry] = yield* emulator.journal
      assert.deepStrictEqual([entry?.outcome, entry?.closedBy], ["cut", "server"])
      assert.isFalse(yield* listens(emulator.port))
      // The port is free for the next.
      const next = yield* OpenAiEmulator.make({ port: emulator.port })
      assert.strictEqual(next.url, emulator.url)
    })
  )

  it.live("fails with ListenFailed when the port is taken", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      const error = yield* Effect.flip(GeminiEmulator.make({ port: emulator.port }))
      assert.strictEqual(error._tag, "ListenFailed")
      assert.strictEqual(error.message, `Cannot listen on 127.0.0.1:${emulator.port}`)
    })
  )

  it.live("refuses impossible settings", () =>
    Effect.gen(function* () {
      for (const options of [{ dimensions: 0 }, { maxEntries: 1.5 }]) {
        const exit = yield* Effect.exit(OpenAiEmulator.make(options))
        assert.include(String(Exit.isFailure(exit) ? exit.cause : ""), "RangeError")
      }
    })
  )
})

describe("A provider that goes down", () => {
  it.live("drops its sockets, refuses connections, and comes back on the same port", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({ plan: always({ _tag: "Hang" }) })
      const hanging = yield* Effect.forkChild(ask(emulator, { ...chat, body: chatBody() }))
      yield* emulator.awaitEntry(() => true)
      yield* emulator.takeDown
      yield* Fiber.join(hanging)
      assert.isFalse(yield* listens(emulator.port))
      yield* emulator.takeDown
      yield* emulator.bringUp
      yield* emulator.bringUp
      yield* emulator.setPlan(FaultPlan.healthy)
      assert.strictEqual((yield* ask(emulator, { ...chat, body: chatBody() })).status, 200)
      assert.deepStrictEqual(
        (yield* emulator.journal).map((entry) => [entry.id, entry.outcome]),
        [
          [1, "cut"],
          [2, "completed"]
        ]
      )
    })
  )
})

describe("Under a virtual clock", () => {
  it.effect("an hour's stall passes when the clock is moved, and the journal agrees", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({
        plan: always({ _tag: "Stall", after: 3, for: "1 hour", afterwards: "continue" })
      })
      const asked = yield* Effect.forkChild(ask(emulator, { ...chat, body: chatBody({ stream: true }) }))
      yield* emulator.awaitEntry((entry) => entry.chunksSent === 3)
      yield* TestClock.adjust("1 hour")
      assert.include((yield* Fiber.join(asked)).body, "[DONE]")
      const entry = yield* emulator.awaitEntry((entry) => entry.outcome === "completed")
      assert.deepStrictEqual([entry.t, entry.endedAt], [0, 3_600_000])
    })
  )
})
