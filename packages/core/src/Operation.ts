/** What a caller asks the pipeline for: a name, a policy, the lanes that may serve it, and the call itself. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type * as Event from "./Event.ts"
import type * as Failure from "./Failure.ts"
import type * as FallbackPlan from "./FallbackPlan.ts"
import type * as Lane from "./Lane.ts"
import type * as Policy from "./Policy.ts"

/** Tokens an answer says it used. */
export interface Usage {
  readonly inputTokens?: number | undefined
  readonly outputTokens?: number | undefined
  /** Of the input: read from the provider's cache. */
  readonly cacheReadTokens?: number | undefined
  /** Of the input: written to the provider's cache. */
  readonly cacheWriteTokens?: number | undefined
}

/** Under whose name operations are accounted: it is in events and in the store, so it must be a name and never a key. */
export const Tenant = Context.Reference<string | undefined>("@holdfast/core/Operation/Tenant", {
  defaultValue: () => undefined
})

/** What every operation names. */
export interface Plan {
  /** The name it is reported under. */
  readonly route: string
  readonly policy: Policy.Policy
  /** The lanes that may serve it, most preferred first; never empty. */
  readonly lanes: ReadonlyArray<Lane.Lane>
  /** What the request needs; lanes that cannot serve it are not tried. */
  readonly needs?: FallbackPlan.Requirements | undefined
  /** About how many tokens the request takes on a lane. Asked only where tokens are limited. Default: 0. */
  readonly estimateTokens?: ((lane: Lane.Lane) => number) | undefined
  /**
   * The least that the request can take of a lane's context window, with the output it asks for. A lane that is known to be
   * too small for that is not tried while another may do. Default: nobody knows.
   */
  readonly leastTokens?: ((lane: Lane.Lane) => number) | undefined
  /** Who speaks to the caller, where that is not the pipeline itself. */
  readonly desk?: Desk | undefined
}

/** What stands between the caller and the pipeline: it names the operation and reports its end. */
export interface Desk {
  /** The operation's id. */
  readonly id: string
  /** Told the end instead of the bus. */
  readonly ended: (end: Extract<Event.Draft, { readonly _tag: "OperationEnded" }>) => void
}

/** An operation that ends with one answer. */
export interface Operation<A, R> extends Plan {
  readonly kind: Event.Kind
  /** One request to one lane. */
  readonly call: (lane: Lane.Lane) => Effect.Effect<A, Failure.Failure, R>
  readonly usageOf?: ((answer: A) => Usage) | undefined
}

/** An operation whose call gives a promise. */
export interface PromiseOperation<A> extends Plan {
  readonly kind: Event.Kind
  /** One request to one lane. The signal is aborted when nobody waits for it any more. */
  readonly call: (lane: Lane.Lane, attempt: { readonly signal: AbortSignal }) => PromiseLike<A>
  /** What a rejection means. Default: failures of the union as they are, everything else `Unknown`. */
  readonly failureOf?: ((cause: unknown, lane: Lane.Lane) => Failure.Failure) | undefined
  readonly usageOf?: ((answer: A) => Usage) | undefined
}

/** An operation that ends with a stream. */
export interface StreamOperation<A, R> extends Plan {
  /** One request to one lane. It may only end successfully after the provider's terminal event. */
  readonly call: (lane: Lane.Lane) => Stream.Stream<A, Failure.Failure, R>
  /**
   * Whether the caller can do something with this part that cannot be taken back: text, reasoning, the start of a tool
   * call. Until the first such part a failure is retried or failed over unseen; after it, it surfaces.
   */
  readonly commits: (part: A) => boolean
  /** What a part says about usage; the last word counts. */
  readonly usageOf?: ((part: A) => Usage | undefined) | undefined
  /**
   * How the stream goes on after a failure behind the commit point, where the policy says `continue`. Made once per
   * operation. Absent: such a failure surfaces.
   */
  readonly continuation?: (() => Continuation<A, R>) | undefined
  /**
   * The part that tells the caller to forget what it was given, since the answer begins anew. Where the policy says
   * `restart`, it is given in front of the new answer. Absent: the caller does not know such a part, and the failure
   * surfaces.
   */
  readonly restart?: ((failure: Failure.Failure) => A) | undefined
}

/** Goes on with an answer of which the caller has the beginning. */
export interface Continuation<A, R> {
  /** Told of each part that the caller is given, in order. */
  readonly delivered: (part: A) => void
  /**
   * The ways to ask a lane for the rest, best first, each one request; a lane that rejects one as a request is asked in the
   * next. None: this answer cannot be continued there. They give what is new, in parts that fit behind those delivered.
   * `from`: the lanes that gave the beginning, in order.
   */
  readonly ways: (lane: Lane.Lane, from: ReadonlyArray<string>) => ReadonlyArray<Stream.Stream<A, Failure.Failure, R>>
  /** Whether with this part the lane answers, be it with something new or with what was delivered already. */
  readonly answers: (part: A) => boolean
}
