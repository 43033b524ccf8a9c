/** The HTTP interface as a value, for the server and for its clients. */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { HealthReport } from "@holdfast/core"
import { Answer, Piece } from "./Answerer.ts"
import { Document, Passage } from "./Passage.ts"

/** The question has to change: it is too long, say, or a policy is against it. */
export class QuestionRefused extends Schema.TaggedError<QuestionRefused>()(
  "QuestionRefused",
  { reason: Schema.String },
  { httpApiStatus: 422 }
) {}

/** Nothing is wrong with the question: the same one may be answered later. */
export class Unavailable extends Schema.TaggedError<Unavailable>()(
  "Unavailable",
  {
    reason: Schema.String,
    /** When to come back, where that is known. */
    retryAfterMillis: Schema.optionalKey(Schema.Int)
  },
  { httpApiStatus: 503 }
) {}

const Question = Schema.Struct({ question: Schema.NonEmptyString.check(Schema.isMaxLength(4000)) })

const Limit = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 }))

const Added = Schema.Struct({ passages: Schema.Int, isSearchable: Schema.Boolean })

const Search = Schema.Struct({
  passages: Schema.Array(Schema.Struct({ ...Passage.fields, score: Schema.Finite })),
  by: Schema.String,
  degraded: Schema.Boolean,
  notice: Schema.optionalKey(Schema.String)
})

const Health = Schema.Struct({
  ...HealthReport.Report.fields,
  /** How many of the passages have a vector, by space. */
  index: Schema.Record(Schema.String, Schema.Struct({ passages: Schema.Int, indexed: Schema.Int }))
})

class Questions extends HttpApiGroup.make("questions", { topLevel: true }).add(
  HttpApiEndpoint.post("addDocument", "/documents", { payload: Document, success: Added, error: Unavailable }),
  HttpApiEndpoint.post("search", "/search", {
    payload: Schema.Struct({ ...Question.fields, limit: Schema.optionalKey(Limit) }),
    success: Search,
    error: [QuestionRefused, Unavailable]
  }),
  HttpApiEndpoint.post("answer", "/answer", {
    payload: Question,
    success: Answer,
    error: [QuestionRefused, Unavailable]
  }),
  HttpApiEndpoint.post("stream", "/answer/stream", {
    payload: Question,
    success: HttpApiSchema.StreamSse({ data: Piece, error: Schema.Union([QuestionRefused, Unavailable]) })
  }),
  HttpApiEndpoint.get("health", "/health", { success: Health, error: Unavailable })
) {}

export class Api extends HttpApi.make("example-rag").add(Questions) {}
