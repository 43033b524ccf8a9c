/**
 * An emulated OpenAI: chat completions and responses (whole and streamed, tool calls, JSON answers), embeddings and
 * models, under `/v1`. Responses are not stored, and reasoning is sealed as for `store: false`. The scope it is made in
 * owns it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Emulator, ListenFailed, Options } from "./Emulator.ts"
import * as EmulatedServer from "./internal/EmulatedServer.ts"
import { surface } from "./internal/OpenAiSurface.ts"

export class OpenAiEmulator extends Context.Service<OpenAiEmulator, Emulator>()("@holdfast/chaos/OpenAiEmulator") {}

/**
 * Listens until the scope closes; then the port is free, every socket closed and every fiber ended.
 *
 * ```ts
 * const emulator = yield* OpenAiEmulator.make({ plan })
 * const client = new OpenAI({ baseURL: emulator.url, apiKey: "any", maxRetries: 0 })
 * ```
 */
export const make = (options: Options = {}): Effect.Effect<Emulator, ListenFailed, Scope.Scope> =>
  EmulatedServer.make(surface, options)

export const layer = (options: Options = {}): Layer.Layer<OpenAiEmulator, ListenFailed> =>
  Layer.effect(OpenAiEmulator, make(options))
