/**
 * An emulated provider: a server on a real loopback socket that official SDKs take for the real one, with a fault plan
 * and a journal. `OpenAiEmulator`, `GeminiEmulator` and `AnthropicEmulator` make one; the scope it was made in owns its
 * port, sockets and fibers.
 */
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Director } from "./Direction.ts"
import type { FaultPlan } from "./FaultPlan.ts"
import type { Entry, Journal } from "./Journal.ts"

/** The port could not be taken. */
export class ListenFailed extends Schema.TaggedError<ListenFailed>()("ListenFailed", {
  host: Schema.String,
  port: Schema.Int,
  cause: Schema.Defect()
}) {
  override get message() {
    return `Cannot listen on ${this.host}:${this.port}`
  }
}

export interface Options {
  /** Default: every request is answered in full. */
  readonly plan?: FaultPlan | undefined
  /** Decides call by call. What it gives no direction for goes by the plan. Default: none does. */
  readonly director?: Director | undefined
  /** Default 0: any free port. */
  readonly port?: number | undefined
  /** Default 127.0.0.1. */
  readonly host?: string | undefined
  /** The models it lists and knows; any other is a 404. Default: two names to list, any name accepted. */
  readonly models?: ReadonlyArray<string> | undefined
  /** Keys it accepts. Default: any key, or none. */
  readonly keys?: ReadonlyArray<Redacted.Redacted> | undefined
  /** Seeds the draws of `rate` rules, afresh at each reset. Default: the ambient `Random`. */
  readonly seed?: string | number | undefined
  /** Length of an embedding when the request does not say. Default 64. */
  readonly dimensions?: number | undefined
  /** Entries the journal keeps. Default 10,000. */
  readonly maxEntries?: number | undefined
}

export interface Emulator extends Pick<Journal, "awaitEntry" | "awaitClosed"> {
  readonly provider: "openai" | "gemini" | "anthropic"
  /** The base URL to give a client: it ends in `/v1` for OpenAI and is the bare host for Gemini and Anthropic. */
  readonly url: string
  readonly port: number
  /** The entries since the reset, in order of arrival. */
  readonly journal: Effect.Effect<ReadonlyArray<Entry>>
  readonly plan: Effect.Effect<FaultPlan>
  /** Holds for requests that arrive from now on. Counts, clock and journal go on. */
  readonly setPlan: (plan: FaultPlan) => Effect.Effect<void>
  /**
   * Empties the journal; request numbers, draws and the clock of the plan begin anew. Running exchanges run on, unseen.
   */
  readonly reset: Effect.Effect<void>
  /** Closes all sockets and refuses connections, as a provider does that is down. Does nothing if it is down. */
  readonly takeDown: Effect.Effect<void>
  /** Listens again on the same port. Does nothing if it is up. */
  readonly bringUp: Effect.Effect<void, ListenFailed>
}
