/** One item of a response's output, as pieces: a message, reasoning, or a function call. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Piece from "../internal/Piece.ts"
import * as Carried from "./Carried.ts"

const nullish = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const texts = nullish(Schema.Array(Schema.Struct({ text: nullish(Schema.String), refusal: nullish(Schema.String) })))

const Message = Schema.Struct({ type: Schema.Literal("message"), phase: nullish(Schema.String), content: texts })

const Reasoning = Schema.Struct({
  type: Schema.Literal("reasoning"),
  summary: texts,
  content: texts,
  encrypted_content: nullish(Schema.String)
})

const FunctionCall = Schema.Struct({
  type: Schema.Literal("function_call"),
  id: Schema.optional(Schema.Unknown),
  call_id: Schema.optional(Schema.Unknown),
  name: nullish(Schema.String),
  /** JSON text; some hosts send the object itself. */
  arguments: Schema.optional(Schema.Unknown),
  status: nullish(Schema.String)
})

const Item = Schema.Union([Message, Reasoning, FunctionCall])
export type Item = typeof Item.Type

const decodeItem = Schema.decodeUnknownOption(Item)

/** The item; `undefined` for a kind nobody asked for. Fails, saying why, where a known kind has another shape. */
export const read = (value: unknown): Result.Result<Item | undefined, string> => {
  const found = decodeItem(value)
  if (Option.isSome(found)) return Result.succeed(found.value)
  const type = Predicate.hasProperty(value, "type") ? value.type : undefined
  return typeof type !== "string" || type === "message" || type === "reasoning" || type === "function_call"
    ? Result.fail("an item of the output has another shape")
    : Result.succeed(undefined)
}

/** Where an item stands in the output, which lane asked, and whether it was told already, piece by piece. */
export interface Place {
  readonly block: string
  readonly index: number | undefined
  readonly lane: string
  readonly isTold: boolean
}

/** What there is to say of an item that is done. */
export const pieces = (item: Item, { block, index, isTold, lane }: Place): ReadonlyArray<Piece.Piece> => {
  const untold = (parts: ReadonlyArray<{ readonly text?: string | null | undefined }>, separator: string) =>
    isTold ? "" : parts.map((part) => part.text ?? "").join(separator)
  switch (item.type) {
    case "message": {
      const content = item.content ?? []
      const metadata = Carried.ofMessage(item.phase)
      const refusals = content.flatMap(({ refusal }): ReadonlyArray<Piece.Piece> =>
        filled(refusal) === undefined ? [] : [{ _tag: "Refusal", text: refusal ?? "" }]
      )
      return [{ _tag: "Text", text: untold(content, ""), block, metadata }, ...refusals]
    }
    case "reasoning": {
      const thoughts = item.summary?.length ? item.summary : (item.content ?? [])
      const metadata = Carried.ofReasoning(item.encrypted_content, lane)
      return [{ _tag: "Reasoning", text: untold(thoughts, "\n\n"), block, metadata }]
    }
    case "function_call":
      // A call that was cut is no call; the end of the response says what cut it.
      return isCut(item) ? [] : [call(item, index, isTold ? "" : params(item.arguments), true)]
  }
}

/** A call, begun or done. */
export const call = (
  { call_id, id, name }: typeof FunctionCall.Type,
  index: number | undefined,
  params: string,
  complete: boolean
): Piece.Piece => ({ _tag: "ToolCall", index, id: filled(call_id) ?? filled(id), name: filled(name), params, complete })

/** Whether the parameters of a call were cut, even if what is left of them can be read. */
export const isCut = (item: Item | undefined): boolean => item?.type === "function_call" && item.status === "incomplete"

const params = (value: unknown): string => {
  if (value === undefined || value === null) return ""
  return typeof value === "string" ? value : JSON.stringify(value)
}

/** A string that says something. */
const filled = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)
