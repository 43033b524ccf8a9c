/**
 * What one operation spends in tokens and money, as a pure machine: reserved before an attempt, settled after it. What is
 * spent and reserved never passes the budget by more than attempts turned out to cost above their estimates.
 */

/** What an attempt is expected to use. */
export interface Estimate {
  readonly inputTokens: number
  readonly outputTokens: number
  /** Absent where the lane's price is not known. */
  readonly usd: number | undefined
}

/** What an attempt has used; absent where nobody said. */
export interface Used {
  readonly tokens: number
  readonly usd: number | undefined
}

export interface Limits {
  readonly maxTokens: number
  /** In US dollars. */
  readonly maxUsd: number
}

/** Which budget has no room. */
export type Exhausted = "tokens" | "usd"

export class Spending {
  readonly #limits: Limits
  /** Spent and reserved together. */
  #tokens = 0
  #usd = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get tokens(): number {
    return this.#tokens
  }

  get usd(): number {
    return this.#usd
  }

  /**
   * The budget that has no room for the attempt. Of money there is none for an attempt whose price is not known: it could
   * cost anything.
   */
  refuses(estimate: Estimate): Exhausted | undefined {
    const { maxTokens, maxUsd } = this.#limits
    if (this.#tokens + tokensOf(estimate) > maxTokens) return "tokens"
    if (maxUsd !== Number.POSITIVE_INFINITY && this.#usd + (estimate.usd ?? Number.POSITIVE_INFINITY) > maxUsd)
      return "usd"
    return undefined
  }

  reserve(estimate: Estimate): void {
    this.#tokens += tokensOf(estimate)
    this.#usd += estimate.usd ?? 0
  }

  /** Puts what was used in the place of what was reserved for it. */
  settle(estimate: Estimate, used: Used): void {
    this.#tokens += used.tokens - tokensOf(estimate)
    this.#usd += (used.usd ?? estimate.usd ?? 0) - (estimate.usd ?? 0)
  }
}

const tokensOf = ({ inputTokens, outputTokens }: Estimate): number => inputTokens + outputTokens
