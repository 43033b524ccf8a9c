/**
 * Which models there are, and what stands behind each. All that this application says about failing providers is in this
 * file; everything else asks `effect/ai` and knows of none of it.
 */
import { Config, Effect, Layer, Option } from "effect"
import { Policy, Route } from "@holdfast/core"
import { Gemini, OpenAi } from "@holdfast/providers"
import * as Embedder from "./Embedder.ts"
import * as Evidence from "./Evidence.ts"

/**
 * Somebody waits for every answer. A stream that breaks is gone on with, and nobody waits for a circuit to close: there is
 * always something to give instead.
 */
export const policy = Policy.interactive.pipe(
  Policy.clocks({ firstContent: "4 seconds", attempt: "30 seconds", plainAttempt: "8 seconds", total: "30 seconds" }),
  Policy.fallback({ waitForReopening: false }),
  Policy.stream({ onFailure: "continue" })
)

const geminiUrl = Config.String("GEMINI_BASE_URL").pipe(Config.withDefault(undefined))
const openAiUrl = Config.String("OPENAI_BASE_URL").pipe(Config.withDefault(undefined))

/** Gemini answers, OpenAI behind it, and behind both the passages that were found. */
const Chat = Route.languageModel("chat", {
  lanes: [Gemini.lane("gemini-3.5-flash", { baseUrl: geminiUrl }), OpenAi.lane("gpt-4o-mini", { baseUrl: openAiUrl })],
  policy,
  degraded: () => Effect.map(Evidence.Evidence, Evidence.instead)
})

/** Without a vector nothing else can begin: better the other project soon than this one at last. */
export const embedding = policy.pipe(Policy.retry({ maxRetries: 1 }), Policy.clocks({ plainAttempt: "4 seconds" }))

/**
 * Vectors by Gemini, from a second project where there is one (`GEMINI_SECOND_API_KEY`): the same model makes the same vectors.
 * OpenAI is not a lane of this route, and could not be: its vectors mean something else.
 */
const Vectors = Layer.unwrap(
  Effect.map(Config.option(Config.Redacted("GEMINI_SECOND_API_KEY")), (second) =>
    Route.embeddingModel("embed", {
      lanes: [
        Gemini.lane("gemini-embedding-001", { baseUrl: geminiUrl }),
        ...Option.toArray(second).map((apiKey) =>
          Gemini.lane("gemini-embedding-001", {
            credential: "second",
            apiKey,
            baseUrl: Config.String("GEMINI_SECOND_BASE_URL").pipe(
              Config.orElse(() => geminiUrl),
              Config.withDefault(undefined)
            )
          })
        )
      ],
      policy: embedding
    })
  )
)

/** Vectors of another space, kept beside the first: what is searched when Gemini makes none at all. */
const StandbyVectors = Route.embeddingModel("embed-standby", {
  lanes: [OpenAi.lane("text-embedding-3-small", { baseUrl: openAiUrl })],
  policy: embedding
})

export const layer = Layer.mergeAll(
  Chat,
  Layer.effect(Embedder.Embedder, Embedder.make).pipe(Layer.provide(Vectors)),
  Layer.effect(Embedder.Standby, Embedder.make).pipe(Layer.provide(StandbyVectors))
)
