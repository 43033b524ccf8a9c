/** The operation's budget of tokens and money around one attempt: asked before it, reserved with it, settled after it. */
import type * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import * as Refusal from "../Refusal.ts"
import type { Observed } from "./Started.ts"
import type { Operation, Used } from "./running.ts"
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

/** What is known of an attempt that is over. */
interface Attempt extends Pick<Observed, "inputTokens" | "outputTokens" | "cached"> {
  readonly isSent: boolean
}

/**
 * What an attempt has used: what the answer says; nothing where no request was sent or the provider refused it; and where
 * nobody knows, or the answer broke off before it could say, what was expected.
 */
export const used = (
  operation: Operation,
  lane: Lane.Lane,
  attempt: Attempt,
  isWhole: boolean,
  failure: Failure.Failure | undefined
): Used => {
  const { cached } = attempt
  const isSilent = attempt.inputTokens === undefined && attempt.outputTokens === undefined
  const isUnconnected = failure?._tag === "Timeout" && failure.phase === "connect"
  if (!attempt.isSent || isUnconnected || (isSilent && failure?.status !== undefined && failure.status >= 400)) {
    return { inputTokens: 0, outputTokens: 0, usd: 0, isEstimated: false }
  }
  // Vectors are no output tokens.
  const outputTokens = attempt.outputTokens ?? (operation.plan.needs?.embed === true ? 0 : undefined)
  if (isWhole && attempt.inputTokens !== undefined && outputTokens !== undefined) {
    const usage = { inputTokens: attempt.inputTokens, outputTokens, ...cached }
    return { ...usage, usd: lane.cost?.(usage), isEstimated: false }
  }
  const expected = estimate(operation, lane)
  const usage = {
    inputTokens: attempt.inputTokens ?? expected.inputTokens,
    outputTokens: isWhole
      ? (outputTokens ?? expected.outputTokens)
      : Math.max(outputTokens ?? 0, expected.outputTokens),
    ...cached
  }
  return { ...usage, usd: lane.cost?.(usage), isEstimated: true }
}

/** The same, but only as far as the answer says it where nobody can say how many tokens the request takes. */
export const known = (...[operation, lane, attempt, isWhole, failure]: Parameters<typeof used>): Used => {
  const all = used(operation, lane, attempt, isWhole, failure)
  return all.isEstimated && attempt.inputTokens === undefined && operation.tokensOn(lane) === 0
    ? { outputTokens: attempt.outputTokens, usd: undefined, isEstimated: false }
    : all
}

/** An attempt is over: what it used takes the place of what was reserved for it. */
export const settle = (
  operation: Operation,
  reserved: Estimate,
  { inputTokens = 0, outputTokens = 0, usd }: Used
): void => operation.spending?.settle(reserved, { tokens: inputTokens + outputTokens, usd })
