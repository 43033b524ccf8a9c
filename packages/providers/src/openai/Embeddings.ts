/** Embeddings in the OpenAI wire format. */
import type * as EmbedModel from "@holdfast/core/EmbedModel"
import type * as Lane from "@holdfast/core/Lane"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Encoded } from "../internal/Encoded.ts"
import * as Piece from "../internal/Piece.ts"
import type * as Problem from "../internal/Problem.ts"
import * as requestChecks from "../internal/requestChecks.ts"
import * as Trouble from "../internal/Trouble.ts"
import * as vectors from "../internal/vectors.ts"
import type { Dialect } from "./Dialect.ts"

/** The wire knows no task: OpenAI's models do not tell queries from documents. */
export const encode = (
  request: EmbedModel.Request,
  options: { readonly model: string; readonly dialect: Dialect }
): Result.Result<Encoded, Problem.Problem> =>
  Result.flatMap(vectors.checkRequest(request, options.dialect.maxInputs), () =>
    Result.map(
      requestChecks.jsonText(
        {
          model: options.model,
          input: request.inputs,
          encoding_format: "float",
          dimensions: request.dimensions
        },
        "request"
      ),
      (json) => ({ json, adapted: new Set(request.task === undefined ? [] : ["task-dropped" as const]) })
    )
  )

const Body = Schema.Struct({
  data: Schema.Array(
    Schema.Struct({
      index: Schema.optional(Schema.NullOr(Schema.Int)),
      embedding: Schema.Array(Schema.Finite)
    })
  ),
  model: Schema.optional(Schema.Unknown),
  usage: Schema.optional(Schema.Unknown)
})
const Usage = Schema.Struct({ prompt_tokens: Schema.optional(Schema.Unknown) })

const decodeBody = Schema.decodeUnknownOption(Body)
const decodeUsage = Schema.decodeUnknownOption(Usage)

export const read = (
  body: unknown,
  options: {
    readonly request: EmbedModel.Request
    readonly model: string
    readonly capabilities: Lane.Capabilities
  }
): Result.Result<EmbedModel.Response, Trouble.Trouble> => {
  const decoded = Option.getOrUndefined(decodeBody(body))
  if (decoded === undefined) return Result.fail(Trouble.wrongShape(body, "there are no vectors"))
  const byIndex = new Map(decoded.data.map(({ embedding, index }, position) => [index ?? position, embedding]))
  // As many as were sent, whatever was asked for; a missing or doubled index leaves fewer.
  const ordered = decoded.data.flatMap((_, index) => {
    const vector = byIndex.get(index)
    return vector === undefined ? [] : [vector]
  })
  return Result.map(vectors.check(ordered, options.request, options.capabilities), (found) => ({
    vectors: found,
    model: typeof decoded.model === "string" ? decoded.model : options.model,
    inputTokens: Piece.count(Option.getOrUndefined(decodeUsage(decoded.usage))?.prompt_tokens)
  }))
}
