/**
 * Finds passages for a question: by meaning; if the vectors for that cannot be had, by meaning in the space on stand-by,
 * which has vectors of its own; and if there are none either, by words. A vector is only ever compared inside its space.
 */
import { Context, Effect, Layer } from "effect"
import { Disposition, type Failure, type Refusal } from "@holdfast/core"
import type { DatabaseError } from "@holdfast/store-sql"
import * as Embedder from "./Embedder.ts"
import * as PassageStore from "./PassageStore.ts"

export interface Search {
  readonly passages: ReadonlyArray<PassageStore.Found>
  /** The vector space that was searched, or the words alone. */
  readonly by: string
  /** Why this is not the best that can be done on a good day, in a sentence for whoever asked. */
  readonly notice?: string
}

export class Retriever extends Context.Service<
  Retriever,
  {
    /** At most `limit` passages, nearest first. Fails with what the model has against the question, if it has. */
    readonly search: (
      question: string,
      limit: number
    ) => Effect.Effect<Search, Failure.Failure | Refusal.Refusal | DatabaseError.DatabaseError>
  }
>()("example-rag/Retriever") {}

/** What `Search.by` says when no vectors were compared. */
const words = "words"

const make = Effect.gen(function* () {
  const embedder = yield* Embedder.Embedder
  const standby = yield* Embedder.Standby
  const store = yield* PassageStore.PassageStore

  const byMeaning = Effect.fnUntraced(function* ({ query, space }: Embedder.Vectors, question: string, limit: number) {
    const vector = yield* query(question)
    const passages = yield* store.nearest(space, vector, limit)
    return { by: space, passages }
  })

  const inStandby = Effect.fnUntraced(function* (question: string, limit: number) {
    // Half an index would answer as if the other half did not exist.
    const { indexed, passages } = yield* store.coverage(standby.space)
    if (indexed < passages) return yield* new PassageStore.SpaceNotIndexed({ space: standby.space, indexed: [] })
    return {
      ...(yield* byMeaning(standby, question, limit)),
      notice: "The usual search is not available; another index was searched."
    }
  })

  const byWords = (question: string, limit: number) =>
    Effect.map(store.withWords(question, limit), (passages) => ({
      by: words,
      passages,
      notice: "Search by meaning is not available; these passages have words of the question."
    }))

  const search = Effect.fn("Retriever.search")(
    (
      question: string,
      limit: number
    ): Effect.Effect<Search, Failure.Failure | Refusal.Refusal | DatabaseError.DatabaseError> =>
      byMeaning(embedder, question, limit).pipe(
        insteadOf(() => inStandby(question, limit)),
        insteadOf(() => byWords(question, limit))
      )
  )

  return Retriever.of({ search })
})

export const layer: Layer.Layer<Retriever, never, PassageStore.PassageStore | Embedder.Embedder | Embedder.Standby> =
  Layer.effect(Retriever, make)

type Refused = Failure.Failure | Refusal.Refusal | DatabaseError.DatabaseError

/** Another search, unless the question itself is at fault or the database is away: neither would be better off. */
const insteadOf = <B, E>(other: () => Effect.Effect<B, E>) =>
  Effect.catch((error: Refused | PassageStore.SpaceNotIndexed): Effect.Effect<B, E | Refused> => {
    if (error._tag === "SpaceNotIndexed") return other()
    return error._tag === "DatabaseError" || Disposition.blamesCaller(error) ? Effect.fail(error) : other()
  })
