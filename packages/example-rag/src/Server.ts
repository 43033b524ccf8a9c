/** The application over HTTP: what each endpoint does, and how what goes wrong is told. */
import { Duration, Effect, Layer, Stream } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Disposition, type Failure, HealthReport, type Refusal, type Resilience } from "@holdfast/core"
import type { DatabaseError } from "@holdfast/store-sql"
import * as Answerer from "./Answerer.ts"
import { Api, QuestionRefused, Unavailable } from "./Api.ts"
import * as Embedder from "./Embedder.ts"
import * as Library from "./Library.ts"
import * as PassageStore from "./PassageStore.ts"
import * as Retriever from "./Retriever.ts"

/** The routes of the API, for whichever server has a router. */
export const layer = HttpApiBuilder.layer(Api).pipe(
  Layer.provide(
    HttpApiBuilder.group(
      Api,
      "questions",
      Effect.fn(function* (handlers) {
        const answerer = yield* Answerer.Answerer
        const library = yield* Library.Library
        const retriever = yield* Retriever.Retriever
        const store = yield* PassageStore.PassageStore
        const spaces = [(yield* Embedder.Embedder).space, (yield* Embedder.Standby).space]
        const lanes = yield* Effect.context<Layer.Success<typeof Resilience.layer>>()

        return handlers.handleAll({
          addDocument: ({ payload }) => Effect.mapError(library.add(payload), unavailable),
          search: ({ payload }) =>
            retriever.search(payload.question, payload.limit ?? 3).pipe(
              Effect.map((search) => ({ ...search, degraded: search.notice !== undefined })),
              Effect.mapError(told)
            ),
          answer: ({ payload }) => Effect.mapError(answerer.answer(payload.question), told),
          stream: ({ payload }) => Effect.succeed(Stream.mapError(answerer.stream(payload.question), told)),
          health: () =>
            Effect.gen(function* () {
              const report = yield* Effect.provide(HealthReport.report, lanes)
              const index: Record<string, PassageStore.Coverage> = {}
              for (const space of spaces) index[space] = yield* store.coverage(space)
              return { ...report, index }
            }).pipe(Effect.mapError(unavailable))
        })
      })
    )
  )
)

type ModelError = Failure.Failure | Refusal.Refusal

const told = (error: ModelError | DatabaseError.DatabaseError): QuestionRefused | Unavailable =>
  error._tag !== "DatabaseError" && Disposition.blamesCaller(error)
    ? new QuestionRefused({ reason: error.message })
    : unavailable(error)

const unavailable = (error: ModelError | DatabaseError.DatabaseError): Unavailable => {
  const wait = "retryAfter" in error ? error.retryAfter : undefined
  return new Unavailable({
    reason: error._tag === "DatabaseError" ? "The documents cannot be reached" : error.message,
    ...(wait === undefined ? {} : { retryAfterMillis: Math.ceil(Duration.toMillis(wait)) })
  })
}
