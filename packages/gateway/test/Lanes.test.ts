import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { Resilience } from "@holdfast/core"
import { Config, Routes } from "@holdfast/gateway"

const routes = (text: string) =>
  Effect.flatMap(Config.parse(text, "holdfast.yaml"), Routes.make).pipe(
    Effect.provide(
      Layer.mergeAll(
        FetchHttpClient.layer,
        Resilience.layer,
        ConfigProvider.layer(ConfigProvider.fromUnknown({ KEY: "canary-key-value" }))
      )
    )
  )

describe("the lanes of a configuration", () => {
  it.effect("may be of every kind, also under other names, which the catalogue knows by their kind", () =>
    Effect.gen(function* () {
      const { byName, lanes } = yield* routes(`
        providers:
          openai: { key: { env: KEY } }
          second: { kind: openai, key: { env: KEY }, api: responses }
          gemini: { key: { env: KEY } }
          anthropic: { key: { env: KEY } }
          local: { kind: openai-compatible, baseUrl: http://127.0.0.1:1/v1, models: { llama: { contextWindow: 4096 } } }
        routes:
          chat: { lanes: [openai/gpt-4o-mini, second/gpt-4o-mini, gemini/gemini-2.5-flash, anthropic/claude-sonnet-4-5, local/llama] }
          vectors: { lanes: [openai/text-embedding-3-small, second/text-embedding-3-small] }
      `)
      assert.isDefined(byName.get("chat")?.text)
      assert.isUndefined(byName.get("chat")?.embed)
      assert.isDefined(byName.get("vectors")?.embed)
      const windows = Object.fromEntries(lanes.map((lane) => [lane.id, lane.capabilities.contextWindow]))
      assert.strictEqual(windows["second/gpt-4o-mini"], windows["openai/gpt-4o-mini"])
      assert.isNumber(windows["second/gpt-4o-mini"])
      assert.strictEqual(windows["local/llama"], 4096)
    })
  )

  it.effect("must all have what the route needs, as far as is known", () =>
    Effect.gen(function* () {
      const needing = (needs: string) =>
        routes(`
          providers:
            openai: { key: { env: KEY } }
            local: { kind: openai-compatible, baseUrl: http://127.0.0.1:1/v1, models: { llama: { contextWindow: 4096 } } }
          routes:
            chat: { lanes: [openai/gpt-4o-mini, local/llama], needs: { ${needs} } }
        `)
      const error = yield* Effect.flip(needing("contextTokens: 100000"))
      assert.include(String(error), "local/llama holds at most 4096 tokens, 100000 are asked for")
      yield* needing("contextTokens: 4096, tools: true")
    })
  )

  it.effect("have the catalogue's price or their own, and need one where money is limited", () =>
    Effect.gen(function* () {
      const limited = (price: string) =>
        routes(`
          providers:
            second: { kind: openai, key: { env: KEY } }
            local: { kind: openai-compatible, baseUrl: http://127.0.0.1:1/v1, models: { llama: { contextWindow: 4096${price} } } }
          routes:
            chat: { lanes: [second/gpt-4o-mini, local/llama], policy: { budget: { maxUsd: 0.05 } } }
        `)
      assert.include(String(yield* Effect.flip(limited(""))), "budget.maxUsd needs the price of local/llama")
      const { lanes } = yield* limited(", price: { input: 0, output: 1 }")
      const [second, local] = lanes.map((lane) => lane.cost?.({ inputTokens: 1_000_000, outputTokens: 1_000_000 }))
      assert.isAbove(second ?? 0, 0)
      assert.strictEqual(local, 1)
      assert.notProperty(lanes[1]?.capabilities, "price")
    })
  )

  it.effect("of different vector spaces cannot share a route", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        routes(`
          providers: { openai: { key: { env: KEY } } }
          routes: { vectors: { lanes: [openai/text-embedding-3-small, openai/text-embedding-3-large] } }
        `)
      )
      assert.strictEqual(error._tag, "InvalidRoute")
      assert.include(error.message, "cannot be compared")
    })
  )

  it.effect("without their key are named with the variable that is missing", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        routes(`
          providers: { anthropic: { key: { env: MISSING } } }
          routes: { chat: { lanes: [anthropic/claude-sonnet-4-5] } }
        `)
      )
      assert.strictEqual(error.message, "providers.anthropic.key: the environment variable MISSING is not set")
    })
  )
})
