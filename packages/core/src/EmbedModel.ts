/**
 * Embedding as a lane offers it: one call is one request to one provider. The same shape, with refusals added to its
 * errors, is what a route offers.
 */
import type * as Effect from "effect/Effect"
import type * as Failure from "./Failure.ts"

export interface Request {
  readonly inputs: ReadonlyArray<string>
  /** Length of the vectors, where the model can choose. */
  readonly dimensions?: number | undefined
  /** What the vectors are for, where the model tells the two apart. */
  readonly task?: "query" | "document" | undefined
}

export interface Response {
  /** One vector per input, in their order. */
  readonly vectors: ReadonlyArray<ReadonlyArray<number>>
  /** The model that answered, as the provider names it. */
  readonly model: string
  readonly inputTokens?: number | undefined
}

export interface EmbedModel<E = Failure.Failure> {
  readonly embed: (request: Request) => Effect.Effect<Response, E>
}
