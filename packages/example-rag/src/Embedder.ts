/**
 * Vectors together with the space they live in, which is what makes them worth storing. There are two: the one that is
 * searched, and one on stand-by, each over a resilient `EmbeddingModel`.
 */
import { Context, Effect } from "effect"
import { EmbeddingModel } from "effect/ai"
import { AiErrors, AiModels, type Failure, type Refusal, VectorSpace } from "@holdfast/core"

/** Of length 1, so that the product of two is their similarity. */
export type Vector = ReadonlyArray<number>

export interface Vectors {
  /** Vectors of two spaces are never compared. */
  readonly space: string
  /** The vectors of texts to be found, in their order. */
  readonly documents: (
    texts: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<Vector>, Failure.Failure | Refusal.Refusal>
  /** The vector of a text to search with. */
  readonly query: (text: string) => Effect.Effect<Vector, Failure.Failure | Refusal.Refusal>
}

export class Embedder extends Context.Service<Embedder, Vectors>()("example-rag/Embedder") {}

export class Standby extends Context.Service<Standby, Vectors>()("example-rag/Embedder/Standby") {}

export const make = Effect.gen(function* () {
  const model = yield* EmbeddingModel.EmbeddingModel
  const space = yield* VectorSpace.VectorSpace
  const vectors: Vectors = {
    space,
    documents: (texts) =>
      model.embedMany(texts).pipe(
        Effect.map(({ embeddings }) => embeddings.map(({ vector }) => unit(vector))),
        Effect.provideService(AiModels.EmbedOptions, { task: "document" }),
        AiErrors.typed
      ),
    query: (text) =>
      model.embed(text).pipe(
        Effect.map(({ vector }) => unit(vector)),
        Effect.provideService(AiModels.EmbedOptions, { task: "query" }),
        AiErrors.typed
      )
  }
  return vectors
})

const unit = (vector: Vector): Vector => {
  const length = Math.hypot(...vector)
  return length === 0 ? vector : vector.map((value) => value / length)
}
