/** A whole Messages answer, as pieces. */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Piece from "../internal/Piece.ts"
import * as Trouble from "../internal/Trouble.ts"
import * as ContentBlock from "./ContentBlock.ts"
import * as Stop from "./Stop.ts"
import * as Tokens from "./Tokens.ts"

const Message = Schema.Struct({
  id: Schema.optional(Schema.Unknown),
  model: Schema.optional(Schema.Unknown),
  content: Schema.Array(ContentBlock.ContentBlock),
  stop_reason: Schema.optional(Schema.NullOr(Schema.String)),
  usage: Schema.optional(Schema.Unknown)
})

const decodeMessage = Schema.decodeUnknownOption(Message)

export const readWhole = (body: unknown): Result.Result<ReadonlyArray<Piece.Piece>, Trouble.Trouble> => {
  const message = Option.getOrUndefined(decodeMessage(body))
  if (message === undefined) return Result.fail(Trouble.wrongShape(body, "the answer is no message"))
  const { content, stop_reason } = message
  const hasContent = content.some((block) => block.type === "tool_use" || (block.text ?? "") !== "")
  const trouble = Stop.trouble(stop_reason, hasContent, { kind: "response-200", body })
  if (trouble !== undefined) return Result.fail(trouble)
  return Result.succeed([
    ...meta(message),
    ...content.flatMap((block, index) => ContentBlock.pieces(block, index, true)),
    ...Tokens.pieces(Tokens.read(message.usage)),
    { _tag: "Finish", reason: Stop.finishReason(stop_reason) }
  ])
}

/** What the provider calls the answer. */
export const meta = (message: { readonly id?: unknown; readonly model?: unknown }): ReadonlyArray<Piece.Piece> => {
  const id = text(message.id)
  const modelId = text(message.model)
  return id === undefined && modelId === undefined ? [] : [{ _tag: "Meta", id, modelId }]
}

/** A string that says something. */
const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)
