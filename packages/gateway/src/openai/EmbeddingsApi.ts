/** Embeddings as OpenAI's clients ask for them and expect them. */
import type * as EmbedModel from "@holdfast/core/EmbedModel"
import * as Base64 from "effect/encoding/Base64"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { BadRequest, invalid } from "./ChatRequest.ts"

/** What was asked for. */
export interface EmbeddingsRequest {
  readonly route: string
  readonly request: EmbedModel.Request
  readonly encoding: "float" | "base64"
  /** Fields that were set and change nothing here. */
  readonly ignored: ReadonlyArray<string>
}

const Body = Schema.Struct({
  model: Schema.NonEmptyString,
  input: Schema.Union([Schema.NonEmptyString, Schema.NonEmptyArray(Schema.NonEmptyString)]),
  dimensions: Schema.optionalKey(Schema.NullOr(Schema.Int.check(Schema.isGreaterThan(0)))),
  /** Not OpenAI's: Gemini's models tell a text to search with from a text to be found, and Voyage's call it this. */
  input_type: Schema.optionalKey(Schema.NullOr(Schema.Literals(["query", "document"]))),
  encoding_format: Schema.optionalKey(Schema.NullOr(Schema.Literals(["float", "base64"])))
})

const decode = Schema.decodeUnknownResult(Body)

/** Reads a request's JSON. Fails with the field that is at fault; token arrays are not text and are refused. */
export const parse = Effect.fnUntraced(function* (json: unknown): Effect.fn.Return<EmbeddingsRequest, BadRequest> {
  if (Predicate.isObject(json) && "input" in json && isTokens(json.input)) {
    return yield* new BadRequest({
      param: "input",
      code: "unsupported_parameter",
      problem: "input: token arrays are not supported by this gateway, send text"
    })
  }
  const decoded = decode(json)
  if (Result.isFailure(decoded)) return yield* invalid(decoded.failure)
  const body = decoded.success
  return {
    route: body.model,
    request: {
      inputs: typeof body.input === "string" ? [body.input] : body.input,
      dimensions: body.dimensions ?? undefined,
      task: body.input_type ?? undefined
    },
    encoding: body.encoding_format ?? "float",
    ignored: Object.keys(Predicate.isObject(json) ? json : {}).filter((field) => !Object.hasOwn(Body.fields, field))
  }
})

const isTokens = (input: unknown): boolean =>
  Array.isArray(input) && input.length > 0 && input.every((one) => typeof one === "number" || isTokens(one))

/** The answer, with the vectors in the encoding that was asked for. */
export const reply = (request: EmbeddingsRequest, response: EmbedModel.Response) => ({
  object: "list",
  data: response.vectors.map((vector, index) => ({
    object: "embedding",
    index,
    embedding: request.encoding === "float" ? vector : base64Of(vector)
  })),
  model: response.model,
  usage: { prompt_tokens: response.inputTokens ?? 0, total_tokens: response.inputTokens ?? 0 }
})

/** 32-bit floats, little-endian, as OpenAI's SDKs read them. */
const base64Of = (vector: ReadonlyArray<number>): string => {
  const view = new DataView(new ArrayBuffer(vector.length * 4))
  vector.forEach((value, index) => view.setFloat32(index * 4, value, true))
  return Base64.encode(new Uint8Array(view.buffer))
}
