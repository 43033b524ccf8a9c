/** How much a model of Claude shall think, from the effort that a caller named. */
import type * as Sampling from "@holdfast/core/Sampling"
import * as Result from "effect/Result"
import type { Notes } from "../internal/Encoded.ts"
import * as Problem from "../internal/Problem.ts"
import type { Claude } from "./Claude.ts"

export interface Thinking {
  readonly thinking?:
    | { readonly type: "adaptive"; readonly display: "summarized" }
    | { readonly type: "enabled"; readonly budget_tokens: number }
    | { readonly type: "disabled" | "between_tools" }
  readonly effort?: "low" | "medium" | "high" | "xhigh"
  /** The model was told to think, which rules out a few other things. */
  readonly isOn: boolean
}

const field = "sampling.reasoningEffort"

/**
 * The budgets, in tokens, for models without efforts, none of which has `xhigh`: the smallest one allowed, and what Google
 * gives `medium` and `high` on its own OpenAI-compatible endpoint, so that an effort means the same on both.
 */
const budgets = { low: 1024, medium: 8192, high: 24_576, xhigh: 24_576 } as const

/** The API takes no smaller one. */
const minBudget = 1024

/**
 * Whoever names an effort also sees the thoughts, in the model's summary. Without one nothing is sent, and the model does
 * as it does by default. A budget is at most half of `maxTokens`, which covers the thoughts as well as the answer.
 */
export const encode = (
  effort: Sampling.Sampling["reasoningEffort"],
  claude: Claude,
  maxTokens: number,
  adapted: Notes
): Result.Result<Thinking, Problem.Problem> => {
  if (effort === undefined) return Result.succeed({ isOn: false })
  if (effort === "none") return none(claude, adapted)
  if (effort === "minimal") return Problem.unsupported(field, "there is no effort below low")
  if (claude.thinking === "none") return Problem.unsupported(field, "the model does not reason")
  if (effort === "xhigh" && !claude.xhigh) return Problem.unsupported(field, "there is no effort above high")
  if (claude.thinking === "adaptive") {
    return Result.succeed({ thinking: { type: "adaptive", display: "summarized" }, effort, isOn: true })
  }
  adapted.add("effort-as-budget")
  const budget = Math.min(budgets[effort], Math.floor(maxTokens / 2))
  return budget < minBudget
    ? Problem.unsupported(field, "the output limit leaves no room to reason")
    : Result.succeed({ thinking: { type: "enabled", budget_tokens: budget }, isOn: true })
}

const none = (claude: Claude, adapted: Notes): Result.Result<Thinking, Problem.Problem> => {
  if (claude.thinkingOff === "between_tools") adapted.add("effort-approximated")
  if (claude.thinking === "none") return Result.succeed({ isOn: false })
  return claude.thinkingOff === undefined
    ? Problem.unsupported(field, "the model always reasons")
    : Result.succeed({ thinking: { type: claude.thinkingOff }, isOn: false })
}
