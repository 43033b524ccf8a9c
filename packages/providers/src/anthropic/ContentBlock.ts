/** The blocks of an answer, whole or as a stream begins them. Kinds we do not know are let through. */
import * as Schema from "effect/Schema"
import type * as Piece from "../internal/Piece.ts"

const nullish = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

export const ContentBlock = Schema.Struct({
  type: Schema.String,
  text: nullish(Schema.String),
  thinking: nullish(Schema.String),
  signature: nullish(Schema.String),
  data: nullish(Schema.String),
  id: nullish(Schema.String),
  name: nullish(Schema.String),
  input: Schema.optional(Schema.Unknown)
})
export type ContentBlock = typeof ContentBlock.Type

/** The pieces of a block that stands at `index`, as far as they are known. Tool calls of a stream follow in fragments. */
export const pieces = (block: ContentBlock, index: number, isWhole: boolean): ReadonlyArray<Piece.Piece> => {
  const place = String(index)
  switch (block.type) {
    case "text":
      return [{ _tag: "Text", text: block.text ?? "", block: place }]
    case "thinking":
      return [
        { _tag: "Reasoning", text: block.thinking ?? "", block: place, metadata: named("signature", block.signature) }
      ]
    case "redacted_thinking":
      return [{ _tag: "Reasoning", text: "", block: place, metadata: named("redactedData", block.data) }]
    case "tool_use":
      return [
        {
          _tag: "ToolCall",
          index,
          id: block.id ?? undefined,
          name: block.name ?? undefined,
          params: isWhole ? params(block.input) : "",
          complete: isWhole
        }
      ]
    default:
      return []
  }
}

/** What goes back with the part: the API proves by it that the thoughts are its own. */
export const named = (name: string, value: string | null | undefined): Piece.Metadata | undefined =>
  value === undefined || value === null || value === "" ? undefined : { anthropic: { [name]: value } }

export const params = (input: unknown): string => JSON.stringify(input ?? {})
