/** The operation's budget of tokens and money around one attempt: asked before it, reserved with it, settled after it. */
import type * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import * as Refusal from "../Refusal.ts"
import type { Operation } from "./running.ts"
import type { Estimate } from "./Spending.ts"

/** What the operation's request is expected to use on a lane. Vectors are no output tokens. */
const estimate = (operation: Operation, lane: Lane.Lane): Estimate => {
  const { needs } = operation.plan
  const stated = needs?.maxOutputTokens
  const { assumedOutputTokens } = operation.policy.budget
  const assumed = Math.min(assumedOutputTokens, lane.capabilities.maxOutputTokens ?? assumedOutputTokens)
  const outputTokens = needs?.embed === true ? 0 : (stated ?? assumed)
  // A lane's own estimate has what the request says about its output in it.
  const inputTokens = Math.max(0, operation.tokensOn(lane) - (stated ?? 0))
  return { inputTokens, outputTokens, usd: lane.cost?.({ inputTokens, outputTokens }) }
}

/** The refusal of an attempt that the budget has no room for. */
export const refusal = (operation: Operation, lane: Lane.Lane): Refusal.BudgetExhausted | undefined => {
  const { spending } = operation
  if (spending === undefined) return undefined
  const budget = spending.refuses(estimate(operation, lane))
  if (budget === undefined) return undefined
  const { maxTokens, maxUsd } = operation.figures
  return new Refusal.BudgetExhausted({ budget, limit: budget === "tokens" ? maxTokens : maxUsd })
}

/** Reserves what an attempt is expected to use; absent where nothing is limited. */
export const reserve = (operation: Operation, lane: Lane.Lane): Estimate | undefined => {
  if (operation.spending === undefined) return undefined
  const reserved = estimate(operation, lane)
  operation.spending.reserve(reserved)
  return reserved
}

/**
 * An attempt is over. What the answer says it used is spent; nothing is where no request was sent or the provider refused
 * it; and where nobody knows, or the answer broke off before it could say, the estimate stands.
 */
export const settle = (
  operation: Operation,
  lane: Lane.Lane,
  reserved: Estimate,
  attempt: {
    readonly isSent: boolean
    readonly inputTokens: number | undefined
    readonly outputTokens: number | undefined
  },
  isWhole: boolean,
  failure: Failure.Failure | undefined
): void => {
  const { spending } = operation
  if (spending === undefined) return
  const isSilent = attempt.inputTokens === undefined && attempt.outputTokens === undefined
  if (!attempt.isSent || (isSilent && failure?.status !== undefined && failure.status >= 400)) {
    return spending.settle(reserved, { tokens: 0, usd: 0 })
  }
  const { inputTokens = reserved.inputTokens, outputTokens = reserved.outputTokens } = attempt
  const output = isWhole ? outputTokens : Math.max(outputTokens, reserved.outputTokens)
  spending.settle(reserved, {
    tokens: inputTokens + output,
    usd: lane.cost?.({ inputTokens, outputTokens: output })
  })
}
