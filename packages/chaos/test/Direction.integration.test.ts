import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type * as Direction from "../src/Direction.ts"
import * as FaultPlan from "../src/FaultPlan.ts"
import type { Outcome } from "../src/Journal.ts"
import * as OpenAiEmulator from "../src/OpenAiEmulator.ts"
import { ask, chat, chatBody } from "./support/raw.ts"

describe("A director", () => {
  it.live("is told of each call in its order, and what it gives no direction for goes by the plan", () =>
    Effect.gen(function* () {
      const calls: Array<Direction.Call> = []
      const emulator = yield* OpenAiEmulator.make({
        plan: FaultPlan.make({ rules: [{ fault: { _tag: "ServerError" } }] }),
        director: (call) => {
          calls.push(call)
          return call.model === "directed" ? {} : undefined
        }
      })
      const statusOf = (model: string) =>
        Effect.map(ask(emulator, { ...chat, body: chatBody({ model }) }), ({ status }) => status)
      assert.deepStrictEqual([yield* statusOf("m"), yield* statusOf("directed"), yield* statusOf("m")], [500, 200, 500])
      yield* ask(emulator, { path: "/v1/nowhere", body: {} })
      assert.deepStrictEqual(
        calls.map(({ lastRole, model, operation, stream }) => [operation, model, stream, lastRole]),
        ["m", "directed", "m"].map((model) => ["chat", model, false, "user"])
      )
      assert.include(calls[0]?.body, "What holds a kelp to its rock?")
    })
  )

  it.live("says what is answered, and when", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({
        director: () => ({
          healthy: { reply: { _tag: "Fixed", text: "one two three" }, usage: { input: 70, output: 31 } },
          headers: { "x-ratelimit-remaining-requests": "7" },
          pace: { firstMillis: 60, lastMillis: 150 }
        })
      })
      const stream = yield* ask(emulator, {
        ...chat,
        body: chatBody({ stream: true, stream_options: { include_usage: true } })
      })
      assert.include(stream.body, '"completion_tokens":31')
      const whole = yield* ask(emulator, { ...chat, body: chatBody() })
      for (const { headers } of [stream, whole]) assert.strictEqual(headers["x-ratelimit-remaining-requests"], "7")
      for (const entry of yield* emulator.journal) {
        assert.strictEqual(entry.outcome, "completed")
        // Later than the first of it. It is timed from the call's arrival, of which a busy process may make a note late.
        assert.isAtLeast((entry.endedAt ?? 0) - entry.t, 90)
      }
    })
  )

  it.live("is told how each exchange ended, once", () =>
    Effect.gen(function* () {
      const outcomes: Array<Outcome> = []
      const directions: ReadonlyArray<Direction.Direction> = [
        {},
        { fault: { _tag: "Truncate", after: 1, ending: "cut" } },
        { fault: { _tag: "Reset" } },
        { fault: { _tag: "Hang" } }
      ]
      let next = 0
      const emulator = yield* OpenAiEmulator.make({
        director: () => ({ ...directions[next++], ended: (outcome) => outcomes.push(outcome) })
      })
      for (let n = 1; n < directions.length; n++) yield* ask(emulator, { ...chat, body: chatBody() })
      const hung = yield* Effect.forkChild(ask(emulator, { ...chat, body: chatBody() }))
      const { id } = yield* emulator.awaitEntry(({ fault }) => fault?._tag === "Hang")
      hung.interruptUnsafe()
      yield* emulator.awaitClosed(id)
      assert.deepStrictEqual(outcomes, ["completed", "cut", "reset", "aborted"])
    })
  )
})
