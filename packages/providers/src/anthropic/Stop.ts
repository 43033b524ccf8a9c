/** Why a Messages answer stopped. */
import type * as Response from "effect/ai/Response"
import type * as Trouble from "../internal/Trouble.ts"

/** Reasons that make the answer none. A window that is full cuts an answer short; only without an answer is it trouble. */
export const trouble = (
  reason: string | null | undefined,
  hasContent: boolean,
  evidence: Trouble.Evidence
): Trouble.Trouble | undefined => {
  if (reason === "refusal") {
    return { evidence, verdict: { class: "ContentPolicy", rule: "wire/refusal", detail: "the model declined" } }
  }
  return reason === "model_context_window_exceeded" && !hasContent
    ? { evidence, verdict: { class: "ContextLengthExceeded", rule: "wire/window-full", detail: "the window is full" } }
    : undefined
}

export const finishReason = (reason: string | null | undefined): Response.FinishReason => {
  switch (reason) {
    case undefined:
    case null:
    case "":
      return "unknown"
    case "end_turn":
    case "stop_sequence":
      return "stop"
    case "max_tokens":
    case "model_context_window_exceeded":
      return "length"
    case "tool_use":
      return "tool-calls"
    case "pause_turn":
      return "pause"
    default:
      return "other"
  }
}
