import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Emulator } from "../src/Emulator.ts"
import * as FaultPlan from "../src/FaultPlan.ts"
import { sixtyWords } from "../src/Healthy.ts"
import * as OpenAiEmulator from "../src/OpenAiEmulator.ts"
import { ask, chat, chatBody } from "./support/raw.ts"

const statusOf = (emulator: Emulator, model = "m") =>
  Effect.map(ask(emulator, { ...chat, body: chatBody({ model }) }), (seen) => seen.status)

const statuses = (emulator: Emulator, count: number, model = "m") =>
  Effect.forEach(Array.from({ length: count }), () => statusOf(emulator, model))

describe("A fault plan", () => {
  it.effect("strikes by request number, counted per model and per operation", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({
        plan: FaultPlan.make({
          rules: [
            { models: ["m*"], when: { requests: { to: 1 } }, fault: { _tag: "RateLimit" } },
            { models: ["m"], when: { requests: { from: 3, to: 3 } }, fault: { _tag: "ServerError" } }
          ]
        })
      })
      assert.deepStrictEqual(yield* statuses(emulator, 4), [429, 200, 500, 200])
      assert.deepStrictEqual(yield* statuses(emulator, 2, "m2"), [429, 200])
      assert.deepStrictEqual(yield* statuses(emulator, 2, "other"), [200, 200])
      const embedding = yield* ask(emulator, { path: "/v1/embeddings", body: { model: "m", input: "a" } })
      assert.strictEqual(embedding.status, 429)
      assert.deepStrictEqual(
        (yield* emulator.journal).map((entry) => [entry.requestNumber, entry.fault?._tag]),
        [
          [1, "RateLimit"],
          [2, undefined],
          [3, "ServerError"],
          [4, undefined],
          [1, "RateLimit"],
          [2, undefined],
          [1, undefined],
          [2, undefined],
          [1, "RateLimit"]
        ]
      )
    })
  )

  it.effect("strikes in a span of time, again in every period, and anew after a reset", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({
        plan: FaultPlan.make({
          rules: [
            {
              when: { span: { from: "10 seconds", for: "5 seconds", every: "1 minute" } },
              fault: { _tag: "ServiceUnavailable" }
            }
          ]
        })
      })
      const seen: Array<number | undefined> = []
      const step = (wait: `${number} seconds`) =>
        Effect.gen(function* () {
          yield* TestClock.adjust(wait)
          seen.push(yield* statusOf(emulator))
        })
      // At 0, 10, 14, 15, 70 and 75 seconds.
      for (const wait of ["0 seconds", "10 seconds", "4 seconds", "1 seconds", "55 seconds", "5 seconds"] as const) {
        yield* step(wait)
      }
      assert.deepStrictEqual(seen, [200, 503, 503, 200, 503, 200])
      assert.deepStrictEqual(
        (yield* emulator.journal).map((entry) => entry.t),
        [0, 10e3, 14e3, 15e3, 70e3, 75e3]
      )

      yield* emulator.reset
      assert.deepStrictEqual(yield* emulator.journal, [])
      assert.strictEqual(yield* statusOf(emulator), 200)
      yield* TestClock.adjust("12 seconds")
      assert.strictEqual(yield* statusOf(emulator), 503)
      assert.deepStrictEqual(
        (yield* emulator.journal).map((entry) => [entry.t, entry.requestNumber]),
        [
          [0, 1],
          [12e3, 2]
        ]
      )
    })
  )

  it.effect("strikes at a rate, the same requests each time under one seed", () =>
    Effect.gen(function* () {
      const plan = FaultPlan.make({ rules: [{ when: { rate: 0.4 }, fault: { _tag: "Overloaded" } }] })
      const make = (seed: string) => OpenAiEmulator.make({ plan, seed })
      const one = yield* make("one")
      const first = yield* statuses(one, 60)
      const struck = first.filter((status) => status === 503).length
      assert.isTrue(struck > 12 && struck < 36, String(struck))
      assert.deepStrictEqual(yield* statuses(yield* make("one"), 60), first)
      assert.notDeepEqual(yield* statuses(yield* make("two"), 60), first)
      yield* one.reset
      assert.deepStrictEqual(yield* statuses(one, 60), first)
    })
  )

  it.effect("can be replaced while requests run; the counts go on", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make()
      assert.strictEqual(yield* statusOf(emulator), 200)
      const next = FaultPlan.make({ rules: [{ when: { requests: { from: 2 } }, fault: { _tag: "BadKey" } }] })
      yield* emulator.setPlan(next)
      assert.strictEqual(yield* emulator.plan, next)
      assert.strictEqual(yield* statusOf(emulator), 401)
    })
  )

  it.effect("refuses to be prefilled where a rule says so", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({
        plan: FaultPlan.make({
          rules: [{ when: { lastRole: "assistant" }, fault: { _tag: "InvalidRequest", code: "invalid_prefill" } }]
        })
      })
      const messages = [
        { role: "user", content: "Go" },
        { role: "assistant", content: "A holdfast" }
      ]
      const refused = yield* ask(emulator, { ...chat, body: chatBody({ messages }) })
      assert.deepInclude(JSON.parse(refused.body).error, { code: "invalid_prefill", param: "messages" })
      assert.strictEqual(yield* statusOf(emulator), 200)
    })
  )

  it.live("paces a healthy provider", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({
        plan: FaultPlan.make({ healthy: { latency: "20 millis", chunkDelay: "2 millis", wordsPerChunk: 6 } })
      })
      const seen = yield* ask(emulator, { ...chat, body: chatBody({ stream: true }) })
      const [entry] = yield* emulator.journal
      assert.strictEqual(entry?.chunksSent, 10)
      assert.isAtLeast((entry?.endedAt ?? 0) - (entry?.t ?? 0), 20 + 9 * 2 - 1)
      const text = [...seen.body.matchAll(/"content":"([^"]*)"/g)].map((match) => match[1]).join("")
      assert.strictEqual(text, sixtyWords)
    })
  )

  it.effect("outranks what a healthy server would check first", () =>
    Effect.gen(function* () {
      const emulator = yield* OpenAiEmulator.make({
        models: ["known"],
        plan: FaultPlan.make({ rules: [{ when: { requests: { to: 1 } }, fault: { _tag: "ServerError" } }] })
      })
      assert.deepStrictEqual(yield* statuses(emulator, 2, "unknown"), [500, 404])
    })
  )
})
