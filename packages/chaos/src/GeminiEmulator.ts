/**
 * An emulated Gemini API: `generateContent` (whole and streamed, function calls, JSON answers), `embedContent`,
 * `batchEmbedContents`, `countTokens` and models, under `/v1` and `/v1beta`. The scope it is made in owns it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Emulator, ListenFailed, Options } from "./Emulator.ts"
import * as EmulatedServer from "./internal/EmulatedServer.ts"
import { surface } from "./internal/GeminiSurface.ts"

export class GeminiEmulator extends Context.Service<GeminiEmulator, Emulator>()("@holdfast/chaos/GeminiEmulator") {}

/**
 * Listens until the scope closes; then the port is free, every socket closed and every fiber ended.
 *
 * ```ts
 * const emulator = yield* GeminiEmulator.make({ plan })
 * const client = new GoogleGenAI({ apiKey: "any", httpOptions: { baseUrl: emulator.url } })
 * ```
 */
export const make = (options: Options = {}): Effect.Effect<Emulator, ListenFailed, Scope.Scope> =>
  EmulatedServer.make(surface, options)

export const layer = (options: Options = {}): Layer.Layer<GeminiEmulator, ListenFailed> =>
  Layer.effect(GeminiEmulator, make(options))
