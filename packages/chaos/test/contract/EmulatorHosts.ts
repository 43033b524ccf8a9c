/** The emulated providers as hosts of the contract. */
import { Effect, Redacted, type Scope } from "effect"
import * as AnthropicEmulator from "../../src/AnthropicEmulator.ts"
import type { Emulator, ListenFailed, Options } from "../../src/Emulator.ts"
import * as FaultPlan from "../../src/FaultPlan.ts"
import * as GeminiEmulator from "../../src/GeminiEmulator.ts"
import * as OpenAiEmulator from "../../src/OpenAiEmulator.ts"
import type { Host, Scene } from "./Scene.ts"
import { goodKey, type Subject } from "./Subject.ts"

const plans: { readonly [Of in Scene]: FaultPlan.FaultPlan } = {
  healthy: FaultPlan.healthy,
  slow: FaultPlan.make({ healthy: { chunkDelay: "20 millis" } }),
  silent: FaultPlan.make({ rules: [{ fault: { _tag: "Hang" } }] }),
  limited: FaultPlan.make({ rules: [{ fault: { _tag: "RateLimit", retryAfter: "7 seconds" } }] }),
  cut: FaultPlan.make({ rules: [{ fault: { _tag: "Truncate", after: 10 } }] })
}

export const make: {
  readonly [Format in Subject["format"]]: (options?: Options) => Effect.Effect<Emulator, ListenFailed, Scope.Scope>
} = { openai: OpenAiEmulator.make, gemini: GeminiEmulator.make, anthropic: AnthropicEmulator.make }

export const host = (format: Subject["format"]): Host => ({
  name: "our emulator",
  open: (scene) =>
    make[format]({ plan: plans[scene], keys: [Redacted.make(goodKey)] }).pipe(
      Effect.map((emulator) => emulator.port),
      Effect.orDie
    )
})
