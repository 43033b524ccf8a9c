/**
 * The gateway with nothing to configure: two emulated providers on loopback, a storm that repeats every two minutes, and a
 * little traffic of its own, so that one sees what it does. No real provider is called and no key is needed.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FaultPlan from "@holdfast/chaos/FaultPlan"
import * as GeminiEmulator from "@holdfast/chaos/GeminiEmulator"
import * as OpenAiEmulator from "@holdfast/chaos/OpenAiEmulator"
import * as CircuitBreaker from "@holdfast/core/CircuitBreaker"
import * as Policy from "@holdfast/core/Policy"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Config from "./Config.ts"
import * as Gateway from "./Gateway.ts"

export interface Options {
  readonly dataDirectory: string
  /** Default 8787; 0 takes a free one. */
  readonly port?: number | undefined
  /** See `Gateway.Options`. */
  readonly page?: string | undefined
  /** Between two requests of the demonstration's own, on average. Default 700 milliseconds. */
  readonly pace?: Duration.Input | undefined
  /** Between two summaries in the log. Default 15 seconds. */
  readonly summary?: Duration.Input | undefined
}

/** The storm over the primary: some failures always, then an outage, a spell of rate limits, and stalls. */
const primaryStorm = FaultPlan.make({
  healthy: { latency: "120 millis", chunkDelay: "8 millis" },
  rules: [
    { when: { span: { from: "20 seconds", for: "30 seconds", every: "2 minutes" } }, fault: { _tag: "Overloaded" } },
    {
      when: { span: { from: "65 seconds", for: "10 seconds", every: "2 minutes" } },
      fault: { _tag: "RateLimit", retryAfter: "2 seconds" }
    },
    {
      when: { span: { from: "90 seconds", for: "10 seconds", every: "2 minutes" }, rate: 0.5 },
      fault: { _tag: "Hang" }
    },
    { when: { rate: 0.04 }, fault: { _tag: "ServerError" } }
  ]
})

/** The fallback is sound, but not perfect. */
const fallbackStorm = FaultPlan.make({
  healthy: { latency: "180 millis", chunkDelay: "10 millis" },
  rules: [{ when: { rate: 0.01 }, fault: { _tag: "ServiceUnavailable" } }]
})

const keyName = "HOLDFAST_DEMO_KEY"
const adminKeyName = "HOLDFAST_DEMO_ADMIN_KEY"

/** Lets one act on the page. It opens a demonstration on loopback and nothing else. */
export const adminKey = "demo-of-holdfast"

const configOf = (gemini: string, openAi: string): Config.Config => ({
  admin: { key: { env: adminKeyName } },
  providers: {
    gemini: { key: { env: keyName }, baseUrl: gemini },
    openai: { key: { env: keyName }, baseUrl: openAi }
  },
  routes: {
    chat: {
      lanes: ["gemini/gemini-3.5-flash", "openai/gpt-4o-mini"],
      policy: Policy.interactive.pipe(Policy.clocks({ firstContent: "3 seconds", plainAttempt: "4 seconds" }))
    },
    embed: { lanes: ["openai/text-embedding-3-small"] }
  }
})

/** Serves, and sends itself traffic, until its scope closes. */
export const layer = (options: Options) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const gemini = yield* GeminiEmulator.make({ plan: primaryStorm })
      const openAi = yield* OpenAiEmulator.make({ plan: fallbackStorm, dimensions: 1536 })
      const config = configOf(gemini.url, openAi.url)
      return traffic(options).pipe(
        Layer.provideMerge(
          Gateway.layer({ config, dataDirectory: options.dataDirectory, port: options.port, page: options.page })
        ),
        Layer.provide(
          ConfigProvider.layerAdd(ConfigProvider.fromUnknown({ [keyName]: "demo", [adminKeyName]: adminKey }))
        ),
        Layer.provide(NodeHttpClient.layerUndici)
      )
    })
  )

interface Tally {
  answered: number
  degraded: number
  failed: number
}

const traffic = (options: Options) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const url = yield* Gateway.url
      const breaker = yield* CircuitBreaker.CircuitBreaker
      const pace = Duration.toMillis(options.pace ?? "700 millis")
      let tally: Tally = { answered: 0, degraded: 0, failed: 0 }

      const one = Effect.flatMap(Random.next, (draw) => ask(url, draw)).pipe(
        Effect.matchCause({
          onFailure: () => {
            tally.failed += 1
          },
          onSuccess: (response) => {
            if (response.status === 200) tally.answered += 1
            else tally.failed += 1
            if (response.headers["x-holdfast-degraded"] === "true") tally.degraded += 1
          }
        })
      )
      // Poisson arrivals: they do not wait for one another, as real callers do not.
      yield* Effect.forkScoped(
        Effect.forever(
          Effect.andThen(
            Effect.forkChild(one),
            Effect.flatMap(Random.next, (draw) => Effect.sleep(Duration.millis(-Math.log(1 - draw) * pace)))
          )
        )
      )
      yield* Effect.forkScoped(
        Effect.forever(
          Effect.gen(function* () {
            yield* Effect.sleep(options.summary ?? "15 seconds")
            const circuits = (yield* breaker.list)
              .filter((circuit) => circuit.state !== "closed")
              .map((circuit) => `${circuit.circuit} is ${circuit.state}`)
            const state = circuits.length === 0 ? "all circuits closed" : circuits.join(", ")
            const { answered, degraded, failed } = tally
            tally = { answered: 0, degraded: 0, failed: 0 }
            yield* Effect.logInfo(
              `Demo traffic: ${answered} answered (${degraded} by the fallback), ${failed} failed; ${state}`
            )
          })
        )
      )
    })
  )

const ask = (
  url: string,
  draw: number
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError, HttpClient.HttpClient> => {
  const request =
    draw < 0.15
      ? post(`${url}/v1/embeddings`, { model: "embed", input: "kelp" })
      : post(`${url}/v1/chat/completions`, {
          model: "chat",
          stream: draw < 0.5,
          messages: [{ role: "user", content: "Why does kelp not float away?" }]
        })
  return Effect.tap(HttpClient.execute(request), (response) => response.text)
}

const post = (url: string, body: object): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(url), body)
