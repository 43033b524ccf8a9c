/**
 * Takes documents in. A document is kept as soon as the database has it; its vectors follow, in every space, as soon as
 * somebody makes them. New documents, an outage that is over and a model that was replaced are one case: passages without
 * a vector of the space.
 */
import { Context, Effect, Layer, Queue, Semaphore } from "effect"
import type { Failure, Refusal } from "@holdfast/core"
import type { DatabaseError } from "@holdfast/store-sql"
import * as Embedder from "./Embedder.ts"
import * as PassageStore from "./PassageStore.ts"
import type { Document } from "./Passage.ts"

export interface Added {
  readonly passages: number
  /** Whether they can be found by meaning already, or by their words alone for now. */
  readonly isSearchable: boolean
}

type Errors = Failure.Failure | Refusal.Refusal | DatabaseError.DatabaseError

export class Library extends Context.Service<
  Library,
  {
    /** Keeps a document. That its vectors cannot be made now is no failure: they are made later. */
    readonly add: (document: Document) => Effect.Effect<Added, DatabaseError.DatabaseError>
    /** Makes the vectors that are missing, in every space, and says how many it made in each. */
    readonly catchUp: Effect.Effect<{ readonly [space: string]: number }, Errors>
  }
>()("example-rag/Library") {}

/** Texts that are embedded at once. Gemini takes 100. */
const batchSize = 50

const make = Effect.gen(function* () {
  const store = yield* PassageStore.PassageStore
  const wake = yield* Queue.sliding<void>(1)

  /** One space at a time is filled by one fiber: two would pay for the same vectors. */
  const filling = Effect.fnUntraced(function* ({ documents, space }: Embedder.Vectors) {
    const turn = yield* Semaphore.make(1)
    const fill = Effect.gen(function* () {
      let made = 0
      for (;;) {
        const pending = yield* store.pending(space, batchSize)
        if (pending.length === 0) return made
        const vectors = yield* documents(pending.map(({ text }) => text))
        yield* store.index(
          space,
          vectors.flatMap((vector, index) => {
            const passage = pending[index]
            return passage === undefined ? [] : [{ id: passage.id, vector }]
          })
        )
        made += pending.length
      }
    })
    return { space, fill: turn.withPermit(fill).pipe(Effect.withSpan("Library.fill", { attributes: { space } })) }
  })
  const primary = yield* filling(yield* Embedder.Embedder)
  const standby = yield* filling(yield* Embedder.Standby)

  const add = Effect.fn("Library.add")(function* (
    document: Document
  ): Effect.fn.Return<Added, DatabaseError.DatabaseError> {
    const passages = yield* store.put(document)
    const isSearchable = yield* primary.fill.pipe(
      Effect.as(true),
      Effect.catch((error) =>
        Effect.as(Effect.logWarning(`The vectors of ${document.id} have to wait: ${error.message}`), false)
      )
    )
    yield* Queue.offer(wake, undefined)
    return { passages, isSearchable }
  })

  const catchUp = Effect.all({ [primary.space]: primary.fill, [standby.space]: standby.fill }, { concurrency: 2 })

  // At the start, whenever a document has come, and every half minute for what failed before.
  yield* catchUp.pipe(
    Effect.catch((error) => Effect.logWarning(`Some vectors have to wait: ${error.message}`)),
    Effect.andThen(Effect.raceFirst(Queue.take(wake), Effect.sleep("30 seconds"))),
    Effect.forever,
    Effect.forkScoped
  )

  return Library.of({ add, catchUp })
})

export const layer: Layer.Layer<Library, never, PassageStore.PassageStore | Embedder.Embedder | Embedder.Standby> =
  Layer.effect(Library, make)
