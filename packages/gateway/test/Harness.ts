/** A gateway on real sockets before two emulated providers, and the official SDK pointed at it. */
import * as ConfigProvider from "effect/ConfigProvider"
import { Effect, identity, Layer, Schema } from "effect"
import { FaultPlan, GeminiEmulator, OpenAiEmulator } from "@holdfast/chaos"
import { Config, Gateway, Logs } from "@holdfast/gateway"
import { Database } from "@holdfast/store-sql"
import { NodeFileSystem } from "@effect/platform-node"
import OpenAI from "openai"

/** The policy of the mission with its seconds made milliseconds, so that real time is short. */
export const hurried = {
  preset: "mission",
  retry: { maxRetries: 2, base: "20 millis", maxDelay: "200 millis", patience: "3 seconds" },
  breaker: { open: "600 millis", openMax: "600 millis", probeLease: "2 seconds" },
  clocks: {
    firstContent: "400 millis",
    chunkGap: "400 millis",
    attempt: "2 seconds",
    plainAttempt: "500 millis",
    total: "8 seconds"
  }
}

export const primary = "gemini/gemini-3.5-flash"
export const secondary = "openai/gpt-4o-mini"

/** One embedded database for the tests of a file. */
export const embedded = Layer.provide(Database.layerEmbedded(), NodeFileSystem.layer)

/** Starts everything in the present scope. `policy` is laid over `hurried`. */
export const start = Effect.fnUntraced(function* (
  options: {
    readonly gemini?: FaultPlan.Input
    readonly openAi?: FaultPlan.Input
    readonly policy?: object
    readonly server?: object
    /** Laid over the route `chat`. */
    readonly chat?: object
    /** Laid over the whole configuration. */
    readonly config?: object
    readonly env?: { readonly [name: string]: string }
    /** Whether it logs as its configuration says, instead of to the loggers that are there. */
    readonly logs?: boolean
  } = {}
) {
  const gemini = yield* GeminiEmulator.make({ plan: FaultPlan.make(options.gemini ?? {}), seed: "gemini" })
  const openAi = yield* OpenAiEmulator.make({
    plan: FaultPlan.make(options.openAi ?? {}),
    seed: "openai",
    dimensions: 1536
  })
  const config = yield* Schema.decodeUnknownEffect(Config.Config)({
    providers: {
      gemini: { key: { env: "GEMINI_KEY" }, baseUrl: gemini.url },
      openai: { key: { env: "OPENAI_KEY" }, baseUrl: openAi.url }
    },
    ...(options.server === undefined ? {} : { server: options.server }),
    routes: {
      chat: { lanes: [primary, secondary], policy: { ...hurried, ...options.policy }, ...options.chat },
      back: { lanes: [secondary, primary], policy: { ...hurried, ...options.policy } },
      embed: { lanes: ["openai/text-embedding-3-small"], policy: { ...hurried, ...options.policy } }
    },
    ...options.config
  })
  const context = yield* Layer.build(
    Gateway.layerNoDatabase({ config, port: 0, drainTimeout: "1 second" }).pipe(
      options.logs === true ? Layer.provideMerge(Logs.layer({ config })) : identity,
      Layer.provide(
        ConfigProvider.layer(
          ConfigProvider.fromUnknown({
            GEMINI_KEY: "gemini-canary-key",
            OPENAI_KEY: "sk-canary-key",
            ...options.env
          })
        )
      )
    )
  )
  const url = yield* Effect.provide(Gateway.url, context)
  return {
    gemini,
    openAi,
    context,
    url,
    client: new OpenAI({ apiKey: "anything", baseURL: `${url}/v1`, maxRetries: 0 })
  }
})

export const question = {
  model: "chat",
  messages: [{ role: "user" as const, content: "Why does kelp not float away?" }]
}
