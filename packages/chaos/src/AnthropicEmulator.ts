/**
 * An emulated Anthropic API: messages (whole and streamed, tools, thoughts, JSON answers), token counts and models under
 * `/v1`, for the headers of today (`Authorization: Bearer`, version `2026-10-21`) and of before (`x-api-key`,
 * `2023-06-01`). The scope it is made in owns it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Emulator, ListenFailed, Options } from "./Emulator.ts"
import { surface } from "./internal/AnthropicSurface.ts"
import * as EmulatedServer from "./internal/EmulatedServer.ts"

export class AnthropicEmulator extends Context.Service<AnthropicEmulator, Emulator>()(
  "@holdfast/chaos/AnthropicEmulator"
) {}

/**
 * Listens until the scope closes; then the port is free, every socket closed and every fiber ended.
 *
 * ```ts
 * const emulator = yield* AnthropicEmulator.make({ plan })
 * const client = new Anthropic({ baseURL: emulator.url, apiKey: "any", maxRetries: 0 })
 * ```
 */
export const make = (options: Options = {}): Effect.Effect<Emulator, ListenFailed, Scope.Scope> =>
  EmulatedServer.make(surface, options)

export const layer = (options: Options = {}): Layer.Layer<AnthropicEmulator, ListenFailed> =>
  Layer.effect(AnthropicEmulator, make(options))
