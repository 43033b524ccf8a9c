/**
 * Answers questions from the passages that are found for them, whole or as a stream. Whoever asks is told what the answer
 * stands on, and when it is not what it would be on a good day.
 */
import { Context, Effect, Layer, Schema, Stream } from "effect"
import { LanguageModel } from "effect/ai"
import { AiErrors, type Failure, Provenance, type Refusal } from "@holdfast/core"
import type { DatabaseError } from "@holdfast/store-sql"
import * as Evidence from "./Evidence.ts"
import { Passage } from "./Passage.ts"
import * as Retriever from "./Retriever.ts"

/** A passage that the answer was to stand on. */
const Source = Schema.Struct({
  /** What the answer calls it: `[1]`. */
  number: Schema.Int,
  ...Passage.fields
})
type Source = typeof Source.Type

const sayings = {
  /** `provider/model`. Absent when no model answered. */
  answeredBy: Schema.optionalKey(Schema.String),
  /** The numbers of the sources that the text names. */
  cited: Schema.Array(Schema.Int),
  /** The vector space that was searched, or `words`. */
  searchedBy: Schema.String,
  /** Somebody or something else than usual answered or searched. `notice` says what, in a sentence to show. */
  degraded: Schema.Boolean,
  notice: Schema.optionalKey(Schema.String)
}

export const Answer = Schema.Struct({ text: Schema.String, sources: Schema.Array(Source), ...sayings })
export type Answer = typeof Answer.Type

/** An answer as it comes: its sources, its text in pieces, and what there is to say about it, last. */
export const Piece = Schema.TaggedUnion({
  Sources: { sources: Schema.Array(Source) },
  Text: { delta: Schema.String },
  End: sayings
})
export type Piece = typeof Piece.Type

type Errors = Failure.Failure | Refusal.Refusal | DatabaseError.DatabaseError

export class Answerer extends Context.Service<
  Answerer,
  {
    readonly answer: (question: string) => Effect.Effect<Answer, Errors>
    /** Interrupting it closes the socket to whichever model is answering. Without an `End` it was not whole. */
    readonly stream: (question: string) => Stream.Stream<Piece, Errors>
  }
>()("example-rag/Answerer") {}

const maxSources = 3

const make = Effect.gen(function* () {
  const model = yield* LanguageModel.LanguageModel
  const retriever = yield* Retriever.Retriever

  const answer = Effect.fn("Answerer.answer")(function* (question: string): Effect.fn.Return<Answer, Errors> {
    const search = yield* retriever.search(question, maxSources)
    const sources = sourcesOf(search)
    // A model that is asked without sources makes something up.
    if (sources.length === 0) return { text: nothing, sources, ...said(nothing, search, undefined) }
    const [{ text }, provenance] = yield* model
      .generateText({ prompt: Evidence.promptOf(question, sources) })
      .pipe(Effect.provideService(Evidence.Evidence, sources), Provenance.of, AiErrors.typed)
    return { text, sources, ...said(text, search, provenance) }
  })

  const stream = (question: string): Stream.Stream<Piece, Errors> =>
    Stream.unwrap(
      Effect.map(retriever.search(question, maxSources), (search) => {
        const sources = sourcesOf(search)
        const opening = Stream.succeed(Piece.cases.Sources.make({ sources }))
        if (sources.length === 0) {
          const end = Piece.cases.End.make(said(nothing, search, undefined))
          return Stream.concat(opening, Stream.make(Piece.cases.Text.make({ delta: nothing }), end))
        }
        let text = ""
        const deltas = model.streamText({ prompt: Evidence.promptOf(question, sources) }).pipe(
          Stream.mapError(AiErrors.toTyped),
          Stream.provideService(Evidence.Evidence, sources),
          Stream.filter((part) => part.type === "text-delta"),
          Stream.filter(({ delta }) => delta !== ""),
          Stream.map(({ delta }) => {
            text += delta
            return Piece.cases.Text.make({ delta })
          })
        )
        return Stream.concat(
          opening,
          Provenance.ofStream(deltas, (provenance) => Piece.cases.End.make(said(text, search, provenance)))
        )
      })
    ).pipe(Stream.withSpan("Answerer.stream"))

  return Answerer.of({ answer, stream })
})

export const layer: Layer.Layer<Answerer, never, LanguageModel.LanguageModel | Retriever.Retriever> = Layer.effect(
  Answerer,
  make
)

const nothing = "The documents say nothing about that."

const sourcesOf = ({ passages }: Retriever.Search): ReadonlyArray<Source> =>
  passages.map(({ document, text, title }, index) => ({ number: index + 1, document, title, text }))

/** What there is to say about an answer. */
const said = (text: string, search: Retriever.Search, provenance: Provenance.Provenance | undefined) => {
  const notices = [search.notice, noticeOf(provenance)].filter((notice) => notice !== undefined)
  const cited = Evidence.cited(text)
  return {
    ...(provenance?.lane === undefined ? {} : { answeredBy: provenance.lane }),
    cited: search.passages.map((_, index) => index + 1).filter((number) => cited.has(number)),
    searchedBy: search.by,
    degraded: notices.length > 0,
    ...(notices.length === 0 ? {} : { notice: notices.join(" ") })
  }
}

const noticeOf = (provenance: Provenance.Provenance | undefined): string | undefined => {
  if (provenance === undefined) return undefined
  if (provenance.lane === undefined) return "No model could be asked, so this is not an answer but what was found."
  if (provenance.continuedFrom !== undefined) return `${provenance.lane} finished what another model began.`
  return provenance.degraded ? `The usual model is not available; ${provenance.lane} answered.` : undefined
}
