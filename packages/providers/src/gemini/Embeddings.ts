/** Embeddings in the Gemini wire format: always as a batch, also for one text. */
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

/** Texts one batch may have. */
const maxInputs = 100

const taskTypes = { query: "RETRIEVAL_QUERY", document: "RETRIEVAL_DOCUMENT" } as const

/** `resource` is the model's resource name, such as `models/gemini-embedding-001`. */
export const encode = (request: EmbedModel.Request, resource: string): Result.Result<Encoded, Problem.Problem> =>
  Result.flatMap(vectors.checkRequest(request, maxInputs), () =>
    Result.map(
      requestChecks.jsonText(
        {
          requests: request.inputs.map((text) => ({
            model: resource,
            content: { parts: [{ text }] },
            taskType: request.task === undefined ? undefined : taskTypes[request.task],
            outputDimensionality: request.dimensions
          }))
        },
        "request"
      ),
      (json) => ({ json, adapted: new Set() })
    )
  )

const Body = Schema.Struct({
  embeddings: Schema.Array(Schema.Struct({ values: Schema.Array(Schema.Finite) })),
  usageMetadata: Schema.optional(Schema.Unknown)
})
const Usage = Schema.Struct({ promptTokenCount: Schema.optional(Schema.Unknown) })

const decodeBody = Schema.decodeUnknownOption(Body)
const decodeUsage = Schema.decodeUnknownOption(Usage)

/** The answer does not name its model, so it is the one that was asked. */
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
  const found = decoded.embeddings.map(({ values }) => values)
  return Result.map(vectors.check(found, options.request, options.capabilities), (found) => ({
    vectors: found,
    model: options.model,
    inputTokens: Piece.count(Option.getOrUndefined(decodeUsage(decoded.usageMetadata))?.promptTokenCount)
  }))
}
