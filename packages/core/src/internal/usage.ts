/** What an answer says about its tokens, kept for the attempt's record. */
import type { Usage } from "../Operation.ts"
import type { Observed } from "./Started.ts"

/** Notes what is said; what is not said leaves alone what was. */
export const noteUsage = (observed: Observed, usage: Usage | undefined): void => {
  if (usage?.inputTokens !== undefined) observed.inputTokens = usage.inputTokens
  if (usage?.outputTokens !== undefined) observed.outputTokens = usage.outputTokens
  const { cacheReadTokens = 0, cacheWriteTokens = 0 } = usage ?? {}
  if (cacheReadTokens > 0 || cacheWriteTokens > 0) observed.cached = { cacheReadTokens, cacheWriteTokens }
}
