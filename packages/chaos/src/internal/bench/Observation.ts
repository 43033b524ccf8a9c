/** What was seen of one scenario: by its caller, and by the providers. Times are in seconds of the full-length profile. */

interface Seen {
  /** Since the scenario began. */
  readonly sentAt: number
  /** From sending to the end of reading. */
  readonly elapsed: number
}

/** An answer that ended as if it were whole. */
export interface Answer extends Seen {
  readonly _tag: "Answer"
  readonly text: string
  /** The model that the answer names. */
  readonly model: string | undefined
  readonly hasUsage: boolean
  /** From sending to the first text. */
  readonly firstText: number | undefined
}

/** Not an answer, and it says so: an error status, an error event, a broken connection. */
export interface Failed extends Seen {
  readonly _tag: "Failed"
  readonly reason: string
}

/** Nothing had ended it when the scenario's time was over. */
export interface Hung extends Seen {
  readonly _tag: "Hung"
}

export type Reply = Answer | Failed | Hung

/** One request that reached a provider. */
export interface Attempt {
  /** Since the scenario began. */
  readonly at: number
  readonly lane: "primary" | "fallback"
  readonly status: number | undefined
  /** Characters of its messages. */
  readonly size: number
  /** It asked to continue a text, and the provider does not do that. */
  readonly prefillRefused: boolean
}

export interface Observation {
  /** In the order they were asked for; one, unless the scenario is a sequence. */
  readonly replies: ReadonlyArray<Reply>
  readonly attempts: ReadonlyArray<Attempt>
  /** Whether a plain request to the fallback was answered afterwards. */
  readonly alive: boolean
}
