/**
 * A response, whole or as the last word of its stream, as pieces. The schemas ask for no more than what is needed to
 * read the answer.
 */
import type * as Response from "effect/ai/Response"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Piece from "../internal/Piece.ts"
import * as Trouble from "../internal/Trouble.ts"
import { isError } from "./ChatAnswer.ts"
import * as ResponsesItem from "./ResponsesItem.ts"
import { usagePiece } from "./usage.ts"

const nullish = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const Body = Schema.Struct({
  id: Schema.optional(Schema.Unknown),
  model: Schema.optional(Schema.Unknown),
  created_at: Schema.optional(Schema.Unknown),
  status: nullish(Schema.String),
  error: Schema.optional(Schema.Unknown),
  incomplete_details: nullish(Schema.Struct({ reason: nullish(Schema.String) })),
  output: nullish(Schema.Array(Schema.Unknown)),
  usage: Schema.optional(Schema.Unknown)
})
export type Body = typeof Body.Type

const Usage = Schema.Struct({
  input_tokens: Schema.optional(Schema.Unknown),
  output_tokens: Schema.optional(Schema.Unknown),
  input_tokens_details: nullish(
    Schema.Struct({
      cached_tokens: Schema.optional(Schema.Unknown),
      cache_write_tokens: Schema.optional(Schema.Unknown)
    })
  ),
  output_tokens_details: nullish(Schema.Struct({ reasoning_tokens: Schema.optional(Schema.Unknown) }))
})

const decodeBody = Schema.decodeUnknownOption(Body)
const decodeUsage = Schema.decodeUnknownOption(Usage)

export const decode = (value: unknown): Body | undefined => Option.getOrUndefined(decodeBody(value))

type Pieces = Result.Result<ReadonlyArray<Piece.Piece>, Trouble.Trouble>

/** Reads a whole response; `lane` is the one that asked. */
export const readWhole =
  (lane: string) =>
  (json: unknown): Pieces =>
    Result.gen(function* () {
      const body = decode(json)
      if (body === undefined) return yield* Result.fail(Trouble.wrongShape(json, "the answer is no response"))
      if ((body.output ?? undefined) === undefined && !hasFailed(body, undefined)) {
        return yield* Result.fail(Trouble.wrongShape(json, "there is no output"))
      }
      const pieces = [...meta(body)]
      let isCut = false
      for (const [index, value] of (body.output ?? []).entries()) {
        const item = yield* Result.mapError(ResponsesItem.read(value), (why) => Trouble.wrongShape(json, why))
        if (item === undefined) continue
        isCut ||= ResponsesItem.isCut(item)
        pieces.push(...ResponsesItem.pieces(item, { block: String(index), index, lane, isTold: false }))
      }
      const last = yield* ending(body, { evidence: { kind: "response-200", body: json }, status: undefined, isCut })
      return [...pieces, ...last]
    })

/**
 * What a response says of its end: its usage and why it finished, or why it is no answer. `status` holds where it has
 * none; `isCut` says that a tool call was cut.
 */
export const ending = (
  body: Body,
  {
    evidence,
    isCut,
    status
  }: {
    readonly evidence: Trouble.Evidence
    readonly status: string | undefined
    readonly isCut: boolean
  }
): Pieces => {
  const how = body.status ?? status
  const reason = body.incomplete_details?.reason
  if (hasFailed(body, status)) return Result.fail(failed(evidence))
  if (how === "incomplete" && reason === "content_filter") {
    return Result.fail({ evidence, verdict: { class: "ContentPolicy", rule: "wire/content-filter" } })
  }
  if (isCut) return Result.fail(cutToolCall)
  switch (how) {
    case "completed":
      return Result.succeed([...usage(body), finish("stop")])
    case "incomplete":
      return Result.succeed([...usage(body), finish(reason === "max_output_tokens" ? "length" : "other")])
    case undefined:
      return Result.succeed([...usage(body), finish("unknown")])
    default:
      return Result.fail(unfinished)
  }
}

const hasFailed = (body: Body, status: string | undefined): boolean =>
  ["failed", "cancelled"].includes(body.status ?? status ?? "") || isError(body)

/** The response, or the service behind it, failed; the classifier may know better. */
export const failed = (evidence: Trouble.Evidence): Trouble.Trouble => ({
  evidence,
  verdict: { class: "ServiceUnavailable", rule: "wire/failed-response" }
})

const cutToolCall: Trouble.Trouble = {
  verdict: { class: "InvalidResponse", rule: "wire/cut-tool-call", retryable: false, detail: "a tool call was cut" }
}

const unfinished: Trouble.Trouble = {
  verdict: { class: "InvalidResponse", rule: "wire/wrong-shape", detail: "the response is not finished" }
}

const finish = (reason: Response.FinishReason): Piece.Piece => ({ _tag: "Finish", reason })

export const meta = (body: Body): ReadonlyArray<Piece.Piece> => {
  const id = typeof body.id === "string" ? body.id : undefined
  const modelId = typeof body.model === "string" ? body.model : undefined
  if (id === undefined && modelId === undefined) return []
  const seconds = body.created_at
  const created = typeof seconds === "number" ? DateTime.make(seconds * 1000) : Option.none()
  return [{ _tag: "Meta", id, modelId, timestamp: Option.getOrUndefined(Option.map(created, DateTime.formatIso)) }]
}

const usage = (body: Body): ReadonlyArray<Piece.Piece> => {
  const usage = Option.getOrUndefined(decodeUsage(body.usage))
  if (usage === undefined) return []
  return [
    usagePiece(
      { total: usage.input_tokens, details: usage.input_tokens_details },
      { total: usage.output_tokens, details: usage.output_tokens_details }
    )
  ]
}
