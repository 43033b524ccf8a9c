/** The providers of the demonstration and of the tests: emulated, on loopback. The scope they are made in owns them. */
import { ConfigProvider, Effect } from "effect"
import { FaultPlan, GeminiEmulator, OpenAiEmulator } from "@holdfast/chaos"

/** Who answers: two projects at Gemini, the second for vectors only, and OpenAI. */
export const providers = ["gemini", "second", "openAi"] as const
export type Provider = (typeof providers)[number]

export type Healthy = NonNullable<FaultPlan.Input["healthy"]>
export type Rules = NonNullable<FaultPlan.Input["rules"]>

/** A model that quotes the sources it is given, with faults in front. */
export const plan = (rules: Rules, healthy: Healthy = {}): FaultPlan.FaultPlan =>
  FaultPlan.make({ healthy: { reply: { _tag: "Quote" }, ...healthy }, rules })

export const make = Effect.fnUntraced(function* (first: FaultPlan.FaultPlan = plan([])) {
  return {
    gemini: yield* GeminiEmulator.make({ plan: first, dimensions: 3072, seed: "gemini" }),
    second: yield* GeminiEmulator.make({ plan: first, dimensions: 3072, seed: "second" }),
    openAi: yield* OpenAiEmulator.make({ plan: first, dimensions: 1536, seed: "openai" })
  }
})
export type World = Effect.Success<ReturnType<typeof make>>

/** None opens anything. */
export const keys = {
  GEMINI_API_KEY: "emulated-gemini-key",
  GEMINI_SECOND_API_KEY: "emulated-second-key",
  OPENAI_API_KEY: "emulated-openai-key"
}

/** The configuration of an application in this world: the variables that production reads, and nothing else. */
export const config = ({ gemini, openAi, second }: World) =>
  ConfigProvider.layer(
    ConfigProvider.fromUnknown({
      ...keys,
      GEMINI_BASE_URL: gemini.url,
      GEMINI_SECOND_BASE_URL: second.url,
      OPENAI_BASE_URL: openAi.url
    })
  )
