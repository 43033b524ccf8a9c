/**
 * What an answer of the Responses API leaves in the `metadata` of its parts under `openai`, because the next request has
 * to bring it back. History turns metadata into the `options` of the prompt's parts, as `Chat` does.
 */
import type * as Prompt from "effect/ai/Prompt"
import type * as Piece from "../internal/Piece.ts"
import * as requestChecks from "../internal/requestChecks.ts"

/** The options that a part of an assistant's message may have. Chat has no place for them and reads over them. */
export const names: ReadonlyArray<string> = ["encryptedContent", "lane", "phase"]

/** Reasoning as the API sealed it. Only the account it was made for can use it, so its lane stands beside it. */
export const ofReasoning = (sealed: string | null | undefined, lane: string): Piece.Metadata | undefined =>
  sealed === undefined || sealed === null || sealed === "" ? undefined : { openai: { encryptedContent: sealed, lane } }

/** Whether a message is commentary or the final answer; models that say so want to hear it again. */
export const ofMessage = (phase: string | null | undefined): Piece.Metadata | undefined =>
  phase === undefined || phase === null || phase === "" ? undefined : { openai: { phase } }

/** The sealed reasoning of a part, if it came from this lane: on any other the API would reject the request. */
export const reasoningFor = (options: Prompt.ProviderOptions, lane: string | undefined): string | undefined =>
  lane !== undefined && requestChecks.option(options, "openai", "lane") === lane
    ? requestChecks.option(options, "openai", "encryptedContent")
    : undefined

export const phase = (options: Prompt.ProviderOptions): string | undefined =>
  requestChecks.option(options, "openai", "phase")
